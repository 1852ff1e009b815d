"""Decides whether batches can be computed in bfloat16, by measuring each model when it is loaded."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from jarvis_adapters.sentence_transformers.encoder import Encoder
from jarvis_adapters.sentence_transformers.runner import Runner
from jarvis_ports.embedding import TextRole

MIN_COSINE = 0.9999
SAMPLES = (
    "yes",
    "Paris",
    "How do I reset my password?",
    "The invoice of 3 March 2024 (no. 4711-B) amounts to 1,299.00 EUR, payable within 14 days.",
    "def add(a: int, b: int) -> int:\n    return a + b",
    '{"status": 404, "error": "not found", "path": "/v1/items/7"}',
    "Die Katze sitzt auf der Fensterbank und schaut den Vögeln zu.",
    "La réunion est reportée à jeudi, à cause de la grève.",
    "Москва является столицей России.",
    "北京是中华人民共和国的首都。",
    "العربية لغة سامية.",
    "Thanks 🙏 see you soon 🚀",
    "SELECT name, COUNT(*) FROM orders WHERE paid = 1 GROUP BY name HAVING COUNT(*) > 3;",
    "You are allowed to enter. You are not allowed to enter.",
    "The mitochondrion makes most of a cell's supply of adenosine triphosphate, a source of chemical energy. "
    * 4,
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of folly. "
    * 12,
)
"""Short and long sample texts, in several scripts, and code."""


def has_bfloat16(device: str) -> bool:
    """Return whether the processor multiplies bfloat16 faster than float32, instead of emulating it."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    found: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()  # new in torch 2.13
    return bool(found.get("amx_bf16") or found.get("avx512_bf16"))


def choose(runner: Runner[Any], wanted: str, device: str, compared: Callable[[], tuple[bool, str]]) -> str:
    """Set the precision of batches, and return one line on it for the operator.

    Args:
        runner: runs the model; its `batch_precision` is set.
        wanted: the setting: "auto", "float32" or "bfloat16".
        device: "cpu" or "cuda".
        compared: returns whether the model does the same in both, and how that shows.
    """
    if wanted == "float32":
        return "float32 throughout"
    if wanted == "auto" and not has_bfloat16(device):
        return "float32 throughout: the processor has no bfloat16"
    same, measured = compared()
    if wanted == "auto" and not same:
        runner.batch_precision = "float32"
        return f"float32 throughout: with bfloat16, {measured}"
    return f"batches run in bfloat16: {measured}"


def vectors_agree(encoder: Encoder) -> tuple[bool, str]:
    """Return whether samples have the same vectors in float32 and in bfloat16, which stays set."""
    encoder.batch_precision = "float32"
    exact = encoder.encode(SAMPLES, TextRole.DOCUMENT)
    encoder.batch_precision = "bfloat16"
    cosine = float(np.min(np.sum(exact * encoder.encode(SAMPLES, TextRole.DOCUMENT), axis=1)))
    told = f"over {len(SAMPLES)} sample texts the cosine to float32 is at least {cosine:.6f}"
    return cosine >= MIN_COSINE, told
