"""The facts that the log line of a call reports about its work."""

from collections import defaultdict
from typing import Any

from jarvis_ports.values import (
    Delta,
    Embeddings,
    Event,
    Finished,
    IngestFinished,
    Input,
    Reranked,
    SearchResult,
    Started,
    TokenIds,
)


class GenerationFacts:
    """Collects the facts of an answer while it is sent.

    Args:
        facts: the facts of the call, to which those of the answer are added.
        asked: the prompt or the conversation if texts are logged as well, or else None.
    """

    def __init__(self, facts: dict[str, Any], asked: Input | None) -> None:
        self._facts = facts
        self._log_text = asked is not None
        self._answers: defaultdict[int, str] = defaultdict(str)
        if isinstance(asked, str):
            facts["prompt"] = asked
        elif isinstance(asked, TokenIds):
            facts["prompt_token_ids"] = list(asked.ids)
        elif asked is not None:
            facts["messages"] = [{"role": one.role.value, "content": one.text} for one in asked]

    def saw(self, event: Event) -> None:
        """Record the next event that the caller receives."""
        if isinstance(event, Delta):
            if self._log_text:
                self._answers[event.index] += event.text
                self._facts["answers"] = self._answers
        elif isinstance(event, Finished):
            self._facts.update(of_finished(event))
        else:
            self._facts.update(of_started(event))


def of_started(started: Started) -> dict[str, Any]:
    """Return which model answers, and how it was chosen."""
    routing, retrieved = started.routing, started.retrieved
    return _known(
        model=started.model,
        prompt_tokens=started.prompt_tokens,
        route=routing.route if routing else None,
        routing=routing.reason.value if routing else None,
        skipped_models=[one.model for one in routing.skipped] or None if routing else None,
        difficulty=started.difficulty,
        template=started.template,
        sources=len(retrieved.citations) if retrieved else None,
    )


def of_finished(finished: Finished) -> dict[str, Any]:
    """Return how one choice of an answer ended; in the log, the last choice to end counts."""
    usage, timings = finished.usage, finished.timings
    return _known(
        cached_tokens=usage.cached_tokens,
        completion_tokens=usage.completion_tokens,
        finish_reason=finished.reason.value,
        queue_seconds=timings.queue_seconds,
        time_to_first_token_seconds=timings.time_to_first_token_seconds,
        retrieval_seconds=timings.retrieval_seconds,
    )


def add_embedded(facts: dict[str, Any], embedded: Embeddings) -> None:
    """Record how many texts were embedded, and how many were cached; the batches of a stream add up."""
    new = {
        "texts": len(embedded.tokens),
        "cached_texts": sum(embedded.cached),
        "prompt_tokens": sum(embedded.tokens),
    }
    facts["model"] = embedded.model
    facts.update({name: facts.get(name, 0) + number for name, number in new.items()})


def of_found(collection: str, found: SearchResult) -> dict[str, Any]:
    """Return where a search looked, how, and how much it found."""
    facts = {"collection": collection, "mode": str(found.mode), "hits": len(found.hits)}
    return {**facts, "reranked": True} if found.reranked else facts


def of_reranked(ranked: Reranked, documents: int) -> dict[str, Any]:
    """Return which model scored how many documents, and their tokens."""
    return {"model": ranked.model, "documents": documents, "prompt_tokens": ranked.tokens}


def of_ingested(finished: IngestFinished) -> dict[str, Any]:
    """Return what became of the documents."""
    outcomes = {outcome.value: number for outcome, number in finished.documents.items()}
    return {"documents": outcomes, "chunks": finished.chunks, "embedded": finished.embedded}


def _known(**facts: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        name: round(value, 6) if isinstance(value, float) else value
        for name, value in facts.items()
        if value is not None
    }
