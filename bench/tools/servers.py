"""The servers that are asked, each with the same engine and the same sampling."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import aiohttp

from bench.frontend.openai_server import healthy
from bench.frontend.server import grpc_serving, running
from bench.jarvis_serve import GENERATION_ALONE
from bench.jarvis_serve import command as jarvis_command
from bench.tools.questions import TOOLS
from bench.vllm_serve import command
from jarvis.client import JarvisClient
from jarvis_adapters.vllm.memory import is_cpu_build
from jarvis_adapters.vllm.settings import VLLMSettings, engine_args

MODES = ("auto", "auto, strict", "required")
SAMPLING: Mapping[str, Any] = {"temperature": 0, "max_tokens": 200}
START_SECONDS = 600
LENGTH = 4096


@dataclass(frozen=True)
class Called:
    """A call of a tool."""

    name: str
    arguments: str


Ask = Callable[[str, str], Awaitable[list[Called]]]
"""Asks a question in a mode, and returns the calls of the answer."""


@asynccontextmanager
async def _jarvis(model: str, parser: str) -> AsyncIterator[Ask]:
    def line(port: int) -> list[str]:
        sets = [
            f'models.asked.settings.model="{model}"',
            f"models.asked.settings.max_model_len={LENGTH}",
            f"models.asked.settings.parsers.tools={parser}",
            "prompts.automatic=false",
        ]
        return jarvis_command(port, *sets, *GENERATION_ALONE)

    async with (
        running(line, grpc_serving, start_seconds=START_SECONDS) as port,
        JarvisClient(f"127.0.0.1:{port}", timeout=START_SECONDS) as client,
    ):

        async def ask(question: str, mode: str) -> list[Called]:
            strict = True if mode.endswith("strict") else None
            answer = await client.generate(
                [{"role": "user", "content": question}],
                tools=[replace(tool, strict=strict) for tool in TOOLS],
                tool_choice="required" if mode == "required" else "auto",
                **SAMPLING,
            )
            return [Called(call.name, call.arguments) for call in answer.tool_calls]

        yield ask


@asynccontextmanager
async def _openai(model: str, parser: str) -> AsyncIterator[Ask]:
    engine = engine_args(VLLMSettings(model=model, max_model_len=LENGTH), cpu=is_cpu_build())

    def line(port: int) -> list[str]:
        return [*command(port, engine), "--enable-auto-tool-choice", "--tool-call-parser", parser]

    async with (
        aiohttp.ClientSession() as session,
        running(line, partial(healthy, session), start_seconds=START_SECONDS) as port,
    ):

        async def ask(question: str, mode: str) -> list[Called]:
            body = {
                "model": model,
                "messages": [{"role": "user", "content": question}],
                "tools": [_function(strict=mode.endswith("strict"), number=n) for n in range(len(TOOLS))],
                "tool_choice": "required" if mode == "required" else "auto",
                **SAMPLING,
            }
            url = f"http://127.0.0.1:{port}/v1/chat/completions"
            async with session.post(url, json=body, raise_for_status=True) as response:
                (choice,) = (await response.json())["choices"]
            calls = choice["message"].get("tool_calls") or []
            return [Called(call["function"]["name"], call["function"]["arguments"]) for call in calls]

        yield ask


def _function(*, strict: bool, number: int) -> dict[str, Any]:
    tool = TOOLS[number]
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": json.loads(tool.parameters or "{}"),
        **({"strict": True} if strict else {}),
    }
    return {"type": "function", "function": function}


SERVERS: dict[str, Callable[[str, str], AbstractAsyncContextManager[Ask]]] = {
    "Jarvis": _jarvis,
    "vLLM's OpenAI server": _openai,
}
