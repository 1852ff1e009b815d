"""Structured output: constraints on the form of an answer, compiled where a bad one does no harm.

The server (`checker`) sends a constraint to a separate process (`worker`), which checks and compiles it
within limits. The worker returns a grammar of llguidance, and the engine (`guidance`) compiles only that.
"""
