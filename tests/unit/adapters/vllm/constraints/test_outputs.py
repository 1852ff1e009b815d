"""How vLLM gives up one request, as the port's errors."""

from types import SimpleNamespace

import pytest

from jarvis_adapters.vllm.convert import Outputs
from jarvis_ports.errors import EngineFailure, InvalidArgument
from jarvis_ports.llm import Constraint, GenerateRequest, StructuredOutput, Tool, ToolChoice


def given_up(request, tokens):
    choice = SimpleNamespace(index=0, text="", token_ids=tokens, finish_reason="error")
    return list(Outputs(request, [1, 2, 3], {}).events(SimpleNamespace(outputs=[choice], metrics=None)))


@pytest.mark.parametrize("tokens", [[], [1, 2]], ids=["at its first token", "later"])
def test_a_constraint_that_the_engine_gives_up_is_its_callers(tokens):
    request = GenerateRequest("id", "a", structured_output=StructuredOutput(Constraint.REGEX, "a"))

    with pytest.raises(InvalidArgument, match=f"regex: became too complex .* after {len(tokens)} tokens"):
        given_up(request, tokens)


def test_another_request_that_the_engine_gives_up_is_the_engines_failure():
    with pytest.raises(EngineFailure):
        given_up(GenerateRequest("id", "a"), [1])


def test_a_form_of_calls_that_the_engine_gives_up_is_its_callers():
    request = GenerateRequest("id", (), tools=(Tool("a"),), tool_choice=ToolChoice.REQUIRED)
    with pytest.raises(InvalidArgument, match=r"tool_choice: became too complex .* after 1 tokens"):
        given_up(request, [1])
