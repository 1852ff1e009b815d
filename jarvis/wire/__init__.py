"""Between the values of the contract and its messages, both ways: nothing else fills or reads a message."""

PACKAGE = "jarvis.v1"
"""The package of the contract's services and messages."""
