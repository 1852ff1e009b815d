import pytest

from jarvis.core.generation.rendering import MAX_PROMPT_LOGPROBS, check_prompt_logprobs
from jarvis_ports.errors import InvalidArgument


def test_a_prompt_may_have_as_many_log_probabilities_as_one_message_holds():
    check_prompt_logprobs(0, MAX_PROMPT_LOGPROBS)
    check_prompt_logprobs(19, MAX_PROMPT_LOGPROBS // 20)


@pytest.mark.parametrize(("candidates", "tokens"), [(0, MAX_PROMPT_LOGPROBS + 1), (20, 953)])
def test_more_are_refused_with_their_number(candidates, tokens):
    with pytest.raises(InvalidArgument, match=f" make {tokens * (1 + candidates)} log") as refused:
        check_prompt_logprobs(candidates, tokens)
    assert refused.value.violations[0].field == "sampling.prompt_logprobs"
