"""What a run found: tables, and a file."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles

from bench.prompts.count import Tokens
from bench.prompts.measure import Plan, Reply, Wave
from bench.prompts.texts import TARGETS, TIERS, Told


@dataclass(frozen=True, slots=True)
class Measured:
    """One server: requests one at a time, and waves of them."""

    prefix_caching: bool
    alone: list[Reply]
    waves: list[Wave]


def print_tokens(found: Sequence[Tokens]) -> None:
    """Print the instructions alone, and medians (and the most) over the whole prompts."""
    print("\n| | | instruction alone, tokens | whole prompt: long | template | saved | at most |")
    print("|---|---|---|---|---|---|---|")
    for long in (one for one in found if one.told is Told.LONG):
        (short,) = (
            one
            for one in found
            if (one.language, one.tier, one.told) == (long.language, long.tier, Told.TEMPLATE)
        )
        before, after = median(long.prompts), median(short.prompts)
        print(
            f"| {long.language} | {long.tier} | {long.instruction} → {short.instruction} "
            f"| {before:.0f} ({max(long.prompts)}) | {after:.0f} ({max(short.prompts)}) "
            f"| {_saved(before, after)} | {TARGETS[long.tier]} |"
        )


def print_ttft(measured: Measured, callers: int) -> None:
    """Print the medians of a server, for time to first token also what 95 % are below."""
    print(f"\nPrefix caching {'on' if measured.prefix_caching else 'off'}, long prompt → template:\n")
    print("| | prompt, tokens | of them cached | TTFT, ms: long (95 %) | template (95 %) | ratio | saved |")
    print("|---|---|---|---|---|---|---|")
    for tier in TIERS:
        print(_ttft_row(f"{tier}, one caller", [one for one in measured.alone if one.tier == tier]))
    crowd = [reply for wave in measured.waves for reply in wave.replies]
    print(_ttft_row(f"all, {callers} callers", crowd))
    rates = [
        median(len(wave.replies) / wave.seconds for wave in measured.waves if wave.told is told)
        for told in Told
    ]
    print(f"\n{callers} callers: {rates[0]:.1f} → {rates[1]:.1f} requests/s, ratio {rates[1] / rates[0]:.1f}")


def write_json(path: Path, tokens: Sequence[Tokens], measured: Sequence[Measured], plan: Plan) -> None:
    """Write every request, and what was measured."""
    found = {
        "plan": asdict(plan),
        "tokens": [asdict(one) for one in tokens],
        "servers": [asdict(one) for one in measured],
    }
    path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def _ttft_row(name: str, replies: Sequence[Reply]) -> str:
    long, short = ([reply for reply in replies if reply.told is told] for told in Told)
    before, after = (median(reply.ttft for reply in some) for some in (long, short))
    tokens, cached = (
        " → ".join(f"{median(getattr(reply, field) for reply in some):.0f}" for some in (long, short))
        for field in ("prompt_tokens", "cached_tokens")
    )
    times = " | ".join(_times([reply.ttft for reply in some]) for some in (long, short))
    return f"| {name} | {tokens} | {cached} | {times} | {before / after:.1f} | {_saved(before, after)} |"


def _times(seconds: Sequence[float]) -> str:
    most = quantiles(seconds, n=20, method="inclusive")[-1]
    return f"{median(seconds) * 1000:,.0f} ({most * 1000:,.0f})"


def _saved(before: float, after: float) -> str:
    return f"{1 - after / before:.0%}"
