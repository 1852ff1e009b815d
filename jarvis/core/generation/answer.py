"""The events of a request while a model answers it."""

import time
from collections import defaultdict
from dataclasses import dataclass

from jarvis.core.grounding import Grounded, cited
from jarvis.core.metering import Spent
from jarvis.core.prompting import SelectedPrompt
from jarvis.core.routing import Attempt
from jarvis.core.tokens import characters_of, characters_written, tokens_in
from jarvis_ports.llm import Accepted, LLMEvent
from jarvis_ports.values import Delta, Finished, FinishReason, Started, Timings, Usage


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request as one model gets it: its prompt, and the sources that were found for it."""

    prompt: SelectedPrompt
    grounded: Grounded


class Answer:
    """Turns the output of a model into events of the stream.

    Args:
        attempt: the request that the model has begun to answer.
        arrived: when it arrived, by `time.monotonic`.

    Attributes:
        first: seconds from the arrival to the first token; None until that comes.
        last: the last choice that was completed; its usage includes that of the choices before it.
        reasons: why each completed choice ended, by its index.
    """

    def __init__(self, attempt: Attempt[Prepared], arrived: float) -> None:
        self._attempt = attempt
        self._grounded = attempt.prepared.grounded
        counted = attempt.accepted.prompt_tokens
        self._prompt_tokens = tokens_in(characters_of(self._grounded.request)) if counted is None else counted
        self.arrived = arrived
        self.first: float | None = None
        self.last: Finished | None = None
        self.reasons: dict[int, FinishReason] = {}
        self._characters = 0
        self._texts: defaultdict[int, list[str]] = defaultdict(list)

    def started(self, request_id: str) -> Started:
        """Return the event that begins the stream."""
        attempt, prompt = self._attempt, self._attempt.prepared.prompt
        return Started(
            request_id,
            attempt.model.name,
            self._prompt_tokens,
            retrieved=self._grounded.retrieved,
            template=prompt.template,
            difficulty=prompt.difficulty,
            language=prompt.language,
            routing=attempt.routing,
            prompt_logprobs=attempt.accepted.prompt_logprobs,
        )

    def event(self, output: LLMEvent) -> Delta | Finished:
        """Return the event for one output of the engine."""
        assert not isinstance(output, Accepted)  # noqa: S101 - it comes once, before the first output
        retrieved = self._grounded.retrieved
        if isinstance(output, Delta):
            self.first = self.first or time.monotonic() - self.arrived
            self._characters += characters_written(output)
            if retrieved:
                self._texts[output.index].append(output.text)
            return output
        total = time.monotonic() - self.arrived
        waited = (output.queue_seconds or 0) + self._attempt.waited
        sources = len(retrieved.citations) if retrieved else 0
        mentioned = cited("".join(self._texts[output.index]), sources)
        self.reasons[output.index] = output.reason
        self.last = Finished(
            index=output.index,
            reason=output.reason,
            usage=output.usage or self._estimated(),
            timings=Timings(total, waited, self.first, self._grounded.seconds),
            matched_stop=output.matched_stop,
            unread_tool_call=output.unread_tool_call,
            cited=mentioned.known,
            cited_unknown=mentioned.unknown,
        )
        return self.last

    def tell(self, spent: Spent) -> None:
        """Set what was used; the tokens of an answer that was cut off are reckoned by its characters."""
        usage = self.last.usage if self.last else self._estimated()
        spent.model = self._attempt.model.name
        spent.prompt_tokens = usage.prompt_tokens
        spent.completion_tokens = usage.completion_tokens

    def _estimated(self) -> Usage:
        return Usage(self._prompt_tokens, tokens_in(self._characters), estimated=True)
