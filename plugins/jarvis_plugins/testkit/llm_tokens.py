"""The tests of how an input becomes tokens, and of the tokens that an `LLM` tells."""

from typing import Any

import pytest

from jarvis_plugins.testkit.llm_base import LLMTests
from jarvis_plugins.testkit.reply import request
from jarvis_plugins.testkit.samples import CONTINUED, MESSAGES, PROMPT
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.llm import LLM, RenderParams, TellsTokens, TokenIds, input_field


class LLMTokens(LLMTests):
    """Skips what the adapter does not declare, and tokens where it is no `TellsTokens`."""

    async def test_counts_what_is_left_of_a_prompt_that_is_cut_off(self, llm: LLM) -> None:
        self.need(llm, "truncate_prompt_tokens")
        for most, left in ((5, 5), (9999, await self.count(llm, PROMPT))):
            render = RenderParams(truncate_prompt_tokens=most)
            assert await self.count(llm, PROMPT, render) == left
            assert (await self.ask(llm, render=render)).accepted.prompt_tokens == left

    async def test_a_message_that_is_continued_is_not_closed(self, llm: LLM) -> None:
        self.need(llm, "continue_final_message")
        render = RenderParams(continue_final_message=True)
        assert await self.count(llm, CONTINUED, render) < await self.count(llm, CONTINUED)

    async def test_a_turn_that_does_not_begin_has_fewer_tokens(self, llm: LLM) -> None:
        self.need(llm, "add_generation_prompt")
        render = RenderParams(add_generation_prompt=False)
        assert await self.count(llm, MESSAGES, render) < await self.count(llm, MESSAGES)

    async def test_refuses_an_argument_that_its_chat_template_does_not_use(self, llm: LLM) -> None:
        self.need(llm, "chat_template_args")
        args = RenderParams(chat_template_args={"no_such_argument": "1"})
        with pytest.raises(InvalidArgument) as refused:
            await anext(llm.generate(request(llm, MESSAGES, render=args)))
        assert [one.field for one in refused.value.violations] == ["chat_template_args[no_such_argument]"]

    async def test_logprobs_of_the_prompt_are_given_where_asked_for(self, llm: LLM) -> None:
        assert not (await self.ask(llm)).accepted.prompt_logprobs
        self.need(llm, "sampling.prompt_logprobs")
        for candidates in (0, 3):
            accepted = (await self.ask(llm, prompt_logprobs=candidates)).accepted
            assert len(accepted.prompt_logprobs) + 1 == accepted.prompt_tokens, "the first has none"
            for token in accepted.prompt_logprobs:
                assert token.logprob <= 0
                assert len(token.top) == candidates

    @pytest.fixture
    def teller(self, llm: LLM) -> TellsTokens:
        if not isinstance(llm, TellsTokens):
            pytest.skip(f"{self.adapter} does not tell tokens")
        return llm

    @pytest.mark.parametrize("input_", [PROMPT, MESSAGES], ids=["prompt", "messages"])
    async def test_tells_the_tokens_that_it_counts(self, llm: LLM, teller: TellsTokens, input_: Any) -> None:  # noqa: ANN401
        self.need(llm, input_field(input_))
        token_ids = await teller.tokenize(input_)
        assert len(token_ids) == await self.count(llm, input_)
        assert len(await teller.token_texts(token_ids)) == len(token_ids)

    async def test_the_texts_of_tokens_make_the_text(self, teller: TellsTokens) -> None:
        token_ids = await teller.tokenize(PROMPT)
        assert PROMPT in await teller.detokenize(token_ids)
        assert PROMPT in "".join(await teller.token_texts(token_ids))

    async def test_answers_tokens_as_it_answers_their_text(self, llm: LLM, teller: TellsTokens) -> None:
        self.need(llm, "prompt_token_ids")
        token_ids = TokenIds(tuple(await teller.tokenize(PROMPT)))
        reply, whole = await self.ask(llm, token_ids), await self.ask(llm)
        assert reply.accepted == whole.accepted
        assert reply.text() == whole.text()

    async def test_refuses_tokens_that_there_are_not(self, llm: LLM, teller: TellsTokens) -> None:
        unknown = (*await teller.tokenize("one"), 2**32 - 1)
        path = f"[{len(unknown) - 1}]"
        for call in (teller.token_texts, teller.detokenize):
            with pytest.raises(InvalidArgument) as refused:
                await call(unknown)
            assert [one.field for one in refused.value.violations] == [f"token_ids{path}"]
        self.need(llm, "prompt_token_ids")
        with pytest.raises(InvalidArgument) as refused:
            await anext(llm.generate(request(llm, TokenIds(unknown))))
        assert [one.field for one in refused.value.violations] == [f"prompt_token_ids{path}"]
