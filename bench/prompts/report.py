"""The tables of a run."""

from collections.abc import Sequence
from statistics import median, quantiles

from bench.prompts.count import Tokens
from bench.prompts.measure import Reply, Wave
from bench.prompts.texts import TARGETS, TIERS, Told


def print_tokens(found: Sequence[Tokens]) -> None:
    """Print the tokens of each instruction alone, and the median and the most of its whole prompts."""
    print("\n| | | instruction alone, tokens | whole prompt: long | template | saved | at most |")
    print("|---|---|---|---|---|---|---|")
    for long in (one for one in found if one.told is Told.LONG):
        wanted = (long.language, long.tier, Told.TEMPLATE)
        short = next((one for one in found if (one.language, one.tier, one.told) == wanted), None)
        if short is None:
            continue
        before, after = median(long.prompts), median(short.prompts)
        print(
            f"| {long.language} | {long.tier} | {long.instruction} → {short.instruction} "
            f"| {before:.0f} ({max(long.prompts)}) | {after:.0f} ({max(short.prompts)}) "
            f"| {_saved(before, after)} | {TARGETS[long.tier]} |"
        )


def print_ttft(caching: str, alone: Sequence[Reply], waves: Sequence[Wave], callers: int) -> None:
    """Print the medians of a server, and the 95th percentile of the time to first token."""
    print(f"\n{caching.capitalize()}, long prompt → template:\n")
    print("| | prompt, tokens | of them cached | TTFT, ms: long (95 %) | template (95 %) | ratio | saved |")
    print("|---|---|---|---|---|---|---|")
    rows = {f"{tier}, one caller": [one for one in alone if one.tier == tier] for tier in TIERS}
    rows[f"all, {callers} callers"] = [reply for wave in waves for reply in wave.replies]
    for name, replies in rows.items():
        if _both(replies):
            print(_ttft_row(name, replies))
    if _both(waves):
        rates = [
            median(len(wave.replies) / wave.seconds for wave in waves if wave.told is told) for told in Told
        ]
        ratio = rates[1] / rates[0]
        print(f"\n{callers} callers: {rates[0]:.1f} → {rates[1]:.1f} requests/s, ratio {ratio:.1f}")


def _both(found: Sequence[Reply] | Sequence[Wave]) -> bool:
    return {one.told for one in found} == set(Told)


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
