"""What is no schema, or too large a one, is refused with the reason, or with what and how much."""

import json

import pytest

from jarvis_adapters.vllm.constraints.refused import Refused


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 10_000 + "]" * 10_000, "is nested deeper than 64"),
        ('{"items":' * 70 + "{}" + "}" * 70, "is nested 71 deep; at most 64"),
        ('{"maximum": 1e400}', "the number 1e400 is out of range"),
        ('{"maximum": 1' + "0" * 400 + "}", "the number 1000"),
        ('{"minimum": 9007199254740993}', "the number 9007199254740993 is none that a double holds"),
        ('{"maximum": NaN}', "NaN is no JSON"),
        ('{"type": "string", "type": "null"}', "the key 'type' stands twice"),
        (r'{"const": "\ud800"}', "has half of a surrogate pair"),
        ('{"type":', "is no JSON: Expecting value at line 1 column 9"),
        ("[]", "has to be an object"),
        ("null", "has to be an object"),
        ("false", "no text matches it"),
        (" ", "is no JSON"),
    ],
    ids=lambda value: value[:20],
)
def test_what_is_no_schema_is_refused(compile_, text, said):
    with pytest.raises(Refused) as refused:
        compile_("json_schema", text)

    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(
    ("schema", "bounds", "said"),
    [
        (
            {"items": {"properties": {"a": {}, "b": {}}}},
            {"max_properties": 1},
            "/items/properties: 2 properties",
        ),
        ({"required": ["a", "b"]}, {"max_properties": 1}, "/required: 2 properties; at most 1"),
        (
            {"anyOf": [{"enum": [1, 2]}, {"enum": [3]}]},
            {"max_enum_items": 2},
            "/anyOf/1/enum: 3 items of enums",
        ),
        (
            {"items": {"pattern": "abc"}},
            {"max_pattern_length": 2},
            "/items/pattern: 3 characters of a pattern",
        ),
        ({"patternProperties": {"abc": {}}}, {"max_pattern_length": 2}, "/patternProperties: 3 characters"),
        ({"items": {"items": {}}}, {"max_depth": 2}, "is nested 3 deep; at most 2"),
        (
            {"type": "object", "properties": {f"p{i}": {} for i in range(400)}},
            {},
            "is too complex: 1607 ways to go on, as with many optional properties; at most 1000",
        ),
    ],
)
def test_what_is_too_large_is_refused_with_what_and_how_much(compile_, schema, bounds, said):
    with pytest.raises(Refused) as refused:
        compile_("json_schema", json.dumps(schema), **bounds)

    assert str(refused.value).startswith(said)
