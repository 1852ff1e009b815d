"""A part of Jinja2 in which a template can take neither long nor much memory, whatever its variables are.

Jinja2's sandbox keeps templates from the internals of Python, but not from `'a' * 10**9` or from loops in
loops. So only what is listed here can be used, and whatever makes texts longer, or goes on, is charged to a
budget.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

CHARACTERS = 2**21
"""The characters that the variables, the text and whatever it is made of may have together."""
SECONDS = 0.25
"""Seconds of CPU time for one text. The clock is read in each round of a loop, and whenever a text grows."""
BITS = 1024
"""The most bits of a product."""

USABLE = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Assign),
    *(nodes.Name, nodes.Const, nodes.Tuple, nodes.List, nodes.Getattr, nodes.Getitem, nodes.Slice),
    *(nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Test, nodes.Filter),
    *(nodes.Call, nodes.Keyword, nodes.Concat, nodes.Neg, nodes.Pos),
    *(nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod),
)
# fmt: off
FILTERS = {
    "abs", "capitalize", "count", "d", "default", "first", "float", "int", "join", "last", "length",
    "list", "lower", "replace", "reverse", "sort", "string", "title", "trim", "truncate", "unique",
    "upper", "wordcount",
}
METHODS = {
    "capitalize", "count", "cycle", "endswith", "find", "isdigit", "lower", "lstrip", "removeprefix",
    "removesuffix", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper",
}
# fmt: on
_BUDGET = "the budget"
"""The name under which the budget stands beside the variables; no template can write it."""


class TooMuch(Exception):
    """A text takes more than its budget."""


class Budget:
    """What is left for one text."""

    def __init__(self) -> None:
        self._characters = CHARACTERS
        self._end = time.thread_time() + SECONDS

    def spend(self, characters: int) -> None:
        """Take characters, or items, off.

        Raises:
            TooMuch: not so many are left, or the time is over.
        """
        self._characters -= characters
        if self._characters < 0:
            msg = f"it makes more than {CHARACTERS} characters"
            raise TooMuch(msg)
        if time.thread_time() > self._end:
            msg = f"it takes more than {SECONDS:g} s"
            raise TooMuch(msg)


def parse(source: str) -> nodes.Template:
    """Return a text as a tree that is safe to compile; Jinja2 computes what is constant when it does that.

    Raises:
        TemplateSyntaxError: it is no template, or uses what cannot be used here.
    """
    tree = _JINJA.parse(source)
    for node in _all(tree):
        _check(node)
    return tree


class BoundedTemplate:
    """A compiled text with variables.

    Args:
        tree: what `parse` has returned; it is changed.
    """

    def __init__(self, tree: nodes.Template) -> None:
        for loop in tree.find_all(nodes.For):
            loop.iter = _filtered(loop.iter, "_rounds")
        for concatenation in tree.find_all(nodes.Concat):
            concatenation.nodes = [_filtered(node, "_charged") for node in concatenation.nodes]
        self._template = _JINJA.from_string(tree)

    def render(self, variables: Mapping[str, str], /) -> str:
        """Return the text with these values.

        Raises:
            Exception: the text cannot be rendered with these values.
        """
        budget = Budget()
        budget.spend(sum(map(len, variables.values())))
        parts = []
        for part in self._template.generate({**variables, _BUDGET: budget}):
            budget.spend(len(part))
            parts.append(part)
        return "".join(parts)


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "*", "%"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401 - of templates
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            context[_BUDGET].spend(len(left) + len(right))
        elif not (isinstance(left, int | float) and isinstance(right, int | float)):
            msg = f"{operator} is for numbers{', and for two texts' if operator == '+' else ''}"
            raise TypeError(msg)
        made = super().call_binop(context, operator, left, right)
        if isinstance(made, int) and made.bit_length() > BITS:
            msg = "the number is too large"
            raise TooMuch(msg)
        return made


def _all(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _all(child)


def _check(node: nodes.Node) -> None:
    """Check that a template may use this.

    Raises:
        TemplateSyntaxError: it may not.
    """
    name, usable = type(node).__name__.lower(), isinstance(node, USABLE)
    if isinstance(node, nodes.Filter):
        name, usable = f"the filter {node.name!r}", node.name in FILTERS
    elif isinstance(node, nodes.Call):
        attribute = node.node.attr if isinstance(node.node, nodes.Getattr) else ""
        name, usable = f"a call of {attribute or getattr(node.node, 'name', 'this')}", attribute in METHODS
    elif isinstance(node, nodes.For) and node.recursive:
        name, usable = "a recursive loop", False
    elif isinstance(node, nodes.List | nodes.Tuple) and getattr(node, "ctx", "load") == "load":
        name, usable = (
            "a list of what is no constant",
            all(isinstance(item, nodes.Const) for item in node.items),
        )
    if not usable:
        msg = f"{name} cannot be used in a template"
        raise jinja2.TemplateSyntaxError(msg, node.lineno)


def _filtered(node: nodes.Node, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno, environment=_JINJA)


@jinja2.pass_context
def _rounds(context: Context, values: Iterable[Any]) -> Iterator[Any]:
    budget: Budget = context[_BUDGET]
    for value in values:
        budget.spend(1)
        yield value


@jinja2.pass_context
def _charged(context: Context, value: object) -> str:
    text = str(value)
    context[_BUDGET].spend(len(text))
    return text


@jinja2.pass_context
def _join(context: Context, values: Iterable[object], separator: str = "") -> str:
    between = str(separator)
    texts = []
    for value in values:
        context[_BUDGET].spend(len(between))
        texts.append(_charged(context, value))
    return between.join(texts)


@jinja2.pass_context
def _list(context: Context, values: Iterable[Any]) -> list[Any]:
    return list(_rounds(context, values))


@jinja2.pass_context
def _replace(context: Context, text: object, old: object, new: object) -> str:
    given, sought, put = str(text), str(old), str(new)
    context[_BUDGET].spend(len(given) + given.count(sought) * len(put))
    return given.replace(sought, put)


_JINJA = _Environment(undefined=jinja2.StrictUndefined, autoescape=False)
_JINJA.globals.clear()
_JINJA.filters |= {
    "_rounds": _rounds,
    "_charged": _charged,
    "join": _join,
    "list": _list,
    "replace": _replace,
}
