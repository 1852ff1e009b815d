"""The further weights (LoRA) that an engine has."""

import asyncio
import re
from contextlib import suppress
from itertools import count
from pathlib import Path

from vllm.lora.request import LoRARequest
from vllm.v1.engine.async_llm import AsyncLLM

from jarvis_adapters.vllm.errors import dead
from jarvis_adapters.vllm.failures import FailureLog
from jarvis_adapters.vllm.lora_files import check
from jarvis_adapters.vllm.lora_room import room
from jarvis_ports.errors import EngineDead, EngineFailure, EngineStartFailed

_WORKERS = re.compile(r"Worker failed with error '(.*)', please check", re.DOTALL)
_CALL = "Call to add_lora method failed: "


class Weights:
    """Loads and unloads further weights, by name.

    The engine loads weights again, from their files, that it has put out to make room; where these have gone
    meanwhile, it dies. So it is never given more than it has room for. It knows weights by a number that is
    never used again, as what it keeps of prompts is kept by that.

    Args:
        engine: the engine.
        failures: what it takes note of as it fails to load weights is forgotten: the engine lives on.
    """

    def __init__(self, engine: AsyncLLM, failures: FailureLog) -> None:
        self._engine = engine
        self._failures = failures
        self._loaded: dict[str, LoRARequest] = {}
        self._numbers = count(1)
        self._turn = asyncio.Lock()

    def request(self, name: str) -> LoRARequest | None:
        """Return what the engine knows weights by; None for those of the model alone.

        Raises:
            EngineFailure: no weights of this name are loaded.
        """
        if not name:
            return None
        if name not in self._loaded:
            raise EngineFailure(f"the weights {name!r} are not loaded")
        return self._loaded[name]

    async def load(self, name: str, folder: Path) -> None:
        """See `TakesWeights.load_weights`."""
        async with self._turn:
            if name in self._loaded:
                return
            await self._check(folder)
            number = next(self._numbers)
            wanted = LoRARequest(f"{name}-{number}", number, str(folder))
            try:
                with dead():
                    loaded = await self._engine.add_lora(wanted)
            except EngineDead:
                raise
            except asyncio.CancelledError:  # the engine, which has been told, loads it all the same
                with suppress(EngineDead):
                    await self._remove(number)
                raise
            except Exception as error:
                await self._remove(number)
                self._failures.clear()
                raise EngineStartFailed(f"{folder}: {_cause(error)}") from error
            if not loaded:
                raise EngineStartFailed(f"{folder}: the engine did not load it")
            self._loaded[name] = wanted

    async def unload(self, name: str) -> None:
        """See `TakesWeights.unload_weights`."""
        async with self._turn:
            if wanted := self._loaded.pop(name, None):
                await self._remove(wanted.lora_int_id)

    async def _check(self, folder: Path) -> None:
        config = self._engine.vllm_config
        if not config.lora_config:
            raise EngineStartFailed(
                "the engine takes no LoRA: set engine_args.enable_lora of its model to true"
            )
        base, rank = Path(config.model_config.model), config.lora_config.max_lora_rank
        await asyncio.to_thread(check, folder, base, rank)
        most = room(config.lora_config.max_cpu_loras or config.lora_config.max_loras)
        if len(self._loaded) >= most:
            raise EngineStartFailed(
                f"the engine has {most} LoRA already, and room for no other: raise engine_args.max_loras"
            )

    async def _remove(self, number: int) -> None:
        with dead():
            await self._engine.remove_lora(number)


def _cause(error: Exception) -> str:
    """Return what went wrong in the engine, out of what it says of the call that failed."""
    message = str(error).removeprefix(_CALL)
    if found := _WORKERS.search(message):
        return found[1]
    return message or type(error).__name__
