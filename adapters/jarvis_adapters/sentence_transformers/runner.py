"""Runs batches through a loaded model, one at a time."""

import copy
import logging
import traceback
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, Generic, TypeVar, cast

import numpy as np
import torch

from jarvis_adapters.sentence_transformers.errors import (
    first_line,
    free_memory,
    is_fatal,
    is_out_of_memory,
)
from jarvis_ports.embedding import Matrix
from jarvis_ports.errors import EngineDead, EngineFailure

logger = logging.getLogger(__name__)

M = TypeVar("M")
T = TypeVar("T")


class Runner(Generic[M]):
    """A model and how it is run.

    Attributes:
        batch_precision: the precision for batches of more than one item, "float32" or "bfloat16".
        down: why it can no longer be run; empty while it can.
    """

    def __init__(self, model: M) -> None:
        self._model: M | None = model
        self._reduced: M | None = None
        self._in_use = Lock()
        self.batch_precision = "float32"
        self.down = ""

    def run(self, items: Sequence[T], forward: Callable[[M, Sequence[T]], Any]) -> Matrix:
        """Return what `forward` makes of a batch, after that of another thread; see `Embedder.embed`."""
        with self._in_use:
            return self._run(items, forward)

    def _run(self, items: Sequence[T], forward: Callable[[M, Sequence[T]], Any]) -> Matrix:
        """Run a batch; one that does not fit in memory is halved."""
        if self.down or self._model is None:
            raise EngineDead(self.down)
        reduced = self.batch_precision == "bfloat16" and len(items) > 1
        try:
            model, device = self._model, self._model.device.type  # type: ignore[attr-defined]
            if reduced and device == "cpu":
                if self._reduced is None:
                    self._reduced = with_bfloat16_weights(model)
                model = self._reduced
            with torch.autocast(device, torch.bfloat16, enabled=reduced):
                return np.asarray(forward(model, items), np.float32)
        except Exception as error:  # noqa: BLE001 - torch, and any model's own code
            said, fatal, memory = first_line(error), is_fatal(error), is_out_of_memory(error)
            logger.warning("a batch of %d texts failed:\n%s", len(items), traceback.format_exc())
        # Not raised above, nor logged as an object: the error would keep its frames, and the tensors in them.
        free_memory()
        if fatal:
            self.down = said
            raise EngineDead(said)
        if memory and len(items) > 1:
            half = len(items) // 2
            return np.concatenate([self._run(items[:half], forward), self._run(items[half:], forward)])
        raise EngineFailure(said)

    def drop(self) -> None:
        """Drop the model, after the batch that runs."""
        with self._in_use:
            self._model = self._reduced = None


def with_bfloat16_weights(model: M) -> M:
    """Return a model that shares all with another, but for the weights of its linear layers.

    Autocast would make the same bfloat16 of them, anew for each batch.
    """
    module = cast("torch.nn.Module", model)
    shared = {id(tensor): tensor for tensor in (*module.parameters(), *module.buffers())}
    reduced: torch.nn.Module = copy.deepcopy(module, dict(shared))
    for layer in reduced.modules():
        if isinstance(layer, torch.nn.Linear):
            for name, parameter in list(layer.named_parameters(recurse=False)):
                setattr(layer, name, torch.nn.Parameter(parameter.to(torch.bfloat16), requires_grad=False))
    return cast("M", reduced)
