"""Structural tags: what they let through, and what of them is refused."""

import json

import pytest
from llguidance import LLMatcher, LLTokenizer
from tokenizers import AddedToken

from jarvis_adapters.vllm.constraints.grammar import LIMITS, Compiler
from jarvis_adapters.vllm.constraints.refused import Refused
from jarvis_adapters.vllm.constraints.settings import StructuredOutputSettings
from jarvis_adapters.vllm.constraints.worker import textless
from tests.unit.adapters.vllm.constraints.conftest import bytes_tokenizer

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


def tag(name, content=None):
    content = content or {"type": "json_schema", "json_schema": CITY}
    return {"type": "tag", "begin": f"<f={name}>", "content": content, "end": "</f>"}


def triggered(**fields):
    return {"type": "triggered_tags", "triggers": ["<f="], "tags": [tag("a"), tag("b")], **fields}


def separated(**fields):
    return {"type": "tags_with_separator", "tags": [tag("a")], "separator": ",", **fields}


A, B = (f'<f={name}>{{"city":"Rome"}}</f>' for name in "ab")
TEXT = {"type": "any_text"}


@pytest.fixture
def accepts(compile_, tokenizer):
    def accepted(format_, text):
        grammar = compile_("structural_tag", json.dumps({"format": format_}))
        matcher = LLMatcher(tokenizer, grammar, log_level=0, limits=LIMITS)
        ids = tokenizer.tokenize_str(text)
        return matcher.try_consume_tokens(ids) == len(ids) and matcher.is_accepting()

    return accepted


@pytest.mark.parametrize(
    ("format_", "yes", "no"),
    [
        (
            triggered(),
            ["", "Hello", A, f"So {A} and {B}.", "1 < 2 <f"],
            ["<f=", "<f=c>", A[:-1], "<f=a>{}</f>"],
        ),
        (triggered(at_least_one=True), [A, f"So {A}{B}"], ["Hello", ""]),
        (triggered(stop_after_first=True), ["Hello", f"So {A}"], [f"{A}{B}", f"{A}."]),
        (triggered(excludes=["bad"]), ["good", A], ["bad", f"bad {A}", f"{A} bad"]),
        (separated(), ["", A, f"{A},{A}"], [f"{A}{A}", f"{A},", "x"]),
        (separated(at_least_one=True, stop_after_first=True), [A], ["", f"{A},{A}"]),
        (tag("x", TEXT), ["<f=x></f>", "<f=x>a</b></f>"], ["<f=x>a", "<f=x>a</f>b"]),
        ({**tag("x", TEXT), "end": ["!", "?"]}, ["<f=x>a!", "<f=x>a?"], ["<f=x>a", "<f=x>a?!"]),
        ({"type": "regex", "pattern": "[0-9]{2}"}, ["12"], ["1", "123"]),
        ({"type": "grammar", "grammar": 'root ::= "a" | "b"'}, ["a", "b"], ["c", ""]),
        ({"type": "json_schema", "json_schema": {"enum": [1, 2]}}, ["1", "2"], ["3"]),
        ({"type": "or", "elements": [tag("a"), TEXT]}, [A, "any"], []),
        (
            {"type": "sequence", "elements": [TEXT, {"type": "token", "token": "</s>"}]},
            [],
            ["only text", ""],
        ),
        (
            {
                "type": "sequence",
                "elements": [
                    {"type": "optional", "content": {"type": "const_string", "value": "a"}},
                    {"type": "plus", "content": {"type": "const_string", "value": "b/"}},
                    {"type": "star", "content": {"type": "const_string", "value": ""}},
                ],
            },
            ["b/", "ab/b/"],
            ["a", "aab/"],
        ),
        ({"type": "any_text", "excludes": ["a/b\n[", "ü"]}, ["a/b", "u"], ["xa/b\n[x", "ü"]),
    ],
)
def test_it_lets_through_what_it_says(accepts, format_, yes, no):
    assert [text for text in yes if not accepts(format_, text)] == []
    assert [text for text in no if accepts(format_, text)] == []


