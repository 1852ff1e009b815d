"""Compares long system prompts with prompt templates: `python -m bench.prompts --help`."""

import argparse
import asyncio
import sys
from dataclasses import asdict
from functools import partial

from bench.arguments import make_parser, positive_int
from bench.found import Found
from bench.prompts.count import count
from bench.prompts.measure import Plan, alone, loaded
from bench.prompts.report import print_tokens, print_ttft
from bench.prompts.server import serving

CACHING = {"prefix caching on": True, "prefix caching off": False}


def main() -> int:
    """Count tokens, and measure a server with prefix caching and one without."""
    args = _parser().parse_args()
    plan = Plan(args.rounds, args.callers, args.tokens)
    try:
        with Found(args.json, partial(_print, plan), plan=asdict(plan)) as found:
            asyncio.run(_run(plan, found))
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _print(plan: Plan, found: Found) -> None:
    print_tokens(found.of("tokens"))
    for caching in CACHING:
        print_ttft(
            caching, found.of(f"{caching}, one caller"), found.of(f"{caching}, many callers"), plan.callers
        )


async def _run(plan: Plan, found: Found) -> None:
    for caching, prefix_caching in CACHING.items():
        print(f"starting a server, {caching}", file=sys.stderr)
        async with serving(prefix_caching=prefix_caching) as stub:
            if not found.of("tokens"):
                async for tokens in count(stub):
                    found.add("tokens", tokens)
            async for reply in alone(stub, plan):
                found.add(f"{caching}, one caller", reply)
            async for wave in loaded(stub, plan):
                found.add(f"{caching}, many callers", wave)


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "bench.prompts",
        "Tokens, time to first token and requests/s of the demo model, told what to do by long "
        "system prompts or by the built-in prompt templates, with and without vLLM's prefix cache.",
    )
    parser.add_argument(
        "--rounds", type=positive_int, default=4, help="rounds of all questions, and of callers at once"
    )
    parser.add_argument("--callers", type=positive_int, default=16, help="callers at once")
    parser.add_argument("--tokens", type=positive_int, default=4, help="tokens of each answer")
    return parser


if __name__ == "__main__":
    sys.exit(main())
