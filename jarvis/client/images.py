"""Images in messages."""

import base64
import binascii
from collections.abc import Sequence
from pathlib import Path

from jarvis.client.errors import invalid
from jarvis_ports.values import Image, Message, Role

NOT_FETCHED = "is an address, and nothing is fetched: load it, and give its bytes"


Source = Image | bytes | Path | str


def user(text: str, images: Source | Sequence[Source] = ()) -> Message:
    """Return a message of the user: images, if there are any, and then text.

    Args:
        text: what is said; it may be empty where there are images.
        images: the bytes of PNG, JPEG or WebP files, the files' paths, or data URIs, which are texts; one of
            them, or several.

    Raises:
        JarvisClientError: INVALID_ARGUMENT, an image is none of these.
        OSError: a file cannot be read.
    """
    several = [images] if isinstance(images, Image | bytes | Path | str) else images
    seen = tuple(image_of(one, f"images[{position}]") for position, one in enumerate(several))
    return Message(Role.USER, parts=(*seen, *([text] if text else []))) if seen else Message(Role.USER, text)


def image_of(source: Source, path: str = "image") -> Image:
    """Return an image; see `user`."""
    if isinstance(source, Image):
        return source
    if isinstance(source, Path):
        return Image(source.read_bytes())
    if isinstance(source, str):
        return _of_uri(source, path)
    if not isinstance(source, bytes | bytearray | memoryview):
        raise invalid(path, f"is a {type(source).__name__}; give bytes, a Path, a data URI or an Image")
    return Image(bytes(source))


def _of_uri(uri: str, path: str) -> Image:
    """Return the image of a data URI (RFC 2397) in base64."""
    head, comma, data = uri.partition(",")
    scheme, _, told = head.partition(":")
    mime_type, *parameters = told.split(";")
    if scheme.lower() in {"http", "https"}:
        raise invalid(path, NOT_FETCHED)
    if scheme.lower() != "data" or not comma or "base64" not in parameters:
        raise invalid(path, "is no data URI in base64; give a file as a Path")
    try:
        return Image(base64.b64decode(data, validate=True), mime_type.lower() or None)
    except binascii.Error as error:
        raise invalid(path, f"is no base64: {error}") from None
