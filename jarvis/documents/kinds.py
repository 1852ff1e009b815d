"""Determines what a document is by its media type, the ending of its name, or its first bytes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from jarvis_ports.errors import DocumentUnreadable


class Format(StrEnum):
    """The format of a document."""

    TEXT = "text"
    MARKDOWN = "Markdown"
    HTML = "HTML"
    PDF = "PDF"
    CODE = "source code"
    NOTEBOOK = "a Jupyter notebook"


@dataclass(frozen=True, slots=True)
class Described:
    """What a document is said to be: its format, the language of code, and the charset of the media type."""

    format: Format
    language: str | None = None
    charset: str | None = None


_LANGUAGES = {
    "c": ("c", "h"),
    "cpp": ("cc", "cpp", "cxx", "hh", "hpp", "hxx"),
    "go": ("go",),
    "java": ("java",),
    "javascript": ("cjs", "js", "jsx", "mjs"),
    "python": ("py", "pyi"),
    "rust": ("rs",),
    "tsx": ("tsx",),
    "typescript": ("cts", "mts", "ts"),
}
_LANGUAGE_OF = {ending: language for language, endings in _LANGUAGES.items() for ending in endings}
_TEXTS = (
    "adoc asciidoc bash bat cfg clj cmake conf cs css csv dart erl ex exs fish fs gradle graphql "
    "groovy hcl hs ini jl json jsonl kt kts less log lua mk ml ndjson org php pl pm properties proto "
    "ps1 r rb rst scala scss sh sql svelte swift tex text tf toml tsv txt vue xml yaml yml zsh"
)

ENDINGS: Mapping[Format, tuple[str, ...]] = {
    Format.TEXT: tuple(_TEXTS.split()),
    Format.MARKDOWN: ("markdown", "md", "mdx"),
    Format.HTML: ("htm", "html", "xhtml"),
    Format.PDF: ("pdf",),
    Format.CODE: tuple(sorted(_LANGUAGE_OF)),
    Format.NOTEBOOK: ("ipynb",),
}
"""The endings of file names that are read, in lower case."""
NAMES = ("Dockerfile", "LICENSE", "Makefile", "NOTICE", "README")
"""Names without an ending whose files are read, as text."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_FORMAT_OF = {ending: format_ for format_, endings in ENDINGS.items() for ending in endings}
_MEDIA_TYPES = {
    "application/pdf": Described(Format.PDF),
    "application/x-ipynb+json": Described(Format.NOTEBOOK),
    "application/xhtml+xml": Described(Format.HTML),
    "text/html": Described(Format.HTML),
    "text/markdown": Described(Format.MARKDOWN),
    "text/x-markdown": Described(Format.MARKDOWN),
    "application/javascript": Described(Format.CODE, "javascript"),
    "text/javascript": Described(Format.CODE, "javascript"),
    "text/x-c": Described(Format.CODE, "c"),
    "text/x-c++": Described(Format.CODE, "cpp"),
    "text/x-go": Described(Format.CODE, "go"),
    "text/x-java": Described(Format.CODE, "java"),
    "text/x-python": Described(Format.CODE, "python"),
    "text/x-rust": Described(Format.CODE, "rust"),
}
_TEXT_APPLICATIONS = ("json", "ndjson", "sql", "toml", "x-sh", "x-yaml", "xml", "yaml")
_START = 4096
"""The number of first bytes that show what a document is."""
_HTML = re.compile(
    rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*(?><!--.*?-->\s*|<\?xml\b[^>]*>\s*)*+"
    rb"(?:<!doctype\s+html\b|<html[\s>])",
    re.IGNORECASE | re.DOTALL,
)
"""The beginning of a page, including what browsers skip before it."""


def handles(path: str | PurePosixPath) -> bool:
    """Return whether a file, by its name, is of a kind that can be read."""
    return _by_name(str(path)) is not None


def describe(data: bytes, source: str, media_type: str | None) -> Described:
    """Return what a document is: a PDF by its first bytes, others by media type, else name, else first bytes.

    A page that a URL serves counts as HTML even if its name ends like that of source code or text.

    Raises:
        DocumentUnreadable: the media type is one that cannot be read.
    """
    if _is_pdf(data):
        return Described(Format.PDF)
    if media_type and (described := _by_media_type(source, media_type)):
        return described
    named = _by_name(source)
    if named and not (_URL.match(source) and named.format in {Format.CODE, Format.TEXT}):
        return named
    found = _by_content(data)
    return found if found.format is Format.HTML else named or found


def _by_media_type(source: str, media_type: str) -> Described | None:
    name, _, parameters = media_type.lower().partition(";")
    name = name.strip()
    charset = parameters.partition("charset=")[2].partition(";")[0].strip(" \"'") or None
    if name in {"", "application/octet-stream"}:
        return None
    if described := _MEDIA_TYPES.get(name):
        return Described(described.format, described.language, charset)
    kind, _, subtype = name.partition("/")
    if kind == "text" or (kind == "application" and subtype.rpartition("+")[2] in _TEXT_APPLICATIONS):
        return Described(Format.TEXT, charset=charset)
    readable = "text, Markdown, HTML, PDF, a notebook or source code"
    msg = f"{source} is of type {name}, which cannot be read: send {readable}"
    raise DocumentUnreadable(msg)


def _by_name(source: str) -> Described | None:
    path = source
    if address := _URL.match(source):  # in a path, ? and # are characters like any other
        path = source[address.end() :].partition("#")[0].partition("?")[0].partition("/")[2]
    name = path.rpartition("/")[2]
    _, dot, ending = name.rpartition(".")
    ending = ending.lower()
    if dot and (format_ := _FORMAT_OF.get(ending)):
        return Described(format_, _LANGUAGE_OF.get(ending))
    return Described(Format.TEXT) if name in NAMES else None


def _by_content(data: bytes) -> Described:
    start = data[:_START]
    if b"\0" in start:  # as in UTF-16; without NUL, its ASCII characters are left
        start = start.replace(b"\0", b"")
    return Described(Format.HTML if _HTML.match(start) else Format.TEXT)


def _is_pdf(data: bytes) -> bool:
    """Return whether the data begins like a PDF and has an object, unlike a text about PDF."""
    return data[:1024].lstrip().startswith(b"%PDF-") and b" obj" in data
