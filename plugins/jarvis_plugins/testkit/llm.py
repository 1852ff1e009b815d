"""The tests that every adapter for the `LLM` port passes."""

import json
import re
from itertools import pairwise
from typing import Any

import pytest

from jarvis_plugins.testkit.images import ImageConformance
from jarvis_plugins.testkit.llm_streams import LLMStreams
from jarvis_plugins.testkit.llm_tokens import LLMTokens
from jarvis_plugins.testkit.reply import request
from jarvis_plugins.testkit.samples import (
    BAD_CONSTRAINTS,
    CONSTRAINTS,
    FIELDS,
    MESSAGES,
    PROMPT,
    WITH_LONGER_SYSTEM,
    WITH_SYSTEM,
)
from jarvis_plugins.testkit.tools import ToolConformance
from jarvis_ports.errors import ContextLengthExceeded, InvalidArgument
from jarvis_ports.llm import (
    ALL_FIELDS,
    LLM,
    Constraint,
    FinishReason,
    StructuredOutput,
    TellsCacheUsage,
    input_field,
)


@pytest.mark.asyncio(loop_scope="class")
class LLMConformance(ToolConformance, ImageConformance, LLMTokens, LLMStreams):
    """Subclass it, name the adapter, and run pytest.

    Tests of fields that the adapter does not declare in `capabilities().fields` are skipped. Steady requests
    (with temperature 0 and a seed, if declared) must have the same answer each time.
    """

    # What it says about itself

    async def test_capabilities(self, llm: LLM) -> None:
        capabilities = llm.capabilities()
        assert capabilities.context_length >= 1
        assert capabilities.fields <= ALL_FIELDS, f"unknown: {capabilities.fields - ALL_FIELDS}"
        assert llm.capabilities() == capabilities, "they are constant while it is loaded"

    async def test_is_healthy(self, llm: LLM) -> None:
        assert (await llm.health()).ok

    async def test_cache_usage_is_a_share(self, llm: LLM) -> None:
        if not isinstance(llm, TellsCacheUsage):
            pytest.skip(f"{self.adapter} does not tell how full its cache is")
        await self.ask(llm)
        usage = llm.kv_cache_usage()
        assert usage is not None, "it is known after an answer"
        assert 0 <= usage <= 1

    @pytest.mark.parametrize("field", sorted(FIELDS))
    async def test_accepts_what_it_declares(self, llm: LLM, field: str) -> None:
        self.need(llm, field)
        await self.ask(llm, steady=False, **FIELDS[field])

    # Counting

    @pytest.mark.parametrize(
        ("input_", "needed"),
        [(PROMPT, ("prompt",)), (MESSAGES, ("messages",)), (WITH_SYSTEM, ("messages.role.system",))],
        ids=["prompt", "messages", "system message"],
    )
    async def test_counts_the_tokens_that_it_accepts(
        self,
        llm: LLM,
        input_: Any,  # noqa: ANN401
        needed: tuple[str, ...],
    ) -> None:
        self.need(llm, *needed)
        reply = await self.ask(llm, input_)
        assert reply.accepted.prompt_tokens == await self.count(llm, input_) > 0

    async def test_counts_more_tokens_in_a_longer_prompt(self, llm: LLM) -> None:
        assert await self.count(llm, PROMPT + " one, two, three") > await self.count(llm, PROMPT)

    async def test_counts_more_tokens_in_a_longer_system_message(self, llm: LLM) -> None:
        self.need(llm, "messages.role.system")
        assert await self.count(llm, WITH_LONGER_SYSTEM) > await self.count(llm, WITH_SYSTEM)

    # Answering

    async def test_deltas_are_not_cumulative(self, llm: LLM) -> None:
        reply = await self.ask(llm)
        assert reply.text()
        texts = [delta.text for delta in reply.deltas[0] if delta.text]
        grows = [
            len(later) > len(earlier) and later.startswith(earlier) for earlier, later in pairwise(texts)
        ]
        assert len(texts) < 3 or not all(grows), "each delta repeats the one before"
        assert reply.completion_tokens > 0

    async def test_token_ids_are_given_where_asked_for(self, llm: LLM) -> None:
        assert not (await self.ask(llm)).token_ids
        self.need(llm, "return_token_ids")
        reply = await self.ask(llm, return_token_ids=True)
        assert len(reply.token_ids) == reply.completion_tokens

    async def test_logprobs_are_given_where_asked_for(self, llm: LLM) -> None:
        assert not (await self.ask(llm)).logprobs
        self.need(llm, "sampling.logprobs")
        reply = await self.ask(llm, logprobs=3)
        assert len(reply.logprobs) == reply.completion_tokens
        for token in reply.logprobs:
            top = [candidate.logprob for candidate in token.top]
            assert len(top) == 3
            assert top == sorted(top, reverse=True)
            assert token.logprob <= top[0] <= 0, "steady answers take the likeliest token, or one as likely"

    @pytest.mark.parametrize("limit", [1, 3])
    async def test_max_tokens(self, llm: LLM, limit: int) -> None:
        self.need(llm, "sampling.max_tokens")
        reply = await self.ask(llm, max_tokens=limit)
        assert reply.completion_tokens <= limit
        assert reply.completion_tokens == limit or reply.finish.reason is FinishReason.STOP

    async def test_ignore_eos_fills_max_tokens(self, llm: LLM) -> None:
        self.need(llm, "sampling.ignore_eos", "sampling.max_tokens")
        reply = await self.ask(llm, ignore_eos=True, max_tokens=40)
        assert reply.completion_tokens == 40
        assert reply.finish.reason is FinishReason.LENGTH

    async def test_stop_ends_the_answer_and_is_no_part_of_it(self, llm: LLM) -> None:
        self.need(llm, "sampling.stop")
        whole = (await self.ask(llm)).text()
        stop = whole[len(whole) // 2 :][:3]
        reply = await self.ask(llm, stop=("@@ never @@", stop))
        assert reply.text() == whole[: whole.index(stop)]
        assert reply.finish.reason is FinishReason.STOP
        assert reply.finish.matched_stop == stop

    async def test_include_stop_leaves_it_at_the_end(self, llm: LLM) -> None:
        self.need(llm, "sampling.stop", "sampling.include_stop")
        whole = (await self.ask(llm)).text()
        stop = whole[len(whole) // 2 :][:3]
        reply = await self.ask(llm, stop=(stop,), include_stop=True)
        assert reply.text() == whole[: whole.index(stop)] + stop

    async def test_stop_token_ids_end_the_answer(self, llm: LLM) -> None:
        self.need(llm, "sampling.stop_token_ids", "return_token_ids")
        whole = await self.ask(llm, return_token_ids=True)
        stop = whole.token_ids[len(whole.token_ids) // 2]
        reply = await self.ask(llm, stop_token_ids=(stop,), return_token_ids=True)
        first = whole.token_ids.index(stop)
        assert reply.token_ids == whole.token_ids[: first + 1], "the token counts"
        assert reply.finish.reason is FinishReason.STOP
        assert whole.text().startswith(reply.text())
        assert whole.text()[len(reply.text()) :].startswith(reply.finish.matched_stop or "?")

    async def test_only_allowed_token_ids_are_generated(self, llm: LLM) -> None:
        self.need(llm, "sampling.allowed_token_ids", "return_token_ids")
        usual = (await self.ask(llm, return_token_ids=True)).token_ids
        allowed = (usual[-1], usual[0] + 1)
        reply = await self.ask(llm, allowed_token_ids=allowed, return_token_ids=True)
        assert set(reply.token_ids) <= set(allowed)

    async def test_bad_words_are_not_generated(self, llm: LLM) -> None:
        self.need(llm, "sampling.bad_words")
        word = max((await self.ask(llm)).text().split(), key=len).strip(",.:;")
        assert word not in (await self.ask(llm, bad_words=(word,))).text().split()

    async def test_logprobs_of_chosen_tokens(self, llm: LLM) -> None:
        self.need(llm, "sampling.logprob_token_ids", "return_token_ids")
        reply = await self.ask(llm, return_token_ids=True)
        chosen = tuple(sorted({reply.token_ids[0], reply.token_ids[0] + 1}))
        told = (await self.ask(llm, logprob_token_ids=chosen)).logprobs
        assert len(told) == reply.completion_tokens
        assert {candidate.token_id for candidate in told[0].top} == set(chosen)
        assert max(told[0].top, key=lambda one: one.logprob).token_id == reply.token_ids[0]

    async def test_n_choices(self, llm: LLM) -> None:
        self.need(llm, "sampling.n")
        reply = await self.ask(llm, steady=False, n=3)
        assert all(reply.text(index) for index in range(3))
        assert reply.completion_tokens >= 3, "usage is over all choices"

    async def test_greedy_answers_are_the_same(self, llm: LLM) -> None:
        self.need(llm, "sampling.temperature")
        assert (await self.ask(llm)).text() == (await self.ask(llm)).text()

    async def test_answers_with_one_seed_are_the_same(self, llm: LLM) -> None:
        self.need(llm, "sampling.seed")
        first, second = [await self.ask(llm, steady=False, seed=7) for _ in range(2)]
        assert first.text() == second.text()

    # Structured output

    @pytest.mark.parametrize("constraint", Constraint)
    async def test_structured_output(self, llm: LLM, constraint: Constraint) -> None:
        wanted = CONSTRAINTS[constraint]
        self.need(llm, wanted.field)
        reply = await self.ask(llm, structured_output=wanted)
        if constraint is Constraint.JSON_OBJECT:  # which may be cut off
            assert reply.text().lstrip().startswith("{")
            return
        assert reply.finish.reason is FinishReason.STOP
        if constraint is Constraint.STRUCTURAL_TAG:
            assert re.fullmatch("<b>[a-z]{2,5}</b>", reply.text())
        elif constraint is Constraint.JSON_SCHEMA:
            assert isinstance(json.loads(reply.text())["big"], bool)
        elif constraint is Constraint.REGEX:
            assert re.fullmatch(str(wanted.value), reply.text())
        else:
            assert reply.text() in {"Paris", "London", "yes", "no"}

    @pytest.mark.parametrize("bad", BAD_CONSTRAINTS, ids=str)
    async def test_refuses_a_bad_constraint_before_it_accepts(self, llm: LLM, bad: StructuredOutput) -> None:
        self.need(llm, bad.field)
        with pytest.raises(InvalidArgument) as refused:
            await anext(llm.generate(request(llm, structured_output=bad)))
        assert [violation.field for violation in refused.value.violations] == [bad.field]

    # Too long

    async def test_refuses_a_prompt_beyond_the_context_before_it_accepts(self, llm: LLM) -> None:
        length = llm.capabilities().context_length
        asked = request(llm, "word " * (length + 1))
        with pytest.raises(ContextLengthExceeded, match=str(length)) as refused:
            await anext(llm.generate(asked))
        assert refused.value.violations[0].field == input_field(asked.input)

    async def test_refuses_max_tokens_beyond_the_context_before_it_accepts(self, llm: LLM) -> None:
        self.need(llm, "sampling.max_tokens")
        length = llm.capabilities().context_length
        with pytest.raises(ContextLengthExceeded, match=str(length)) as refused:
            await anext(llm.generate(request(llm, max_tokens=length)))
        assert refused.value.violations[0].field == "sampling.max_tokens"

    async def test_is_healthy_after_all_this(self, llm: LLM) -> None:
        assert (await llm.health()).ok
