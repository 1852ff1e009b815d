"""Compiles a constraint to a grammar of llguidance, and checks that the grammar can be used."""

import ctypes
import json
import re
import sys
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llguidance import LLMatcher, LLParserLimits, LLTokenizer
from llguidance.gbnf_to_lark import gbnf_to_lark

from jarvis_adapters.vllm.constraints.names import spelt_one_way
from jarvis_adapters.vllm.constraints.reasons import NOTHING, of_grammar, of_regex, of_schema
from jarvis_adapters.vllm.constraints.refused import Refused, pointer
from jarvis_adapters.vllm.constraints.schema import canonical, subschemas
from jarvis_adapters.vllm.constraints.settings import StructuredOutputSettings
from jarvis_adapters.vllm.constraints.syntax import GBNF_ATOM, defined_twice_in_gbnf, ignored_in_lark
from jarvis_adapters.vllm.constraints.tags import Tags

LIMITS = LLParserLimits(max_items_in_row=1000, max_lexer_states=50_000, verbose_errors=False)
"""The bounds of compiling, and of each mask; the engine computes masks for one request after another.

With these, a mask takes at most about 50 ms, and a request's states take at most about 30 MB.
"""
STEPS = 8
"""The number of tokens with which a grammar is tried."""
GBNF_RULE = re.compile(r"^\s*[\w-]+\s*::=", re.MULTILINE)
GBNF_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|.)", re.DOTALL)
GBNF_PART = re.compile(rf"{GBNF_ATOM.pattern}|\.", re.DOTALL)
GBNF_MEMBER = re.compile(r"(\\.|[^\\])(?:-(\\.|[^\\]))?", re.DOTALL)
"""A character or a range in a character class."""
CLASS_OPERATORS = frozenset("&~-^[")
"""The characters that mean more in Rust's character classes than in GBNF's."""
SPELT_OUT = re.compile(r"[\t\n\r]")
"""White space that llguidance would spell out, so that the flag x would not skip it."""
SLASH = re.compile(r"\\.|/", re.DOTALL)
UNUSABLE = {"Cs", "Co"}
"""The categories of surrogates and of private-use characters."""
BEYOND, PRIVATE = 0x10000, 0xF0000
HIDDEN = re.compile("[\U000f0000-\U000fffff]")
"""The characters that stand for those given by their numbers, while a grammar is converted."""
HIDDEN_SHOWN = re.compile(r"\\U000f([0-9a-f]{4})")


