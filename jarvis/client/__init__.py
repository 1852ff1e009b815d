"""The Python client: `JarvisClient` for asyncio, `BlockingClient` for everything else.

async with JarvisClient("127.0.0.1:50051") as client:
    async for event in client.stream([{"role": "user", "content": "Hello"}], max_tokens=64):
        if isinstance(event, Delta):
            print(event.text, end="")
"""

from jarvis.client.blocking import BlockingClient
from jarvis.client.channel import TLS
from jarvis.client.client import JarvisClient
from jarvis.client.embedding import Embeddings, EmbedOptions
from jarvis.client.errors import CannotConnect, JarvisClientError
from jarvis.client.events import (
    Answer,
    Choice,
    Citation,
    Event,
    Finished,
    Retrieved,
    Routing,
    RoutingReason,
    SkippedModel,
    Started,
    Timings,
)
from jarvis.client.explanation import PromptExplanation
from jarvis.client.filter_json import parse_filter
from jarvis.client.info import (
    AdapterInfo,
    AdapterState,
    ComponentStatus,
    Gpu,
    HealthLevel,
    HealthStatus,
    ModelInfo,
    ModelStatus,
    Objective,
    Quantiles,
    Recent,
    RouteInfo,
    ServerStatus,
    State,
    TokenCount,
)
from jarvis.client.requests import GenerateOptions, Prompt, PromptOptions, Retrieval
from jarvis.client.retrieval_types import (
    ChunkSource,
    Collection,
    Diagnosis,
    Document,
    Duplicate,
    Hit,
    IndexOptions,
    IngestedDocument,
    IngestFinished,
    Outcome,
    SearchMode,
    SearchResult,
    StoredDocument,
)
from jarvis_ports.difficulty import Signal
from jarvis_ports.embedding import TextRole
from jarvis_ports.errors import FieldViolation
from jarvis_ports.filters import And, Equals, Exists, Filter, In, Not, Or, Range, Value
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
from jarvis_ports.store import IndexSettings, Progress, Row, Space

__all__ = [
    "TLS",
    "AdapterInfo",
    "AdapterState",
    "And",
    "Answer",
    "BlockingClient",
    "CannotConnect",
    "Choice",
    "ChunkSource",
    "Citation",
    "Collection",
    "ComponentStatus",
    "Constraint",
    "Delta",
    "Diagnosis",
    "Document",
    "Duplicate",
    "EmbedOptions",
    "Embeddings",
    "Equals",
    "Event",
    "Exists",
    "FieldViolation",
    "Filter",
    "FinishReason",
    "Finished",
    "GenerateOptions",
    "Gpu",
    "HealthLevel",
    "HealthStatus",
    "Hit",
    "In",
    "IndexOptions",
    "IndexSettings",
    "IngestFinished",
    "IngestedDocument",
    "JarvisClient",
    "JarvisClientError",
    "Message",
    "ModelInfo",
    "ModelStatus",
    "Not",
    "Objective",
    "Or",
    "Outcome",
    "Progress",
    "Prompt",
    "PromptExplanation",
    "PromptOptions",
    "Quantiles",
    "Range",
    "Recent",
    "Retrieval",
    "Retrieved",
    "Role",
    "RouteInfo",
    "Routing",
    "RoutingReason",
    "Row",
    "SearchMode",
    "SearchResult",
    "ServerStatus",
    "Signal",
    "SkippedModel",
    "Space",
    "Started",
    "State",
    "StoredDocument",
    "StructuredOutput",
    "TextRole",
    "Timings",
    "TokenCount",
    "TokenLogprob",
    "TopLogprob",
    "Usage",
    "Value",
    "parse_filter",
]
