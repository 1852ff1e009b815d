"""The conformance kit: the tests that every adapter of a port passes.

An adapter author needs pytest and pytest-asyncio, and writes:

    from jarvis_plugins.testkit import LLMConformance

    class TestMine(LLMConformance):
        adapter = "mine"
        settings = {"model": "/path/to/a/folder"}

The adapter is found as the server finds it, so its distribution must be installed.
"""

import pytest

pytest.register_assert_rewrite("jarvis_plugins.testkit.llm", "jarvis_plugins.testkit.reply")

from jarvis_plugins.testkit.llm import LLMConformance  # noqa: E402 - after the line that makes its failures readable

__all__ = ["LLMConformance"]