class Compiler:
    """Makes grammars for one tokenizer.

    Args:
        tokenizer: the model's tokenizer.
        settings: the bounds of a constraint.
        special: the tokens that no text contains, with their ids.
        whitespace: whether to allow white space between the tokens of JSON.
    """

    def __init__(
        self,
        tokenizer: LLTokenizer,
        settings: StructuredOutputSettings,
        *,
        special: Mapping[str, int],
        whitespace: bool,
    ) -> None:
        self._tokenizer = tokenizer
        self._special = special
        self._settings = settings
        self._options: Any = {"whitespace_flexible": whitespace}

    def compiled(self, constraint: str, value: str | Sequence[str]) -> str:
        """Return a constraint as a grammar that is known to compile.

        Raises:
            Refused: the constraint cannot be honoured; the reason is in the caller's notation.
        """
        kinds: dict[str, Callable[[Any], str]] = {
            "json_schema": self._json_schema,
            "regex": self._regex,
            "choice": self._choice,
            "grammar": self._grammar,
            "json_object": lambda _: self._json_schema('{"type": "object"}'),
            "structural_tag": self._structural_tag,
        }
        return kinds[constraint](value)

    def _json_schema(self, text: str) -> str:
        schema = canonical(text, self._settings)
        for path, below in subschemas(schema):
            for pattern in below.get("patternProperties", ()):
                # llguidance would leave out properties of a pattern that it cannot read.
                if error := self._tried({"type": "string", "pattern": pattern})[1]:
                    raise Refused(of_schema(error), pointer(path, "patternProperties"))
        grammar, error = self._tried(schema)
        if error:
            raise Refused(of_schema(error), self._blamed(schema, error))
        return grammar

    def _tried(self, schema: Mapping[str, Any]) -> tuple[str, str]:
        """Return a schema's grammar, and why it cannot be used; the reason is empty if it can."""
        try:
            grammar = LLMatcher.grammar_from_json_schema(spelt_one_way(schema), overrides=self._options)
        except ValueError as error:
            return "", str(error)
        return grammar, self._error(grammar)

    def _blamed(self, root: Mapping[str, Any], error: str) -> str | None:
        """Return the path of the deepest schema that has the error by itself, or of its keyword to blame."""
        enough = time.process_time() + self._settings.compile_seconds / 4
        definitions = {key: root[key] for key in ("$defs", "definitions") if key in root}

        def fails(schema: Mapping[str, Any]) -> bool:
            return self._tried({**definitions, **schema})[1] == error

        for path, schema in subschemas(root):
            if time.process_time() > enough:
                break
            if fails(schema):
                for key in sorted(schema, key=lambda key: key not in error):
                    if not fails({other: schema[other] for other in schema if other != key}):
                        return pointer(path, key)
                return path
        return None

    def _regex(self, text: str) -> str:
        length, most = len(text), self._settings.max_pattern_length
        if length > most:
            raise Refused(f"has {length} characters; at most {most}")
        if "\0" in text:
            raise Refused("has a NUL character; write \\x00")
        if (length - len(text.rstrip("\\"))) % 2:
            raise Refused("ends within an escape")
        if SPELT_OUT.search(text):
            grammar = LLMatcher.grammar_from_lark(f"start: /{SLASH.sub(_escaped, text)}/")
        else:
            grammar = LLMatcher.grammar_from_regex(text)
        if error := self._error(grammar):
            raise Refused(of_regex(error))
        return grammar

    def _choice(self, choices: Sequence[str]) -> str:
        count, most = len(choices), self._settings.max_enum_items
        if count > most:
            raise Refused(f"has {count} choices; at most {most}")
        # One terminal: as alternatives of a rule, all choices would be followed at the same time.
        grammar = LLMatcher.grammar_from_lark(
            "start: CHOICE\nCHOICE: " + " | ".join(map(json.dumps, choices))
        )
        if error := self._error(grammar):
            raise Refused(of_grammar(error))
        return grammar

    def _grammar(self, text: str) -> str:
        if gbnf := bool(GBNF_RULE.search(text)):
            lark = _lark(text)
        elif ignored := ignored_in_lark(text):
            raise Refused(f"{ignored} is not honoured")
        else:
            lark = text
        grammar = LLMatcher.grammar_from_lark(lark)
        if error := self._error(grammar):
            raise Refused(of_grammar(error, gbnf=gbnf))
        return grammar

    def _structural_tag(self, text: str) -> str:
        grammar = Tags(self.compiled, self._special).grammar(text)
        if error := self._error(grammar):
            raise Refused(of_grammar(error, gbnf=True))
        return grammar

    def _error(self, grammar: str) -> str:
        """Return why a grammar is unusable; empty if it is not. Tokens show what compiling does not."""
        matcher = LLMatcher(self._tokenizer, grammar, log_level=0, limits=LIMITS)
        consumed = 0
        while consumed < STEPS and (allowed := self._mask(matcher)):
            matcher.consume_token((allowed & -allowed).bit_length() - 1)
            consumed += 1
        error = str(matcher.get_error())
        if error and not error.startswith("NoExtension"):
            return error
        return "" if consumed else NOTHING

    def _mask(self, matcher: LLMatcher) -> int:
        """Return the tokens that may come next, as bits, without those that end the answer."""
        mask = bytearray((self._tokenizer.vocab_size + 31) // 32 * 4)
        address = ctypes.addressof(ctypes.c_char.from_buffer(mask))
        matcher.unsafe_compute_mask_ptr(address, len(mask))
        allowed = 0 if matcher.is_error() else int.from_bytes(mask, "little")
        for end in self._tokenizer.eos_tokens:
            allowed &= ~(1 << end)
        return allowed


def _escaped(found: re.Match[str]) -> str:
    """Escape a slash for Lark, which takes line breaks as they are; these matter with the flag x."""
    if found[0] in {"\\\n", "\\\r"}:
        raise Refused("has a line break after a backslash; write \\n or \\r")
    return "\\/" if found[0] == "/" else found[0]


def _plain(part: re.Match[str]) -> str:
    """Hide from Rust what has no meaning in GBNF's character classes, and let a dot match line breaks too."""
    if part[0] == ".":
        return f"[{chr(PRIVATE)}-{chr(sys.maxunicode)}]"
    if part[0][0] != "[":
        return part[0]
    negated = "^" if part[0][1] == "^" else ""
    members = GBNF_MEMBER.findall(part[0][1 + len(negated) : -1])
    return f"[{negated}{''.join(_literal(one) + (last and f'-{_literal(last)}') for one, last in members)}]"


def _literal(character: str) -> str:
    return chr(PRIVATE + ord(character)) if character in CLASS_OPERATORS else character


def _shown(code: re.Match[str]) -> str:
    character = chr(int(code[1], 16))
    return character if character in CLASS_OPERATORS else f"\\u{code[1]}"


def _lark(gbnf: str) -> str:
    """Convert GBNF to Lark; llguidance's conversion, used here, gets characters given by numbers wrong."""

    def hidden(escape: re.Match[str]) -> str:
        if escape.lastindex is None:
            return escape[0]
        number = int(escape[escape.lastindex], 16)
        if number > sys.maxunicode or unicodedata.category(chr(number)) in UNUSABLE:
            raise Refused(f"{escape[0]} is no character")
        return chr(number) if number >= BEYOND else chr(PRIVATE + number)

    if found := HIDDEN.search(gbnf):
        raise Refused(f"U+{ord(found[0]):X} is for private use")
    try:
        lark = gbnf_to_lark(GBNF_PART.sub(_plain, GBNF_ESCAPE.sub(hidden, gbnf)))
    except RecursionError:
        raise Refused("is nested too deep") from None
    except Refused:
        raise
    except Exception as error:  # noqa: BLE001 - what the library raises for a bad grammar
        raise Refused(of_grammar(HIDDEN_SHOWN.sub(_shown, str(error)), gbnf=True)) from None
    if twice := defined_twice_in_gbnf(gbnf):
        raise Refused(f"rule {twice!r} is defined twice")
    return HIDDEN.sub(lambda shown: f"\\u{ord(shown[0]) - PRIVATE:04x}", lark)
