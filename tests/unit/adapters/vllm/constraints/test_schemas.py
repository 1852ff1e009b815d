"""Every keyword of JSON Schema is obeyed by random answers, or refused with its path."""

import json
import re
from datetime import date, datetime
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit
from uuid import UUID

import jsonschema
import pytest
from jsonschema_specifications import REGISTRY

from jarvis_adapters.vllm.constraints.refused import Refused

STRING = {"type": "string"}
AB = {"a": {"type": "integer"}, "b": {"type": "boolean"}}

OBEYED = {
    "type": {"type": ["boolean", "null"]},
    "enum": {"enum": ["a", 1, 1.5, None, [1, 2], {"x": "y"}]},
    "enum beside type": {"type": "integer", "enum": [1, "1", None, 7]},
    "enum with fractions beside type": {"type": ["integer", "null"], "enum": [1, "1", 2.5, None, 4.0]},
    "const": {"const": {"a": [1, 'é"\n']}},
    "minLength": {**STRING, "minLength": 3, "maxLength": 5},
    "maxLength": {**STRING, "maxLength": 2},
    "pattern": {**STRING, "pattern": "^[a-c]+[0-9]{2}$"},
    "pattern anywhere": {**STRING, "pattern": "a[0-9]b", "maxLength": 12},
    "pattern of escapes": {**STRING, "pattern": '^[\\n"\\\\]{3}$'},
    "pattern of alternatives": {**STRING, "pattern": "^(?:a|bc)$"},
    "pattern of classes": {**STRING, "pattern": r"^\d\w[^\W_]$"},
    **{
        f"format {name}": {**STRING, "format": name}
        for name in (
            "date",
            "time",
            "date-time",
            "duration",
            "email",
            "hostname",
            "ipv4",
            "ipv6",
            "uuid",
            "uri",
        )
    },
    "minimum": {"type": "integer", "minimum": -5, "maximum": 17},
    "maximum": {"type": "number", "minimum": -1.5, "maximum": 2.25},
    "exclusiveMinimum": {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 6},
    "exclusiveMaximum": {"type": "number", "exclusiveMinimum": 0.25, "exclusiveMaximum": 0.5},
    "multipleOf": {"type": "integer", "multipleOf": 7, "minimum": 0, "maximum": 500},
    "multipleOf of a fraction": {"type": "number", "multipleOf": 0.25, "minimum": 0, "maximum": 9},
    "items": {"type": "array", "items": {"enum": [1, 2]}, "maxItems": 4},
    "minItems": {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "maxItems": 3},
    "maxItems": {"type": "array", "items": {"type": "null"}, "maxItems": 1},
    "prefixItems": {"type": "array", "prefixItems": [STRING, {"type": "null"}], "items": False},
    "items as an array": {"type": "array", "items": [{"const": 1}, {"const": 2}], "additionalItems": False},
    "additionalItems": {"type": "array", "items": [{"const": 1}], "additionalItems": {"const": 2}},
    "properties": {"type": "object", "properties": AB, "additionalProperties": False},
    "required": {"type": "object", "properties": AB, "required": ["b", "c"]},
    "additionalProperties": {"type": "object", "additionalProperties": {"type": "null"}},
    "patternProperties": {
        "type": "object",
        "patternProperties": {"^x[0-9]$": {"type": "null"}},
        "additionalProperties": False,
    },
    "patternProperties beside properties": {
        "type": "object",
        "properties": {"xa": {}},
        "patternProperties": {"^x": {"type": "boolean"}},
        "additionalProperties": False,
    },
    "minProperties": {"type": "object", "properties": AB, "minProperties": 1, "additionalProperties": False},
    "maxProperties": {"type": "object", "additionalProperties": {"type": "null"}, "maxProperties": 1},
    "allOf": {"allOf": [STRING, {"enum": ["yes", "no"]}]},
    "allOf of bounds": {"type": "integer", "allOf": [{"minimum": 3}, {"maximum": 9}, {"multipleOf": 2}]},
    "anyOf": {"anyOf": [{"const": 1}, {**STRING, "maxLength": 3}]},
    "anyOf beside others": {"type": "integer", "minimum": 5, "anyOf": [{"maximum": 6}, {"maximum": 9}]},
    "oneOf": {"oneOf": [{"type": "integer"}, {"type": "boolean"}]},
    "$ref": {"$ref": "#/$defs/x", "$defs": {"x": {"enum": [1, 2]}}},
    "$ref beside others": {
        "$ref": "#/$defs/x",
        "maximum": 5,
        "$defs": {"x": {"type": "integer", "minimum": 3}},
    },
    "$ref to itself": {
        "type": "object",
        "properties": {"n": {"anyOf": [{"type": "null"}, {"$ref": "#"}]}},
        "required": ["n"],
        "additionalProperties": False,
    },
    "$defs": {
        "items": {"$ref": "#/$defs/a~1b"},
        "type": "array",
        "$defs": {"a/b": {"const": 0}},
        "maxItems": 3,
    },
    "definitions": {"$ref": "#/definitions/x", "definitions": {"x": {"const": True}}},
    "$anchor": {"$ref": "#here", "$defs": {"x": {"$anchor": "here", "const": 3}}},
    "$id": {"$id": "https://example.com/a", "$ref": "#/$defs/x", "$defs": {"x": {"const": 3}}},
    "$schema": {"$schema": "http://json-schema.org/draft-07/schema#", "const": 3},
    "annotations": {
        "title": "a",
        "description": "b",
        "default": 1,
        "examples": [1],
        "deprecated": True,
        "readOnly": True,
        "writeOnly": False,
        "$comment": "c",
        "const": 3,
        "x-mine": 1,
        "uniqueItems": False,
    },
    "a property of a keyword's name": {
        "type": "object",
        "properties": {"not": {"const": 1}},
        "required": ["not"],
        "additionalProperties": False,
    },
    "false": {"type": "object", "properties": {"a": False, "b": {"const": 1}}, "additionalProperties": False},
}

