"""The Python client: `JarvisClient` for asyncio, `BlockingClient` for everything else.

async with JarvisClient("127.0.0.1:50051") as client:
    async for event in client.stream([{"role": "user", "content": "Hello"}], max_tokens=64):
        if isinstance(event, Delta):
            print(event.text, end="")
"""

from jarvis.client.blocking import BlockingClient
from jarvis.client.channel import TLS
from jarvis.client.client import JarvisClient
from jarvis.client.errors import CannotConnect, JarvisClientError
from jarvis.client.events import Answer, Choice, Event, Finished, Started, Timings
from jarvis.client.info import (
    AdapterInfo,
    AdapterState,
    HealthStatus,
    ModelInfo,
    ModelStatus,
    ServerStatus,
    State,
    TokenCount,
)
from jarvis.client.requests import GenerateOptions, Prompt
from jarvis_ports.errors import FieldViolation
from jarvis_ports.llm import (
    Constraint,
    Delta,
    FinishReason,
    Message,
    Role,
    StructuredOutput,
    TokenLogprob,
    TopLogprob,
    Usage,
)

__all__ = [
    "TLS",
    "AdapterInfo",
    "AdapterState",
    "Answer",
    "BlockingClient",
    "CannotConnect",
    "Choice",
    "Constraint",
    "Delta",
    "Event",
    "FieldViolation",
    "FinishReason",
    "Finished",
    "GenerateOptions",
    "HealthStatus",
    "JarvisClient",
    "JarvisClientError",
    "Message",
    "ModelInfo",
    "ModelStatus",
    "Prompt",
    "Role",
    "ServerStatus",
    "Started",
    "State",
    "StructuredOutput",
    "Timings",
    "TokenCount",
    "TokenLogprob",
    "TopLogprob",
    "Usage",
]
