"""What the server answers to a request for text."""

from dataclasses import dataclass

from jarvis_ports.llm import Delta, FinishReason, TokenLogprob, Usage


@dataclass(frozen=True, slots=True)
class Started:
    """The first event: the request was accepted."""

    request_id: str
    model: str
    prompt_tokens: int


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds since the request reached the server.

    `queue_seconds` is None where the engine does not tell, `time_to_first_token_seconds` where there was no
    text.
    """

    total_seconds: float
    queue_seconds: float | None = None
    time_to_first_token_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of a choice. `usage` is over all choices, up to this moment."""

    index: int
    reason: FinishReason
    usage: Usage
    timings: Timings
    matched_stop: str | None = None


Event = Started | Delta | Finished


@dataclass(frozen=True, slots=True)
class Choice:
    """A complete answer. Token ids and log probabilities are there where asked for."""

    index: int
    text: str
    reason: FinishReason
    matched_stop: str | None = None
    token_ids: tuple[int, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """All `n` choices, by index."""

    request_id: str
    model: str
    choices: tuple[Choice, ...]
    usage: Usage
    timings: Timings

    @property
    def text(self) -> str:
        """The text of the first choice."""
        return self.choices[0].text

    @property
    def reason(self) -> FinishReason:
        """Why the first choice ended."""
        return self.choices[0].reason
