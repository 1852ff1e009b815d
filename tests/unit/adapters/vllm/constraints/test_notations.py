"""Regular expressions, choices and grammars: obeyed by random answers, or refused in their notation."""

import pytest
import regex

from jarvis_adapters.vllm.constraints.refused import Refused

REGEXES = [
    "abc",
    "a|bc",
    "a*b",
    "a+?b",
    "(?:ab){2,3}",
    "a{2}",
    "a{2,}b",
    "(?P<name>a)b",
    "(?<name>a)b",
    "[a-c0-9_-]{2}",
    "[^a-z]{2}",
    r"\d{2}\w\s",
    r"\D\W\S",
    ".",
    "(?s)a.b",
    "(?i)yes|no",
    "(?x) a  b # c",
    "^yes$",
    r"\Ayes\z",
    "^(?:a|b)$",
    r"\x41\u0042",
    r"\.\*\\\/",
    r"\p{Greek}{2}",
    r"\P{L}",
    "[[:alpha:]]{2}",
    r"\t\n",
    "é😀?",
    "(|a)b",
    "(?i:a)b",
    "[a-c&&b-d]{2}",
]

REFUSED_REGEXES = {
    "[0-9": "unclosed character class at character 1",
    "(": "unclosed group at character 1",
    "a)": "unopened group at character 2",
    "*a": "repetition operator missing expression at character 1",
    "a{3,2}": "invalid repetition count range",
    "[z-a]": "invalid character class range",
    "(?=a)a": "look-around, including look-ahead and look-behind, is not supported at character 1",
    "(?<!a)b": "look-around, including look-ahead and look-behind, is not supported at character 1",
    r"(a)\1": "backreferences are not supported at character 4",
    r"\bword": "a word boundary is not supported",
    r"a\Bb": "a word boundary is not supported",
    "a^b": "an anchor that is not at the beginning is not supported",
    "a$b": "an anchor that is not at the end is not supported",
    "(?>a)b": "unrecognized flag at character 3",
    r"\Qa\E": "unrecognized escape sequence at character 1",
    "a\\": "ends within an escape",
    "(?x)a # b\\\nc": "has a line break after a backslash; write \\n or \\r",
    "a\0": "has a NUL character; write \\x00",
    "": "no text matches it",
    "[^\\s\\S]": "no text matches it",
    "a" * 2001: "has 2001 characters; at most 2000",
}

FLAGS = [
    ("(?x)yes # only\n ,no", "yes,no", "yes"),
    ("(?ix)yes # a/b\r\n\t,no", "YES,no", "yes"),
    ("(?x:a b # c\n)d e", "abd e", "abde"),
    ("(?x)a b(?-x: #\n)c", "ab #\nc", "abc"),
    ("(?x)[a\n\t#c]\n]", "a", "\n"),
    ("\\(?x #\n/", "x #\n/", "x"),
    ("[(?x)] #\n", "x #\n", "x"),
    ("a\\\\\n\\/\t", "a\\\n/\t", "a"),
    ("a(?i)b", "aB", "AB"),
    ("(?i:a)b", "Ab", "AB"),
    ("a.(?s).(?-s).", "ab\nc", "ab\n\n"),
    ("(?R)a.b", "a-b", "a\rb"),
    ("(?U)a+b", "aab", "b"),
    (r"\w(?-u:\w)", "éa", "éé"),
]
"""Regular expressions, with a text that each takes, and one that it does not."""

CLASSES = {
    "[^a&&b]": ("c", "ab&"),
    "[^a~~b]": ("c", "ab~"),
    "[^+--]": ("a*.", "+,-"),
    "[+--]": ("+,-", "*."),
    "[a-z--c]": ("-cz.A", "{,"),
    "[a&&b]": ("ab&", "c"),
    "[[a]": ("[a", "b"),
    "[^[a]": ("b", "[a"),
    "[a-]": ("a-", "b"),
    "[^-a]": ("b", "-a"),
    "[a^]": ("a^", "b"),
    r"[\x26&\U00000026\u0041]": ("&A", "B"),
    r"[\[-\]&&\\\"]": ('[\\]&"', "^a"),
    r"[\x26-\x28\n-\r]": ("&'(\v", "-"),
    '[#"&&.]': ('#"&.', "a"),
    ".": ("a\n😀", ""),
}
"""Classes of GBNF, with the characters that are in each, and some that are not."""

GRAMMARS = {
    'root ::= "yes" | "no"': "yes|no",
    'root ::= a\na ::= "x" a | "y"': "x*y",
    'root ::= ("a" | b)+ # a comment\nb ::= "z"? "y"': "(a|z?y)+",
    'root ::= [^a-z\\n] "b"{2,3}': "[^a-z\n]b{2,3}",
    'root ::= "\\x41\\u0042\\U0001F600\\u00e9" [\\u00e0-\\u00e2\\x5d]': "AB😀é[à-â\\]]",
    'root ::= "\\"\\\\\\n"': '"\\\\\n',
    'root-rule ::= "a"\nroot ::= root-rule fooBar\nfooBar ::= "/" [/]': "a//",
    'start: "a" b\nb: /[0-9]+/': "a[0-9]+",
    'start: A | "b"i\nA: "x"{2,3}': "x{2,3}|b|B",
    'start: %json {"enum": [1, 2]}': "1|2",
    'start: "max_tokens=" /[0-9]+/': "max_tokens=[0-9]+",
    'start: "x-guidance" /stop=[a-z]/ // stop=': "x-guidancestop=[a-z]",
    'root ::= "[a&&\\"&" [&&] b # [a&&\nb ::= "--]"': '\\[a&&"&&--]',
    'root ::= "root ::= " [a::=b] b # b ::=\nb ::= "x"': "root ::= [a:=b]x",
}

