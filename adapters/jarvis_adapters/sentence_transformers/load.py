"""Loads a model from a folder; this blocks for seconds, and does not use the network."""

import copy
import logging
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
import transformers
from sentence_transformers import CrossEncoder, SentenceTransformer

from jarvis_adapters.sentence_transformers import precision
from jarvis_adapters.sentence_transformers.encoder import Encoder
from jarvis_adapters.sentence_transformers.errors import first_line
from jarvis_adapters.sentence_transformers.identity import identity
from jarvis_adapters.sentence_transformers.settings import ModelSettings, SentenceTransformersSettings
from jarvis_ports.embedding import EmbedderInfo, TextRole
from jarvis_ports.errors import EngineStartFailed, JarvisError
from jarvis_toolkit.gpu import gpu_session

logger = logging.getLogger(__name__)

BATCH_COSTS = {
    "cpu": {"float32": 100, "bfloat16": 600},
    "cuda": {"float32": 4000, "bfloat16": 6400},
}
"""The fixed cost of a batch, in tokens, by device and precision, measured with all-MiniLM-L6-v2.

On 2 cores, a batch costs 8 ms and a token 0.1 ms in float32, and 18 ms and 0.03 ms under bfloat16 autocast,
which converts the weights anew for each batch. On an NVIDIA H100, the costs are 7.0 and 0.0017 ms, and 9.4
and 0.0015 ms.
"""
PADDING = 16
"""Texts are padded to a multiple of this many tokens: on a CPU, torch makes new kernels for each shape.

Measured with all-MiniLM-L6-v2 and batches of 8: 29 ms for a shape seen before, 41 ms for a new one.
"""
COUNTED_AT_ONCE = 100_000
"""The most characters whose tokens are counted at a time: the tokenizer takes 200 to 350 bytes for each."""
GPU = 0
"""The first GPU that this process sees; CUDA_VISIBLE_DEVICES chooses which one that is."""
_NO_LIMIT = 10**9
"""The value from which a limit means that there is none: a tokenizer without a limit reports 10**30."""

S = TypeVar("S", bound=ModelSettings)
L = TypeVar("L")
Counter = Callable[[Sequence[str]], list[int]]
"""Counts the tokens of texts, with special tokens and nothing cut off. Any thread may call it."""


@dataclass(frozen=True)
class Loaded:
    """A loaded model: its runner, its prompts, its token counter and its description."""

    runner: Encoder
    prompts: dict[TextRole, str]
    count: Counter
    info: EmbedderInfo


def load(settings: SentenceTransformersSettings, session: ExitStack) -> Loaded:
    """Load the model, and choose its precision.

    Args:
        settings: which model, and where it runs.
        session: receives the session on the GPU, unless the model must run on a CPU.

    Raises:
        EngineStartFailed: the model cannot be loaded; the message is one line that says why.
    """
    return attempted(_load, settings, session)


def attempted(load: Callable[[S, ExitStack], L], settings: S, session: ExitStack) -> L:
    """Return what a function loads; any error that it raises becomes an `EngineStartFailed`."""
    try:
        return load(settings, session)
    except JarvisError as error:
        said = str(error)
    except Exception as error:  # noqa: BLE001 - torch, transformers, and files of any kind
        said = first_line(error)
        logger.debug("%s does not load:\n%s", settings.model, traceback.format_exc())
    # Not raised above: as the context of the new error, the old one would keep half a model in its frames.
    msg = f"{settings.model}: {said}"
    raise EngineStartFailed(msg)


def _load(settings: SentenceTransformersSettings, session: ExitStack) -> Loaded:
    device = prepared(settings, session)
    folder = Path(settings.model)
    # A half-precision checkpoint is widened, as float32 is what a batch's precision is measured against.
    model = SentenceTransformer(
        str(folder),
        device=device,
        local_files_only=True,
        model_kwargs={"dtype": torch.float32},
        trust_remote_code=False,
    )
    prompts = _prompts(model, settings)
    counter = _counter(model)
    max_tokens = set_max_tokens(model, settings, max(counter(list(prompts.values()))), device)
    encoder = Encoder(model, prompts)
    note = precision.choose(encoder, settings.precision, device, partial(precision.vectors_agree, encoder))
    deciding = [*prompts.values(), str(max_tokens)]
    if settings.precision == "bfloat16":
        deciding.append(encoder.batch_precision)  # with auto, the vectors were measured to be the same
    info = EmbedderInfo(
        identity=identity(folder, deciding),
        dimension=encoder.encode(["a"], TextRole.QUERY).shape[1],
        max_tokens=max_tokens,
        batch_cost=BATCH_COSTS[device][encoder.batch_precision],
        notes=(note,),
        settings={
            "device": device,
            "batch_precision": encoder.batch_precision,
            "threads": str(torch.get_num_threads()),
            "query_prompt": prompts[TextRole.QUERY],
            "document_prompt": prompts[TextRole.DOCUMENT],
        },
    )
    return Loaded(encoder, prompts, counter, info)


