"""Loads a running server, and tells how it did."""

from jarvis.load.plan import Plan
from jarvis.load.run import Measured, load
from jarvis.load.summary import Summary, summary

__all__ = ["Measured", "Plan", "Summary", "load", "summary"]
