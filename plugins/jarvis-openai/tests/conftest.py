"""A stand-in for servers, for what a real one cannot be made to say."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from jarvis_openai import open_llm
from jarvis_openai.settings import OpenAISettings


class StandIn:
    """Answers each path as `says` has it, and else as a server does that knows OpenAI's API alone."""

    def __init__(self):
        self.says = {}
        self.asked = []
        self.left = asyncio.Event()

    async def handle(self, request):
        body = await request.json() if request.can_read_body else None
        self.asked.append((request.path, body, request.headers))
        if say := self.says.get(request.path):
            return await say(request, body)
        if request.path == "/v1/models":
            return web.json_response({"data": [{"id": "m", "owned_by": "somebody"}]})
        if request.path == "/v1/chat/completions":
            return await streamed(request) if body.get("stream") else web.json_response({"choices": []})
        return web.json_response({"error": {"message": "no such thing"}}, status=404)

    def bodies(self, path="/v1/chat/completions"):
        return [body for asked, body, _ in self.asked if asked == path]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1"


def delta(text=None, finish=None, **fields):
    """A part of a chat."""
    told = {"content": text, **fields} if text is not None or fields else {}
    return {"choices": [{"index": 0, "delta": told, "finish_reason": finish}]}


USAGE = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}
ANSWER = [delta("Hel"), delta("lo"), delta(finish="stop"), USAGE]


async def streamed(request, parts=ANSWER, *, done=True, pause=0):
    """Stream parts, with a pause after each."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for part in parts:
        await response.write(b"data: " + json.dumps(part).encode() + b"\n\n")
        await asyncio.sleep(pause)
    if done:
        await response.write(b"data: [DONE]\n\n")
    return response


@asynccontextmanager
async def serving():
    """Run a stand-in."""
    server = StandIn()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.port = site._server.sockets[0].getsockname()[1]
    server.stop = runner.cleanup
    try:
        yield server
    finally:
        await runner.cleanup()


@pytest.fixture
async def server():
    async with serving() as one:
        yield one


@pytest.fixture
async def another():
    async with serving() as one:
        yield one


@pytest.fixture
def stream():
    return streamed


@pytest.fixture
def part():
    return delta


@pytest.fixture
def usage():
    return USAGE


@pytest.fixture
def opened():
    """Open the language model on stand-ins."""

    def opened(*servers, **settings):
        urls = [server.url for server in servers]
        given = {"context_length": 100, "health_seconds": 0.1, "base_urls": urls, **settings}
        return open_llm(OpenAISettings.model_validate(given))

    return opened