def test_the_older_form_means_the_same(compile_, tokenizer):
    old = {"structures": [{"begin": "<f=a>", "schema": CITY, "end": "</f>"}], "triggers": ["<f="]}
    matcher = LLMatcher(tokenizer, compile_("structural_tag", json.dumps(old)), log_level=0)
    ids = tokenizer.tokenize_str(f"So {A}.")
    assert matcher.try_consume_tokens(ids) == len(ids)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", "has to be an object"),
        ("{", "is no JSON"),
        ("{}", "needs format"),
        ('{"structures": 5}', "/structures: has to be an array"),
        ("[" * 100_000, "is nested too deep"),
    ],
)
def test_what_is_no_tag_is_refused(compile_, text, reason):
    with pytest.raises(Refused, match=reason):
        compile_("structural_tag", text)


def nested(depth):
    return TEXT if not depth else {"type": "optional", "content": nested(depth - 1)}


@pytest.mark.parametrize(
    ("format_", "reason"),
    [
        ({"type": "dispatch"}, "/format/type: 'dispatch' is not honoured; one of const_string"),
        ("text", "/format: has to be an object with a type"),
        ({"type": "tag", "begin": "a", "end": "b"}, "/format/content: is missing, or of the wrong type"),
        ({"type": "or", "elements": []}, "/format/elements: is empty"),
        ({"type": "or", "elements": [5]}, "/format/elements/0: has to be an object with a type"),
        ({**separated(), "tags": []}, "/format/tags: is empty"),
        ({**triggered(), "triggers": ["<g"]}, "/format/tags/0: begins with none of the triggers"),
        ({**triggered(), "triggers": [""]}, "/format/triggers: has to be an array of texts"),
        ({**TEXT, "max_tokens": 5}, "/format/max_tokens: is not honoured"),
        ({**triggered(at_least_one=True), "tags": []}, "/format/tags: is empty"),
        ({**tag("a", TEXT), "end": []}, "/format/end: is empty"),
        ({"type": "token", "token": True}, "/format/token: True is no control token"),
        ({"type": "token", "token": -1}, "/format/token: -1 is no control token"),
        ({"type": "token", "token": "<nope>"}, "/format/token: '<nope>' is no control token"),
        ({"type": "json_schema", "json_schema": {}, "style": "qwen_xml"}, "/format/style: is not honoured"),
        (
            {"type": "json_schema", "json_schema": {"items": {"uniqueItems": True}}},
            "/format/json_schema: /items/uniqueItems: this keyword is not honoured",
        ),
        ({"type": "regex", "pattern": "(["}, "/format/pattern: "),
        (nested(40), "is nested deeper than 32"),
    ],
)
def test_what_cannot_be_honoured_is_refused_with_its_path(compile_, format_, reason):
    with pytest.raises(Refused) as caught:
        compile_("structural_tag", json.dumps({"format": format_}))
    assert str(caught.value).startswith(reason)


def test_any_json_object_is_one(compile_, samples):
    found = samples(compile_("json_object", ""), count=10)
    assert found
    assert all(isinstance(json.loads(text), dict) for text in found)


def test_tokens_such_as_tool_call_stand_for_their_texts_though_no_tokenizer_calls_them_special():
    """For llguidance they are no text; spelt out, they could not be generated."""
    described = bytes_tokenizer()
    described.add_tokens([AddedToken("<call>", special=False), AddedToken("</call>", special=False)])
    tokenizer = LLTokenizer(described.to_str(), n_vocab=259, eos_token=256)
    special = textless(tokenizer, described.to_str())
    assert special == {"</s>": 256, "<call>": 257, "</call>": 258}
    compiler = Compiler(tokenizer, StructuredOutputSettings(), special=special, whitespace=False)
    format_ = {**tag("a"), "begin": "<call>a", "end": "</call>"}
    for wanted in (format_, {"type": "triggered_tags", "triggers": ["<call>"], "tags": [format_]}):
        grammar = compiler.compiled("structural_tag", json.dumps({"format": wanted}))
        matcher = LLMatcher(tokenizer, grammar, log_level=0, limits=LIMITS)
        ids = [257, *tokenizer.tokenize_str('a{"city":"Rome"}'), 258]
        assert matcher.try_consume_tokens(ids) == len(ids)
        assert matcher.is_accepting()
    # Spelled out, it would be no mark, and what follows would be free.
    spelled = [one for character in 'so <call>a{"city"' for one in tokenizer.tokenize_str(character)]
    assert LLMatcher(tokenizer, grammar, log_level=0).try_consume_tokens(spelled) < len(spelled), (
        "no mark, and free"
    )
    with pytest.raises(Refused, match="demands the text of a control token"):
        compiler.compiled("choice", ["a <call> b"])
