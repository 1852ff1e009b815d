"""Answers as messages of the contract."""

import pytest

from jarvis.server.parts import MAX_TOKENS, parts
from jarvis.wire.answers import event_message
from jarvis_ports.values import Delta, TokenLogprob


@pytest.mark.parametrize("tokens", [0, 1, MAX_TOKENS, MAX_TOKENS + 1, 10 * MAX_TOKENS])
def test_a_delta_of_any_length_is_told_in_messages_that_are_small(tokens):
    logprobs = tuple(TokenLogprob(number, "a", -1.0) for number in range(tokens))
    whole = Delta(3, "text", tuple(range(tokens)), logprobs)
    written = [event_message(one).delta for one in parts(whole)]

    assert all(len(one.token_ids) == len(one.logprobs) <= MAX_TOKENS for one in written)
    assert {one.index for one in written} == {3}
    assert "".join(one.text for one in written) == "text"
    assert [token_id for one in written for token_id in one.token_ids] == list(range(tokens))
    assert [one.token_id for delta in written for one in delta.logprobs] == list(range(tokens))
