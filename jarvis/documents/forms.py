"""Reads what is filled into the forms of a PDF, which is not part of the text of its pages."""

import ctypes
from collections.abc import Callable, Iterator

import pypdfium2
import pypdfium2.raw as pdfium

_UNSEEN = pdfium.FPDF_ANNOT_FLAG_INVISIBLE | pdfium.FPDF_ANNOT_FLAG_HIDDEN | pdfium.FPDF_ANNOT_FLAG_NOVIEW
_PASSWORD = 1 << 13
"""The flag of a text field whose value must not be shown: table 231 of ISO 32000-2."""
_MARKS = (pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON)
_NO_TEXT = (pdfium.FPDF_FORMFIELD_UNKNOWN, pdfium.FPDF_FORMFIELD_PUSHBUTTON, pdfium.FPDF_FORMFIELD_SIGNATURE)


def filled(document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage) -> Iterator[str]:
    """Yield a line for each field that has a value ("name: value"), and for each free text on the page."""
    told: set[str] = set()
    for number in range(pdfium.FPDFPage_GetAnnotCount(page)):
        annotation = pdfium.FPDFPage_GetAnnot(page, number)
        if not annotation:
            continue
        try:
            line = "" if pdfium.FPDFAnnot_GetFlags(annotation) & _UNSEEN else _line(document, annotation)
        finally:
            pdfium.FPDFPage_CloseAnnot(annotation)
        if line and line not in told:  # the buttons of a group share one value
            told.add(line)
            yield line


def _line(document: pypdfium2.PdfDocument, annotation: pdfium.FPDF_ANNOTATION) -> str:
    subtype = pdfium.FPDFAnnot_GetSubtype(annotation)
    if subtype == pdfium.FPDF_ANNOT_FREETEXT:
        return _text(lambda *to: pdfium.FPDFAnnot_GetStringValue(annotation, b"Contents", *to))
    if subtype != pdfium.FPDF_ANNOT_WIDGET or document.formenv is None:
        return ""
    field = (document.formenv, annotation)
    kind = pdfium.FPDFAnnot_GetFormFieldType(*field)
    if kind in _NO_TEXT or pdfium.FPDFAnnot_GetFormFieldFlags(*field) & _PASSWORD:
        return ""
    value = _text(lambda *to: pdfium.FPDFAnnot_GetFormFieldValue(*field, *to))
    if not value or (kind in _MARKS and value == "Off"):
        return ""
    label = _text(lambda *to: pdfium.FPDFAnnot_GetFormFieldAlternateName(*field, *to))
    return f"{label or _text(lambda *to: pdfium.FPDFAnnot_GetFormFieldName(*field, *to))}: {value}"


def _text(read: Callable[..., int]) -> str:
    """Read a text with a PDFium function that fills a buffer and returns the number of bytes it needs."""
    size = read(None, 0)
    buffer = ctypes.create_string_buffer(size)
    read(ctypes.cast(buffer, ctypes.POINTER(pdfium.FPDF_WCHAR)), size)
    return buffer.raw.decode("utf-16-le", "replace").rstrip("\0").strip()
