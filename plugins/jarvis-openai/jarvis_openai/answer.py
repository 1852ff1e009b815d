"""Reads the parts of an answer."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from jarvis_ports.errors import EngineDead, EngineFailure
from jarvis_ports.llm import Delta, Finish, FinishReason, ToolCallDelta, Usage

REASONS = {
    "stop": FinishReason.STOP,
    "repetition": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
}


@dataclass
class _Choice:
    calls: dict[int, str] = field(default_factory=dict)
    reason: str | None = None
    stop: str | None = None


class Answer:
    """The choices of one answer, and its usage.

    Args:
        where: the server, for errors.
        choices: how many choices there are.
    """

    def __init__(self, where: str, choices: int) -> None:
        self._where = where
        self._choices = {index: _Choice() for index in range(choices)}
        self._usage: dict[str, Any] | None = None

    @property
    def prompt_tokens(self) -> int | None:
        """The tokens of the prompt, if they were told."""
        return self._usage["prompt_tokens"] if self._usage else None

    def read(self, part: dict[str, Any]) -> Iterator[Delta]:
        """Yield what is new in a part."""
        self._usage = part.get("usage") or self._usage
        for told in part.get("choices") or ():
            choice = self._choices[told["index"]]
            delta = told.get("delta") or {}
            text = told.get("text") or delta.get("content") or ""
            reasoning = delta.get("reasoning") or delta.get("reasoning_content") or ""
            token_ids = tuple(told.get("token_ids") or ())
            calls = tuple(self._call(choice, one) for one in delta.get("tool_calls") or ())
            if text or reasoning or token_ids or calls:
                yield Delta(told["index"], text, token_ids, tool_calls=calls, reasoning=reasoning)
            if told.get("finish_reason"):
                choice.reason = told["finish_reason"]
                stop = told.get("stop_reason")
                choice.stop = stop if isinstance(stop, str) else None
                if choice.reason != "length":
                    empty = [index for index, arguments in choice.calls.items() if not arguments.strip()]
                    filled = tuple(
                        self._call(choice, {"index": i, "function": {"arguments": "{}"}}) for i in empty
                    )
                    if filled:
                        yield Delta(told["index"], "", tool_calls=filled)

    def finishes(self) -> list[Finish]:
        """Return how the choices have ended, now that the stream has.

        Raises:
            EngineDead: it ended before they did.
            EngineFailure: the server gave one up.
        """
        usage = self._counted()
        return [self._finish(index, choice, usage) for index, choice in self._choices.items()]

    def _finish(self, index: int, choice: _Choice, usage: Usage | None) -> Finish:
        if choice.reason is None or choice.reason == "abort":
            raise EngineDead(f"{self._where} was stopped before the answer was complete")
        if (reason := REASONS.get(choice.reason)) is None:
            raise EngineFailure(f"{self._where} gave the answer up: {choice.reason}")
        if choice.calls and reason is FinishReason.STOP:  # as after a call that was asked for by name
            reason = FinishReason.TOOL_CALLS
        cut = reason is FinishReason.LENGTH
        unread = not cut and not all(_is_object(arguments) for arguments in choice.calls.values())
        return Finish(index, reason, usage, matched_stop=choice.stop, unread_tool_call=unread)

    def _call(self, choice: _Choice, told: dict[str, Any]) -> ToolCallDelta:
        index, function = told.get("index", 0), told.get("function") or {}
        arguments = function.get("arguments") or ""
        first = index not in choice.calls
        choice.calls[index] = choice.calls.get(index, "") + arguments
        if not first:
            return ToolCallDelta(index, arguments=arguments)
        return ToolCallDelta(index, told.get("id"), function.get("name"), arguments)

    def _counted(self) -> Usage | None:
        if (usage := self._usage) is None:
            return None
        prompt, completion = (usage.get(f"{kind}_tokens_details") or {} for kind in ("prompt", "completion"))
        return Usage(
            usage["prompt_tokens"],
            usage.get("completion_tokens") or 0,
            prompt.get("cached_tokens"),
            completion.get("reasoning_tokens"),
        )


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
