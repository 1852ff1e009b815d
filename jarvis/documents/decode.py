"""Decodes the bytes of a text file."""

import codecs
import re
from collections.abc import Sequence

from jarvis.documents.encodings import BOMS, DEFAULT, codec, guess
from jarvis_ports.errors import DocumentUnreadable

Decoded = tuple[str, tuple[str, ...]]
"""A text, and notes on how it was decoded, which are empty for plain UTF-8."""

_CONTROLS = re.compile(r"[\x00-\x07\x0e-\x1a\x1c-\x1f]")
_UNDECODED = re.compile(r"[\udc80-\udcff]")
_MANY_BYTES = ("big5", "euc-jp", "euc-kr", "gb18030", "gbk", "shift_jis")
"""Encodings that use more than one byte for some characters."""
_JAPANESE = re.compile(rb"\x1b\$[@B(]")
"""The escape sequences with which ISO-2022-JP begins text that is not ASCII."""
_ASCII = re.compile(r"[\x00-\x7f]")


def decode(
    data: bytes, source: str, labels: Sequence[str | None] = (), language: str | None = None
) -> Decoded:
    """Decode by the byte order mark, else as declared, else as UTF-8, else as what the bytes look like.

    An encoding fits if at most half of the non-ASCII text fails; UTF-8 also if a non-ASCII line is valid.
    Lines with failures are decoded on their own, so that one bad line never decides for the others.

    Args:
        data: the file.
        source: its name, for messages.
        labels: the labels of its encoding, the most trustworthy first: the sender's, then its own.
        language: its language as a BCP 47 tag, if known.

    Returns:
        The text without its byte order mark, and notes on how it was decoded.

    Raises:
        DocumentUnreadable: the file is binary.
    """
    made = _by_mark(data) or _by_label(data, labels, language) or _by_zeros(data)
    if made:
        return made
    check_text(data, source)
    name, python = _guessed(data, language)
    if _binary(text := data.decode(python, "replace")):
        raise _refused(source)
    why = "by its letters" if name != DEFAULT else "the default, as nothing says otherwise"
    return text, (f"decoded as {name}, {'by its language' if language else why}",)


def _by_mark(data: bytes) -> Decoded | None:
    for mark, name in BOMS:
        if data.startswith(mark):
            text = data[len(mark) :].decode(name, "replace")
            return text, () if name == "utf-8" else (f"decoded as {name.upper()}",)
    return None


def _by_label(data: bytes, labels: Sequence[str | None], language: str | None) -> Decoded | None:
    """Decode by the first label that fits, else as UTF-8; return None if nothing fits."""
    if data.isascii() and _JAPANESE.search(data):
        labels = [*labels, "iso-2022-jp"]
    for name, python in [*filter(None, map(codec, filter(None, labels))), ("utf-8", "utf-8")]:
        if python.startswith("utf-16") and b"\0" not in data:  # every text in UTF-16 has some
            continue
        if (text := _strict(data, python)) is None:
            if _fits(data, python) or (python == "utf-8" and _has_utf8(data, language)):
                made = _by_line(data, name, python, language)
                if not _binary(made[0]):  # a binary may have a line that is UTF-8 by chance
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
    """Check that there is no NUL, which text has only in UTF-16 and UTF-32.

    Raises:
        DocumentUnreadable: the file is binary.
    """
    if b"\0" in data:
        raise _refused(source)


def _refused(source: str) -> DocumentUnreadable:
    return DocumentUnreadable(f"{source} is binary, not text")


def _binary(text: str) -> bool:
    return "\0" in text or len(_CONTROLS.findall(text)) * 100 > len(text)


def _alternates(data: bytes, name: str) -> bool:
    """Return whether only high bytes are NUL, and more than a tenth of them: spaces alone bring that many.

    If all bytes are ASCII, the data may be ASCII with a NUL here and there, so at least half of the high
    bytes must be control characters, as they are in Cyrillic.
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
    except UnicodeDecodeError:  # invalid ASCII bytes, which no surrogate can stand for
        return False
    bad = len(_UNDECODED.findall(text))
    return bad <= len(text) - len(_ASCII.findall(text)) - bad


def _has_utf8(data: bytes, language: str | None) -> bool:
    """Return whether a line is non-ASCII UTF-8, and the others are in no encoding that may resemble it."""
    lines = data.splitlines(keepends=True)
    good = {line for line in lines if not line.isascii() and _strict(line, "utf-8") is not None}
    others = b"".join(line for line in lines if line not in good)
    return bool(good) and _guessed(others, language)[0] not in _MANY_BYTES


def _guessed(data: bytes, language: str | None) -> tuple[str, str]:
    return codec(guess(data, language)) or (DEFAULT, "cp1252")


def _by_line(data: bytes, name: str, python: str, language: str | None) -> Decoded:
    """Decode the lines that fit, with stray bytes in UTF-8 read as windows-1252, and guess for the others."""
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
