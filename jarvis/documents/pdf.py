"""The text of a PDF."""

import logging
from io import BytesIO

from pypdf import PasswordType, PdfReader

from jarvis.documents.types import Kind, Text
from jarvis_ports.errors import DocumentUnreadable

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it tells of every flaw that it mends


def read_pdf(data: bytes, source: str) -> Text:
    """Extract the text, page by page with a blank line between.

    Raises:
        DocumentUnreadable: it is damaged, or needs a password, or has no text.
    """
    try:
        pages = _pages(data)
    except MemoryError:
        raise
    except Exception as error:  # a damaged file makes pypdf raise whatever it stumbles on
        reason = (str(error).splitlines() or [""])[0] or type(error).__name__
        msg = f"{source} is damaged, or no PDF: {reason}"
        raise DocumentUnreadable(msg) from error
    if pages is None:
        msg = f"{source} is encrypted: save it without a password"
        raise DocumentUnreadable(msg)
    text = "\n\n".join(page for page in pages if page)
    if not text:
        msg = f"{source} has no text: if its pages are pictures, run a text recognition (OCR) over it first"
        raise DocumentUnreadable(msg)
    # It may hold what is no text: halves of surrogate pairs, and NUL.
    sound = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "")
    return Text(sound, Kind.PLAIN)


def _pages(data: bytes) -> list[str] | None:
    """Return the text of each page, or None where that needs a password."""
    reader = PdfReader(BytesIO(data))
    if reader.is_encrypted and reader.decrypt("") is PasswordType.NOT_DECRYPTED:
        return None
    return [page.extract_text().strip() for page in reader.pages]
