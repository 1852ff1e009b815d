"""The long system prompts and the templates that are compared, and the questions that are asked."""

import tomllib
from enum import StrEnum
from pathlib import Path

from jarvis.v1.generation_pb2 import ROLE_SYSTEM, ROLE_USER, Message

FOLDER = Path(__file__).parent
QUESTIONS: dict[str, dict[str, list[str]]] = tomllib.loads(
    (FOLDER / "questions.toml").read_text(encoding="utf-8")
)
"""The questions, by language and tier."""

TIERS = tuple(QUESTIONS["en"])
TARGETS = {"chat": 50, "technical": 100, "reasoning": 150}
"""The most tokens that a prompt of a tier is meant to have with its template."""


class Told(StrEnum):
    """How a model is told what to do."""

    LONG = "long prompt"
    TEMPLATE = "template"


def conversation(told: Told, language: str, tier: str, question: str) -> list[Message]:
    """Return the messages of a request, without the text of a template, which the server adds."""
    asked = Message(role=ROLE_USER, content=question)
    if told is Told.TEMPLATE:
        return [asked]
    text = (FOLDER / "long" / language / f"{tier}.txt").read_text(encoding="utf-8").strip()
    return [Message(role=ROLE_SYSTEM, content=text), asked]


def options(told: Told, language: str, tier: str) -> dict[str, str]:
    """Return the fields of a request that name the template; none if it has its own system message."""
    return {"template": tier, "language": language} if told is Told.TEMPLATE else {}
