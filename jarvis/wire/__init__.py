"""Converts the contract's values to its messages and back: nothing else fills or reads a message."""

PACKAGE = "jarvis.v1"
"""The package of the contract's services and messages."""