REFUSED = {
    **{
        keyword: ({"properties": {"a/b": {keyword: value}}}, f"/properties/a~1b/{keyword}: ")
        for keyword, value in {
            "not": {},
            "if": {"const": 1},
            "then": False,
            "else": False,
            "dependentSchemas": {"a": {}},
            "dependentRequired": {"a": ["b"]},
            "dependencies": {"a": ["b"]},
            "propertyNames": STRING,
            "unevaluatedProperties": False,
            "unevaluatedItems": False,
            "contains": STRING,
            "minContains": 1,
            "maxContains": 1,
            "uniqueItems": True,
            "contentEncoding": "base64",
            "contentMediaType": "text/html",
            "contentSchema": {},
            "$dynamicRef": "#a",
            "$dynamicAnchor": "a",
            "$recursiveRef": "#",
            "$vocabulary": {},
            "x-guidance": {"lenient": True},
            "nullable": True,
            "id": "a",
        }.items()
    },
    "a keyword that is misspelt": (
        {"minLenght": 3},
        "/minLenght: this keyword is not honoured; did you mean",
    ),
    "a schema elsewhere": ({"$ref": "https://example.com/s.json"}, "/$ref: refers to what is not in"),
    "a schema that is not there": ({"items": {"$ref": "#/$defs/x"}}, "/items/$ref: "),
    "oneOf that may overlap": ({"items": {"oneOf": [STRING, STRING]}}, "/items/oneOf: is honoured only"),
    "a format that is unknown": ({"anyOf": [{**STRING, "format": "zzz"}]}, "/anyOf/0/format: Unknown"),
    "a pattern that looks around": ({**STRING, "pattern": "(?=a)b"}, "/pattern: look-around"),
    "a pattern that is none": ({**STRING, "pattern": "[a"}, "/pattern: unclosed character class at"),
    "patterns that may overlap": ({"patternProperties": {"a": {}, "b": {}}}, "/patternProperties: "),
    "patterns beside what else there may be": (
        {"items": {"patternProperties": {"^a": STRING}}},
        "/items/patternProperties: is honoured only beside additionalProperties: false",
    ),
    "minProperties that may be doubled": ({"type": "object", "minProperties": 2}, "/minProperties: "),
    "a cycle": ({"$ref": "#"}, "/$ref: no text matches it"),
    "a cycle of definitions": (
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
        "/$defs/a/$ref: no text matches it",
    ),
    "a narrow range": ({"type": "number", "exclusiveMinimum": 0, "maximum": 0.5}, "/exclusiveMinimum: "),
    "a narrow range below zero": ({"exclusiveMaximum": -1, "minimum": -1.5}, "/exclusiveMaximum: "),
    "multiples of nothing": ({"multipleOf": 0}, "/multipleOf: has to be greater than 0"),
    "a bound of draft 4": ({"minimum": 1, "exclusiveMinimum": True}, "/exclusiveMinimum: has to be a number"),
    "items of two dialects": ({"prefixItems": [{}], "items": [{}]}, "/prefixItems: "),
    "items of two dialects again": ({"prefixItems": [{}], "additionalItems": False}, "/prefixItems: "),
    "additionalItems without items": ({"additionalItems": False}, "/additionalItems: "),
    "a type that is none": ({"items": {"type": "zzz"}}, "/items/type: Invalid type: zzz"),
    "an enum of fractions alone": ({"type": "integer", "enum": [0.5]}, "/enum: no text matches it"),
    "a fraction that is to be an integer": (
        {"allOf": [{"type": "integer"}, {"enum": [1, 2.5]}]},
        "/allOf: has a number with a fraction, or a range, in which there is no integer",
    ),
    "an empty enum": ({"enum": []}, "/enum: "),
    "what contradicts itself": ({**STRING, "minLength": 5, "maxLength": 3}, "/minLength: "),
    "a dialect that is unknown": ({"$schema": "https://example.com/mine"}, "/$schema: "),
    "a subschema that is none": ({"items": {"anyOf": [3]}}, "/items/anyOf/0: has to be a schema"),
    "properties that are none": ({"properties": []}, "/properties: has to be an object"),
    "a bound that is none": ({"minLength": -1}, "/minLength: Expected positive integer"),
}
VOCABULARIES = ("core", "applicator", "validation", "unevaluated", "content")
KEYWORDS = {
    keyword
    for name in VOCABULARIES
    for keyword in REGISTRY.contents(f"https://json-schema.org/draft/2020-12/meta/{name}")["properties"]
}
"""Of draft 2020-12; `format` has a row for each."""


