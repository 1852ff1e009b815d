"""Turns the bytes of a document into text."""

from dataclasses import replace

from jarvis.core.text import Kind, Text, without_unseen
from jarvis.documents.decode import decode
from jarvis.documents.encodings import declared
from jarvis.documents.kinds import Format, describe
from jarvis.documents.signatures import check_signature

_KINDS = {Format.TEXT: Kind.PLAIN, Format.MARKDOWN: Kind.MARKDOWN, Format.CODE: Kind.CODE}


def read(data: bytes, source: str, media_type: str | None, language: str | None = None) -> Text:
    """Read a document.

    This blocks. A hostile HTML or PDF file may take minutes or much memory: see `jarvis.documents.Reader`.

    Args:
        data: its content.
        source: its path or address; the ending says what it is, and messages name it.
        media_type: what it is ("text/html; charset=…"); it takes precedence over the ending.
        language: its language, as a BCP 47 tag, to guess the encoding by if nothing else says it.

    Raises:
        DocumentUnreadable: it cannot be read; the message says what to do. A document without text counts as
            read, except for a PDF: its pages may be pictures of text.
    """
    described = describe(data, source, media_type)
    check_signature(data, source)
    if described.format is Format.PDF:
        from jarvis.documents.pdf import read_pdf  # noqa: PLC0415 - slow to import, and seldom needed

        return read_pdf(data, source)
    if described.format is Format.HTML:
        from jarvis.documents.web import read_html  # noqa: PLC0415 - likewise

        return _seen(read_html(data, source, described.charset, language))
    text, notes = decode(data, source, (described.charset, declared(data)), language)
    if described.format is Format.NOTEBOOK:
        from jarvis.documents.notebook import read_notebook  # noqa: PLC0415 - likewise

        notebook = read_notebook(text, source)
        return _seen(replace(notebook, notes=(*notes, *notebook.notes)))
    kind = _KINDS[described.format]
    seen, cuts = without_unseen(text, markdown=kind is Kind.MARKDOWN)
    return Text(seen, kind, described.language, notes, cuts=cuts)


def _seen(made: Text) -> Text:
    """Leave out what is not seen in a text that was converted here: offsets are those in what is left."""
    return replace(made, text=without_unseen(made.text)[0])
