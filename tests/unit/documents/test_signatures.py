import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile

import pytest

from jarvis.documents.read import read
from jarvis_ports.errors import DocumentUnreadable


def zipped(*names):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "text")
    return out.getvalue()


def tarred():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.txt"))
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (zipped("a.txt"), "an archive (ZIP): unpack it first"),
        (zipped("[Content_Types].xml", "word/document.xml"), "a Word document: save it as PDF, or as text"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook: save it as PDF, or as text"),
        (tarred(), "an archive (tar): unpack it first"),
        (gzip.compress(b"text", mtime=0), "compressed by gzip: unpack it first"),
        (lzma.compress(b"text"), "compressed by xz: unpack it first"),
        (b"{\\rtf1\\ansi text}", "a file in Rich Text Format: save it as PDF, or as text"),
        (b"\x89PNG\r\n\x1a\n" + os.urandom(99), "a picture (PNG)"),
        (bz2.compress(os.urandom(999)) + b"\0", "binary, not text"),
    ],
)
@pytest.mark.parametrize("source", ["a.txt", "a.html", "a.pdf", "a.ipynb"])
def test_what_is_no_text_is_known_by_its_bytes(data, says, source):
    with pytest.raises(DocumentUnreadable) as caught:
        read(data, source, None)
    if source != "a.pdf" or "binary" not in says:
        assert str(caught.value) == f"{source} is {says}"
