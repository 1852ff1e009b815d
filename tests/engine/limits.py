"""How long things may take on a busy machine."""

START = 400
"""Seconds that an engine may take to start."""
