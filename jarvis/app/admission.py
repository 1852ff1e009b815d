"""Makes what lets requests in."""

from typing import Protocol

from jarvis.app.config import Config
from jarvis.core.admission import Bounds, CallerTerms, Intake, Intakes, Scopes


class _Bounded(Protocol):
    @property
    def max_requests(self) -> int | None: ...
    @property
    def max_queued_tokens(self) -> int | None: ...


def bounds(section: _Bounded) -> Bounds:
    """Return the bounds that a section of the configuration has."""
    return Bounds(section.max_requests, section.max_queued_tokens)


def make_scopes(config: Config) -> Scopes:
    """Return the bounds of the whole server and of its callers, and the shares of these."""
    callers = {name: CallerTerms(caller.weight, bounds(caller)) for name, caller in config.callers.items()}
    return Scopes(bounds(config.admission), callers)


def make_intakes(config: Config, scopes: Scopes) -> Intakes:
    """Return what lets in the requests that are not for a model."""
    embedder, reranker, retrieval = config.embedder, config.reranker, config.retrieval
    return Intakes(
        embedding=Intake("the embedder", embedder.max_running, bounds(embedder), scopes),
        reranking=Intake("the reranker", reranker.max_running, bounds(reranker), scopes),
        search=Intake("the search", retrieval.max_running, Bounds(), scopes),
        changes=Intake("the change of collections", None, Bounds(retrieval.max_changes), scopes),
        others=Intake("the server", None, Bounds(), scopes),
    )
