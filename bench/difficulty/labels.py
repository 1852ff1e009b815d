"""The labelled queries, and the tiers into which their labels fall."""

import json
from dataclasses import dataclass
from pathlib import Path

from jarvis.app.config import Config

SETS = ("tuned", "held_out")
TIERS = Config().prompts.tiers
NAMES = [tier.template for tier in TIERS]


@dataclass(frozen=True)
class Query:
    """A text with its label, according to the rubric in `bench/README.md`."""

    text: str
    language: str
    difficulty: int


def load(name: str) -> list[Query]:
    """Read a set of queries."""
    lines = Path(__file__).with_name(f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [Query(**json.loads(line)) for line in lines]


def tier(difficulty: int) -> int:
    """Return the number of a difficulty's tier, from 0, as the default configuration divides the scale."""
    return sum(tier.below is not None and difficulty >= tier.below for tier in TIERS)
