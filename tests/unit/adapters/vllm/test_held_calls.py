"""What holds calls to their form: one grammar for all tools, and the tool at fault where there is none."""

from types import SimpleNamespace

import pytest
from transformers import PreTrainedTokenizerFast

from jarvis_adapters.vllm.constraints.checker import Checker
from jarvis_adapters.vllm.constraints.settings import StructuredOutputSettings
from jarvis_adapters.vllm.control_tokens import ControlTokens
from jarvis_adapters.vllm.dialect import Dialect
from jarvis_adapters.vllm.settings import ParserNames
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.llm import Constraint, GenerateRequest, Message, Role, Tool, ToolChoice
from tests.unit.adapters.vllm.constraints.conftest import bytes_tokenizer

MOST = 1000
BAD = '{"not": {}}'


class Counting(Checker):
    """Compiles nothing, refuses `BAD`, and counts."""

    def __init__(self):
        super().__init__(StructuredOutputSettings(max_bytes=MOST), {})
        self.asked = []

    async def _ask(self, question):
        self.asked.append(question["constraint"])
        return {"refused": "is bad"} if '"not"' in question["value"] else {"grammar": "g"}


@pytest.fixture(scope="module")
def dialect():
    model = SimpleNamespace(model="m", hf_config=SimpleNamespace(model_type="llama"))
    control = ControlTokens(PreTrainedTokenizerFast(tokenizer_object=bytes_tokenizer()), "tools")
    names = ParserNames(tools="hermes", reasoning="none")
    return Dialect(SimpleNamespace(model_config=model), names, control)


def asked(dialect, *tools):
    said = (Message(Role.USER, "Hello"),)
    return dialect.asked(GenerateRequest("r", said, tools=tools, tool_choice=ToolChoice.REQUIRED))


async def test_many_tools_are_compiled_once_and_their_grammar_may_be_large(dialect):
    checker = Counting()
    tools = [Tool(f"t{number}", parameters='{"type": "object"}') for number in range(128)]
    assert await asked(dialect, *tools).constraint(checker) == "g"
    assert checker.asked == [Constraint.STRUCTURAL_TAG]


async def test_the_tool_at_fault_is_named(dialect):
    with pytest.raises(InvalidArgument, match=r"tools\[1\]\.parameters: is bad"):
        await asked(dialect, Tool("a"), Tool("b", parameters=BAD)).constraint(Counting())


async def test_what_a_caller_wrote_is_bounded(dialect):
    large = f'{{"title": "{"x" * MOST}"}}'
    with pytest.raises(InvalidArgument, match=r"tools\[1\]\.parameters: has 1013 bytes; at most 1000"):
        await asked(dialect, Tool("a"), Tool("b", parameters=large)).constraint(Counting())


def test_the_model_is_shown_the_same_tools_whatever_is_demanded(dialect):
    said, tools = (Message(Role.USER, "Hello"),), (Tool("a"),)
    shown = [
        dialect.template_arguments(GenerateRequest("r", said, tools=tools, tool_choice=choice))["tools"]
        for choice in (None, ToolChoice.REQUIRED, ToolChoice.NONE)
    ]
    assert shown[0] == shown[1] == shown[2]


def test_a_schema_without_a_type_is_that_of_an_object(dialect):
    said = (Message(Role.USER, "Hello"),)
    told = [
        dialect.template_arguments(GenerateRequest("r", said, tools=(Tool("a", parameters=schema),)))["tools"]
        for schema in ('{"properties": {}}', '{"type": "object", "properties": {}}')
    ]
    assert told[0] == told[1]
