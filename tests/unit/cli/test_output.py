"""What others wrote does not steer the terminal that shows it."""

import asyncio
import json
import os
import pty
import sys
from asyncio.subprocess import PIPE

import pytest

from jarvis.cli.output import echo, escaped, print_json, print_table, write
from jarvis.client import BlockingClient, Document, Row
from jarvis.v1 import generation_pb2 as pb
from tests.command import JARVIS

EVIL = "a\x1b[31m\x07\r\n\t\x7f\x9b2J\u2028\u202e\u2066\udcffz"
SHOWN = r"a\x1b[31m\x07\r\n\t\x7f\x9b2J\u2028\u202e\u2066\udcffz"
HARMLESS = "naïve 世界 🌍 👨‍👩‍👧 שלום می‌خواهم"


def steers(text):
    return [
        c for c in text if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160 or c in "\u202e\u2066\u2028"
    ]


def test_a_line_shows_control_characters_escaped_and_the_rest_as_it_is(capsys):
    assert escaped(EVIL) == SHOWN
    assert escaped(HARMLESS) == HARMLESS
    echo(EVIL)
    echo(EVIL, err=True)
    print_table(("NAME",), [(EVIL,)])
    out, err = capsys.readouterr()
    assert out == f"{SHOWN}\nNAME\n{SHOWN}\n".replace("NAME\n", f"NAME{' ' * (len(SHOWN) - 4)}\n")
    assert err == f"{SHOWN}\n"


@pytest.mark.parametrize("indent", [None, 2])
def test_json_has_the_same_values_and_steers_nothing(capsys, indent):
    value = {EVIL: [EVIL, HARMLESS, "\U000e0001"]}
    print_json(value, indent=indent)
    out = capsys.readouterr().out
    assert json.loads(out) == value
    assert steers(out) == []
    assert HARMLESS in out


@pytest.mark.parametrize(("terminal", "wanted"), [(True, r"a\x1b[2Jb"), (False, "a\x1b[2Jb")])
def test_an_answer_is_escaped_on_a_terminal_alone(capsys, monkeypatch, terminal, wanted):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    write("a\x1b[2")
    write("Jb\n\tc")
    assert capsys.readouterr().out == f"{wanted}\n\tc"


async def on_terminal(*arguments):
    """What a command writes on a terminal that is its standard output and error."""
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *JARVIS, *arguments, stdin=PIPE, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    process.stdin.close()

    def read():
        seen = b""
        try:
            while part := os.read(ours, 65536):
                seen += part
        except OSError:  # nobody has the other end open any more
            pass
        return seen.decode()

    seen = await asyncio.wait_for(asyncio.to_thread(read), 60)
    await process.wait()
    os.close(ours)
    return seen


@pytest.mark.parametrize("command", ["generate", "ask"])
async def test_a_model_does_not_steer_the_terminal(answer, fake, command, monkeypatch):
    async def stream(request, context):
        await fake._begin(request, context)
        yield pb.GenerateStreamResponse(started=pb.Started(request_id="r", model="m"))
        yield pb.GenerateStreamResponse(delta=pb.Delta(text="red \x1b[31mhouse\x1b]0;title\x07\n"))
        yield pb.GenerateStreamResponse(finished=pb.Finished(reason=pb.FINISH_REASON_STOP))

    monkeypatch.setattr(fake, "GenerateStream", stream, raising=False)
    seen = await on_terminal(command, "x", "--server", await answer())
    assert r"red \x1b[31mhouse\x1b]0;title\x07" in seen


async def test_names_of_files_documents_and_rows_do_not_steer_the_terminal(start, tmp_path):
    evil = "\x1b[31mred\nfailed\x9b2J"
    (tmp_path / f"{evil}.md").write_text(f"A house {evil}")
    (tmp_path / f"{evil}.xyz").write_text("x")
    (tmp_path / f"{evil}0.md").write_bytes(b"\0")

    def fill(address):
        with BlockingClient(address) as client:
            client.retrieval.create_collection("default")
            client.retrieval.upsert("default", [Row(evil, "A row")])
            list(client.retrieval.ingest("default", [Document(evil, b"A page", id=f"{evil}x")]))

    async with start() as server:
        address = server.instance.addresses[0]
        await asyncio.to_thread(fill, address)
        for arguments, shown in (
            (("ingest", str(tmp_path)), 2),
            (("ingest", str(tmp_path / f"{evil}.md"), "--collection", evil), 1),
            (("documents", "list"), 3),
            (("documents", "delete", evil, "--dry-run"), 1),
            (("search", "A house"), 2),
            (("search", "A house", "--json"), 2),
            (("collections", "show", evil), 1),
            (("search", "x", "--filter", evil), 1),
        ):
            seen = await on_terminal(*arguments, "--server", address)
            text = seen.replace("\r\n", "\n").replace("\x1b[?25l", "").replace("\x1b[?25h", "")
            assert "failed\x9b" not in text
            assert "\x1b[31m" not in text
            assert "red\nfailed" not in text
            assert text.count("[31mred") >= shown, (arguments, text)