def prepared(settings: ModelSettings, session: ExitStack) -> str:
    """Prepare this thread for a model, and return the device that it will run on; see `load`."""
    _silence()
    if settings.device != "cpu":
        session.enter_context(gpu_session(GPU))
    device = _device(settings.device)
    torch.backends.cuda.enable_cudnn_sdp(enabled=False)  # it plans each new shape anew in bfloat16, for 50 ms
    if settings.threads:
        torch.set_num_threads(settings.threads)  # for the calling thread
    return device


def _silence() -> None:
    transformers.utils.logging.disable_progress_bar()
    for library in ("sentence_transformers", "transformers"):
        logging.getLogger(library).setLevel(logging.ERROR)


def _device(wanted: str) -> str:
    sees_gpu = torch.cuda.is_available()
    if wanted == "cuda" and not sees_gpu:
        msg = f"device is cuda, and torch {torch.__version__} sees no GPU: check its build and driver"
        raise EngineStartFailed(msg)
    return "cuda" if sees_gpu and wanted != "cpu" else "cpu"


def _prompts(model: SentenceTransformer, settings: SentenceTransformersSettings) -> dict[TextRole, str]:
    """Return the prompts of the settings, or else of the model, under any of the names that models use.

    `encode_document` of sentence-transformers 6.2 finds a "document" prompt in every model, empty if the
    model has none, and so never looks for "passage".
    """

    def own(*names: str) -> str:
        return next((model.prompts[name] for name in names if model.prompts.get(name)), "")

    query, document = settings.query_prompt, settings.document_prompt
    return {
        TextRole.QUERY: own("query") if query is None else query,
        TextRole.DOCUMENT: own("document", "passage", "corpus") if document is None else document,
    }


def _counter(model: SentenceTransformer) -> Counter:
    # A copy, because truncation and padding are state of the tokenizer, which each call sets for itself. When
    # threads shared one tokenizer, counts came out truncated or padded, and batches failed.
    tokenizer: Any = copy.deepcopy(model.tokenizer)

    def count(texts: Sequence[str]) -> list[int]:
        counts: list[int] = []
        for group in _groups(texts):
            tokens = tokenizer(
                group, truncation=False, padding=False, return_attention_mask=False, verbose=False
            )
            counts += [len(ids) for ids in tokens["input_ids"]]
        return counts

    count([""])  # sets the copy's truncation and padding once, before other threads use it
    return count


def _groups(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yield texts, as many at a time as have `COUNTED_AT_ONCE` characters together, and at least one."""
    group: list[str] = []
    size = 0
    for text in texts:
        if group and size + len(text) > COUNTED_AT_ONCE:
            yield group
            group, size = [], 0
        group.append(text)
        size += len(text)
    if group:
        yield group


def set_max_tokens(
    model: SentenceTransformer | CrossEncoder, settings: ModelSettings, prompt_tokens: int, device: str
) -> int:
    """Set how many tokens of a text the model reads, and to what texts are padded; return that number."""
    positions = getattr(model[0].config, "max_position_embeddings", None)
    limits = [limit for limit in (model.max_seq_length, positions) if limit and limit < _NO_LIMIT]
    own = min(limits, default=0)
    limit = settings.max_tokens or own
    if not limit:
        msg = "the model does not tell how many tokens it reads: set max_tokens"
        raise EngineStartFailed(msg)
    if own and limit > own:
        msg = f"max_tokens is {limit}, and the model reads {own}: set it no higher"
        raise EngineStartFailed(msg)
    if limit <= prompt_tokens:
        msg = (
            f"max_tokens is {limit}, of which prompt and special tokens take {prompt_tokens}: nothing is left"
        )
        raise EngineStartFailed(msg)
    model.max_seq_length = limit
    if device == "cpu" and limit % PADDING == 0 and hasattr(model[0], "processing_kwargs"):
        model[0].processing_kwargs = {"text": {"pad_to_multiple_of": PADDING}}
    return limit
