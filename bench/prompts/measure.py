"""Measures the time to first token of one server, with one caller at a time and with many at once."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from itertools import count, product

from bench.prompts.texts import QUESTIONS, TIERS, Told, conversation, options
from jarvis.v1.generation_pb2 import GenerateStreamRequest, SamplingParams
from jarvis.v1.generation_pb2_grpc import GenerationServiceStub

LANGUAGE = "en"
ASKED = QUESTIONS[LANGUAGE]
TICKETS = count(10_000)
"""The numbers with which questions begin, all different, so that the prefix cache has none of them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure: rounds, callers at once, and tokens of an answer."""

    rounds: int
    callers: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Reply:
    """A finished request; `ttft` is the server's time to first token in seconds."""

    tier: str
    told: Told
    prompt_tokens: int
    cached_tokens: int
    ttft: float


@dataclass(frozen=True, slots=True)
class Wave:
    """One request from each of many callers, all at once; `seconds` is the time until the last ended."""

    told: Told
    seconds: float
    replies: tuple[Reply, ...]


async def alone(stub: GenerationServiceStub, plan: Plan) -> AsyncIterator[Reply]:
    """Ask every question in every round, with the long prompt and with the template in turn.

    One question of each tier is asked before, to warm up.
    """
    sets = [dict(zip(ASKED, asked, strict=True)) for asked in zip(*ASKED.values(), strict=True)]
    for number, asked in enumerate([sets[0], *sets * plan.rounds]):
        for (tier, question), told in product(asked.items(), _turn(number)):
            reply = await _ask(stub, tier, told, question, plan.tokens)
            if number:
                yield reply


async def loaded(stub: GenerationServiceStub, plan: Plan) -> AsyncIterator[Wave]:
    """Send waves with the long prompts and with the templates in turn; the first of each warms up."""
    for number in range(plan.rounds + 1):
        for told in _turn(number):
            wave = await _wave(stub, told, plan)
            if number:
                yield wave


async def _wave(stub: GenerationServiceStub, told: Told, plan: Plan) -> Wave:
    def call(number: int) -> Coroutine[None, None, Reply]:
        tier = TIERS[number % len(TIERS)]
        question = ASKED[tier][number % len(ASKED[tier])]
        return _ask(stub, tier, told, question, plan.tokens)

    start = time.perf_counter()
    replies = await asyncio.gather(*map(call, range(plan.callers)))
    return Wave(told, time.perf_counter() - start, tuple(replies))


async def _ask(stub: GenerationServiceStub, tier: str, told: Told, question: str, tokens: int) -> Reply:
    fields = options(told, LANGUAGE, tier)
    request = GenerateStreamRequest(
        messages=conversation(told, LANGUAGE, tier, f"Ticket {next(TICKETS)}: {question}"),
        sampling=SamplingParams(temperature=0, max_tokens=tokens, ignore_eos=True),
        **fields,
    )
    async for event in stub.GenerateStream(request):
        if event.HasField("started"):
            applied = event.started.template
        elif event.HasField("finished"):
            usage, timings = event.finished.usage, event.finished.timings
    if applied != fields.get("template", "") or usage.completion_tokens != tokens:
        msg = f"{tier}, {told}: template {applied!r} and {usage.completion_tokens} tokens of answer"
        raise RuntimeError(msg)
    return Reply(tier, told, usage.prompt_tokens, usage.cached_tokens, timings.time_to_first_token_seconds)


def _turn(number: int) -> list[Told]:
    return list(Told)[:: -1 if number % 2 else 1]
