"""What the process that reads documents cannot do, even if a document makes it do something else."""

import json
import os
import pickle
import socket
from pathlib import Path

import pytest

from jarvis.core.text import Kind, Text
from jarvis.documents import reader as module
from jarvis.documents.reader import Reader
from jarvis_ports.errors import DocumentUnreadable

pytestmark = pytest.mark.slow


def attempt(data, source, media_type, language):
    """Stand for a document that has taken over its process: run what the server would never have it do."""
    try:
        exec(data, {"os": os, "socket": socket, "Path": Path})  # noqa: S102
    except OSError as error:
        return Text(f"{os.strerror(error.errno)}", Kind.PLAIN)
    return Text("done", Kind.PLAIN)


@pytest.fixture
async def taken_over(monkeypatch):
    monkeypatch.setattr(module, "read", attempt)
    async with Reader() as reader:
        yield reader


@pytest.mark.parametrize(
    "code",
    [
        "socket.socket()",
        "socket.socket(socket.AF_UNIX)",
        "socket.socketpair()",
        "Path('/etc/hostname').read_text()",
        "os.listdir('/')",
        "os.pipe()",
        "os.memfd_create('a')",
        "os.close(0); socket.socket()",
    ],
)
async def test_it_opens_neither_files_nor_connections(taken_over, code):
    assert (await taken_over.read(code.encode(), "a.html", None)).text == "Too many open files"
    assert (await taken_over.read(b"0", "a.html", None)).text == "done"


def unpickled(path):
    Path(path).touch()


class Hostile:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return unpickled, (self.path,)


@pytest.mark.parametrize(
    "said",
    [
        "pickle",
        b"",
        b"null",
        b"[]",
        b'{"text": ["a"]}',
        b'{"text": [1, "nothing", null, [], [], []]}',
        b'{"text": ["a", "plain", null, [], [], [1]]}',
        b"[" * 100_000,
    ],
    ids=["pickle", "empty", "null", "list", "short", "kind", "cuts", "deep"],
)
async def test_what_it_says_is_only_read_as_a_text(monkeypatch, tmp_path, said):
    if said == "pickle":
        said = pickle.dumps(Hostile(str(tmp_path / "made")))
    monkeypatch.setattr(module._Process, "_exchange", lambda _, asked: said if asked else b"{}")
    async with Reader() as reader:
        with pytest.raises(DocumentUnreadable, match=r"a\.html ended the process that read it"):
            await reader.read(b"<p>a</p>", "a.html", None)
    assert not (tmp_path / "made").exists()


async def test_an_answer_without_end_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(module, "ANSWER_BYTES", 100)
    async with Reader() as reader:
        assert (await reader.read(b"<p>a</p>", "a.html", None)).text == "a"
        with pytest.raises(DocumentUnreadable, match=r"b\.html ended the process"):
            await reader.read(b"<p>" + b"a" * 200, "b.html", None)
        assert (await reader.read(b"<p>a</p>", "a.html", None)).text == "a"


ENCODED = {"shift_jis": "日本語の文書です。", "gb18030": "中文文件。", "koi8-r": "Документ.", "cp437": "é"}


@pytest.mark.parametrize("encoding", ENCODED)
async def test_whatever_reading_needs_is_loaded_before(encoding):
    page = f"<title>T</title><style>.a{{color:red}}</style><p class=a>{ENCODED[encoding]}"
    async with Reader() as reader:
        text = await reader.read(page.encode(encoding), "a.html", f"text/html; charset={encoding}")
    assert ENCODED[encoding] in text.text


async def test_notebooks_and_pdfs_are_read(pdf):
    cell = {"cell_type": "markdown", "source": "words"}
    async with Reader() as reader:
        notebook = await reader.read(json.dumps({"cells": [cell]}).encode(), "a.ipynb", None)
        assert notebook.text == "words"
        assert (await reader.read(pdf("one"), "a.pdf", None)).pages == (0,)
