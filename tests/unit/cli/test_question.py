"""What is asked comes from the argument, from standard input, or from both."""

import sys
import time

import pytest

from jarvis.cli import question


@pytest.mark.parametrize("command", ["ask", "generate"])
@pytest.mark.parametrize(
    ("arguments", "stdin", "asked"),
    [
        (["Why?"], "", "Why?"),
        ([], "Why?\n", "Why?"),
        (["-"], "Why?\n", "Why?"),
        (["Why?"], "a log\nof two lines\n", "a log\nof two lines Why?"),
        (["Why?"], " \n", "Why?"),
    ],
)
async def test_standard_input_goes_before_the_argument(fake, run, command, arguments, stdin, asked):
    code, _, err = await run(command, *arguments, "--server", fake.address, stdin=stdin)
    assert (code, err) == (0, "")
    assert fake.requests[-1].messages[-1].content == asked


@pytest.mark.parametrize("command", ["ask", "generate"])
@pytest.mark.parametrize("arguments", [[], [""], ["-"]], ids=str)
async def test_nothing_asked_is_a_wrong_command_line(fake, run, command, arguments):
    code, out, err = await run(command, *arguments, "--server", fake.address, stdin="\n")
    assert (code, out) == (2, "")
    assert "give a text, or pipe one in" in err
    assert fake.requests == []


async def test_a_silent_standard_input_is_told_of(monkeypatch, capsys):
    class Slow:
        def isatty(self):
            return False

        def read(self):
            told = ""
            while "waiting for the end" not in told:
                told += capsys.readouterr().err
                time.sleep(0.001)
            return "late"

    monkeypatch.setattr(question, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(sys, "stdin", Slow())
    assert question.read("Why?") == "late Why?"


async def test_no_standard_input_at_all_leaves_the_argument(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    assert question.read("Why?") == "Why?"
