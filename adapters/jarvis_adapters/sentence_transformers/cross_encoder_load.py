"""Loads a cross-encoder from a folder; this blocks for seconds, and does not use the network."""

import copy
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import CrossEncoder

from jarvis_adapters.sentence_transformers import precision
from jarvis_adapters.sentence_transformers.load import BATCH_COSTS, attempted, prepared, set_max_tokens
from jarvis_adapters.sentence_transformers.runner import Runner
from jarvis_adapters.sentence_transformers.settings import CrossEncoderSettings
from jarvis_ports.embedding import Matrix
from jarvis_ports.errors import EngineStartFailed
from jarvis_ports.reranker import RerankerInfo

AMORTISED = 20
"""A batch has at most this many times what it costs beside its tokens, as those of an embedder."""
MOST_SHARE = 0.01
"""The most that a score may move in bfloat16, as a share of the range of the samples' scores."""

PairCounter = Callable[[str, Sequence[str]], list[int]]
"""Counts the tokens of a query with each document, and nothing cut off. Any thread may call it."""


class Scorer(Runner[CrossEncoder]):
    """A cross-encoder."""

    def score(self, query: str, documents: Sequence[str]) -> Matrix:
        """Return the scores of a batch of documents; shape (documents,)."""
        return self.run(documents, partial(_forward, query))


def _forward(query: str, model: CrossEncoder, documents: Sequence[str]) -> Matrix:
    scores: Matrix = model.predict(
        [(query, document) for document in documents], batch_size=len(documents), show_progress_bar=False
    )
    return scores


@dataclass(frozen=True)
class LoadedCrossEncoder:
    """A loaded model: its runner, its token counter, the most tokens of a batch, and its description."""

    runner: Scorer
    count: PairCounter
    batch_tokens: int
    info: RerankerInfo


def load(settings: CrossEncoderSettings, session: ExitStack) -> LoadedCrossEncoder:
    """Load the model, and choose its precision; see `jarvis_adapters.sentence_transformers.load.load`."""
    return attempted(_load, settings, session)


def _load(settings: CrossEncoderSettings, session: ExitStack) -> LoadedCrossEncoder:
    device = prepared(settings, session)
    model = CrossEncoder(
        str(Path(settings.model)),
        device=device,
        local_files_only=True,
        model_kwargs={"dtype": torch.float32},
        trust_remote_code=False,
    )
    if (scores := model.num_labels) != 1:
        msg = f"is no reranker: it gives {scores} scores for a text, and a reranker gives one"
        raise EngineStartFailed(msg)
    count = _counter(model)
    max_tokens = set_max_tokens(model, settings, count("", [""])[0], device)
    scorer = Scorer(model)
    note = precision.choose(scorer, settings.precision, device, partial(_scores_agree, scorer))
    return LoadedCrossEncoder(
        scorer,
        count,
        min(settings.max_batch_tokens, AMORTISED * BATCH_COSTS[device][scorer.batch_precision]),
        RerankerInfo(
            max_tokens,
            notes=(note,),
            settings={
                "device": device,
                "batch_precision": scorer.batch_precision,
                "threads": str(torch.get_num_threads()),
            },
        ),
    )


def _counter(model: CrossEncoder) -> PairCounter:
    tokenizer: Any = copy.deepcopy(model.tokenizer)  # as that of an embedder

    def count(query: str, documents: Sequence[str]) -> list[int]:
        if not documents:
            return []
        tokens = tokenizer(
            [query] * len(documents),
            list(documents),
            truncation=False,
            padding=False,
            return_attention_mask=False,
            verbose=False,
        )
        return [len(ids) for ids in tokens["input_ids"]]

    count("", [""])
    return count


def _scores_agree(scorer: Scorer) -> tuple[bool, str]:
    """Return whether samples have the same scores in float32 and in bfloat16, which stays set."""
    query, *documents = precision.SAMPLES
    scorer.batch_precision = "float32"
    exact = scorer.score(query, documents)
    scorer.batch_precision = "bfloat16"
    moved = float(np.max(np.abs(scorer.score(query, documents) - exact)))
    share = moved / (float(np.ptp(exact)) or 1.0)
    told = f"over {len(documents)} sample texts a score moves by at most {share:.2%} of their range"
    return share <= MOST_SHARE, told
