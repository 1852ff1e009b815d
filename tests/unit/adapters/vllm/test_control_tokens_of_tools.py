"""Control tokens in tools and calls, however JSON spells them: no template writes one into a prompt."""

import json

import pytest
from transformers import PreTrainedTokenizerFast

from jarvis_adapters.vllm.control_tokens import MARK, ControlTokens
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.llm import Message, Role, Tool, ToolCall
from tests.unit.adapters.vllm.constraints.conftest import bytes_tokenizer

SPELT = ("<|end|>", r"\u003c|end|\u003e", r"<\u007Cend|>", "</call>", r"<\/call>")


@pytest.fixture(scope="module")
def control():
    made = bytes_tokenizer()
    made.add_special_tokens(["<|end|>"])
    made.add_tokens(["<call>", "</call>"])
    return ControlTokens(PreTrainedTokenizerFast(tokenizer_object=made), "<call></call>")


def said(arguments="{}", id_="1"):
    return [
        Message(Role.ASSISTANT, "", (ToolCall(id_, "a", arguments),)),
        Message(Role.TOOL, "x", tool_call_id=id_),
    ]


@pytest.mark.parametrize("spelt", SPELT)
@pytest.mark.parametrize("form", ['{"a": "%s"}', '{"%s": 1}', '{"a": [{"b": ["x%s"]}]}'])
def test_one_in_arguments_is_taken_apart(control, spelt, form):
    messages = said(form % spelt)
    assert control.within(messages)
    (taken, _) = control.taken_apart(messages)
    written = taken.tool_calls[0].arguments
    plain = json.dumps(json.loads(form % spelt), ensure_ascii=False)
    assert written.replace(MARK, "") == plain
    assert json.loads(written) != json.loads(plain)
    assert not control.within([taken])


def test_one_in_an_id_is_taken_apart(control):
    messages = said(id_="<|end|>")
    assert control.within(messages)
    taken = control.taken_apart(messages)
    assert taken[0].tool_calls[0].id == taken[1].tool_call_id == f"<{MARK}|end|>"


def test_arguments_without_one_are_left_alone(control):
    assert not control.within(said(r'{"a": "1 \u003c 2\n\"so\""}'))


@pytest.mark.parametrize("spelt", SPELT)
def test_one_in_a_schema_is_refused(control, spelt):
    tools = (Tool("a"), Tool("b", parameters=f'{{"description": "x{spelt}"}}'))
    with pytest.raises(InvalidArgument, match="is a control token") as refused:
        control.check_tools(tools)
    assert [found.field for found in refused.value.violations] == ["tools[1].parameters"]
