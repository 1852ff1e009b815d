"""Bytes of a text file become text."""

import codecs

from charset_normalizer import from_bytes

from jarvis_ports.errors import DocumentUnreadable

_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


def decode(data: bytes, source: str, charset: str | None) -> str:
    """Decode as the charset that the sender names, as UTF-8, or as what the bytes look like; without a BOM.

    Raises:
        DocumentUnreadable: it is binary.
    """
    for encoding in (charset, "utf-8-sig"):
        try:
            text = data.decode(encoding or "utf-8-sig")
        except (UnicodeError, LookupError):
            continue
        if "\0" not in text:
            return text
    check_text(data, source)
    matches = from_bytes(data)
    if (best := matches.best()) is None:
        raise _binary(source)
    # Windows-1252 is the usual one of those that look alike (Spanish is taken for cp1250).
    usual = (match for match in matches if match.encoding == "cp1252" and match.chaos <= best.chaos)
    return str(next(usual, best))


def check_text(data: bytes, source: str) -> None:
    """Look for NUL, which no text has but in UTF-16 and UTF-32.

    Raises:
        DocumentUnreadable: it is binary.
    """
    if b"\0" in data and not data.startswith(_WIDE):
        raise _binary(source)


def _binary(source: str) -> DocumentUnreadable:
    return DocumentUnreadable(f"{source} is binary, not text")
