"""Checks the images of a conversation by their first bytes, before any engine decodes them."""

from collections.abc import Iterator
from dataclasses import dataclass

from jarvis_ports.errors import FieldViolation
from jarvis_ports.images import FORMATS, size_of, type_of
from jarvis_ports.values import Image, Input, Message, Raw, Role

KNOWN = f"is no image: {', '.join(FORMATS.values())} are read"


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """The most images of a request, bytes of each, and pixels of all of them together."""

    max_images: int = 8
    max_bytes: int = 3 * 2**20
    max_pixels: int = 2**24


def has_images(input_: Input) -> bool:
    """Return whether a conversation has images; a raw prompt has none."""
    return not isinstance(input_, Raw) and any(message.images for message in input_)


def check_parts(message: Message, path: str) -> Iterator[FieldViolation]:
    """Yield what is wrong with the parts of a message, apart from its images."""
    if not message.parts:
        return
    if message.role is not Role.USER:
        yield FieldViolation(f"{path}.parts", "only users speak in parts: the role has to be user")
    if message.content:
        yield FieldViolation(f"{path}.parts", "set either this or content, not both")
    for position, part in enumerate(message.parts):
        if part == "":
            yield FieldViolation(f"{path}.parts[{position}].text", "is empty")


def check_images(input_: Input, limits: ImageLimits) -> Iterator[FieldViolation]:
    """Yield what is wrong with the images of a conversation."""
    if isinstance(input_, Raw):
        return
    found = [
        (f"messages[{number}].parts[{position}].image", part)
        for number, message in enumerate(input_)
        for position, part in enumerate(message.parts)
        if isinstance(part, Image)
    ]
    if len(found) > limits.max_images:
        yield FieldViolation("messages", f"at most {limits.max_images} images, got {len(found)}")
        return
    pixels = 0
    for path, image in found:
        size = size_of(image.data)
        yield from _check(path, image, size, limits)
        width, height = size or (0, 0)
        pixels += width * height
        if pixels > limits.max_pixels >= pixels - width * height:
            most = f"a request has at most {limits.max_pixels} pixels in all its images"
            yield FieldViolation(f"{path}.data", f"has {width} x {height} pixels; {most}")


def _check(
    path: str, image: Image, size: tuple[int, int] | None, limits: ImageLimits
) -> Iterator[FieldViolation]:
    """Yield what is wrong with an image by itself."""
    if not image.data:
        yield FieldViolation(f"{path}.data", "is empty")
        return
    if len(image.data) > limits.max_bytes:
        told = f"has {len(image.data)} bytes, at most {limits.max_bytes}"
        yield FieldViolation(f"{path}.data", told)
        return
    kind = type_of(image.data)
    if kind is None:
        yield FieldViolation(f"{path}.data", KNOWN)
    elif image.mime_type is not None and _essence(image.mime_type) != kind:
        yield FieldViolation(f"{path}.mime_type", f"is {image.mime_type!r}, and the data are {kind}")
    elif size is None:
        yield FieldViolation(f"{path}.data", f"is cut off or damaged: no size is to be found in this {kind}")


def _essence(mime_type: str) -> str:
    """Return a type in lower case, without parameters (RFC 2045), and that of JPEG by its right name."""
    essence = mime_type.partition(";")[0].strip().lower()
    return "image/jpeg" if essence == "image/jpg" else essence
