"""Jarvis: a gRPC server for the models that you run yourself."""

__version__ = "0.1.0"
