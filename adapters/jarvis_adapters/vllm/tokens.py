"""The tokens of a model: their texts, and which ids are none."""

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from vllm.v1.engine.async_llm import AsyncLLM

from jarvis_ports.errors import FieldViolation, InvalidArgument

MOST_SCORES = 2**28
"""The most scores that vLLM may make at a time for the log probabilities of a prompt.

There is one for each token that is computed in a step and each token of the vocabulary, as a float of 4
bytes, in two copies; vLLM sets no memory aside for them.
"""
MOST_TOLD = 10
"""The most ids that one error names."""


class Vocabulary:
    """The tokens of an engine's model. Texts are made in one thread, and each token's is made once.

    Where several threads use a tokenizer at a time, vLLM copies it for each of them, and keeps the copies.
    """

    def __init__(self, engine: AsyncLLM) -> None:
        self._thread = ThreadPoolExecutor(1, "jarvis-vllm-tokens")
        self._tokenizer: Any = engine.get_tokenizer()
        self._texts: dict[int, str] = {}
        self._embedded: int = engine.model_config.get_vocab_size()
        self._step: int = engine.vllm_config.scheduler_config.max_num_batched_tokens

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False)

    def check_prompt(self, token_ids: Sequence[int]) -> None:
        """Check the ids of a prompt: some models know more tokens than their tokenizer, and some fewer.

        Raises:
            InvalidArgument: naming ids that the model does not know.
        """
        _check("prompt_token_ids", token_ids, self._embedded - 1)

    def check_prompt_logprobs(self, prompt_tokens: int) -> None:
        """Check that there is memory for the log probabilities of a prompt.

        Raises:
            InvalidArgument: there may be none.
        """
        most = MOST_SCORES // self._embedded
        if min(prompt_tokens, self._step) > most:
            told = f"a prompt of {prompt_tokens} tokens needs too much memory for that, with this model"
            raise InvalidArgument.of(
                "sampling.prompt_logprobs",
                f"{told}: at most {most}, or any number where max_num_batched_tokens is {most} or less",
            )

    async def texts(self, token_ids: Sequence[int]) -> list[str]:
        """Return the text of each token; see `TellsTokens.token_texts`."""
        self._check(token_ids)
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._texts_of, token_ids)

    async def text(self, token_ids: Sequence[int]) -> str:
        """Return the text of all tokens; see `TellsTokens.detokenize`."""
        self._check(token_ids)
        decoded = asyncio.get_running_loop().run_in_executor(
            self._thread, self._tokenizer.decode, list(token_ids)
        )
        return str(await decoded)

    def _check(self, token_ids: Sequence[int]) -> None:
        _check("token_ids", token_ids, max(self._embedded - 1, self._tokenizer.max_token_id))

    def _texts_of(self, token_ids: Sequence[int]) -> list[str]:
        for token_id in set(token_ids) - self._texts.keys():
            self._texts[token_id] = self._tokenizer.decode([token_id])
        return [self._texts[token_id] for token_id in token_ids]


def _check(field: str, token_ids: Sequence[int], highest: int) -> None:
    if violations := list(islice(_violations(field, token_ids, highest), MOST_TOLD)):
        raise InvalidArgument(violations)


def _violations(field: str, token_ids: Sequence[int], highest: int) -> Iterator[FieldViolation]:
    for position, token_id in enumerate(token_ids):
        if token_id > highest:
            told = f"the model has the tokens 0 to {highest}, got {token_id}"
            yield FieldViolation(f"{field}[{position}]", told)
