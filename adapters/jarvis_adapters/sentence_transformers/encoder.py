"""Runs batches through a loaded model, one at a time."""

import logging
import traceback
from collections.abc import Mapping, Sequence
from threading import Lock

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from jarvis_adapters.sentence_transformers.errors import (
    first_line,
    free_memory,
    is_fatal,
    is_out_of_memory,
)
from jarvis_ports.embedding import Matrix, TextRole
from jarvis_ports.errors import EngineDead, EngineFailure

logger = logging.getLogger(__name__)


class Encoder:
    """A model and how it is run.

    Attributes:
        batch_precision: the precision for batches of more than one text, "float32" or "bfloat16".
        down: why it can no longer embed; empty while it can.
    """

    def __init__(self, model: SentenceTransformer, prompts: Mapping[TextRole, str]) -> None:
        self._model: SentenceTransformer | None = model
        self._prompts = prompts
        self._in_use = Lock()
        self.batch_precision = "float32"
        self.down = ""

    def encode(self, texts: Sequence[str], role: TextRole) -> Matrix:
        """See `jarvis_ports.embedding.Embedder.embed`; waits for the batch of another thread."""
        with self._in_use:
            return self._encode(texts, role)

    def _encode(self, texts: Sequence[str], role: TextRole) -> Matrix:
        """Encode a batch; one that does not fit in memory is halved."""
        if self.down or self._model is None:
            raise EngineDead(self.down)
        try:
            vectors = _forward(self._model, texts, role, self._prompts[role], self.batch_precision)
        except Exception as error:  # noqa: BLE001 - torch, and any model's own code
            said, fatal, memory = first_line(error), is_fatal(error), is_out_of_memory(error)
            logger.warning("a batch of %d texts failed:\n%s", len(texts), traceback.format_exc())
        else:
            return _unit(vectors)
        # Not raised above, nor logged as an object: the error would keep its frames, and the tensors in them.
        free_memory()
        if fatal:
            self.down = said
            raise EngineDead(said)
        if memory and len(texts) > 1:
            half = len(texts) // 2
            return np.concatenate([self._encode(texts[:half], role), self._encode(texts[half:], role)])
        raise EngineFailure(said)

    def drop(self) -> None:
        """Drop the model, after the batch that runs."""
        with self._in_use:
            self._model = None


def _forward(
    model: SentenceTransformer, texts: Sequence[str], role: TextRole, prompt: str, batch_precision: str
) -> Matrix:
    reduced = batch_precision == "bfloat16" and len(texts) > 1
    with torch.autocast(model.device.type, torch.bfloat16, enabled=reduced):
        vectors = model.encode(
            list(texts),
            prompt=prompt,  # given even if it is empty: None would mean the model's default
            task=role.value,
            batch_size=len(texts),
            show_progress_bar=False,
            convert_to_numpy=True,
        )
    return np.asarray(vectors, np.float32)


def _unit(vectors: Matrix) -> Matrix:
    """Scale each row to length 1."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(norms) & (norms > 0)).all():
        msg = f"the model gave a text of {len(vectors)} a vector that is not finite, or zero"
        raise EngineFailure(msg)
    unit: Matrix = vectors / norms
    return unit
