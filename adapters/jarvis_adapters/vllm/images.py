"""Decodes the images of a conversation, off the event loop, and only so many at a time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import Any

import PIL.Image
from transformers import PreTrainedTokenizerBase
from vllm.config import ModelConfig
from vllm.model_executor.model_loader import get_model_cls
from vllm.multimodal.image import convert_image_mode, normalize_image
from vllm.renderers.chat_utils import MODALITY_PLACEHOLDERS_MAP
from vllm.renderers.hf import resolve_chat_template

from jarvis_ports.errors import InvalidArgument
from jarvis_ports.images import FORMATS, size_of
from jarvis_ports.llm import Image, Input, Raw

REQUESTS_AT_A_TIME = 2
"""The requests whose images are in memory decoded: one is decoded while vLLM prepares the other."""
NUMBERED = 64
"""How far the placeholders of models that number images are known."""
SCAN, MOST_SCANS = b"\xff\xda", 100
"""What begins a scan of a JPEG, and the most of them: each goes over all pixels, and may be of 33 bytes."""
SEVERAL_PICTURES = "MPO"
"""The format of a JPEG with further views of what it shows, as cameras add them: the first one counts."""


@dataclass(frozen=True)
class Picture:
    """A decoded image, in RGB, and a name for what engines keep of it: no other image has the same."""

    image: Any
    name: str


class ImageDecoder:
    """Decodes images, in a thread of its own."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "images")
        self._few = asyncio.Semaphore(REQUESTS_AT_A_TIME)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False)

    @asynccontextmanager
    async def decoded(self, input_: Input, salt: str = "") -> AsyncIterator[list[Picture]]:
        """Yield the images of a conversation, in their order; others wait until they are not needed any more.

        Args:
            input_: the prompt or the conversation.
            salt: keeps what an engine keeps of the images apart from that of requests with another one.

        Raises:
            InvalidArgument: an image cannot be decoded.
        """
        images = [] if isinstance(input_, Raw) else [one for message in input_ for one in message.images]
        if not images:
            yield []
            return
        async with self._few:
            loop = asyncio.get_running_loop()
            yield await loop.run_in_executor(self._thread, _decoded, images, salt)


def _decoded(images: Sequence[Image], salt: str) -> list[Picture]:
    return [_picture(image, number, salt) for number, image in enumerate(images, 1)]


def _picture(image: Image, number: int, salt: str) -> Picture:
    """Return a decoded image, upright, and on white where it is transparent.

    Raises:
        InvalidArgument: it is damaged, or moves.
    """
    try:
        with PIL.Image.open(BytesIO(image.data), formats=[one.upper() for one in FORMATS.values()]) as opened:
            if wrong := _wrong(opened, image.data):
                picture = None
            else:
                opened.load()
                picture = convert_image_mode(_eight_bits(normalize_image(opened)), "RGB")
    except Exception as error:  # noqa: BLE001 - libraries raise what they like of what is broken
        wrong, picture = f"cannot be decoded: {str(error) or type(error).__name__}", None
    if picture is None:
        raise InvalidArgument.of("messages", f"image {number} {wrong}")
    return Picture(picture, sha256(b"\0".join([salt.encode(), image.data])).hexdigest())


def _eight_bits(image: PIL.Image.Image) -> PIL.Image.Image:
    """Return grey of 16 bits in 8; Pillow's own conversion makes all but the darkest 255 shades white."""
    return image.point(lambda value: value / 256, "L") if image.mode == "I;16" else image


def _wrong(opened: PIL.Image.Image, data: bytes) -> str | None:
    """Return why an image is refused by what its decoder says of it; None if it is not."""
    if opened.size != size_of(data):  # which was checked
        return "has two sizes"
    if opened.format in {"JPEG", SEVERAL_PICTURES} and data.count(SCAN) > MOST_SCANS:
        return f"has more than {MOST_SCANS} scans"
    if getattr(opened, "is_animated", False) and opened.format != SEVERAL_PICTURES:
        return "has several frames; send one"
    return None


def placeholders(config: ModelConfig) -> frozenset[str]:
    """Return the texts that stand for images in the prompts of a model; none if it takes no images."""
    if not config.is_multimodal_model:
        return frozenset()
    model: Any = get_model_cls(config)
    try:
        own = {model.get_placeholder_str("image", number) for number in range(1, NUMBERED + 1)}
    except ValueError:  # it takes something else
        own = set()
    return frozenset({*MODALITY_PLACEHOLDERS_MAP.values(), *own} - {None})


def processor_template(tokenizer: Any, config: ModelConfig) -> str | None:  # noqa: ANN401 - no common type
    """Return the chat template of a model that sees: that of its processor comes before its tokenizer's.

    None stands for the tokenizer's.
    """
    if not (config.is_multimodal_model and isinstance(tokenizer, PreTrainedTokenizerBase)):
        return None
    template: str | None = resolve_chat_template(tokenizer, None, None, model_config=config)
    return template
