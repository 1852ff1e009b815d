"""Which ids are tokens, and what their texts are."""

import asyncio
import threading
from types import SimpleNamespace

import pytest

from jarvis_adapters.vllm.tokens import MOST_TOLD, Vocabulary
from jarvis_ports.errors import InvalidArgument


class FakeTokenizer:
    """Knows the tokens 0 to 9, and notes what it decodes, and in how many threads."""

    max_token_id = 9

    def __init__(self):
        self.decoded = []
        self.threads = set()

    def decode(self, token_ids):
        self.threads.add(threading.get_ident())
        self.decoded.append(token_ids)
        return "".join(f"<{token_id}>" for token_id in token_ids)


@pytest.fixture
def tokenizer():
    return FakeTokenizer()


def vocabulary(tokenizer, embedded, step=8192):
    config = SimpleNamespace(get_vocab_size=lambda: embedded)
    steps = SimpleNamespace(scheduler_config=SimpleNamespace(max_num_batched_tokens=step))
    engine = SimpleNamespace(get_tokenizer=lambda: tokenizer, model_config=config, vllm_config=steps)
    return Vocabulary(engine)


async def test_each_text_is_made_once_in_one_thread(tokenizer):
    known = vocabulary(tokenizer, 10)
    told = await asyncio.gather(*(known.texts([5, 7, 5]) for _ in range(8)), known.text([5, 7]))
    assert told == [["<5>", "<7>", "<5>"]] * 8 + ["<5><7>"]
    assert sorted(tokenizer.decoded) == [[5], [5, 7], [7]]
    assert len(tokenizer.threads) == 1


@pytest.mark.parametrize(("embedded", "highest", "readable"), [(8, 7, 9), (12, 11, 11)])
async def test_a_prompt_has_what_the_model_knows_and_a_text_what_either_knows(
    tokenizer, embedded, highest, readable
):
    known = vocabulary(tokenizer, embedded)
    known.check_prompt([0, highest])
    with pytest.raises(InvalidArgument, match=f"0 to {highest}, got {highest + 1}") as refused:
        known.check_prompt([0, highest + 1])
    assert refused.value.violations[0].field == "prompt_token_ids[1]"
    await known.texts([readable])
    for call in (known.texts, known.text):
        with pytest.raises(InvalidArgument) as refused:
            await call([readable + 1])
        assert refused.value.violations[0].field == "token_ids[0]"


def test_an_error_names_so_many_ids_and_no_more(tokenizer):
    with pytest.raises(InvalidArgument) as refused:
        vocabulary(tokenizer, 10).check_prompt([99] * 5000)
    assert len(refused.value.violations) == MOST_TOLD


@pytest.mark.parametrize(("vocabulary_size", "step", "most"), [(49_152, 8192, 5461), (152_064, 2048, 1765)])
def test_log_probabilities_of_a_prompt_take_no_more_memory_than_there_is(
    tokenizer, vocabulary_size, step, most
):
    known = vocabulary(tokenizer, vocabulary_size, step)
    known.check_prompt_logprobs(most)
    with pytest.raises(InvalidArgument, match=f"at most {most}, or any number") as refused:
        known.check_prompt_logprobs(most + 1)
    assert refused.value.violations[0].field == "sampling.prompt_logprobs"
    vocabulary(tokenizer, vocabulary_size, most).check_prompt_logprobs(100_000)
