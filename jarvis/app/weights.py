"""Finds the files of weights that a model gets beside its own."""

import json
from collections.abc import Sequence
from pathlib import Path

from jarvis_ports.errors import EngineStartFailed

CONFIG, TENSORS = "adapter_config.json", "adapter_model.safetensors"
"""The files that PEFT writes: https://huggingface.co/docs/peft/developer_guides/checkpoint"""


def find_weights(path: str, folders: Sequence[str]) -> Path:
    """Return the folder of weights, without symbolic links, once its files are found to be there.

    Args:
        path: where it should be.
        folders: those in which it, and its files, must lie.

    Raises:
        EngineStartFailed: it lies elsewhere, or is not what PEFT writes for a LoRA.
    """
    allowed = [Path(folder).expanduser().resolve() for folder in folders]
    found = Path(path).expanduser().resolve()
    for file in (found, found / CONFIG, found / TENSORS):
        if not any(file.resolve().is_relative_to(folder) for folder in allowed):
            raise EngineStartFailed(f"{file} is, or leads, outside of server.weights_folders")
        if not (file.is_dir() if file is found else file.is_file()):
            raise EngineStartFailed(f"{file} does not exist")
    try:
        described = json.loads((found / CONFIG).read_text(encoding="utf-8"))
        kind = described["peft_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineStartFailed(f"{found / CONFIG} cannot be read: {error!r}") from None
    if kind != "LORA":
        raise EngineStartFailed(f"{found / CONFIG}: the weights are of the kind {kind!r}, not LORA")
    return found
