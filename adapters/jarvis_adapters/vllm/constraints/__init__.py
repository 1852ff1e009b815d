"""Structured output: constraints on the form of an answer, made into grammars where a bad one does no harm.

A constraint goes from the server (`checker`) to a process of its own (`worker`), which checks and compiles it
within limits. What comes back is a grammar of llguidance, and the engine (`guidance`) compiles just that.
"""
