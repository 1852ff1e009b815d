"""Determines whether two models make the same vectors, by their files."""

import json
from collections.abc import Iterable, Iterator
from hashlib import blake2b, file_digest
from pathlib import Path

_SETTINGS = ("*.json", "*.txt", "*.model", "*.jinja")
_OF_NO_EFFECT = {"config_sentence_transformers.json", "data_config.json", "model_card.json"}
"""Files of versions, of prompts (which the caller of `identity` passes itself), and of training data."""


def identity(folder: Path, deciding: Iterable[str]) -> str:
    """Hash the files of a model that decide its vectors, and the texts in `deciding`, which do so too.

    The location of the folder does not matter. The files are, at the top and in the folder of each module,
    the weights (the safetensors if there are any) and the settings of the model, tokenizer and modules.
    Hashing takes about 1.3 s per GB in the page cache.
    """
    digest = blake2b(digest_size=16)
    for text in deciding:
        digest.update(_framed(text.encode()))
    for file in _files(folder):
        digest.update(_framed(str(file.relative_to(folder)).encode()))
        with file.open("rb") as opened:
            digest.update(file_digest(opened, blake2b).digest())
    return digest.hexdigest()


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(8, "little") + data


def _files(folder: Path) -> Iterator[Path]:
    modules = folder / "modules.json"
    paths = (
        {"", *(module["path"] for module in json.loads(modules.read_text()))} if modules.is_file() else {""}
    )
    for path in sorted(paths):
        part = folder / path
        weights = list(part.glob("*.safetensors")) or list(part.glob("*.bin"))
        settings = [file for pattern in _SETTINGS for file in part.glob(pattern)]
        yield from sorted(file for file in (*weights, *settings) if file.name not in _OF_NO_EFFECT)
