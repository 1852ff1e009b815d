"""vLLM's own OpenAI server, which sends server-sent events."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import aiohttp

from bench.frontend.load import Generate, Reply
from bench.frontend.server import running
from bench.vllm_serve import command


@asynccontextmanager
async def start(
    engine: dict[str, Any], environment: Mapping[str, str] | None = None
) -> AsyncIterator[Generate]:
    """Run the server; its client parses the JSON of every event, as any client must to get the text."""
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
        running(partial(command, arguments=engine), partial(healthy, session), environment) as port,
    ):
        url = f"http://127.0.0.1:{port}/v1/completions"

        async def generate(prompt: str, tokens: int) -> Reply:
            body = {
                "model": engine["model"],
                "prompt": prompt,
                "max_tokens": tokens,
                "temperature": 0,
                "ignore_eos": True,
                "stream": True,
                "stream_options": {"include_usage": True},
            }
            begin = time.perf_counter()
            ttft = 0.0
            received = 0
            async with session.post(url, json=body, raise_for_status=True) as response:
                async for line in response.content:
                    if not line.startswith(b"data: {"):
                        continue
                    event = json.loads(line[len(b"data: ") :])
                    if event["choices"]:
                        ttft = ttft or time.perf_counter() - begin
                    else:
                        received = event["usage"]["completion_tokens"]
            return Reply(ttft, received)

        yield generate


async def healthy(session: aiohttp.ClientSession, port: int) -> bool:
    """Return whether the server on this port is ready."""
    try:
        async with session.get(f"http://127.0.0.1:{port}/health") as response:
            return response.status == 200
    except aiohttp.ClientConnectionError:
        return False
