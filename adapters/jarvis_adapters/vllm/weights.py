"""Computes how large a model is in memory from the headers of its files."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FLOATS = {"F64", "F32", "F16", "BF16"}
"""The types that vLLM converts to the one it computes in; quantised tensors stay as they are."""
BYTES = {"float32": 4}
"""The bytes per weight by `dtype`; 2 for any other. vLLM's `auto` loads float32 models in half precision."""
SMALL = 2**29
"""The bytes of weights, at 2 bytes each, below which a model has no margin for vLLM's bfloat16 on a CPU.

The only measurement is of 135 million parameters, 270 MB (decision 3).
"""


def weight_bytes(folder: Path, dtype: str) -> int | None:
    """Return the bytes of a model's weights once vLLM has loaded them as `dtype`.

    The result is None if there is no such folder yet, or no readable safetensors in it. Their format:
    https://huggingface.co/docs/safetensors
    """
    return sum(_bytes(tensor, dtype) for _, tensor in all_named_tensors(folder)) or None


def is_small(folder: Path) -> bool:
    """Return whether this is the folder of a small model whose weights are not quantised."""
    tensors = [tensor for _, tensor in all_named_tensors(folder)]
    quantised = any(tensor["dtype"] not in FLOATS for tensor in tensors)
    return not quantised and 0 < sum(_bytes(tensor, "auto") for tensor in tensors) < SMALL


def all_named_tensors(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return what the headers say of each tensor; nothing if the folder is missing or not readable."""
    try:
        return [named for file in _files(folder) for named in named_tensors(file)]
    except (OSError, ValueError):
        return []


def _files(folder: Path) -> list[Path]:
    """List the files that vLLM loads; the folder may have the same weights in other files, too."""
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        return [folder / name for name in names]
    return list(folder.glob("*.safetensors"))


def named_tensors(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the tensors of a file by name, and what its header says of each.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no safetensors file.
    """
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if length > file.stat().st_size:
            msg = f"{file} is no safetensors file"
            raise ValueError(msg)
        head = json.loads(opened.read(length))
    return ((name, tensor) for name, tensor in head.items() if name != "__metadata__")


def _bytes(tensor: dict[str, Any], dtype: str) -> int:
    if tensor["dtype"] in FLOATS:
        numbers: int = math.prod(tensor["shape"])
        return numbers * BYTES.get(dtype, 2)
    begin, end = tensor["data_offsets"]
    return int(end - begin)
