import pytest

from jarvis.core.generation.rendering import MAX_PROMPT_LOGPROBS, check_prompt_logprobs, check_render
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.values import Message, RenderParams, Role, ToolCall


def test_a_prompt_may_have_as_many_log_probabilities_as_one_message_holds():
    check_prompt_logprobs(0, MAX_PROMPT_LOGPROBS)
    check_prompt_logprobs(19, MAX_PROMPT_LOGPROBS // 20)


@pytest.mark.parametrize(("candidates", "tokens"), [(0, MAX_PROMPT_LOGPROBS + 1), (20, 953)])
def test_more_are_refused_with_their_number(candidates, tokens):
    with pytest.raises(InvalidArgument, match=f" make {tokens * (1 + candidates)} log") as refused:
        check_prompt_logprobs(candidates, tokens)
    assert refused.value.violations[0].field == "sampling.prompt_logprobs"


def test_a_message_that_calls_tools_is_not_continued_as_the_calls_would_be_lost():
    messages = (Message(Role.USER, "a"), Message(Role.ASSISTANT, "b", (ToolCall("1", "now", "{}"),)))
    (found,) = check_render(messages, RenderParams(continue_final_message=True))
    assert found.field == "messages[1].tool_calls"
