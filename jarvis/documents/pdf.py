"""Extracts the text of a PDF."""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress

import pypdfium2
import pypdfium2.raw as pdfium

from jarvis.core.text import Kind, Text, without_unseen
from jarvis.documents.forms import filled
from jarvis_ports.errors import DocumentUnreadable

_BREAK = re.compile("[\x02\ufffe]")
"""The characters that PDFium writes in place of a hyphen and the line end after it."""
_TOLD = 20
"""The maximum number of pages without text that are named; any others are only counted."""


def read_pdf(data: bytes, source: str) -> Text:
    """Extract the text and what is filled into forms, page by page, with a blank line between pages.

    Pages without text are named in the notes: a damaged page does not keep the others from being read.

    Raises:
        DocumentUnreadable: it is damaged, needs a password, or has no text.
    """
    try:
        with pypdfium2.PdfDocument(data) as document:
            pages = list(_pages(document))
    except pypdfium2.PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            msg = f"{source} is encrypted: save it without a password"
        else:
            msg = f"{source} is damaged, or is not a PDF: {error}"
        raise DocumentUnreadable(msg) from error
    if not any(pages):
        msg = f"{source} has no text: if its pages are pictures, run a text recognition (OCR) over it first"
        raise DocumentUnreadable(msg)
    parts, starts, length = list[str](), list[int](), 0
    for page in pages:
        if page:
            parts.append(page if not parts else f"\n\n{page}")
        length += len(parts[-1]) if page else 0
        starts.append(length - len(page))
    return Text("".join(parts), Kind.PLAIN, notes=tuple(_notes(pages)), pages=tuple(starts))


def _pages(document: pypdfium2.PdfDocument) -> Iterator[str]:
    if document.get_formtype() != pdfium.FORMTYPE_NONE:
        with suppress(pypdfium2.PdfiumError):  # the pages can be read without the forms
            document.init_forms()
    for number in range(len(document)):
        try:
            yield _sound(_page(document, number))
        except pypdfium2.PdfiumError:
            yield ""


def _page(document: pypdfium2.PdfDocument, number: int) -> str:
    with closing(document[number]) as page, closing(page.get_textpage()) as found:
        return "\n".join([found.get_text_bounded(), *filled(document, page)])


def _sound(text: str) -> str:
    """Write each line end as one character, and leave out what is not text: lone surrogates, and NUL."""
    lines = _BREAK.sub("-\n", text).replace("\r\n", "\n").replace("\r", "\n")
    whole = lines.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "")
    return without_unseen(whole)[0].strip()


def _notes(pages: Sequence[str]) -> Iterator[str]:
    if empty := [str(number) for number, page in enumerate(pages, 1) if not page]:
        named = ", ".join(empty[:_TOLD]) + (f" and {len(empty) - _TOLD} more" if len(empty) > _TOLD else "")
        yield f"no text on page{'s'[: len(empty) > 1]} {named}: blank, a picture, or damaged"
