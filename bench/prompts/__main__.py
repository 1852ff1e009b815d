"""Compares long system prompts with prompt templates: `python -m bench.prompts --help`."""

import argparse
import asyncio
import sys
from pathlib import Path

from bench.arguments import positive_int
from bench.prompts.count import Tokens, count
from bench.prompts.measure import Plan, alone, loaded
from bench.prompts.report import Measured, print_tokens, print_ttft, write_json
from bench.prompts.server import serving


def main() -> int:
    """Count, and measure a server with prefix caching and one without."""
    args = _parser().parse_args()
    plan = Plan(args.rounds, args.callers, args.tokens)
    try:
        tokens, servers = asyncio.run(_run(plan))
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    print_tokens(tokens)
    for server in servers:
        print_ttft(server, plan.callers)
    if args.json:
        write_json(args.json, tokens, servers, plan)
    return 0


async def _run(plan: Plan) -> tuple[list[Tokens], list[Measured]]:
    servers = []
    for prefix_caching in (True, False):
        print(f"starting a server, prefix caching {'on' if prefix_caching else 'off'}", file=sys.stderr)
        async with serving(prefix_caching=prefix_caching) as stub:
            tokens = await count(stub)
            print("one caller at a time", file=sys.stderr)
            one_by_one = await alone(stub, plan)
            print(f"{plan.callers} callers at once", file=sys.stderr)
            servers.append(Measured(prefix_caching, one_by_one, await loaded(stub, plan)))
    return tokens, servers


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.prompts",
        description="Tokens, time to first token and requests/s of the demo model, told what to do by long "
        "system prompts or by the built-in prompt templates, with and without vLLM's prefix cache.",
    )
    parser.add_argument(
        "--rounds", type=positive_int, default=4, help="rounds of all questions, and of callers at once"
    )
    parser.add_argument("--callers", type=positive_int, default=16, help="callers at once")
    parser.add_argument("--tokens", type=positive_int, default=4, help="tokens of each answer")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every request there as well")
    return parser


if __name__ == "__main__":
    sys.exit(main())
