"""Bytes of a text file become text."""

import codecs
import re
from collections.abc import Sequence

from jarvis.documents.encodings import BOMS, DEFAULT, codec, guess
from jarvis_ports.errors import DocumentUnreadable

Decoded = tuple[str, tuple[str, ...]]
"""A text, and what was decided where that is anything but plain UTF-8."""

_CONTROLS = re.compile(r"[\x00-\x07\x0e-\x1a\x1c-\x1f]")
_UNDECODED = re.compile(r"[\udc80-\udcff]")
_MANY_BYTES = ("big5", "euc-jp", "euc-kr", "gb18030", "gbk", "shift_jis")
"""Encodings of more than one byte for a character."""
_JAPANESE = re.compile(rb"\x1b\$[@B(]")
"""How ISO-2022-JP begins what is no ASCII."""
_ASCII = re.compile(r"[\x00-\x7f]")


def decode(
    data: bytes, source: str, labels: Sequence[str | None] = (), language: str | None = None
) -> Decoded:
    """Decode by the byte order mark, else as declared, else as UTF-8, else as what the bytes look like.

    An encoding fits where fewer characters fail than succeed beyond ASCII, and UTF-8 where a line is in it;
    the lines with those that fail are decoded by themselves, so that one bad line never decides for others.

    Args:
        data: the file.
        source: its name, for messages.
        labels: of its encoding, the most trustworthy first: the sender's, and the document's own.
        language: as a BCP 47 tag, where somebody knows it.

    Returns:
        The text without its mark, and what was decided.

    Raises:
        DocumentUnreadable: it is binary.
    """
    made = _by_mark(data) or _by_label(data, labels, language) or _by_zeros(data)
    if made:
        return made
    check_text(data, source)
    name, python = _guessed(data, language)
    if _binary(text := data.decode(python, "replace")):
        raise _refused(source)
    why = "by its letters" if name != DEFAULT else "the usual one, as nothing says otherwise"
    return text, (f"decoded as {name}, {'by its language' if language else why}",)


def _by_mark(data: bytes) -> Decoded | None:
    for mark, name in BOMS:
        if data.startswith(mark):
            text = data[len(mark) :].decode(name, "replace")
            return text, () if name == "utf-8" else (f"decoded as {name.upper()}",)
    return None


def _by_label(data: bytes, labels: Sequence[str | None], language: str | None) -> Decoded | None:
    """Decode as one of the labels says, or as UTF-8, where that fits."""
    if data.isascii() and _JAPANESE.search(data):
        labels = [*labels, "iso-2022-jp"]
    for name, python in [*filter(None, map(codec, filter(None, labels))), ("utf-8", "utf-8")]:
        if python.startswith("utf-16") and b"\0" not in data:  # as every text has that is written in it
            continue
        if (text := _strict(data, python)) is None:
            if _fits(data, python) or (python == "utf-8" and _has_utf8(data, language)):
                made = _by_line(data, name, python, language)
                if not _binary(made[0]):  # where a line of a binary is UTF-8 by chance
                    return made
        elif "\0" not in text:
            return text, () if name == "utf-8" else (f"decoded as {name}",)
    return None


def _by_zeros(data: bytes) -> Decoded | None:
    """Decode UTF-16 without a mark."""
    for name in ("utf-16-le", "utf-16-be"):
        if _alternates(data, name) and not _binary(text := _strict(data, name) or "\0"):
            return text, (f"decoded as {name.upper()}, though it has no byte order mark",)
    return None


def check_text(data: bytes, source: str) -> None:
    """Look for NUL, which no text has but in UTF-16 and UTF-32.

    Raises:
        DocumentUnreadable: it is binary.
    """
    if b"\0" in data:
        raise _refused(source)


def _refused(source: str) -> DocumentUnreadable:
    return DocumentUnreadable(f"{source} is binary, not text")


def _binary(text: str) -> bool:
    return "\0" in text or len(_CONTROLS.findall(text)) * 100 > len(text)


def _alternates(data: bytes, name: str) -> bool:
    """Return whether NUL stands in the high bytes alone, a tenth of them or more: those of spaces are enough.

    Where all bytes are ASCII, most of the high ones have to be below those that are printed, as with
    Cyrillic: this may be ASCII with NUL in some places.
    """
    low, high = (data[::2], data[1::2]) if name == "utf-16-le" else (data[1::2], data[::2])
    if data.isascii() and sum(byte < ord(" ") for byte in high) * 2 < len(high):
        return False
    return len(data) % 2 == 0 and b"\0" not in low and high.count(0) * 10 > len(high)


def _strict(data: bytes, python: str) -> str | None:
    try:
        return data.decode(python)
    except UnicodeDecodeError:
        return None


def _fits(data: bytes, python: str) -> bool:
    try:
        text = data.decode(python, "surrogateescape")
    except UnicodeDecodeError:  # a sequence of ASCII that is wrong, which no surrogate stands for
        return False
    bad = len(_UNDECODED.findall(text))
    return bad <= len(text) - len(_ASCII.findall(text)) - bad


def _has_utf8(data: bytes, language: str | None) -> bool:
    """Return whether a line is UTF-8 beyond ASCII, and the others in none that looks so by chance."""
    lines = data.splitlines(keepends=True)
    good = {line for line in lines if not line.isascii() and _strict(line, "utf-8") is not None}
    others = b"".join(line for line in lines if line not in good)
    return bool(good) and _guessed(others, language)[0] not in _MANY_BYTES


def _guessed(data: bytes, language: str | None) -> tuple[str, str]:
    return codec(guess(data, language)) or (DEFAULT, "cp1252")


def _by_line(data: bytes, name: str, python: str, language: str | None) -> Decoded:
    """Decode the lines that fit; of the others the bytes that do not, or all where few do."""
    lines = data.splitlines(keepends=True)
    bad = {line for line in lines if _strict(line, python) is None}
    foreign = {line for line in bad if not _fits(line, python)}
    other, other_python = _guessed(b"".join(line for line in lines if line in foreign), language)

    def text(line: bytes) -> str:
        if line in foreign:
            return line.decode(other_python, "replace")
        return line.decode(python, _BYTES if python == "utf-8" else "replace")

    count = sum(line in bad for line in lines)
    decided = f"decoded as {name}, and what is not in {count} of {len(lines)} lines as {other}"
    return "".join(map(text, lines)), (decided,)


def _as_default(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 - it is registered for decoding alone
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


_BYTES = "jarvis-windows-1252"
codecs.register_error(_BYTES, _as_default)
