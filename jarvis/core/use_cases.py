"""What stands behind the services."""

from dataclasses import dataclass

from jarvis.core.embedding import Embedding
from jarvis.core.generation import Generation
from jarvis.core.retrieval import Retrieval
from jarvis.core.status import Status


@dataclass(frozen=True)
class UseCases:
    """One for each service."""

    status: Status
    generation: Generation
    embedding: Embedding
    retrieval: Retrieval
