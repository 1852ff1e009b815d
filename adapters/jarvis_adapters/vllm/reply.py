"""Tells the text of an answer, its reasoning and its calls of tools apart, by vLLM's parsers."""

import json
import logging
from dataclasses import dataclass, field
from typing import Any

from jarvis_adapters.vllm.dialect import Asked
from jarvis_ports.llm import ToolCallDelta

logger = logging.getLogger(__name__)
MARKERS = ("tool_call_start_token", "tool_calls_start_token", "bot_token")
"""The attributes of vLLM's parsers that hold the text with which calls begin."""


@dataclass
class Part:
    """What is new of a choice."""

    text: str = ""
    reasoning: str = ""
    tool_calls: list[ToolCallDelta] = field(default_factory=list)


class Reply:
    """Reads one choice of an answer. No text is lost: what its parser cannot read is text.

    Args:
        asked: what the request asks for.
        prompt_token_ids: the prompt, in which reasoning may have begun.

    Attributes:
        calls: the arguments of the calls so far, by their places.
        unread: whether a call could not be read.
    """

    def __init__(self, asked: Asked, prompt_token_ids: list[int]) -> None:
        self._asked = asked
        self._parser = asked.parser()
        self._prompt: list[int] = prompt_token_ids
        self._token_ids: list[int] = []
        self._raw = ""
        self._told = 0
        self._failed = False
        self._reasons = False
        self.calls: dict[int, str] = {}
        self.unread = False

    @property
    def reasoning_tokens(self) -> int:
        """How many of the tokens so far are reasoning."""
        return int(self._parser.count_reasoning_tokens(self._token_ids))

    def read(self, text: str, token_ids: list[int], finish_reason: str | None) -> Part:
        """Return what is new, given the new text and tokens, and why the choice ended, if it has."""
        self._raw += text
        self._token_ids += token_ids
        part = Part()
        if not self._failed:
            self._parse(part, text, token_ids, finished=finish_reason is not None)
        if self._failed:
            part.text += self._rest()
        elif finish_reason is not None and self._asked.tools:
            self._close(part, finish_reason)
        return part

    def _parse(self, part: Part, text: str, token_ids: list[int], *, finished: bool) -> None:
        try:
            message = self._parser.parse_delta(
                text, token_ids, self._asked.chat, self._prompt, finished=finished
            )
        except Exception as error:  # noqa: BLE001 - of a parser, for what a model wrote
            # Not the error itself, which may quote the answer.
            logger.warning(
                "%s could not read an answer: %s", type(self._parser).__name__, type(error).__name__
            )
            self._failed = self.unread = True
            return
        if message is None:
            return
        part.reasoning, part.text = message.reasoning or "", message.content or ""
        if part.reasoning and not self._reasons:
            # Some parsers leave the mark in, where it comes with the first of the text.
            self._reasons = True
            part.reasoning = part.reasoning.removeprefix(self._mark_of_reasoning("start"))
        for shown in (part.reasoning, part.text):
            self._tell(shown)
        for call in message.tool_calls or ():
            self._call(part, call)

    def _call(self, part: Part, call: Any) -> None:  # noqa: ANN401 - vLLM's DeltaToolCall
        function = call.function
        arguments = (function and function.arguments) or ""
        self.calls[call.index] = self.calls.get(call.index, "") + arguments
        name = function.name if function else None
        if call.id or name or arguments:
            part.tool_calls.append(ToolCallDelta(call.index, call.id, name, arguments))
        self._told = len(self._raw)

    def _close(self, part: Part, finish_reason: str) -> None:
        """Tell what the parser has held back, unless it is a call that was cut off."""
        rest, marker = self._rest(), self._marker()
        if self.calls:
            if finish_reason != "length" and marker and self._raw.count(marker) > len(self.calls):
                # What follows the last call that could be read begins with the mark of one that could not.
                part.text += marker + self._raw.split(marker, len(self.calls) + 1)[-1]
                self.unread = True
        elif finish_reason != "length" or self._may_be_text(rest.strip(), marker or ""):
            part.text += rest
            self.unread |= bool(rest.strip()) and not (marker or "").startswith(rest.strip())
        if finish_reason == "length":
            return
        for index, arguments in self.calls.items():
            if not arguments.strip():
                part.tool_calls.append(ToolCallDelta(index, arguments="{}"))
            elif not _is_object(arguments):
                self.unread = True

    def _may_be_text(self, rest: str, marker: str) -> bool:
        """Return whether the end of what was cut off may be text: it is less than the mark of a call."""
        return not self._asked.must_call and rest != marker and marker.startswith(rest)

    def _tell(self, shown: str) -> None:
        if shown:
            found = self._raw.find(shown, self._told)
            self._told = len(self._raw) if found < 0 else found + len(shown)

    def _rest(self) -> str:
        """Return the text that has not been told, without the marks of reasoning, and count it as told."""
        rest = self._raw[self._told :]
        self._told = len(self._raw)
        if end := self._mark_of_reasoning("end"):
            rest = rest.removeprefix(self._mark_of_reasoning("start")).rpartition(end)[2]
        return rest

    def _mark_of_reasoning(self, which: str) -> str:
        parser = self._parser.reasoning_parser
        return getattr(parser, f"reasoning_{which}_str", None) or ""

    def _marker(self) -> str | None:
        """Return the text with which calls begin; None if the parser does not say."""
        parser = self._parser.tool_parser
        found = (getattr(parser, name, None) for name in MARKERS)
        return next((marker for marker in found if isinstance(marker, str)), None)


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
