"""The modules of the messages, for the signatures of methods that pass them on."""

from jarvis.v1 import embedding_pb2, generation_pb2, retrieval_pb2, server_pb2

__all__ = ["embedding_pb2", "generation_pb2", "retrieval_pb2", "server_pb2"]
