"""The names of the services of the contract."""

from jarvis.core.status import Capability
from jarvis.wire import PACKAGE

GENERATION_SERVICE = f"{PACKAGE}.GenerationService"
SERVER_SERVICE = f"{PACKAGE}.ServerService"
SERVICES = {
    Capability.GENERATION: GENERATION_SERVICE,
    Capability.EMBEDDING: f"{PACKAGE}.EmbeddingService",
    Capability.RETRIEVAL: f"{PACKAGE}.RetrievalService",
}
"""The service of each capability."""


def of_model(name: str) -> str:
    """Return the name that a model has for the health service."""
    return f"{GENERATION_SERVICE}/{name}"


def of_reranker(name: str) -> str:
    """Return the name that a reranker has for the health service."""
    return f"{SERVICES[Capability.EMBEDDING]}/{name}"
