"""Writes sources into a conversation.

The engine's prefix cache serves the part that a prompt shares with an earlier one, from the first byte on. So
what changes least comes first: a fixed instruction in the system message, then the conversation, then the
sources, and last the question. The sources are ordered by where they come from, not by how well they match,
so that another question about the same sources finds all of them in the cache.

Nothing in a source can pass for another source, for the question, or for a turn of the conversation: each
line of its text is quoted, citation markers in it are spaced out, invisible characters are left out, and the
marks of chat templates are broken. This covers the marks of the model families listed below, which are
ordinary words to some tokenizers; the adapter takes care of whatever is a control token to its own tokenizer.
Citations carry the text unchanged: only the prompt differs.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from jarvis.core.grounding.citations import MARKER
from jarvis.core.text import without_unseen
from jarvis_ports.values import Hit, Message, Role

INSTRUCTION = (
    "Answer the question from the sources. Cite them by number, like this: [1]. "
    "If they do not answer it, say so."
)
NOTHING_FOUND = "Nothing was found. Say that no source answers the question.\n\n"

_TEMPLATE_TOKENS = re.compile(
    r"<(?=[|\uff5c]|/?(?:s|bos|eos|start_of_turn|end_of_turn)>|</?SYS>>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])"
)
"""The beginnings of special tokens of ChatML, Llama, Phi, Qwen, DeepSeek, Gemma and Mistral."""


def block(number: int, hit: Hit) -> str:
    """Return one source as the prompt has it."""
    name = f" {_harmless(' '.join(hit.source.source.split()))}" if hit.source else ""
    lines = "".join(f"> {line}\n" for line in _harmless(hit.text).splitlines())
    return f"[{number}]{name}\n{lines}\n"


def grounded(
    messages: Sequence[Message], sources: Sequence[Hit], *, takes_system: bool = True
) -> tuple[Message, ...]:
    """Write the instruction and the sources into a conversation that ends with the user's question.

    Args:
        messages: the conversation.
        sources: what was found.
        takes_system: whether the model takes a system message; if not, the instruction precedes the sources.
    """
    *before, question = messages
    blocks = "".join(block(number, hit) for number, hit in enumerate(sources, 1))
    asked = f"Sources:\n\n{blocks or NOTHING_FOUND}Question: "
    if not takes_system:
        return (*before, _after(f"{INSTRUCTION}\n\n{asked}", question))
    system = INSTRUCTION
    if before and before[0].role is Role.SYSTEM:
        system = f"{before.pop(0).content}\n\n{INSTRUCTION}"
    return (Message(Role.SYSTEM, system), *before, _after(asked, question))


def _after(text: str, question: Message) -> Message:
    """Return a question with a text before it."""
    if question.parts:
        return replace(question, parts=(text, *question.parts))
    return replace(question, content=text + question.content)


def _harmless(text: str) -> str:
    """Drop hidden characters, and break what a chat template or a reader of citations would act on."""
    seen, _ = without_unseen(text)
    marked = MARKER.sub(lambda marker: f"[ {marker[1]} ]", seen)
    return _TEMPLATE_TOKENS.sub(lambda token: f"{token[0]} ", marked)
