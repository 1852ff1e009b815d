"""Fetches a model from Hugging Face."""

import shutil
from fnmatch import fnmatch

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from jarvis.models import cache
from jarvis.models.references import HubModel
from jarvis.models.work import Work
from jarvis_ports.errors import ModelUnavailable

_OTHER_WEIGHTS = ["*.bin", "*.gguf", "*.h5", "*.msgpack", "*.onnx", "*.onnx_data", "*.ot", "*.pt", "*.pth"]
_OTHER_FOLDERS = ["original/*", "onnx/*", "openvino/*", "coreml/*"]


def download(model: HubModel, work: Work) -> None:
    """Fetch one commit of a repository; if its weights come in several formats, only the safetensors.

    Raises:
        ModelUnavailable: with one line that says what to do.
    """
    api = HfApi()
    page = f"{api.endpoint}/{model.repository}"
    work.step = "asking the hub"
    try:
        info = api.model_info(model.repository, revision=model.revision, files_metadata=True, timeout=10)
        files = _wanted({file.rfilename: file.size or 0 for file in info.siblings or ()})
        if "config.json" not in files:
            msg = f"{page} has no config.json, so it is no model in the Hugging Face format"
            raise ModelUnavailable(msg)
        _check_space(sum(files.values()), work)
        work.step, work.total = "downloading", sum(files.values())
        snapshot_download(
            model.repository, revision=info.sha, local_dir=work.folder, allow_patterns=list(files)
        )
        shutil.rmtree(work.folder / ".cache")  # the library's own notes
    except HFValidationError as error:
        raise ModelUnavailable(str(error)) from None
    except OfflineModeIsEnabled:
        msg = "HF_HUB_OFFLINE forbids to fetch it"
    except GatedRepoError:
        msg = f"access to {page} must be asked for there; then set HF_TOKEN"
    except RevisionNotFoundError:
        msg = f"{page} has no revision {model.revision!r}"
    except RepositoryNotFoundError:
        msg = f"{page} does not exist, or is private: check the name, or set HF_TOKEN"
    except HfHubHTTPError as error:
        msg = f"{page} answers {error.response.status_code}: check HF_ENDPOINT, or try again later"
    except (HTTPError, LocalEntryNotFoundError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        msg = f"no connection to {api.endpoint} ({reason}): a local folder needs none"
    else:
        return
    raise ModelUnavailable(msg)


def _wanted(files: dict[str, int]) -> dict[str, int]:
    if not any(fnmatch(name, "*.safetensors") for name in files):
        return files
    others = _OTHER_WEIGHTS + _OTHER_FOLDERS
    return {name: size for name, size in files.items() if not any(fnmatch(name, other) for other in others)}


def _check_space(wanted: int, work: Work) -> None:
    free = shutil.disk_usage(work.folder).free
    if wanted > free:
        where = f"{free / 1e9:.1f} GB are free on the disk of {cache.root()}"
        msg = f"it takes {wanted / 1e9:.1f} GB, and {where}: free some, or set JARVIS_CACHE_DIR"
        raise ModelUnavailable(msg)
