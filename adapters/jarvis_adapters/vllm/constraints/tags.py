"""Converts structural tags, in xgrammar's notation, to llguidance's.

The notation: https://xgrammar.mlc.ai/docs/tutorials/structural_tag.html. An older form, with `structures` and
`triggers` at the top, is read as well.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from jarvis_adapters.vllm.constraints.refused import Refused, pointer

Node = Mapping[str, Any]
MAX_DEPTH = 32
FIELDS: dict[str, dict[str, tuple[type, ...]]] = {
    "const_string": {"value": (str,)},
    "json_schema": {"json_schema": (dict, bool)},
    "any_text": {},
    "regex": {"pattern": (str,)},
    "grammar": {"grammar": (str,)},
    "sequence": {"elements": (list,)},
    "or": {"elements": (list,)},
    "optional": {"content": (dict,)},
    "plus": {"content": (dict,)},
    "star": {"content": (dict,)},
    "tag": {"begin": (str, dict), "content": (dict,), "end": (str, list, dict)},
    "triggered_tags": {"triggers": (list,), "tags": (list,)},
    "tags_with_separator": {"tags": (list,), "separator": (str,)},
    "token": {"token": (str, int)},
}
"""The formats that are honoured, with the fields that each needs and their types."""
OPTIONAL: dict[str, dict[str, Any]] = {
    "json_schema": {"style": "json", "any_order": False, "max_whitespace_cnt": None, "excludes": []},
    "any_text": {"excludes": [], "max_tokens": None, "max_chars": None},
    "triggered_tags": {"at_least_one": False, "stop_after_first": False, "excludes": []},
    "tags_with_separator": {"at_least_one": False, "stop_after_first": False},
}
"""The fields that may be left out, with what they then are."""
HONOURED = {"at_least_one", "stop_after_first", ("any_text", "excludes"), ("triggered_tags", "excludes")}
REPEATED = {"optional": "?", "plus": "+", "star": "*"}


class Tags:
    """The grammar of one structural tag.

    Args:
        compiled: compiles a constraint of another kind, by its name; returns llguidance's form of it.
        special: the tokens that no text contains, with their ids.
    """

    def __init__(self, compiled: Callable[[str, str], str], special: Mapping[str, int]) -> None:
        self._compiled = compiled
        self._special = special
        longest_first = sorted(special, key=len, reverse=True)
        self._split = re.compile(f"({'|'.join(map(re.escape, longest_first)) or '(?!)'})")
        self._rules: list[str] = []
        self._grammars: list[dict[str, Any]] = []

    def grammar(self, text: str) -> str:
        """Return the grammar of a tag.

        Raises:
            Refused: something in it cannot be honoured; the reason has its path.
        """
        try:
            given = json.loads(text)
        except RecursionError:
            raise Refused("is nested too deep") from None
        except ValueError as error:
            raise Refused(f"is no JSON: {error}") from None
        start = self._node(_format(given), "/format", 0)
        lark = "\n".join([f"start: {start}", *self._rules])
        return json.dumps({"grammars": [{"name": "tags", "lark_grammar": lark}, *self._grammars]})

    def _node(self, node: Any, path: str, depth: int) -> str:  # noqa: ANN401 - JSON
        """Return what of a rule a format is."""
        kind = _checked(node, path, depth)
        makers: dict[str, Callable[[Node, str, int], str]] = {
            "const_string": lambda node, *_: self._text(node["value"]),
            "token": lambda node, path, _: self._token(node["token"], path),
            "any_text": lambda node, path, _: self._any(_texts(node, "excludes", path)),
            "tag": self._tag,
            "triggered_tags": self._triggered,
            "tags_with_separator": self._separated,
            "sequence": self._several,
            "or": self._several,
            **dict.fromkeys(REPEATED, self._repeated),
        }
        return makers.get(kind, self._other)(node, path, depth)

    def _several(self, node: Node, path: str, depth: int) -> str:
        below = pointer(path, "elements")
        each = [
            self._node(one, pointer(below, number), depth + 1) for number, one in enumerate(node["elements"])
        ]
        if not each:
            raise Refused("is empty", below)
        return f"({(' | ' if node['type'] == 'or' else ' ').join(each)})"

    def _repeated(self, node: Node, path: str, depth: int) -> str:
        inner = self._node(node["content"], pointer(path, "content"), depth + 1)
        return f"({inner}){REPEATED[node['type']]}"

    def _other(self, node: Node, path: str, _: int) -> str:
        kind: str = node["type"]
        field = "pattern" if kind == "regex" else kind
        value = node[field] if kind != "json_schema" else json.dumps(node[field])
        try:
            made = self._compiled(kind, value)
        except Refused as refused:
            raise Refused(str(refused), pointer(path, field)) from None
        # llguidance has a form of its own for all but Lark, which stays as it is.
        own = json.loads(made)["grammars"][0] if made.startswith("{") else {"lark_grammar": made}
        name = f"g{len(self._grammars)}"
        self._grammars.append({**own, "name": name})
        return f"@{name}"

    def _tag(self, node: Node, path: str, depth: int, begun: str = "") -> str:
        """Return a tag; `begun` is what of its beginning has been generated already."""
        begin, content, end = node["begin"], node["content"], node["end"]
        if isinstance(begin, dict):
            first = self._node(begin, pointer(path, "begin"), depth + 1)
        else:
            first = self._text(begin[len(begun) :])
        below, ends = pointer(path, "content"), end if isinstance(end, list) else [end]
        if not ends:
            raise Refused("is empty", pointer(path, "end"))
        if _checked(content, below, depth + 1) == "any_text" and all(isinstance(one, str) for one in ends):
            body = self._until(ends, _texts(content, "excludes", below))
        else:
            closed = [
                self._text(one) if isinstance(one, str) else self._node(one, pointer(path, "end"), depth + 1)
                for one in ends
            ]
            body = f"{self._node(content, below, depth + 1)} ({' | '.join(closed)})"
        return f"({first} {body})"

    def _triggered(self, node: Node, path: str, depth: int) -> str:
        triggers = _texts(node, "triggers", path)
        excludes = _texts(node, "excludes", path)
        below, ways = pointer(path, "tags"), []
        tags = [(pointer(below, number), tag) for number, tag in enumerate(node["tags"])]
        for place, tag in tags:
            if not _begin(tag, place).startswith(tuple(triggers)):
                raise Refused("begins with none of the triggers", place)
        for trigger in triggers:
            begun = [
                self._tag(tag, place, depth + 1, begun=trigger)
                for place, tag in tags
                if tag["begin"].startswith(trigger)
            ]
            if begun:
                ways.append(f"({self._until([trigger], excludes)} ({' | '.join(begun)}))")
        if not ways and node.get("at_least_one"):
            raise Refused("is empty", below)
        called = f"({' | '.join(ways)})"
        # Spelled out, a trigger that is a token is none; but parsers that read text would take it for one.
        rest = self._any([*triggers, *excludes])
        if node.get("stop_after_first"):
            return called if node.get("at_least_one") else f"({called} | {rest})"
        return f"({called}{'+' if node.get('at_least_one') else '*'} {rest})"

    def _separated(self, node: Node, path: str, depth: int) -> str:
        below = pointer(path, "tags")
        tags = []
        for number, tag in enumerate(node["tags"]):
            _begin(tag, pointer(below, number))
            tags.append(self._tag(tag, pointer(below, number), depth + 1))
        if not tags:
            raise Refused("is empty", below)
        one = f"({' | '.join(tags)})"
        more = "" if node.get("stop_after_first") else f" ({self._text(node['separator'])} {one})*"
        return f"({one}{more}){'' if node.get('at_least_one') else '?'}"

    def _until(self, ends: list[str], excludes: list[str]) -> str:
        """Return any text up to the first of some ends, and that end."""
        ways = []
        for end in ends:
            token = self._split.match(end)
            text = self._any([*excludes, end] if token else excludes)
            if token or not end:
                ways.append(f"{text} {self._text(end)}")
            else:
                ways.append(self._rule("until_", f"{text} {json.dumps(end)}", "[lazy]"))
        return f"({' | '.join(ways)})"

    def _text(self, text: str) -> str:
        """Return a text, in which tokens that are no text stand as such."""
        parts = [part for part in self._split.split(text) if part]
        named = [
            f"<[{self._special[part]}]>" if part in self._special else json.dumps(part) for part in parts
        ]
        return " ".join(named) or '""'

    def _token(self, token: str | int, path: str) -> str:
        number = self._special.get(token) if isinstance(token, str) else token
        if number is None or isinstance(token, bool) or number < 0:
            raise Refused(f"{token!r} is no control token of the model", pointer(path, "token"))
        return f"<[{number}]>"

    def _any(self, excludes: list[str]) -> str:
        """Return any text that contains none of some texts."""
        without = (f" & ~/(?s:.*){_literal(text)}(?s:.*)/" for text in excludes)
        return self._rule("TEXT_", "".join(["/(?s:.*)/", *without]))

    def _rule(self, prefix: str, body: str, options: str = "") -> str:
        name = f"{prefix}{len(self._rules)}"
        self._rules.append(f"{name}{options}: {body}")
        return name


def _format(given: Any) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(given, dict):
        raise Refused("has to be an object")
    if "structures" in given:
        if not isinstance(given["structures"], list):
            raise Refused("has to be an array", "/structures")
        tags = [
            {
                "type": "tag",
                "begin": one.get("begin"),
                "content": {"type": "json_schema", "json_schema": one.get("schema")},
                "end": one.get("end"),
            }
            if isinstance(one, dict)
            else one
            for one in given["structures"]
        ]
        return {"type": "triggered_tags", "triggers": given.get("triggers"), "tags": tags}
    if "format" not in given:
        raise Refused("needs format")
    return given["format"]


def _checked(node: Any, path: str, depth: int) -> str:  # noqa: ANN401 - JSON
    """Return the type of a format.

    Raises:
        Refused: it is none that is honoured, or its fields are wrong.
    """
    if depth > MAX_DEPTH:
        raise Refused(f"is nested deeper than {MAX_DEPTH}")
    if not isinstance(node, dict) or not isinstance(node.get("type"), str):
        raise Refused("has to be an object with a type", path)
    kind = str(node["type"])
    if kind not in FIELDS:
        raise Refused(f"{kind!r} is not honoured; one of {', '.join(FIELDS)} is", pointer(path, "type"))
    for name, types in FIELDS[kind].items():
        if not isinstance(node.get(name), types):
            raise Refused("is missing, or of the wrong type", pointer(path, name))
    optional = OPTIONAL.get(kind, {})
    for name in node.keys() - FIELDS[kind].keys() - {"type"}:
        honoured = name in optional and (name in HONOURED or (kind, name) in HONOURED)
        if not honoured and (name not in optional or node[name] != optional[name]):
            raise Refused("is not honoured", pointer(path, name))
    return kind


def _begin(tag: Any, path: str) -> str:  # noqa: ANN401 - JSON
    if not isinstance(tag, dict) or _checked({"type": "tag", **tag}, path, 0) != "tag":
        raise Refused("has to be a tag", path)
    if not isinstance(tag["begin"], str):
        raise Refused("has to be a text", pointer(path, "begin"))
    return tag["begin"]


def _texts(node: Node, name: str, path: str) -> list[str]:
    found = node.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
        raise Refused("has to be an array of texts", pointer(path, name))
    return found


def _literal(text: str) -> str:
    """Return a regular expression that matches one text."""
    return "".join(char if char.isalnum() else f"\\x{{{ord(char):x}}}" for char in text)
