"""The real vLLM on a real model, in a server process of its own."""

import asyncio
import os
import shutil
import signal
import sys
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import grpc
import psutil
import pytest

from bench import tiny_model
from jarvis.models.catalogue import DEMO_MODEL
from tests.engine.support import START

if WORKER := os.environ.get("PYTEST_XDIST_WORKER"):  # whose engines have a CPU of their own
    CPUS = sorted(os.sched_getaffinity(0))
    os.environ["VLLM_CPU_OMP_THREADS_BIND"] = str(CPUS[int(WORKER.removeprefix("gw")) % len(CPUS)])
HOUSE = " ".join(
    f"Rule {number}: where somebody asks about part {number} of the machine, name its page in the manual."
    for number in range(1, 17)
)
"""A template that fills some blocks of the engine's prefix cache."""


class ServerProcess:
    """`jarvis serve` on a socket, with its log in a file."""

    def __init__(self, process, address, log):
        self.process = process
        self.address = address
        self.log = log
        self.ps = psutil.Process(process.pid)

    def engines(self):
        """The processes of the engine: vLLM names them."""
        return self.titled("VLLM")

    def titled(self, part):
        """The processes that it has started, with this in their name or command line."""
        return [p for p in self.ps.children(recursive=True) if part in self._title(p)]

    @staticmethod
    def _title(process):
        with suppress(psutil.NoSuchProcess):
            return " ".join([process.name(), *process.cmdline()])
        return ""

    def core(self):
        """The engine's main process."""
        return next(process for process in self.engines() if "EngineCore" in self._title(process))

    def worker(self):
        """The engine's process that computes."""
        return next(process for process in self.engines() if "Worker" in self._title(process))

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    async def exit_code(self, within=60):
        return await asyncio.wait_for(self.process.wait(), within)


def command(folder, *sets):
    """The command line of `jarvis serve`, its environment, and the address that it listens on."""
    address = f"unix:{folder}/jarvis.sock"
    line = [str(Path(sys.executable).parent / "jarvis"), "serve"]
    for pair in (f'server.listen=["{address}"]', 'http.listen="127.0.0.1:0"', *sets):
        line += ["--set", pair]
    return line, {**os.environ, "JARVIS_DATA_DIR": str(folder / "data"), **no_compiler(folder)}, address


def no_compiler(folder):
    """What a slim image has: no compiler to be found, and nothing that was compiled before.

    What vLLM finds out about a model's class, by importing itself once more, is kept for the next server.
    """
    programs = folder / "bin"
    if not programs.exists():
        programs.mkdir()
        (programs / "lscpu").symlink_to(shutil.which("lscpu"))  # which vLLM asks for the CPUs
        known = folder.parents[1 if WORKER else 0] / "modelinfos"
        known.mkdir(exist_ok=True)
        (folder / "compiled/VLLM_CACHE_ROOT").mkdir(parents=True)
        (folder / "compiled/VLLM_CACHE_ROOT/modelinfos").symlink_to(known)
    caches = ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "VLLM_CACHE_ROOT")
    return {"PATH": str(programs), **{name: str(folder / "compiled" / name) for name in caches}}


@asynccontextmanager
async def serving(folder, *sets):
    """Run `jarvis serve`; whatever it has started is gone when this is left."""
    line, env, address = command(folder, *sets)
    log = folder / "server.log"
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *line, stderr=stderr, stdout=stderr, cwd=folder, env=env
        )
    server = ServerProcess(process, address, log)
    try:
        yield server
    finally:
        if process.returncode is None:
            children = server.ps.children(recursive=True)
            server.terminate()
            try:
                await server.exit_code()
            finally:
                for child in [*children, *([server.ps] if process.returncode is None else [])]:
                    if child.is_running():
                        child.kill()


@asynccontextmanager
async def tree(process):
    """List what a process has started, when asked; all of it is gone when this is left."""
    ps = psutil.Process(process.pid)
    started = []

    def listed():
        started.extend(ps.children(recursive=True))
        return list(started)

    try:
        yield listed
    finally:
        if process.returncode is None:
            listed()
            process.kill()
            await process.wait()
        for one in started:
            if one.is_running():
                one.kill()


async def until_serving(server, peer, service=""):
    """Wait until health says SERVING; fail with the end of the server's log where it does not."""
    serving = asyncio.create_task(peer.serving(START, service))
    ended = asyncio.create_task(server.process.wait())
    await asyncio.wait([serving, ended], return_when=asyncio.FIRST_COMPLETED)
    ended.cancel()
    if not serving.done() or serving.exception():
        serving.cancel()
        pytest.fail(server.log.read_text()[-5000:])


@pytest.fixture(scope="session")
def serve():
    return serving


@pytest.fixture(scope="session")
def process_tree():
    return tree


@pytest.fixture(scope="session")
def serve_command():
    return command


@pytest.fixture(scope="session")
def ready():
    return until_serving


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """A one-layer model with random weights."""
    return tiny_model.make(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def tiny(tiny_folder):
    """Settings for that model, named `tiny`, alone."""
    model = [
        f'models.tiny.settings.model="{tiny_folder}"',
        "models.tiny.settings.dtype=float32",
        f"models.tiny.settings.engine_args.kv_cache_memory_bytes={2**28}",
    ]
    return [*model, "embedder.adapter=none", "store.adapter=none"]


@asynccontextmanager
async def shared(folder, connect, *sets):
    """Run a server for many tests; yield a caller who knows its process."""
    disk = f'{{adapter="diskcache", settings={{path="{folder}/cache"}}}}'
    cache = f'cache=[{{adapter="memory"}}, {disk}]'
    sets = ["server.drain_delay_seconds=0", "server.drain_timeout_seconds=2", cache, *sets]
    async with serving(folder, *sets) as server, connect(server.address) as peer:
        await until_serving(server, peer)
        peer.process = server
        yield peer


@pytest.fixture(scope="session")
def share():
    return shared


@pytest.fixture(scope="session")
async def engine(tmp_path_factory, connect):
    """The default configuration on the demo model, which reranks too; with a template, `house`, and tools."""
    folder = tmp_path_factory.mktemp("engine")
    (folder / "house.txt").write_text(HOUSE)
    template = f'prompts.templates.house.file="{folder}/house.txt"'
    settings = f'models."{DEMO_MODEL}".settings'
    template_of_tools = f'{settings}.chat_template="{Path(__file__).with_name("tools.jinja")}"'
    model = (f"{settings}.model={DEMO_MODEL}", template_of_tools)
    reranker = ("reranker.adapter=llm", f"reranker.model={DEMO_MODEL}")
    async with shared(folder, connect, template, *model, *reranker) as peer:
        peer.house = HOUSE
        yield peer


def gone(processes, within=60):
    """Wait until processes have ended, and return those that have not."""
    deadline = time.monotonic() + within
    alive = list(processes)
    while alive and time.monotonic() < deadline:
        time.sleep(0.1)
        alive = [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    return alive


@pytest.fixture(scope="session")
def still_there():
    return gone


@pytest.fixture
def outcome(rest):
    """Read a stream that has to fail soon, and return its code."""

    async def code(call):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asyncio.wait_for(rest(call), 30)
        return caught.value.code().name

    return code
