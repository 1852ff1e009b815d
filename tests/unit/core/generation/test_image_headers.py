"""What is read of images without decoding them."""

import struct
from random import Random

import pytest
from PIL import Image as Pictures

from jarvis_ports.images import MOST_SEGMENTS, size_of, type_of
from tests.pictures import bomb, picture

EXIF = Pictures.Exif()
EXIF[0x010E] = "x" * 3000
FILES = {
    "png": (picture(size=(3, 70_000)), "image/png", (3, 70_000)),
    "png with transparency": (picture((1, 2, 3, 4), (7, 5)), "image/png", (7, 5)),
    "jpeg": (picture(size=(300, 2), kind="JPEG"), "image/jpeg", (300, 2)),
    "progressive jpeg": (picture(size=(9, 8), kind="JPEG", progressive=True), "image/jpeg", (9, 8)),
    "jpeg with more": (
        picture(size=(9, 8), kind="JPEG", exif=EXIF, comment="y" * 60_000),
        "image/jpeg",
        (9, 8),
    ),
    "lossy webp": (picture(size=(500, 3), kind="WEBP"), "image/webp", (500, 3)),
    "lossless webp": (picture(size=(500, 3), kind="WEBP", lossless=True), "image/webp", (500, 3)),
    "extended webp": (picture((1, 2, 3, 4), (500, 3), "WEBP", exif=EXIF), "image/webp", (500, 3)),
    "one pixel": (picture(size=(1, 1)), "image/png", (1, 1)),
    "bomb": (bomb(), "image/png", (60_000, 60_000)),
}


@pytest.mark.parametrize(("data", "kind", "size"), FILES.values(), ids=FILES)
def test_the_type_and_the_size_are_those_of_the_file(data, kind, size):
    assert (type_of(data), size_of(data)) == (kind, size)


@pytest.mark.parametrize("data", [data for data, _, _ in FILES.values()], ids=FILES)
def test_a_file_that_is_cut_off_or_damaged_has_its_size_or_none(data):
    size, random = size_of(data), Random(0)  # noqa: S311
    assert size_of(data[:12]) is None
    for end in range(min(len(data), 4000)):
        assert size_of(data[:end]) in {None, size}
    for _ in range(300):
        damaged = bytearray(data[:200])
        damaged[random.randrange(2, len(damaged))] = random.randrange(256)
        size_of(bytes(damaged))


@pytest.mark.parametrize(
    "data",
    [b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"BM", b"RIFF\0\0\0\0WAVE", b"%PDF-1.7"],
)
def test_other_files_are_none_of_the_known_types(data):
    assert (type_of(data), size_of(data)) == (None, None)


def test_an_image_without_a_side_has_no_size():
    assert size_of(bomb(0, 5)) is None


def test_a_jpeg_is_not_read_for_ever():
    comment = b"\xff\xfe" + struct.pack(">H", 2)
    data = picture(kind="JPEG")
    assert size_of(b"\xff\xd8" + comment * 900 + data[2:]) == (40, 30)
    assert size_of(b"\xff\xd8" + comment * MOST_SEGMENTS + data[2:]) is None
