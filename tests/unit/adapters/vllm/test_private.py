"""What vLLM's parsers cannot read is in no log, whatever they say about it."""

import logging
from types import SimpleNamespace

import pytest
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast
from vllm.tool_parsers import ToolParserManager

from jarvis_adapters.vllm.control_tokens import ControlTokens
from jarvis_adapters.vllm.dialect import Dialect
from jarvis_adapters.vllm.reply import Reply
from jarvis_adapters.vllm.settings import ParserNames
from jarvis_ports.llm import GenerateRequest, Message, Role, Tool
from tests.unit.adapters.vllm.constraints.conftest import bytes_tokenizer

CANARY = "xyzzycanary"
BAR = "\uff5c"
MARKS = [
    "<tool_call>",
    "</tool_call>",
    f"<{BAR}tool▁calls▁begin{BAR}>",
    f"<{BAR}tool▁calls▁end{BAR}>",
    f"<{BAR}tool▁call▁begin{BAR}>",
    f"<{BAR}tool▁call▁end{BAR}>",
    f"<{BAR}tool▁sep{BAR}>",
]
UNREADABLE = (
    f"[weather(city={CANARY})]",
    f"[{CANARY}[0](city=1)]",
    f'{{"name": "{CANARY}", "parameters": {CANARY}}}',
    f'[{{"name": "{CANARY}", "arguments": {CANARY}}}]',
    f'<tool_call>{{"name": "{CANARY}", "arguments": {CANARY}</tool_call>',
    f"<tool_call>{CANARY}<arg_key>{CANARY}</arg_key><arg_value>{CANARY}</tool_call>",
    f"<tool_call><function={CANARY}><parameter={CANARY}>{CANARY}</function></tool_call>",
    f"<{BAR}tool▁calls▁begin{BAR}><{BAR}tool▁call▁begin{BAR}>function<{BAR}tool▁sep{BAR}>{CANARY}\n```json\n{CANARY}",
)


@pytest.fixture
def log(caplog, monkeypatch):
    """Record all that vLLM logs, with the level of the server's log at its lowest."""
    vllm = logging.getLogger("vllm")
    monkeypatch.setattr(vllm, "level", logging.DEBUG)
    monkeypatch.setattr(vllm, "handlers", [caplog.handler])
    vllm.manager._clear_cache()
    caplog.set_level(logging.DEBUG)
    yield caplog
    monkeypatch.undo()
    vllm.manager._clear_cache()


@pytest.fixture(scope="module")
def tokenizer():
    made: Tokenizer = bytes_tokenizer()
    made.add_tokens(MARKS)
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="</s>")  # noqa: S106 - no password


@pytest.mark.parametrize("name", sorted(ToolParserManager.list_registered()))
def test_an_answer_that_no_parser_can_read_is_in_no_log(log, tokenizer, name):
    model = SimpleNamespace(model="m", hf_config=SimpleNamespace(model_type="llama"))
    config = SimpleNamespace(model_config=model)
    try:
        dialect = Dialect(
            config, ParserNames(tools=name, reasoning="none"), ControlTokens(tokenizer, "tools")
        )
        asked = dialect.asked(GenerateRequest("r", (Message(Role.USER, "Hello"),), tools=(Tool("weather"),)))
        replies = [(Reply(asked, [1]), text) for text in UNREADABLE]
    except Exception as error:  # noqa: BLE001 - of a parser for one model alone
        pytest.skip(f"needs another tokenizer: {type(error).__name__}")
    for reply, text in replies:
        for start in range(0, len(text), 5):
            piece = text[start : start + 5]
            end = "stop" if start + 5 >= len(text) else None
            reply.read(piece, tokenizer.encode(piece, add_special_tokens=False), end)
    assert CANARY not in log.text
