"""How an answer is divided into messages, and how large it gets."""

from collections.abc import Iterator
from dataclasses import replace

from jarvis_ports.values import Delta, Event

MAX_TOKENS = 100
"""The most tokens in one message of a stream; with 20 candidates per token, that is about 40 kB."""
LOGPROB_BYTES = 7
"""The fewest bytes of a log probability: its own float, and a length."""


def parts(event: Event) -> Iterator[Event]:
    """Yield an event; divide a delta of many tokens, which a slow reader gets, into several."""
    if not isinstance(event, Delta) or max(len(event.token_ids), len(event.logprobs)) <= MAX_TOKENS:
        yield event
        return
    for start in range(0, max(len(event.token_ids), len(event.logprobs)), MAX_TOKENS):
        part = slice(start, start + MAX_TOKENS)
        ids, logprobs = event.token_ids[part], event.logprobs[part]
        if start:
            yield Delta(event.index, "", ids, logprobs)
        else:
            yield replace(event, token_ids=ids, logprobs=logprobs)


def least_bytes(delta: Delta) -> int:
    """Return the fewest bytes that a delta can add to an answer."""
    called = sum(len(call.arguments) for call in delta.tool_calls)
    return (
        len(delta.text)
        + len(delta.reasoning)
        + called
        + LOGPROB_BYTES * sum(1 + len(one.top) for one in delta.logprobs)
    )
