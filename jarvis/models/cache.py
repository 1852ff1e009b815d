"""The folders of models that were made or fetched."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from platformdirs import user_cache_dir

from jarvis.models.catalogue import CATALOGUE


@dataclass(frozen=True)
class ListedModel:
    """A model that can be referred to; `folder`, and `size` in bytes, are None until it is ready."""

    reference: str
    license: str | None
    folder: Path | None
    size: int | None


def root() -> Path:
    """Return the folder of all models: in JARVIS_CACHE_DIR, or the user's cache folder."""
    return Path(os.environ.get("JARVIS_CACHE_DIR") or user_cache_dir("jarvis")).absolute() / "models"


def folder(reference: str) -> Path:
    """Return the folder that a model which is made or fetched has once it is ready."""
    name, _, revision = reference.partition("@")
    return root() / (f"{name}@{quote(revision, safe='')}" if revision else name)


def ready(reference: str) -> Path | None:
    """Return the model's folder, or None if there is none; a folder that exists is complete."""
    model = CATALOGUE.get(reference)
    path = (model and model.folder) or folder(reference)
    return path if (path / "config.json").is_file() else None


def size(path: Path) -> int:
    """Return the total bytes of all files below a folder, some of which may vanish meanwhile."""
    total = 0
    for file in path.rglob("*"):
        try:
            total += file.stat().st_size if file.is_file() else 0
        except FileNotFoundError:
            continue
    return total


def models() -> Iterator[ListedModel]:
    """Yield the models of the catalogue, then those that were fetched."""
    for model in CATALOGUE.values():
        yield _listed(model.name, model.license)
    for config in sorted(root().glob("[!.]*/*/config.json")):
        reference = unquote(str(config.parent.relative_to(root())))
        yield _listed(reference, _license(config.parent))


def _listed(reference: str, license_: str | None) -> ListedModel:
    path = ready(reference)
    return ListedModel(reference, license_, path, size(path) if path else None)


def _license(path: Path) -> str | None:
    """Return the licence that the head of the model card names, or None."""
    try:
        card = (path / "README.md").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    head = re.match(r"---\n(.*?)\n---", card, re.DOTALL)
    match = re.search(r"^license:\s*(\S+)", head[1], re.MULTILINE) if head else None
    return match[1] if match else None
