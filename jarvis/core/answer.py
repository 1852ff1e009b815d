"""What is told of a request while a model answers it."""

import time
from collections import defaultdict
from dataclasses import dataclass

from jarvis.core.grounding import Cited, Grounded, Retrieved, cited
from jarvis.core.prompting import Chosen
from jarvis.core.routing import Attempt, Routing
from jarvis_ports.llm import Accepted, Delta, Finish, FinishReason, LLMEvent


@dataclass(frozen=True, slots=True)
class Started:
    """A model has begun to answer. `retrieved` is None where no search was asked for."""

    request_id: str
    model: str
    prompt_tokens: int
    prompt: Chosen
    routing: Routing
    retrieved: Retrieved | None = None


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds since the request arrived; None where nothing happened or nobody tells."""

    queue: float | None
    time_to_first_token: float | None
    total: float
    retrieval: float | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """One choice is complete."""

    finish: Finish
    timings: Timings
    cited: Cited


GenerationEvent = Started | Delta | Finished


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request as one model gets it: what that is told, and what was found for it."""

    prompt: Chosen
    grounded: Grounded


class Answer:
    """Turns what a model puts out into what is told of it.

    Args:
        attempt: the request that the model has begun to answer.
        arrived: when it arrived, by `time.monotonic`.

    Attributes:
        first: seconds from then to the first token; None before it.
        last: the last choice that was completed, whose usage counts those before as well.
        reasons: why each choice that was completed ended, by its index.
    """

    def __init__(self, attempt: Attempt[Prepared], arrived: float) -> None:
        self._attempt = attempt
        self._grounded = attempt.prepared.grounded
        self.arrived = arrived
        self.first: float | None = None
        self.last: Finished | None = None
        self.reasons: dict[int, FinishReason] = {}
        self._texts: defaultdict[int, list[str]] = defaultdict(list)

    def started(self, request_id: str) -> Started:
        """Tell that it has begun."""
        attempt = self._attempt
        return Started(
            request_id,
            attempt.model.name,
            attempt.prompt_tokens,
            attempt.prepared.prompt,
            attempt.routing,
            self._grounded.retrieved,
        )

    def told(self, event: LLMEvent) -> Delta | Finished:
        """Tell of one output."""
        assert not isinstance(event, Accepted)  # noqa: S101 - it comes once, before the first output
        retrieved = self._grounded.retrieved
        if isinstance(event, Delta):
            self.first = self.first or time.monotonic() - self.arrived
            if retrieved:
                self._texts[event.index].append(event.text)
            return event
        total = time.monotonic() - self.arrived
        timings = Timings(event.queue_seconds, self.first, total, self._grounded.seconds)
        sources = len(retrieved.sources) if retrieved else 0
        self.reasons[event.index] = event.reason
        self.last = Finished(event, timings, cited("".join(self._texts[event.index]), sources))
        return self.last
