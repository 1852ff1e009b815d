"""A row of the table: what a fault did to callers and to what the server keeps, and whether that is right."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

HEAD = "| fault | who it hits is told | who it does not hit | kept of what was acknowledged | serves again |"

NEVER = "never"


@dataclass(frozen=True, slots=True)
class Call:
    """A call: when it began and ended, by `time.monotonic`, and what its caller was told if it failed."""

    began: float
    ended: float
    failure: str = ""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began


@dataclass(frozen=True, slots=True)
class Kept:
    """How much of what the server had acknowledged was there afterwards."""

    what: str
    acknowledged: int
    there: int

    def __str__(self) -> str:
        return f"{self.what} {min(self.there, self.acknowledged)} of {self.acknowledged}"


@dataclass(frozen=True)
class Row:
    """What was seen of one fault; `wrong` names what is not as it should be."""

    fault: str
    hit: str
    beside: str
    kept: str
    again: str
    wrong: list[str] = field(default_factory=list)


def told(calls: Iterable[Call], since: float) -> Counter[str]:
    """Count what the callers of failed calls were told, of those that ended after a time."""
    return Counter(call.failure for call in calls if call.ended > since and call.failure)


def back_after(calls: Sequence[Call], since: float, healed: float | None = None) -> float | None:
    """Return the seconds until a call was served after the last that failed; None if none was.

    Args:
        calls: the calls, of which those count that ended after `since`; one of them failed.
        since: when the fault began.
        healed: when its cause was taken away, from which the time counts; `since` if it is None.
    """
    last = max(call.ended for call in calls if call.ended > since and call.failure)
    served = [call.ended for call in calls if not call.failure and call.began >= last]
    return max(0.0, min(served) - (since if healed is None else healed)) if served else None


def judged(  # noqa: PLR0913 - the columns of the table, and what belongs there
    fault: str,
    *,
    since: float,
    hit: Sequence[Call],
    beside: Sequence[Call],
    expected: Collection[str],
    kept: Sequence[Kept],
    healed: float | None = None,
    wrong: Sequence[str] = (),
) -> Row:
    """Return the row of a fault.

    Args:
        fault: its name.
        since: when it began.
        hit: the calls of those that it hits.
        beside: the calls of those that it has nothing to do with.
        expected: what those that it hits may be told; if it is empty, they must not notice.
        kept: what the server had acknowledged.
        healed: when its cause was taken away, from which the time until calls are served counts; None where
            the server mends it by itself.
        wrong: what else was not as it should be.
    """
    said, noticed = told(hit, since), told(beside, since)
    again = seconds(back_after(hit, since, healed)) if said else "never stopped"
    found = list(wrong)
    found += [f"was told {one}" for one in said if one not in expected]
    found += [f"who it does not hit was told {one}" for one in noticed]
    found += [f"lost: {one}" for one in kept if one.there < one.acknowledged]
    if expected and not said:
        found.append("nobody noticed the fault: it did not happen")
    if again == NEVER:
        found.append("did not serve again")
    if not any(call.ended > since for call in beside):
        found.append("nobody called beside it")
    return Row(fault, summary(hit, since), summary(beside, since), listed(kept), again, found)


def summary(calls: Sequence[Call], since: float) -> str:
    """Return what became of the calls that ended after a time."""
    late = [call for call in calls if call.ended > since]
    served = [call.seconds for call in late if not call.failure]
    parts = [f"{count} times {what}" for what, count in told(late, since).items()]
    parts.append(f"{len(served)} served" + (f", the slowest in {max(served):.1f} s" if served else ""))
    return "; ".join(parts)


def listed(kept: Iterable[Kept]) -> str:
    """Return all that was kept, in one line."""
    return ", ".join(map(str, kept)) or "-"


def seconds(value: float | None) -> str:
    """Return a time for the table."""
    return NEVER if value is None else f"after {value:.1f} s"


def table(rows: Iterable[Row]) -> str:
    """Return the rows as Markdown."""
    lines = [HEAD, "|---" * HEAD.count(" | ") + "|---|"]
    lines += [f"| {row.fault} | {row.hit} | {row.beside} | {row.kept} | {row.again} |" for row in rows]
    return "\n".join(lines)
