"""What the server answers to a request for text."""

from dataclasses import dataclass
from enum import StrEnum

from jarvis.client.retrieval_types import ChunkSource, Duplicate
from jarvis_ports.llm import Delta, FinishReason, TokenLogprob, Usage


@dataclass(frozen=True, slots=True)
class Citation:
    """A source that the model was given; an answer cites it as [number].

    `similarity` is None in sparse mode, `source` for a row that was not ingested. `duplicates` are the other
    rows of the same text, at most 100.
    """

    number: int
    id: str
    text: str
    score: float
    similarity: float | None = None
    source: ChunkSource | None = None
    duplicates: tuple[Duplicate, ...] = ()


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The sources, by number; `left_out` relevant ones did not fit. None: the model was told so."""

    citations: tuple[Citation, ...]
    left_out: int = 0


class RoutingReason(StrEnum):
    """Why a model answers: it is named, it comes first in its route, or those before it could not."""

    NAMED = "named"
    ROUTED = "routed"
    FALLBACK = "fallback"


@dataclass(frozen=True, slots=True)
class SkippedModel:
    """A model that was passed over; `reason` is that of its error, or CIRCUIT_OPEN where it kept failing."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Routing:
    """How the model was found. `route` is None where the model is named; `skipped` come before it."""

    route: str | None
    reason: RoutingReason
    skipped: tuple[SkippedModel, ...] = ()


@dataclass(frozen=True, slots=True)
class Started:
    """The first event: the request was accepted.

    `retrieved` is None where no search was asked for, `template` where there is none, `difficulty` where
    nothing estimates it, `language` where the template has but one text.
    """

    request_id: str
    model: str
    prompt_tokens: int
    retrieved: Retrieved | None = None
    template: str | None = None
    difficulty: int | None = None
    language: str | None = None
    routing: Routing | None = None


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds since the request reached the server.

    `queue_seconds` is None where the engine does not tell, `time_to_first_token_seconds` where there was no
    text, `retrieval_seconds` where no search was asked for.
    """

    total_seconds: float
    queue_seconds: float | None = None
    time_to_first_token_seconds: float | None = None
    retrieval_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of a choice. `usage` is over all choices, up to this moment.

    `cited` are the numbers of the sources that the text cites, in the order of their first mention;
    `cited_unknown` those that are no source's.
    """

    index: int
    reason: FinishReason
    usage: Usage
    timings: Timings
    matched_stop: str | None = None
    cited: tuple[int, ...] = ()
    cited_unknown: tuple[int, ...] = ()


Event = Started | Delta | Finished


@dataclass(frozen=True, slots=True)
class Choice:
    """A complete answer. Token ids and log probabilities are there where asked for.

    `cited` and `cited_unknown` are as in `Finished`.
    """

    index: int
    text: str
    reason: FinishReason
    matched_stop: str | None = None
    token_ids: tuple[int, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    cited: tuple[int, ...] = ()
    cited_unknown: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """All `n` choices, by index. What may be None is as in `Started`."""

    request_id: str
    model: str
    choices: tuple[Choice, ...]
    usage: Usage
    timings: Timings
    retrieved: Retrieved | None = None
    template: str | None = None
    difficulty: int | None = None
    language: str | None = None
    routing: Routing | None = None

    @property
    def text(self) -> str:
        """The text of the first choice."""
        return self.choices[0].text

    @property
    def reason(self) -> FinishReason:
        """Why the first choice ended."""
        return self.choices[0].reason
