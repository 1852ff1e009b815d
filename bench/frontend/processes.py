"""Several Jarvis servers on one engine, as `server.processes` would be: what they would gain at most.

A caller is sent to the servers in turn. Each has an event loop of its own and a client of the same engine, as
vLLM's own servers do with `--api-server-count`; nothing is shared between them.
"""

import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import cycle
from multiprocessing import get_context
from typing import Any

import grpc

from bench.frontend.jarvis_server import generating, model_sets
from bench.frontend.load import Generate, Reply
from bench.frontend.server import free_port, grpc_serving, running
from bench.jarvis_serve import GENERATION_ALONE, command
from jarvis.v1 import generation_pb2_grpc
from jarvis_adapters.vllm_plugin import SERVER_PID


@asynccontextmanager
async def start(engine: dict[str, Any], servers: int) -> AsyncIterator[Generate]:
    """Run so many servers on an engine with these arguments."""
    ports = [free_port() for _ in range(servers - 1)]

    def launched(port: int) -> list[str]:
        given = [json.dumps(engine), *map(str, (*ports, port))]
        return [sys.executable, "-m", "bench.frontend.processes", *given]

    async def all_serving(port: int) -> bool:
        return all([await grpc_serving(one) for one in (*ports, port)])

    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(running(launched, all_serving))
        calls = []
        for one in (*ports, port):
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{one}"))
            calls.append(generating(generation_pb2_grpc.GenerationServiceStub(channel)))
        turns = cycle(calls)

        async def generate(prompt: str, tokens: int) -> Reply:
            return await next(turns)(prompt, tokens)

        yield generate


start_2, start_4 = partial(start, servers=2), partial(start, servers=4)


def main() -> None:
    """Start an engine, and a server on each port; the arguments are the engine's as JSON, and the ports."""
    from vllm.engine.arg_utils import AsyncEngineArgs  # noqa: PLC0415 - takes seconds
    from vllm.v1.engine.utils import bind_engine_zmq_listeners, launch_core_engines  # noqa: PLC0415
    from vllm.v1.executor import Executor  # noqa: PLC0415

    os.environ[SERVER_PID] = str(os.getpid())  # has Jarvis's own extension of vLLM in the engine's processes
    engine, ports = json.loads(sys.argv[1]), [int(port) for port in sys.argv[2:]]
    args = AsyncEngineArgs(**engine)
    args._api_process_count, args._api_process_rank = len(ports), -1
    config = args.create_engine_config()
    listeners = bind_engine_zmq_listeners(config, len(ports))
    spawn = get_context("spawn")
    servers = []
    executor = Executor.get_class(config)
    with launch_core_engines(config, executor, log_stats=True, addresses=listeners.addresses) as launched:
        for index, port in enumerate(ports):
            given, taken = listeners.inputs[index], listeners.outputs[index]
            client = {
                "client_addresses": {
                    "input_address": given.address,
                    "output_address": taken.address,
                    "input_listener": given.socket,
                    "output_listener": taken.socket,
                },
                "client_count": len(ports),
                "client_index": index,
            }
            servers.append(spawn.Process(target=_serve, args=(engine, port, client)))
            servers[-1].start()
    signal.signal(signal.SIGTERM, lambda *_: [server.terminate() for server in servers])
    for server in servers:
        server.join()
    launched.engine_manager.shutdown()


def _serve(engine: dict[str, Any], port: int, client: dict[str, Any]) -> None:
    """Run a server whose engine is the one that runs already."""
    from vllm.v1.engine.async_llm import AsyncLLM  # noqa: PLC0415

    from jarvis.cli.main import main as jarvis  # noqa: PLC0415

    AsyncLLM.from_vllm_config = partial(AsyncLLM.from_vllm_config, **client)
    sys.exit(jarvis(command(port, *model_sets(engine), *GENERATION_ALONE)[1:]))


if __name__ == "__main__":
    main()
