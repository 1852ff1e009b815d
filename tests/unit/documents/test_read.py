import base64
import os
import pickle
import zlib
from random import Random

import pytest

from jarvis.core.text import Kind, Text
from jarvis.documents.kinds import ENDINGS, NAMES, handles
from jarvis.documents.read import read
from jarvis_ports.errors import DocumentUnreadable

SPANISH = "El corazón de la ciudad: mañana habrá una canción más, ¿verdad? Así lo dijo el señor Núñez. " * 3


def travelled(value):
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - our own bytes


def refused(data, source="a.txt", media_type=None):
    with pytest.raises(DocumentUnreadable) as caught:
        read(data, source, media_type)
    return str(caught.value)


@pytest.mark.parametrize(
    ("source", "media_type", "kind", "language"),
    [
        ("notes.txt", None, Kind.PLAIN, None),
        ("README", None, Kind.PLAIN, None),
        ("https://site.org/docs/page.MD?version=2#top", None, Kind.MARKDOWN, None),
        ("a/b.py", None, Kind.CODE, "python"),
        ("a.tsx", None, Kind.CODE, "tsx"),
        ("a.yaml", None, Kind.PLAIN, None),
        ("unknown", None, Kind.PLAIN, None),
        ("a.py", "text/plain; charset=utf-8", Kind.PLAIN, None),
        ("a.txt", "text/markdown", Kind.MARKDOWN, None),
        ("a.md", "application/octet-stream", Kind.MARKDOWN, None),
        ("a", "application/vnd.api+json", Kind.PLAIN, None),
    ],
)
def test_the_media_type_or_the_ending_says_what_it_is(source, media_type, kind, language):
    assert read(b"words = 1", source, media_type) == Text("words = 1", kind, language)


def test_a_media_type_that_cannot_be_read_is_said():
    assert "image/png" in refused(b"text", "a.txt", "image/png")


def test_what_nothing_names_is_known_by_its_first_bytes(pdf):
    assert read(pdf("from a page"), "upload", None).text == "from a page"
    assert read(b"\n<!DOCTYPE HTML><p>a <b>word</b>", "upload", None) == Text("a **word**", Kind.MARKDOWN)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "head",
    ["", "\n ", "<!-- a > b -->\n", "<?xml version='1.0'?>\n", "<?xml version='1.0'?><!-- a --><!-- b -->"],
)
def test_a_page_is_known_after_what_browsers_skip(encoding, head):
    for page in (
        "<!DOCTYPE html><p hidden>EVIL</p><p>a <b>word</b>",
        "<html><p hidden>EVIL</p><p>a <b>word</b>",
    ):
        found = read(f"{head}{page}".encode(encoding), "upload", None)
        assert (found.text, found.kind) == ("a **word**", Kind.MARKDOWN)


@pytest.mark.parametrize(
    "text", ["<!-- no page --> <p>", "<?xml version='1.0'?><a/>", "a <html>", "<!--" * 999, "<!---->" * 500]
)
def test_what_only_looks_like_a_page_is_text(text):
    assert read(text.encode(), "upload", None).kind is Kind.PLAIN


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_text_of_any_usual_encoding_is_read(encoding):
    assert read(SPANISH.encode(encoding), "a.txt", None).text == SPANISH


def test_the_charset_of_the_sender_goes_first():
    assert read("ñandú €".encode("cp1252"), "a.txt", "text/plain; charset=cp1252").text == "ñandú €"
    assert read("ñandú".encode(), "a.txt", "text/plain; charset=nonsense").text == "ñandú"
    page = "<p>ñandú</p>".encode("cp1252")
    assert read(page, "a", "text/html; charset=windows-1252").text == "ñandú"


def test_text_is_left_as_it_is():
    text = "  one\r\ntwo\rthree\n\n\n four\t\f "
    assert read(text.encode(), "a.md", None).text == text


@pytest.mark.parametrize("source", ["a.txt", "a.html", "a.py"])
def test_binary_files_are_refused(source):
    assert refused(os.urandom(5000) + b"\0", source) == f"{source} is binary, not text"


@pytest.mark.parametrize("nul", [b"\0", b""])
def test_a_binary_is_refused_though_a_line_of_it_is_utf_8(nul):
    noise = Random(1).randbytes(5000).replace(b"\0", b"\x81")  # noqa: S311
    assert "binary" in refused(noise + "\nñ\n".encode() + noise + nul)


@pytest.mark.parametrize("data", [b"abcdefg\0" * 30, b"a,b\n1,\0\n" * 10, b"ab\0cd\0ef\0gh\0" * 9])
def test_ascii_with_nul_in_some_places_is_no_utf_16(data):
    assert refused(data) == "a.txt is binary, not text"


def test_binary_without_nul_is_refused():
    assert "binary" in refused(zlib.compress(os.urandom(9000)).replace(b"\0", b"\x81"))


@pytest.mark.parametrize("source", ["a.txt", "a.html", "a.md"])
def test_a_document_without_text_is_blank(source):
    for data in (b"", b" \n\t \xc2\xa0"):
        assert not read(data, source, None).text.strip()


