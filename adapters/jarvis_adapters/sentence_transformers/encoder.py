"""Embeds batches of texts with a loaded model."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from sentence_transformers import SentenceTransformer

from jarvis_adapters.sentence_transformers.runner import Runner
from jarvis_ports.embedding import Matrix, TextRole
from jarvis_ports.errors import EngineFailure


class Encoder(Runner[SentenceTransformer]):
    """An embedding model, and the prompts that it puts before texts."""

    def __init__(self, model: SentenceTransformer, prompts: Mapping[TextRole, str]) -> None:
        super().__init__(model)
        self._prompts = prompts

    def encode(self, texts: Sequence[str], role: TextRole) -> Matrix:
        """See `jarvis_ports.embedding.Embedder.embed`; waits for the batch of another thread."""
        return _unit(self.run(texts, partial(_forward, role=role, prompt=self._prompts[role])))


def _forward(model: SentenceTransformer, texts: Sequence[str], role: TextRole, prompt: str) -> Matrix:
    vectors: Matrix = model.encode(
        list(texts),
        prompt=prompt,  # given even if it is empty: None would mean the model's default
        task=role.value,
        batch_size=len(texts),
        show_progress_bar=False,
        convert_to_numpy=True,
    )
    return vectors


def _unit(vectors: Matrix) -> Matrix:
    """Scale each row to length 1."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(norms) & (norms > 0)).all():
        msg = f"the model gave a text of {len(vectors)} a vector that is not finite, or zero"
        raise EngineFailure(msg)
    unit: Matrix = vectors / norms
    return unit
