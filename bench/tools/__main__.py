"""Measures how a model calls tools, by Jarvis and by vLLM's OpenAI server: `python -m bench.tools --help`."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import jsonschema

from bench.arguments import make_parser
from bench.found import Found
from bench.tools.questions import QUESTIONS, TOOLS
from bench.tools.servers import MODES, SERVERS, Called

SCHEMAS = {tool.name: json.loads(tool.parameters or "{}") for tool in TOOLS}


@dataclass(frozen=True)
class Result:
    """How one server answered all questions in one mode.

    Attributes:
        right_tool: of the questions that need a tool, the share whose first call is of that tool.
        right_arguments: of them, the share whose arguments are those of the question as well.
        none_needed: of the questions that need no tool, the share answered without; None where a call
            is required.
        calls: how many calls there were.
        valid: the share of the calls whose arguments match the schema.
    """

    server: str
    mode: str
    right_tool: float
    right_arguments: float
    none_needed: float | None
    calls: int
    valid: float


def main() -> int:
    """Ask each server all questions, in each mode."""
    args = _parser().parse_args()
    with Found(args.json, _print, model=args.model, questions=len(QUESTIONS)) as results:
        asyncio.run(_run(args.model, args.parser, args.servers, results))
    return 0


def _print(found: Found) -> None:
    print(f"\n{found.about['questions']} questions to {found.about['model']}\n")
    print("| server | mode | right tool | and arguments | no tool where none is needed | calls | valid |")
    print("|---|---|---|---|---|---|---|")
    for one in found.of("tools"):
        none = "" if one.none_needed is None else f"{one.none_needed:.0%}"
        shares = f"{one.right_tool:.0%} | {one.right_arguments:.0%} | {none}"
        print(f"| {one.server} | {one.mode} | {shares} | {one.calls} | {one.valid:.0%} |")


async def _run(model: str, parser: str, servers: Sequence[str], results: Found) -> None:
    for name in servers:
        print(f"starting {name}", file=sys.stderr)
        async with SERVERS[name](model, parser) as ask:
            for mode in MODES:
                answers = await asyncio.gather(*(ask(question, mode) for question, _, _ in QUESTIONS))
                results.add("tools", _judged(name, mode, answers))


def _judged(server: str, mode: str, answers: Sequence[Sequence[Called]]) -> Result:
    pairs = list(zip(QUESTIONS, answers, strict=True))
    needing = [(tool, given, calls) for (_, tool, given), calls in pairs if tool]
    named = [(given, calls[0]) for tool, given, calls in needing if calls and calls[0].name == tool]
    right = [given for given, call in named if _has(call.arguments, given)]
    free = [calls for (_, tool, _), calls in pairs if not tool]
    every = [call for calls in answers for call in calls]
    return Result(
        server,
        mode,
        len(named) / len(needing),
        len(right) / len(needing),
        None if mode == "required" else sum(not calls for calls in free) / len(free),
        len(every),
        sum(map(_valid, every)) / max(1, len(every)),
    )


def _has(arguments: str, given: dict[str, object]) -> bool:
    try:
        found = json.loads(arguments)
    except ValueError:
        return False
    lower = {key: one.lower() if isinstance(one, str) else one for key, one in dict(found).items()}
    return given.items() <= lower.items()


def _valid(call: Called) -> bool:
    try:
        jsonschema.validate(json.loads(call.arguments), SCHEMAS[call.name])
    except (ValueError, KeyError, jsonschema.ValidationError):
        return False
    return True


def _parser() -> argparse.ArgumentParser:
    made = make_parser(
        "bench.tools", "How often does a model call the right tool, and are its arguments valid?"
    )
    made.add_argument("model", help="a model whose chat template takes tools: a folder, or a name of a hub")
    made.add_argument("--parser", default="hermes", help="vLLM's parser of its calls (default: hermes)")
    made.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS), help="which to ask")
    return made


if __name__ == "__main__":
    sys.exit(main())