REFUSED_GRAMMARS = {
    "root ::= root": "no text matches it",
    "root ::= a\na ::= b\nb ::= a": "no text matches it",
    "root ::= ": "no text matches it",
    "root ::= foo": "Rule 'foo' not found",
    'root ::= "a" "b': "line 1: Unexpected end of input, at",
    "root ::= (": "line 1: Expected ')', at",
    'a ::= "x"\nroot ::= a )': "line 2: Expected name, at",
    'start ::= "a"': "No 'root' rule found",
    'root ::= "\\d"': "line 1: Invalid escape sequence \\d, at",
    'root ::= "\\uD800"': "\\uD800 is no character",
    'root ::= [&\\u00e9] "': "line 1: Unexpected end of input, at 'root ::= [&\\u00e9] \"' ^ ''",
    "root ::= [\\-]": "line 1: Invalid escape sequence \\-, at",
    "root ::= [a--]": "invalid character class range",
    "root ::= [z-a]": "invalid character class range",
    "root ::= " + "(" * 3000: "is nested too deep",
    "start: foo": 'line 1, column 8: unknown name: "foo"',
    'start: A\nA: "a" A': 'line 2, column 4: circular reference in token "A" definition',
    'begin: "a"': "no start rule found",
    "start: /[/": "unclosed character class at character 1",
    'start: %json {"not": {}}': "line 1, column 8: failed to compile JSON schema: Unimplemented keys",
    'start: %json {"x-guidance": {"lenient": true}, "not": {}}': "x-guidance is not honoured",
    'start: %json {"x\\u002dguidance": {"lenient": true}}': "x-guidance is not honoured",
    'root ::= "a"\nroot ::= "b"': "rule 'root' is defined twice",
    'start: x // "\nx[stop="z"]: /a+/': "stop= is not honoured",
    'start: x\nx[stop="z"]: /a+/': "stop= is not honoured",
    "start: x\nx[temperature=0.5]: /a+/": "temperature= is not honoured",
    "start: " + "(" * 5000: "line 1, column 37: lark grammar too deeply nested",
}


@pytest.mark.parametrize("pattern", REGEXES)
def test_a_regular_expression_that_is_taken_is_obeyed(compile_, samples, pattern):
    answers = samples(compile_("regex", pattern))

    assert len(answers) > 40
    form = regex.compile(pattern.replace(r"\z", r"\Z"), regex.V1)
    assert [text for text in answers if not form.fullmatch(text)] == []


@pytest.mark.parametrize(("pattern", "said"), REFUSED_REGEXES.items(), ids=lambda text: text[:20])
def test_a_regular_expression_that_is_refused_says_why(compile_, pattern, said):
    with pytest.raises(Refused) as refused:
        compile_("regex", pattern)

    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(("pattern", "taken", "other"), FLAGS)
def test_a_flag_of_a_regular_expression_is_obeyed(compile_, takes, pattern, taken, other):
    grammar = compile_("regex", pattern)

    assert takes(grammar, taken)
    assert not takes(grammar, other)


@pytest.mark.parametrize(("form", "members"), CLASSES.items(), ids=CLASSES)
def test_a_class_of_gbnf_has_just_its_characters(compile_, takes, form, members):
    grammar = compile_("grammar", f"root ::= {form}")

    assert [[one for one in some if takes(grammar, one)] for some in members] == [list(members[0]), []]


@pytest.mark.parametrize(("grammar", "form"), GRAMMARS.items())
def test_a_grammar_that_is_taken_is_obeyed(compile_, samples, grammar, form):
    answers = samples(compile_("grammar", grammar))

    assert len(answers) > 40
    assert [text for text in answers if not regex.fullmatch(form, text)] == []


@pytest.mark.parametrize(("grammar", "said"), REFUSED_GRAMMARS.items(), ids=lambda text: text[:30])
def test_a_grammar_that_is_refused_says_why_in_its_notation(compile_, grammar, said):
    with pytest.raises(Refused) as refused:
        compile_("grammar", grammar)

    assert str(refused.value).startswith(said)
    assert "start: " not in str(refused.value) or "start: " in grammar


def test_a_choice_is_one_of_its_texts(compile_, samples):
    choices = [
        "yes",
        "yes, please",
        'a "quoted" \\ one',
        "zwei\nZeilen",
        "é😀",
        "\x7f\x01",
        "<|im_end|>",
        "/[a]/",
    ]

    assert set(samples(compile_("choice", choices), 200)) == set(choices)


def test_choices_are_bounded(compile_):
    with pytest.raises(Refused, match="has 3 choices; at most 2"):
        compile_("choice", ["a", "b", "c"], max_enum_items=2)