def test_html_becomes_markdown_with_its_title_and_without_what_is_not_seen():
    html = b"""<html><head><title>The  page</title><style>p {}</style><script>alert(1)</script></head><body>
      <nav><a href="/">Home</a></nav><!-- not this --><h2>Part</h2><p>Text &amp; <em>more</em> &ntilde;.
      <img src="data:image/png;base64,AAAA" alt="A chart"></p><ul><li>one</li><li>two</li></ul>
      <pre>code  here</pre><table><tr><th>a</th></tr><tr><td>1</td></tr></table></body></html>"""
    text = read(html, "a.html", None).text
    assert text.startswith("# The page\n\n## Part\n\nText & *more* ñ.")
    for there in ("A chart", "* one\n* two", "code  here", "| a |\n| --- |\n| 1 |"):
        assert there in text
    for gone in ("alert", "p {}", "Home", "not this", "base64", "\n\n\n"):
        assert gone not in text


def test_a_title_that_is_the_first_heading_comes_once():
    assert read(b"<title>T</title><h1>T</h1><p>x</p>", "a.html", None).text == "# T\n\nx"


def test_html_that_is_nested_very_deeply_is_read():
    text = read(b"<div>" * 20_000 + b"deep" + b"</div>" * 20_000, "a.html", None)
    assert text == Text("deep", Kind.PLAIN)


def test_a_pdf_without_text_says_what_to_do(pdf):
    assert "OCR" in refused(pdf("", ""), "scan.pdf")


def test_an_encrypted_pdf_is_read_where_it_needs_no_password(pdf):
    assert read(pdf("free", password="", owner="x"), "a.pdf", None).text == "free"
    assert "a.pdf is encrypted" in refused(pdf("secret", password="x"), "a.pdf")  # noqa: S106 - a test's


def test_a_damaged_pdf_is_refused(pdf):
    whole = pdf("page one")
    for data in (b"", b"%PDF-1.7", whole[: len(whole) // 3], os.urandom(3000), b"plain text"):
        assert refused(data, "a.pdf").startswith("a.pdf ")


def test_a_pdf_that_unpacks_to_very_much_is_refused(pdf):
    bomb = zlib.compress(zlib.compress(b"(x) Tj " * 12_000_000, 9), 9)
    page = pdf("PLACE")
    start = page.index(b"stream\n", page.index(b"/FlateDecode")) + 7
    end = page.index(b"\nendstream", start)
    data = page[:start] + bomb + page[end:]
    data = data.replace(b"/Filter /FlateDecode", b"/Filter [/FlateDecode /FlateDecode]")
    refused(data, "bomb.pdf")


def test_what_is_read_and_its_failure_travel_between_processes():
    text = read(b"words", "a.py", None)
    assert travelled(text) == text
    assert travelled(read) is read
    with pytest.raises(DocumentUnreadable) as caught:
        read(b"\0", "a.txt", None)
    assert str(travelled(caught.value)) == "a.txt is binary, not text"


def test_files_are_taken_by_their_names():
    assert all(handles(f"folder/file.{ending}") for endings in ENDINGS.values() for ending in endings)
    assert all(handles(f"folder/{name}") for name in NAMES)
    for name in ("a.png", "a.zip", "a", ".env", "folder.md/a", "md", "a.PY.gz"):
        assert not handles(name)
    assert handles("UPPER.HTML")


def test_what_a_url_is_for_is_a_character_like_any_other_in_a_path():
    for name in (
        "C# guide.md",
        "/project #1/a.txt",
        "/what?/b.md",
        "why?.md",
        "#.py",
        "a.md#1/c.md",
        "%23.md",
    ):
        assert handles(name), name
    for name in ("a.md#part", "a.md?x=1", "/http://x/a.md?y"):
        assert not handles(name), name
    code = read(b"def f(): pass", "/project #1/what?.py", None)
    assert (code.kind, code.language) == (Kind.CODE, "python")


@pytest.mark.parametrize(
    "address", ["https://x.org/a.html?v=1/b.md#c.py", "https://x.org/a.html#/what?/b.md"]
)
def test_of_an_address_the_path_tells_the_kind(address):
    assert read(b"<title>T</title><p>x</p>", address, None).text == "# T\n\nx"
    endings = [ending for endings in ENDINGS.values() for ending in endings]
    assert len(endings) == len(set(endings))


@pytest.mark.parametrize(
    "address",
    ["https://www.onet.pl", "https://docs.rs", "https://x.md?y=a.py", "https://x.py#top", "https://x.rs/"],
)
def test_a_host_is_no_file_name(address):
    assert not handles(address)
    assert read(b"<html><p>a <b>word</b>", address, None) == Text("a **word**", Kind.MARKDOWN)
    assert read(b"words", address, None) == Text("words", Kind.PLAIN)


def test_what_an_address_serves_as_a_page_is_one():
    for address in ("https://x.org/index.php?x=1", "https://x.org/a.py"):
        assert read(b"<!doctype html><p>a <b>word</b>", address, None) == Text("a **word**", Kind.MARKDOWN)
    assert read(b"x = 1", "https://x.org/a.py", None) == Text("x = 1", Kind.CODE, "python")
    assert read(b"<html><?php x() ?>", "index.php", None) == Text("<html><?php x() ?>", Kind.PLAIN)


def test_base64_in_a_text_is_text():
    data = base64.b64encode(os.urandom(3000))
    assert read(data, "a.txt", None).text == data.decode()
