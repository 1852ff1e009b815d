"""The names of the services of the contract."""

from jarvis.core.status import Capability
from jarvis.v1 import embedding_pb2, generation_pb2, retrieval_pb2, server_pb2

GENERATION_SERVICE = generation_pb2.DESCRIPTOR.services_by_name["GenerationService"].full_name
SERVER_SERVICE = server_pb2.DESCRIPTOR.services_by_name["ServerService"].full_name
SERVICES = {
    Capability.GENERATION: GENERATION_SERVICE,
    Capability.EMBEDDING: embedding_pb2.DESCRIPTOR.services_by_name["EmbeddingService"].full_name,
    Capability.RETRIEVAL: retrieval_pb2.DESCRIPTOR.services_by_name["RetrievalService"].full_name,
}
"""The service of each capability."""


def of_model(name: str) -> str:
    """Return the name that a model has for the health service."""
    return f"{GENERATION_SERVICE}/{name}"
