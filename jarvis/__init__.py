"""Jarvis: one gRPC door to the models you run yourself."""

__version__ = "0.1.0"
