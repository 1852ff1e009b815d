"""Reads what is asked: an argument, standard input, or both."""

import sys
from collections.abc import Sequence
from threading import Timer
from typing import TYPE_CHECKING

import typer

from jarvis.cli.options import conversation
from jarvis.cli.output import echo

if TYPE_CHECKING:
    from jarvis.client import TextPrompt

PATIENCE_SECONDS = 2.0
"""Seconds to wait for the end of standard input before telling the user about the wait."""


def prompt(
    text: str | None, system: str | None, images: Sequence[str] | None = None, *, raw: bool
) -> "TextPrompt":
    """Return a prompt made of the argument, of standard input and of images; see `read`.

    Raises:
        BadParameter: nothing is asked, a raw prompt has a system message or images, or one cannot be read.
    """
    if raw and system is not None:
        raise typer.BadParameter("a raw prompt has no system message", param_hint="--system")
    if raw and images:
        raise typer.BadParameter("a raw prompt has no images", param_hint="--image")
    asked = read(text)
    return asked if raw else conversation(system, asked.rstrip("\n"), images)


def read(text: str | None) -> str:
    """Return what is asked.

    That is standard input if the argument is left out or is `-`. Text that is piped in beside an argument
    goes before it, with a space between the two.

    Raises:
        BadParameter: there is no text.
    """
    alone = text is None or text == "-"
    asked = "" if alone else text or ""
    if alone or not _is_terminal():
        piped = _piped()
        asked = piped if alone else f"{piped.rstrip()} {asked}" if piped.strip() else asked
    if not asked.strip():
        raise typer.BadParameter("give a text, or pipe one in")
    return asked


def _piped() -> str:
    if sys.stdin is None:
        return ""
    if _is_terminal():
        echo("jarvis: reading the prompt from the terminal; Ctrl-D ends it", err=True)
        return sys.stdin.read()
    notice = "jarvis: waiting for the end of standard input; < /dev/null gives none"
    waiting = Timer(PATIENCE_SECONDS, echo, (notice,), {"err": True})
    waiting.daemon = True
    waiting.start()
    try:
        return sys.stdin.read()
    finally:
        waiting.cancel()


def _is_terminal() -> bool:
    return sys.stdin is None or sys.stdin.isatty()
