"""The settings of grounding, and its result."""

from dataclasses import dataclass

from jarvis_ports.values import GenerateRequest, Retrieved


@dataclass(frozen=True, slots=True)
class GroundingSettings:
    """The defaults of requests: the least cosine of a source, and the most tokens of all sources together."""

    min_similarity: float
    max_context_tokens: int


@dataclass(frozen=True, slots=True)
class Grounded:
    """A request, with the sources in its messages if a search was asked for; the search took `seconds`.

    `prompt_tokens` is the number of tokens in the prompt, counted part by part; None if it was not counted.
    """

    request: GenerateRequest
    retrieved: Retrieved | None = None
    seconds: float | None = None
    prompt_tokens: int | None = None
