"""The bytes of a document become text."""

from jarvis.documents.decode import check_text, decode
from jarvis.documents.kinds import Format, describe
from jarvis.documents.types import Kind, Text

_KINDS = {Format.TEXT: Kind.PLAIN, Format.MARKDOWN: Kind.MARKDOWN, Format.CODE: Kind.CODE}


def read(data: bytes, source: str, media_type: str | None) -> Text:
    """Read a document.

    Blocks; a hostile HTML or PDF may take minutes or much memory, see `jarvis.documents.Reader`.

    Args:
        data: its content.
        source: its path or address; the ending says what it is, and messages name it.
        media_type: what it is ("text/html; charset=…"), which goes before the ending.

    Raises:
        DocumentUnreadable: it cannot be read; the message says what to do. One without text is no such
            document, but for a PDF: its pages may be pictures of text.
    """
    described = describe(data, source, media_type)
    match described.format:
        case Format.PDF:
            from jarvis.documents.pdf import read_pdf  # noqa: PLC0415 - slow to import, and seldom needed

            return read_pdf(data, source)
        case Format.HTML:
            from jarvis.documents.web import read_html  # noqa: PLC0415 - likewise

            check_text(data, source)
            return read_html(data, described.charset)
        case format_:
            return Text(decode(data, source, described.charset), _KINDS[format_], described.language)
