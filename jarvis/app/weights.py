"""Finds the files of weights that a model gets beside its own, and makes what loads some at run time."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from jarvis.app.config import Config, lora_settings
from jarvis.app.config.lora import LORA
from jarvis.core.admission import Scopes
from jarvis.core.generation.run_time_weights import RunTimeWeights
from jarvis.core.generation.weights import open_weights
from jarvis.core.lifecycle.component import WhenUnwell
from jarvis.core.lifecycle.components import Components
from jarvis.core.lifecycle.requests import Requests
from jarvis.core.routing import Routes
from jarvis.core.routing.breaker import CircuitBreaker
from jarvis.core.routing.model import Model, Terms
from jarvis_ports.errors import EngineStartFailed
from jarvis_ports.values import WeightsRequest

CONFIG, TENSORS = "adapter_config.json", "adapter_model.safetensors"
"""The files that PEFT writes: https://huggingface.co/docs/peft/developer_guides/checkpoint"""


def make_weights(
    config: Config, routes: Routes, components: Components, requests: Requests, scopes: Scopes
) -> RunTimeWeights:
    """Return what loads weights at run time; their models have the bounds of those without them."""
    folders = config.server.weights_folders

    def make(wanted: WeightsRequest, base: Model, find: Callable[[], Path]) -> Model:
        return make_lora(config, scopes, wanted.name, base, find, base.terms)

    return RunTimeWeights(
        {
            name: WeightsRequest(settings.base, name, settings.path)
            for name, model in config.models.items()
            if (settings := lora_settings(model))
        },
        routes=routes,
        components=components,
        requests=requests,
        find=partial(find_weights, folders=folders) if folders else None,
        make=make,
        drain_timeout_seconds=config.server.drain_timeout_seconds,
    )


def make_lora(  # noqa: PLR0913, PLR0917 - all that it is made of
    config: Config, scopes: Scopes, name: str, base: Model, find: Callable[[], Path], terms: Terms
) -> Model:
    """Return a model that is another one with further weights, in its engine."""
    opener, breaker = partial(open_weights, name, base, find), config.circuit_breaker
    return Model(
        name,
        LORA,
        opener,
        WhenUnwell.RETRY,
        after=base,
        terms=terms,
        scopes=scopes,
        breaker=CircuitBreaker(breaker.failures, breaker.open_seconds),
    )


def find_weights(path: str, folders: Sequence[str]) -> Path:
    """Return the folder of weights, without symbolic links, once its files are found to be there.

    Args:
        path: where it should be.
        folders: those in which it, and its files, must lie.

    Raises:
        EngineStartFailed: it lies elsewhere, or is not what PEFT writes for a LoRA.
    """
    allowed = [Path(folder).expanduser().resolve() for folder in folders]
    try:
        found = Path(path).expanduser().resolve()
        for file in (found, found / CONFIG, found / TENSORS):
            if not any(file.resolve().is_relative_to(folder) for folder in allowed):
                raise EngineStartFailed(f"{file} is, or leads, outside of server.weights_folders")
            if not (file.is_dir() if file is found else file.is_file()):
                raise EngineStartFailed(f"{file} does not exist")
    except (OSError, ValueError, RuntimeError) as error:  # such as a link to itself, or a name that cannot be
        raise EngineStartFailed(f"{path!r} cannot be looked at: {error}") from None
    try:
        described = json.loads((found / CONFIG).read_text(encoding="utf-8"))
        kind = described["peft_type"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise EngineStartFailed(f"{found / CONFIG} cannot be read: {error!r}") from None
    if kind != "LORA":
        raise EngineStartFailed(f"{found / CONFIG}: the weights are of the kind {kind!r}, not LORA")
    return found
