"""What vLLM's parsers make of recorded answers, in one piece and in many."""

import json
from types import SimpleNamespace

import pytest
from transformers import AutoTokenizer

from jarvis.models.catalogue import CATALOGUE, DEMO_MODEL
from jarvis_adapters.vllm.control_tokens import ControlTokens
from jarvis_adapters.vllm.dialect import Dialect, find_parsers
from jarvis_adapters.vllm.reply import Reply
from jarvis_adapters.vllm.settings import ParserNames
from jarvis_ports.errors import EngineStartFailed
from jarvis_ports.llm import GenerateRequest, Message, Role, Tool, ToolChoice

WEATHER = Tool(
    "weather",
    "The weather of a city.",
    '{"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}',
)
NOW = Tool("now")
CALL = '<tool_call>\n{"name": "weather", "arguments": {"city": "Zürich"}}\n</tool_call>'
OTHER = '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>'


@pytest.fixture(scope="module")
def tokenizer():
    gguf = CATALOGUE[DEMO_MODEL].location
    found = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    found.add_tokens(["<think>", "</think>"])
    return found


@pytest.fixture
def dialect(tokenizer):
    def made(**names):
        config = SimpleNamespace(
            model_config=SimpleNamespace(model="m", hf_config=SimpleNamespace(model_type="llama"))
        )
        given = ParserNames(**{"tools": "hermes", "reasoning": "none", **names})
        return Dialect(config, given, ControlTokens(tokenizer))

    return made


def request(tools=(WEATHER, NOW), **fields):
    return GenerateRequest("r", (Message(Role.USER, "Hello"),), tools=tools, **fields)


def pieces(tokenizer, text, size):
    ids = tokenizer.encode(text, add_special_tokens=False)
    for start in range(0, len(ids), size):
        yield tokenizer.decode(ids[start : start + size]), ids[start : start + size]


def read(dialect, tokenizer, text, finish="stop", size=1, **fields):
    """Return the text, the reasoning, the calls, and the reply, of a recorded answer."""
    reply = Reply(dialect.asked(request(**fields)), [1])
    parts = list(pieces(tokenizer, text, size))
    found, calls = SimpleNamespace(text="", reasoning=""), {}
    for number, (piece, ids) in enumerate(parts, 1):
        part = reply.read(piece, ids, finish if number == len(parts) else None)
        found.text += part.text
        found.reasoning += part.reasoning
        for call in part.tool_calls:
            known = calls.setdefault(call.index, SimpleNamespace(id=call.id, name=call.name, arguments=""))
            assert call.name is None or call.name == known.name
            known.arguments += call.arguments
    found.calls = [(call.name, call.arguments) for _, call in sorted(calls.items())]
    found.ids = [call.id for call in calls.values()]
    found.unread = reply.unread
    found.reasoning_tokens = reply.reasoning_tokens
    return found


@pytest.mark.parametrize("size", [1, 3, 1000])
class TestHermes:
    def test_text_alone_is_text(self, dialect, tokenizer, size):
        found = read(dialect(), tokenizer, "It is 1 < 2, and <b>bold</b>.", size=size)
        assert (found.text, found.calls, found.unread) == ("It is 1 < 2, and <b>bold</b>.", [], False)

    def test_a_call_after_text_is_no_text(self, dialect, tokenizer, size):
        found = read(dialect(), tokenizer, f"Let me see.\n{CALL}", size=size)
        assert (found.text.strip(), found.unread) == ("Let me see.", False)
        assert found.calls == [("weather", '{"city": "Zürich"}')]
        assert all(found.ids)

    def test_several_calls_have_ids_of_their_own(self, dialect, tokenizer, size):
        found = read(dialect(), tokenizer, f"{CALL}\n{OTHER}", size=size)
        assert [name for name, _ in found.calls] == ["weather", "now"]
        assert len(set(found.ids)) == 2
        assert found.text.strip() == ""

    def test_a_call_that_is_cut_off_leaves_no_markup(self, dialect, tokenizer, size):
        found = read(dialect(), tokenizer, f"Well. {CALL[:45]}", "length", size=size)
        assert found.text.strip() == "Well."
        assert "<tool_call>" not in found.text
        assert not found.unread

    def test_a_call_without_arguments_has_an_empty_object(self, dialect, tokenizer, size):
        found = read(dialect(), tokenizer, '<tool_call>\n{"name": "now"}\n</tool_call>', size=size)
        assert found.calls == [("now", "{}")]

    @pytest.mark.parametrize(
        "wrong", ["<tool_call>\nnot JSON\n</tool_call>", "<tool_call>\n[1, 2]\n</tool_call>"]
    )
    def test_what_cannot_be_read_is_text_and_is_flagged(self, dialect, tokenizer, size, wrong):
        found = read(dialect(), tokenizer, f"Hm. {wrong}", size=size)
        assert (found.text, found.calls, found.unread) == (f"Hm. {wrong}", [], True)

    def test_arguments_that_are_no_json_are_flagged(self, dialect, tokenizer, size):
        wrong = '<tool_call>\n{"name": "weather", "arguments": {"city": }}\n</tool_call>'
        found = read(dialect(), tokenizer, wrong, size=size)
        assert found.unread
        assert [name for name, _ in found.calls] == ["weather"]

    def test_a_second_call_that_cannot_be_read_is_not_lost(self, dialect, tokenizer, size):
        found = read(dialect(), tokenizer, f"{CALL}\n<tool_call>\noops\n</tool_call>", size=size)
        assert [name for name, _ in found.calls] == ["weather"]
        assert "oops" in found.text
        assert found.unread

    def test_half_of_a_mark_at_the_end_is_text(self, dialect, tokenizer, size):
        for finish in ("stop", "length"):
            found = read(dialect(), tokenizer, "a <tool", finish, size=size)
            assert (found.text, found.unread) == ("a <tool", False)
        forced = read(dialect(), tokenizer, "<tool", "length", size=size, tool_name="now")
        assert (forced.text, forced.unread) == ("", False)

    @pytest.mark.parametrize(
        ("cut", "fields"),
        [
            ("<tool_call>", {}),
            ("<tool_call>\n", {}),
            ("<tool", {"tool_choice": ToolChoice.REQUIRED}),
            ("<", {"tool_name": "now"}),
        ],
    )
    def test_a_call_that_has_just_begun_leaves_no_markup(self, dialect, tokenizer, size, cut, fields):
        found = read(dialect(), tokenizer, cut, "length", size=size, **fields)
        assert (found.text, found.calls, found.unread) == ("", [], False)


