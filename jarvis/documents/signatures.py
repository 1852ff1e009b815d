"""Recognises files that are not text by their first bytes, whatever their names."""

from jarvis_ports.errors import DocumentUnreadable

_OFFICE = "a Word, Excel or PowerPoint file of before 2007: save it as PDF, or as text"
_SIGNATURES = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OFFICE),
    (b"{\\rtf1", "a file in Rich Text Format: save it as PDF, or as text"),
    (b"\x1f\x8b", "compressed by gzip: unpack it first"),
    (b"\xfd7zXZ\0", "compressed by xz: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd: unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "an archive (7z): unpack it first"),
    (b"Rar!\x1a\x07", "an archive (RAR): unpack it first"),
    (b"\x89PNG\r\n", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\0", "a database (SQLite)"),
)
_OFFICE_FOLDERS = {
    b"word/": "a Word document",
    b"xl/": "an Excel workbook",
    b"ppt/": "a PowerPoint presentation",
}


def check_signature(data: bytes, source: str) -> None:
    """Refuse a document whose first bytes show that it is not text.

    Raises:
        DocumentUnreadable: it is an archive, a picture or the like; the message says which, and what to do.
    """
    if (found := _known(data)) is not None:
        msg = f"{source} is {found}"
        raise DocumentUnreadable(msg)


def _known(data: bytes) -> str | None:
    if data.startswith(b"PK\x03\x04"):
        return _zip(data)
    if data[257:262] == b"ustar":
        return "an archive (tar): unpack it first"
    return next((what for signature, what in _SIGNATURES if data.startswith(signature)), None)


def _zip(data: bytes) -> str:
    for folder, what in _OFFICE_FOLDERS.items():
        if folder in data:
            return f"{what}: save it as PDF, or as text"
    if b"mimetypeapplication/" in data[:100]:
        return "an OpenDocument file or an e-book: save it as PDF, or as text"
    return "an archive (ZIP): unpack it first"
