"""Prompts whose beginnings are alike, on an engine that keeps beginnings: whole blocks of them are reused."""

import pytest

from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import server_pb2

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
async def block(engine):
    """Tokens of a block."""
    (model,) = (await engine.server.GetStatus(server_pb2.GetStatusRequest())).models
    assert model.settings["enable_prefix_caching"] == "True"
    return int(model.settings["block_size"])


@pytest.fixture
def ask(engine):
    async def answer(*texts, template):
        """Ask with a conversation whose turns alternate; one more text than pairs, or a system text first."""
        roles = [pb.ROLE_USER, pb.ROLE_ASSISTANT] * len(texts)
        messages = [pb.Message(role=role, content=text) for role, text in zip(roles, texts, strict=False)]
        sampling = pb.SamplingParams(max_tokens=4, temperature=0)
        request = pb.GenerateRequest(messages=messages, sampling=sampling, template=template)
        return await engine.generation.Generate(request)

    return answer


async def test_questions_with_one_template_reuse_its_blocks(engine, block, ask):
    counted = await engine.generation.CountTokens(pb.CountTokensRequest(prompt=engine.house))
    blocks, beyond = divmod(counted.tokens, block)
    assert blocks >= 2, "a template of less would show little"
    assert beyond < block - 16, "the chat template's own tokens do not fill a block more"

    first = await ask("Where is part seven?", template="house")
    second = await ask("How many pages has the manual?", template="house")

    assert first.usage.cached_tokens == 0
    assert second.usage.cached_tokens == blocks * block


async def test_turns_of_a_conversation_reuse_the_turns_before(block, ask):
    question = "I have counted the parts: " + ", ".join(f"part {number}" for number in range(100))
    first = await ask(question, template="house")
    answer = first.choices[0].text
    second = await ask(question, answer, "And part eight?", template="house")
    third = await ask(question, answer, "And part eight?", second.choices[0].text, "Why?", template="house")

    for turn, before in ((second, first), (third, second)):
        assert turn.usage.cached_tokens >= before.usage.prompt_tokens // block * block
    assert second.usage.cached_tokens > first.usage.cached_tokens


async def test_other_system_texts_reuse_nothing(engine, block):
    async def ask(first_word):
        messages = [
            pb.Message(role=pb.ROLE_SYSTEM, content=f"{first_word} {engine.house}"),
            pb.Message(role=pb.ROLE_USER, content="Where is part seven?"),
        ]
        request = pb.GenerateRequest(messages=messages, sampling=pb.SamplingParams(max_tokens=4))
        return await engine.generation.Generate(request)

    answers = [await ask(word) for word in ("Monday.", "Tuesday.")]

    assert all(answer.usage.prompt_tokens > 2 * block for answer in answers)
    assert [answer.usage.cached_tokens for answer in answers] == [0, 0]
    assert not answers[0].HasField("template")