@pytest.mark.parametrize("size", [1, 3, 1000])
class TestReasoning:
    def test_it_is_told_apart_from_the_answer(self, dialect, tokenizer, size):
        found = read(
            dialect(tools="none", reasoning="deepseek_r1"),
            tokenizer,
            "<think>One and one.</think>Two.",
            size=size,
            tools=(),
        )
        assert (found.reasoning, found.text) == ("One and one.", "Two.")
        assert found.reasoning_tokens == len(tokenizer.encode("One and one."))

    def test_it_goes_before_calls(self, dialect, tokenizer, size):
        both = dialect(reasoning="deepseek_r1")
        found = read(both, tokenizer, f"<think>Which city?</think>{CALL}", size=size)
        assert (found.reasoning, found.text.strip()) == ("Which city?", "")
        assert found.calls == [("weather", '{"city": "Zürich"}')]

    def test_where_it_is_cut_off_there_is_no_text(self, dialect, tokenizer, size):
        both = dialect(reasoning="deepseek_r1")
        found = read(both, tokenizer, "<think>Which city", "length", size=size)
        assert (found.reasoning, found.text) == ("Which city", "")

    def test_what_cannot_be_read_after_it_is_text(self, dialect, tokenizer, size):
        both = dialect(reasoning="deepseek_r1")
        found = read(both, tokenizer, "<think>A</think><tool_call>\noops\n</tool_call>", size=size)
        assert (found.reasoning, found.text) == ("A", "<tool_call>\noops\n</tool_call>")
        assert found.unread


@pytest.mark.parametrize("at", [0, 3, 7])
def test_a_parser_that_raises_loses_nothing(dialect, tokenizer, monkeypatch, at):
    asked = dialect().asked(request())
    reply = Reply(asked, [1])
    parse, count = reply._parser.parse_delta, 0

    def raising(*args, **kwargs):
        nonlocal count
        count += 1
        if count > at:
            raise KeyError("inside")
        return parse(*args, **kwargs)

    monkeypatch.setattr(reply._parser, "parse_delta", raising)
    text = "One two three four five six seven eight nine."
    parts = list(pieces(tokenizer, text, 1))
    told = "".join(
        reply.read(piece, ids, "stop" if number == len(parts) else None).text
        for number, (piece, ids) in enumerate(parts, 1)
    )
    assert told == text
    assert reply.unread


@pytest.mark.parametrize(
    ("template", "efforts"),
    [
        ("{% if enable_thinking is defined and not enable_thinking %}x{% endif %}", ("enable_thinking",)),
        ("{{ reasoning_effort }}", ("reasoning_effort",)),
        ("Write your thinking between marks.", ()),
    ],
)
def test_how_much_it_reasons_is_said_by_the_variables_that_the_template_has(tokenizer, template, efforts):
    config = SimpleNamespace(
        model_config=SimpleNamespace(model="m", hf_config=SimpleNamespace(model_type="llama"))
    )
    names = ParserNames(tools="none", reasoning="deepseek_r1")
    assert Dialect(config, names, ControlTokens(tokenizer, template)).efforts == efforts


def test_without_tools_nothing_is_parsed(dialect):
    assert dialect().asked(request(tools=())) is None
    assert dialect().asked(request(tool_choice=ToolChoice.NONE)) is None


@pytest.mark.parametrize(
    ("template", "tools", "reasoning"),
    [
        ("{{ tools }}<tool_call>", "hermes", "none"),
        ("{{ tools }}<tool_call><function=", "qwen3_coder", "none"),
        ("<tool_call>", "none", "none"),
        ("{{ tools }}<tool_call>{% if enable_thinking %}<think>", "hermes", "qwen3"),
        ("<think>", "none", "deepseek_r1"),
        ("", "none", "none"),
    ],
)
def test_parsers_are_found_by_the_chat_template(template, tools, reasoning):
    assert find_parsers(ParserNames(), template) == ParserNames(tools=tools, reasoning=reasoning)


@pytest.mark.parametrize("field", ["tools", "reasoning"])
def test_a_parser_that_vllm_does_not_have_is_refused(field):
    with pytest.raises(EngineStartFailed, match=f"parsers.{field}: vLLM has no parser 'hermez'; one of: "):
        find_parsers(ParserNames(**{field: "hermez"}), "")


def test_a_tool_without_parameters_takes_none(dialect):
    (definition,) = dialect().template_arguments(request(tools=(NOW,)))["tools"]
    assert definition["function"]["parameters"] == {
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }
    assert json.dumps(definition)
