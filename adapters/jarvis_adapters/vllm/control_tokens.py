"""The tokens that mean something to a model beside its text, such as the end of a turn."""

import re
import secrets
from collections.abc import Iterable
from typing import Any

from transformers import PreTrainedTokenizerBase

from jarvis_ports.errors import InvalidArgument
from jarvis_ports.llm import Message, Role

MARK = f"\ue000{secrets.token_hex(8)}\ue000"
"""Stands where a text is taken apart before it becomes tokens; no caller can know it."""


class ControlTokens:
    """The control tokens of a tokenizer: those that it calls special, and those in its chat template.

    An added token that is neither is an ordinary word, and so are white space and single characters.

    Args:
        tokenizer: vLLM's. One that is not of transformers takes the texts of messages for nothing but text.
    """

    def __init__(self, tokenizer: Any) -> None:  # noqa: ANN401 - vLLM's tokenizers have no common type
        added = tokenizer.added_tokens_decoder if isinstance(tokenizer, PreTrainedTokenizerBase) else {}
        known = {token.content: token_id for token_id, token in added.items() if token.special}
        named = zip(map(str, tokenizer.all_special_tokens), tokenizer.all_special_ids, strict=False)
        self.special: dict[str, int] = {**dict(named), **known}
        """Ids of the tokens that are never part of an answer's text."""
        template = str(getattr(tokenizer, "chat_template", None) or "")
        written = [token.content for token in added.values() if token.content in template]
        self._special = any_of(known)
        self._all = any_of([*known, *written])
        self._silent = any_of(self.special)

    def within(self, messages: Iterable[Message]) -> bool:
        """Return whether the text of a message has control tokens in it."""
        return any(self._of(message.role).search(message.content) for message in messages)

    def taken_apart(self, messages: Iterable[Message]) -> list[Message]:
        """Put a `MARK` into every control token that is in the text of a message."""
        return [
            Message(message.role, _marked(self._of(message.role), message.content)) for message in messages
        ]

    def _of(self, role: Role) -> re.Pattern[str]:
        """Leave the model its own words: in its answers, templates look for what they write, as `<think>`."""
        return self._special if role is Role.ASSISTANT else self._all

    def stops(self, texts: Iterable[str]) -> dict[int, str]:
        """Return the stop texts that are control tokens, by their ids.

        Raises:
            InvalidArgument: a text has a control token in it, and is none.
        """
        found = {}
        for position, text in enumerate(texts):
            if (token_id := self.special.get(text)) is not None:
                found[token_id] = text
            elif within := self._silent.search(text):
                msg = f"{within[0]!r} is a control token, never part of an answer's text; give it alone"
                raise InvalidArgument.of(f"sampling.stop[{position}]", msg)
        return found


def any_of(texts: Iterable[str]) -> re.Pattern[str]:
    """Make a pattern of the texts that can be taken apart.

    It is a tree of their beginnings: tried one by one, thousands of tokens would be slow.
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
    """Part the first character of each match from the rest, until no part has a match of its own."""
    parts, start = [], 0
    while found := pattern.search(text, start):
        parts.append(text[start : found.start() + 1])
        start = found.start() + 1
    return MARK.join([*parts, text[start:]])
