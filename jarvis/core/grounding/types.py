"""What goes into grounding, and what comes out."""

from dataclasses import dataclass

from jarvis.core.retrieval.types import Hit, SearchMode
from jarvis_ports.filters import Filter
from jarvis_ports.llm import GenerateRequest


@dataclass(frozen=True, slots=True)
class GroundingSettings:
    """What holds where a request does not say: the least cosine of a source, the most tokens of them all."""

    min_similarity: float
    max_context_tokens: int


@dataclass(frozen=True, slots=True)
class RetrievalOptions:
    """What to search before answering; see the contract's `Retrieval`."""

    collection: str
    query: str | None = None
    mode: SearchMode | None = None
    top_k: int = 5
    filter: Filter | None = None
    min_similarity: float | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What the model was given: source n is `sources[n - 1]`. `left_out` relevant ones did not fit."""

    sources: tuple[Hit, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class Grounded:
    """A request with the sources in its messages, where a search was asked for. It took `seconds`.

    `prompt_tokens` is what the prompt was counted to have, its parts one by one; None where it was not.
    """

    request: GenerateRequest
    retrieved: Retrieved | None = None
    seconds: float | None = None
    prompt_tokens: int | None = None
