"""Images, made on the spot."""

import struct
import zlib
from io import BytesIO

from PIL import Image as Pictures

from jarvis_ports.values import Image


def picture(color=(255, 0, 0), size=(40, 30), kind="PNG", **options):
    """The bytes of a file with one colour in it."""
    buffer = BytesIO()
    mode = {3: "RGB", 4: "RGBA"}[len(color)]
    Pictures.new(mode, size, color).save(buffer, kind, **options)
    return buffer.getvalue()


def moving(kind, frames=3):
    """The bytes of an animation."""
    first, *rest = [Pictures.new("RGB", (20, 20), (90 * number, 0, 0)) for number in range(frames)]
    buffer = BytesIO()
    first.save(buffer, kind, save_all=True, append_images=rest)
    return buffer.getvalue()


def bomb(width=60_000, height=60_000):
    """A PNG of some bytes that says that it is huge."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    packed = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


RED, GREEN = Image(picture()), Image(picture((0, 255, 0)))
