"""What goes into grounding, and what comes out."""

from dataclasses import dataclass

from jarvis_ports.values import GenerateRequest, Retrieved


@dataclass(frozen=True, slots=True)
class GroundingSettings:
    """What holds where a request does not say: the least cosine of a source, the most tokens of them all."""

    min_similarity: float
    max_context_tokens: int


@dataclass(frozen=True, slots=True)
class Grounded:
    """A request with the sources in its messages, where a search was asked for. It took `seconds`.

    `prompt_tokens` is what the prompt was counted to have, its parts one by one; None where it was not.
    """

    request: GenerateRequest
    retrieved: Retrieved | None = None
    seconds: float | None = None
    prompt_tokens: int | None = None
