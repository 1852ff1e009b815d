"""Counts the tokens of instructions and of whole prompts, as the server does."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import product

from bench.prompts.texts import QUESTIONS, Told, conversation, options
from jarvis.v1.generation_pb2 import CountTokensRequest, ExplainPromptRequest
from jarvis.v1.generation_pb2_grpc import GenerationServiceStub


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of an instruction alone, and of each question's prompt with it and the chat template."""

    language: str
    tier: str
    told: Told
    instruction: int
    prompts: tuple[int, ...]


async def count(stub: GenerationServiceStub) -> AsyncIterator[Tokens]:
    """Count every instruction with every question of its tier."""
    for language, tiers in QUESTIONS.items():
        for tier, told in product(tiers, Told):
            yield await _count(stub, language, tier, told)


async def _count(stub: GenerationServiceStub, language: str, tier: str, told: Told) -> Tokens:
    explained = [
        await stub.ExplainPrompt(
            ExplainPromptRequest(
                messages=conversation(told, language, tier, question), **options(told, language, tier)
            )
        )
        for question in QUESTIONS[language][tier]
    ]
    instruction = await stub.CountTokens(CountTokensRequest(prompt=explained[0].messages[0].content))
    return Tokens(language, tier, told, instruction.tokens, tuple(one.prompt_tokens for one in explained))
