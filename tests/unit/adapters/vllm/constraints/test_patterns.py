"""Patterns of JSON schemas mean what they do to ECMA 262."""

import json

import pytest

from jarvis_adapters.vllm.constraints.refused import Refused

STRING = {"type": "string"}
PATTERNS = {
    "^[[a]b]$": ("[b] ab]", "a b ["),
    "^[a-z&&[^b]]$": ("a] &] [] ^]", "a c"),
    "^[[:alpha:]]$": ("a] :] []", "a b]"),
    "^[^a&&b]$": ("c", "a b &"),
    "^[^a~~b]$": ("c", "a b ~"),
    "^[+--]$": ("+ , -", "* ."),
    "^[a-c--z]$": ("a c - z .", ","),
    r"^[\w-.]$": ("a - .", ","),
    r"^[a-\d]$": ("a - 7", "b"),
    r"^[\]\\\<]$": ("] \\ <", "a"),
    "^[^]$": ("a \n", "aa"),
    "^[(?x)]$": ("x ?", "a"),
    r"^\(?x\)$": ("x) (x)", "x"),
    "^a.$": ("a\x85 ab", "a\n a\r a\u2028"),
    "^(?s:.)a.$": ("\na. ba.", "\na\r"),
    "^((?s)a.).$": ("a\nb", "a\n\n"),
    "(?s)^a.(?-s:.)$": ("a\nb", "a\n\n"),
    r"^a\s$": ("a\ufeff a\xa0 a\n a\v", "a\x85 aa"),
    r"^a[^\S]$": ("a\ufeff a\n", "a\x85 aa"),
    r"^\d[\D]$": ("7٣ 7a", "77 ٣a"),
    r"^\w\W$": ("aé", "éé aa"),
    "^(?i)a(?-i:b)$": ("ab Ab", "aB"),
    r"^\p{L}\x41\u0041\u{41}\<$": ("éAAA<", "7AAA<"),
}
"""Patterns, with texts that match in ECMA 262, and others."""
PATTERNS_REFUSED = {
    **{f"a(?{flags})b": f"the flag {flags[-1]} is none of ECMA 262 at character 2" for flags in ("x", "-x")},
    **{f"(?{flag}:a)": f"the flag {flag} is none of ECMA 262 at character 1" for flag in "xuUR"},
    r"\\(?ix)a": "the flag x is none of ECMA 262 at character 3",
    "(?m)^a": "an anchor that is not at the beginning is not supported",
    **{
        rf"[b]\{kind}": rf"the escape \{kind[0]} is none of ECMA 262 at character 4"
        for kind in ("a", "A", "z", "x{41}", "U00000041", "pL", "u41")
    },
    "a{ 2 }": "a quantifier with spaces is none of ECMA 262 at character 2",
    "[]a]": "an empty character class matches no text at character 1",
    "[a": "unclosed character class at character 1",
    "a\\": "incomplete escape sequence at character 2",
    ".(": "unclosed group",
}


@pytest.mark.parametrize(("pattern", "texts"), PATTERNS.items(), ids=PATTERNS)
def test_a_pattern_means_what_it_does_to_ecma_262(compile_, takes, pattern, texts):
    matching, others = (some.split(" ") for some in texts)
    of_a_text = compile_("json_schema", json.dumps({**STRING, "pattern": pattern}))
    named = {"type": "object", "patternProperties": {pattern: {"const": 1}}, "additionalProperties": False}
    of_a_name = compile_("json_schema", json.dumps(named))

    for text in matching + others:
        written = json.dumps(text, ensure_ascii=False)
        assert takes(of_a_text, written) == takes(of_a_name, f"{{{written}:1}}") == (text in matching), text


@pytest.mark.parametrize(("pattern", "said"), PATTERNS_REFUSED.items(), ids=PATTERNS_REFUSED)
def test_a_pattern_that_would_mean_something_else_is_refused(compile_, pattern, said):
    for key, value in {"pattern": pattern, "patternProperties": {pattern: {}}}.items():
        with pytest.raises(Refused) as refused:
            compile_("json_schema", json.dumps({**STRING, key: value, "additionalProperties": False}))
        assert str(refused.value) == f"/{key}: {said}"


def test_patterns_that_mean_the_same_are_refused(compile_):
    schema = {"patternProperties": {r"^\d$": {}, "^[0-9]$": STRING}, "additionalProperties": False}

    with pytest.raises(Refused, match=r"^/patternProperties: has two patterns that mean the same"):
        compile_("json_schema", json.dumps(schema))