FORMATS = jsonschema.FormatChecker(())


def checks(name, raises=ValueError):
    return FORMATS.checks(name, raises)


checks("date")(date.fromisoformat)
checks("ipv4")(IPv4Address)
checks("ipv6")(IPv6Address)
checks("uuid")(UUID)
checks("uri")(lambda text: urlsplit(text).scheme)
checks("duration")(lambda text: re.fullmatch(r"P(?=.)(\d+[YMWD])*(T(\d+[HMS])+)?", text))
checks("hostname")(lambda text: re.fullmatch(r"[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?", text))
checks("email")(lambda text: re.fullmatch(r"[^@\s]+@[^@\s]+", text))


@checks("time")
def time_of_day(text):
    return timed(f"2000-01-01T{text}")


@checks("date-time")
def timed(text):
    """A fraction of a second may have more digits, and a second may be a leap second."""
    return datetime.fromisoformat(re.sub(r"\.\d+", "", text.upper()).replace(":60", ":59"))


@pytest.mark.parametrize("schema", OBEYED.values(), ids=OBEYED)
def test_what_is_taken_is_obeyed(compile_, samples, schema):
    answers = [json.loads(text) for text in samples(compile_("json_schema", json.dumps(schema)))]

    assert len(answers) > 25
    draft = jsonschema.Draft7Validator if "additionalItems" in schema else jsonschema.Draft202012Validator
    for answer in answers:
        draft(schema, format_checker=FORMATS).validate(answer)


@pytest.mark.parametrize(("schema", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_obeyed_is_refused_with_its_path(compile_, schema, said):
    with pytest.raises(Refused) as refused:
        compile_("json_schema", json.dumps(schema))

    assert str(refused.value).startswith(said)


@pytest.mark.parametrize("additional", [{}, {"additionalProperties": STRING}], ids=["any", "texts"])
@pytest.mark.parametrize(
    ("name", "written"),
    [("é", r"\u00e9"), ("ab", r"a\u0062"), ("/", r"\/"), ("😀", r"\ud83d\ude00"), ("", ""), ("ab", "ab")],
)
def test_a_name_written_with_escapes_does_not_evade_its_property(compile_, takes, name, written, additional):
    named = {name: {"type": "integer"}, "last": {"type": "null"}}
    grammar = compile_("json_schema", json.dumps({"type": "object", "properties": named, **additional}))

    assert takes(
        grammar, json.dumps({name: 1, "las": "x", "lastly\n": "y"}, ensure_ascii=False, separators=(",", ":"))
    )
    assert not takes(grammar, f'{{"{written}":"x"}}')
    assert not takes(grammar, f'{{"{name}":1,"{written}":"x"}}')


def test_schemas_together_leave_each_other_the_other_names(compile_, takes):
    parts = [{"type": "object", "properties": {name: {"type": "integer"}}} for name in "ab"]
    grammar = compile_("json_schema", json.dumps({"allOf": [*parts, {"required": ["c"]}]}))

    assert takes(grammar, '{"a":1,"b":2,"c":"x","d":"y"}')
    assert not takes(grammar, '{"a":1,"b":"x","c":"x"}')
    assert not takes(grammar, '{"a":1,"b":2}')


def test_every_keyword_has_a_row():
    assert KEYWORDS - OBEYED.keys() - REFUSED.keys() == {"$comment"}
