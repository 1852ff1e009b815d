"""The tokens that carry a meaning for a model other than text, such as the end of a turn."""

import json
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from transformers import PreTrainedTokenizerBase

from jarvis_ports.errors import InvalidArgument
from jarvis_ports.llm import Message, Role, SamplingParams, Tool

MARK = f"\ue000{secrets.token_hex(8)}\ue000"
"""The mark where a text is split before it is tokenised; no caller can know it."""


class ControlTokens:
    """The control tokens of a tokenizer: those that it calls special, and those in its chat template.

    An added token that is neither counts as an ordinary word, and so do white space and single characters.

    Args:
        tokenizer: vLLM's. One that is not from transformers takes the texts of messages as plain text anyway.
        template: the chat template; the tokenizer's own if None.
        placeholders: the texts that stand for images in the model's prompts, which are no text either.
    """

    def __init__(
        self,
        tokenizer: Any,  # noqa: ANN401 - no common type
        template: str | None = None,
        placeholders: Iterable[str] = (),
    ) -> None:
        added = tokenizer.added_tokens_decoder if isinstance(tokenizer, PreTrainedTokenizerBase) else {}
        known = {token.content: token_id for token_id, token in added.items() if token.special}
        named = zip(map(str, tokenizer.all_special_tokens), tokenizer.all_special_ids, strict=False)
        self.special: dict[str, int] = {**dict(named), **known}
        """The tokens that are never part of an answer's text, with their ids."""
        self.tokenizer = tokenizer
        self.given_template = template
        self.template = template or own_template(tokenizer)
        written = [token.content for token in added.values() if token.content in self.template]
        self._decode = tokenizer.decode
        self._special = any_of([*known, *placeholders])
        self._all = any_of([*known, *placeholders, *written])
        self._silent = any_of(self.special)

    def within(self, messages: Iterable[Message]) -> bool:
        """Return whether the text of any message contains control tokens."""
        return any(
            self._of(message.role).search(message.text) or any(map(self._all.search, _beside(message)))
            for message in messages
        )

    def taken_apart(self, messages: Iterable[Message]) -> list[Message]:
        """Return the messages with a `MARK` inside every control token in their texts."""
        return [self._apart(message) for message in messages]

    def _apart(self, message: Message) -> Message:
        marked = partial(_marked, self._all)
        calls = tuple(
            replace(call, id=marked(call.id), arguments=_changed(marked, call.arguments))
            for call in message.tool_calls
        )
        pattern = self._of(message.role)
        return replace(
            message,
            content=_marked(pattern, message.content),
            parts=tuple(_marked(pattern, one) if isinstance(one, str) else one for one in message.parts),
            tool_calls=calls,
            tool_call_id=message.tool_call_id and marked(message.tool_call_id),
        )

    def _of(self, role: Role) -> re.Pattern[str]:
        """Return a role's pattern; in answers, templates look for their own tokens, such as `<think>`."""
        return self._special if role is Role.ASSISTANT else self._all

    def check_tools(self, tools: Iterable[Tool]) -> None:
        """Check that tools, which the chat template writes into the prompt, contain no control tokens.

        Raises:
            InvalidArgument: one does.
        """
        for position, tool in enumerate(tools):
            schema = tool.parameters or "{}"
            for name, texts in (("description", [tool.description or ""]), ("parameters", _texts(schema))):
                if found := next(filter(None, map(self._all.search, texts)), None):
                    msg = f"{found[0]!r} is a control token of the model; leave it out"
                    raise InvalidArgument.of(f"tools[{position}].{name}", msg)

    def stops(self, sampling: SamplingParams) -> dict[int, str]:
        """Return the texts of the tokens that end an answer, by their ids: control tokens, and those by id.

        Raises:
            InvalidArgument: a text contains a control token, but is not one itself.
        """
        found = {token_id: self._decode([token_id]) for token_id in sampling.stop_token_ids}
        for position, text in enumerate(sampling.stop):
            if (token_id := self.special.get(text)) is not None:
                found[token_id] = text
            elif within := self._silent.search(text):
                msg = f"{within[0]!r} is a control token, never part of an answer's text; give it alone"
                raise InvalidArgument.of(f"sampling.stop[{position}]", msg)
        return found


def _beside(message: Message) -> Iterator[str]:
    """Yield the texts of a message beside its content that templates may write."""
    yield message.tool_call_id or ""
    for call in message.tool_calls:
        yield call.id
        yield from _texts(call.arguments)


def _texts(json_text: str) -> Iterator[str]:
    """Yield a JSON text, and the texts that are in it, as templates write them without their escapes."""
    yield json_text
    if "\\" in json_text:
        found: list[str] = []

        def noted(text: str) -> str:
            found.append(text)
            return text

        _each(json.loads(json_text), noted)
        yield from found


def _changed(change: Callable[[str], str], json_text: str) -> str:
    """Return a JSON text with each text in it changed."""
    return json.dumps(_each(json.loads(json_text), change), ensure_ascii=False)


def _each(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 - JSON
    """Return a value with each text in it changed, the names of fields included."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_each(one, change) for one in value]
    if isinstance(value, dict):
        return {change(name): _each(one, change) for name, one in value.items()}
    return value


def own_template(tokenizer: Any) -> str:  # noqa: ANN401 - no common type
    """Return the chat template that a model has; empty if it has none."""
    return str(getattr(tokenizer, "chat_template", None) or "")


def any_of(texts: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern that matches those of the texts that can be split.

    It is a prefix tree, as trying thousands of tokens one by one would be slow.
    """
    usable = {text for text in texts if len(text) > 1 and not text.isspace()}
    return re.compile(_tree(usable) if usable else r"(?!)")


def _tree(texts: set[str]) -> str:
    following: dict[str, set[str]] = {}
    for text in texts - {""}:
        following.setdefault(text[0], set()).add(text[1:])
    branches = [re.escape(first) + _tree(rests) for first, rests in sorted(following.items())]
    if not branches:
        return ""
    ends = "?" if "" in texts else ""
    return branches[0] if len(branches) == 1 and not ends else f"(?:{'|'.join(branches)}){ends}"


def _marked(pattern: re.Pattern[str], text: str) -> str:
    """Split each match after its first character, until no part contains a match."""
    parts, start = [], 0
    while found := pattern.search(text, start):
        parts.append(text[start : found.start() + 1])
        start = found.start() + 1
    return MARK.join([*parts, text[start:]])
