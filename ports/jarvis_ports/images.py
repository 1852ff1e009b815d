"""What the first bytes of an image file tell, without decoding it."""

import struct

PNG, JPEG, WEBP = "image/png", "image/jpeg", "image/webp"
FORMATS = {PNG: "PNG", JPEG: "JPEG", WEBP: "WebP"}
"""The formats of images, by their types."""
MOST_SEGMENTS = 1000
"""The most segments of a JPEG before the one that has its size."""
_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers of JPEG's segments that have the size (SOF0 to SOF15): ITU-T T.81, table B.1."""
_ALONE = frozenset({0x01, *range(0xD0, 0xDA)})
"""The markers that have no segment."""


def type_of(data: bytes) -> str | None:
    """Return the type of an image; None if it is none of `FORMATS`."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    return WEBP if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def size_of(data: bytes) -> tuple[int, int] | None:
    """Return the width and the height of an image, as its header has them; None if that cannot be read."""
    try:
        size = _READERS[type_of(data) or ""](data)
    except (KeyError, IndexError, struct.error):  # it is of no known type, or it ends too early
        return None
    return size if size and min(size) > 0 else None


def _png(data: bytes) -> tuple[int, int] | None:
    return struct.unpack_from(">II", data, 16) if data[12:16] == b"IHDR" else None


def _webp(data: bytes) -> tuple[int, int] | None:
    """Return the size of a lossy or lossless frame, or of the canvas: RFC 9649, section 2."""
    chunk = data[12:16]
    if chunk == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if chunk == b"VP8L" and data[20] == 0x2F:
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        return (width, height) if len(data) >= 30 else None
    return None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    position = 2
    for _ in range(MOST_SEGMENTS):
        mark, marker = data[position], data[position + 1]
        if mark != 0xFF:
            return None
        if marker in _SIZES:
            height, width = struct.unpack_from(">HH", data, position + 5)
            return width, height
        if marker == 0xFF:
            position += 1
        elif marker in _ALONE:
            position += 2
        else:
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return None


_READERS = {PNG: _png, JPEG: _jpeg, WEBP: _webp}
