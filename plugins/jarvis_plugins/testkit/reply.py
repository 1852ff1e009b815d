"""Sends a request to an adapter, and checks the order of events that the port promises."""

from contextlib import aclosing
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import pytest

from jarvis_plugins.testkit.samples import PROMPT
from jarvis_ports.llm import (
    LLM,
    Accepted,
    Delta,
    Finish,
    GenerateRequest,
    Input,
    Message,
    Role,
    SamplingParams,
    TokenLogprob,
)

_ids = count()


def request(llm: LLM, input_: Input = PROMPT, *, steady: bool = True, **fields: Any) -> GenerateRequest:  # noqa: ANN401
    """Build a short request; a steady one has the same answer each time, if the adapter can do that.

    A prompt is the user's message for a model that takes no raw prompts. `fields` are those of
    `GenerateRequest` and of `SamplingParams`.
    """
    input_ = spoken(llm, input_)
    defaults = {"max_tokens": 32, "temperature": 0.0 if steady else 1.0, "seed": 1}
    known = {
        name: value for name, value in defaults.items() if f"sampling.{name}" in llm.capabilities().fields
    }
    sampling = {name: value for name, value in fields.items() if name in SamplingParams.__dataclass_fields__}
    others = {name: value for name, value in fields.items() if name not in sampling}
    return replace(
        GenerateRequest(f"kit-{next(_ids)}", input_, SamplingParams(**{**known, **sampling})), **others
    )


def spoken(llm: LLM, input_: Input) -> Input:
    """Return an input as the model takes it: a raw prompt as a message where it takes no such prompts."""
    if isinstance(input_, str) and "prompt" not in llm.capabilities().fields:
        return (Message(Role.USER, input_),)
    return input_


@dataclass
class Reply:
    """The events of a stream, with deltas and finishes by choice."""

    accepted: Accepted
    deltas: dict[int, list[Delta]] = field(default_factory=dict)
    finishes: dict[int, Finish] = field(default_factory=dict)

    def text(self, index: int = 0) -> str:
        return "".join(delta.text for delta in self.deltas.get(index, ()))

    @property
    def token_ids(self) -> list[int]:
        return [token for deltas in self.deltas.values() for delta in deltas for token in delta.token_ids]

    @property
    def logprobs(self) -> list[TokenLogprob]:
        return [token for deltas in self.deltas.values() for delta in deltas for token in delta.logprobs]

    @property
    def finish(self) -> Finish:
        """The last `Finish`, whose usage is that of the whole request."""
        return list(self.finishes.values())[-1]

    @property
    def completion_tokens(self) -> int:
        """The tokens of all choices; the test is skipped where the engine does not tell them."""
        if self.finish.usage is None:
            pytest.skip("it does not tell how many tokens it wrote, and declares no exact_usage")
        return self.finish.usage.completion_tokens


async def read(llm: LLM, asked: GenerateRequest) -> Reply:
    """Read a whole stream: `Accepted`, `Delta`s, and one `Finish`, the last event, for each choice."""
    capabilities = llm.capabilities()
    async with aclosing(llm.generate(asked)) as events:
        first = await anext(events)
        assert isinstance(first, Accepted), f"a stream begins with Accepted, not with {first}"
        assert (first.prompt_tokens is not None) == capabilities.counts_prompts, "as it declares"
        reply = Reply(first)
        used = 0
        async for event in events:
            assert isinstance(event, Delta | Finish), f"{event} comes after Accepted"
            assert event.index not in reply.finishes, f"{event} comes after the Finish of its choice"
            if isinstance(event, Delta):
                reply.deltas.setdefault(event.index, []).append(event)
            else:
                reply.finishes[event.index] = event
                assert event.usage or not capabilities.exact_usage, "it declares exact_usage, and tells none"
                if event.usage is None:
                    continue
                if capabilities.counts_prompts:
                    assert event.usage.prompt_tokens == reply.accepted.prompt_tokens
                assert event.usage.completion_tokens >= used, "usage is over all choices, up to now"
                used = event.usage.completion_tokens
    assert sorted(reply.finishes) == list(range(asked.sampling.n or 1)), "one Finish for each choice"
    assert set(reply.deltas) <= set(reply.finishes)
    return reply
