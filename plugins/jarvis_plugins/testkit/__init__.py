"""The conformance kit: the tests that every adapter of a port passes.

An adapter author needs pytest, pytest-asyncio and pytest-timeout, and writes:

    from jarvis_plugins.testkit import LLMConformance

    class TestMine(LLMConformance):
        adapter = "mine"
        settings = {"model": "/path/to/a/folder"}

and likewise for the other ports. The adapter is found as the server finds it, so its distribution must be
installed.
"""

import pytest

MODULES = (
    "base",
    "cache",
    "embedder",
    "estimator",
    "images",
    "killed",
    "llm",
    "llm_base",
    "llm_streams",
    "llm_tokens",
    "reply",
    "reranker",
    "rows",
    "scrape",
    "store",
    "store_care",
    "store_kept",
    "telemetry",
    "tools",
    "tracing",
    "watch",
)
pytest.register_assert_rewrite(*(f"jarvis_plugins.testkit.{name}" for name in MODULES))

# These imports come after the lines that make the modules' failures readable.
from jarvis_plugins.testkit.cache import CacheConformance  # noqa: E402
from jarvis_plugins.testkit.embedder import EmbedderConformance  # noqa: E402
from jarvis_plugins.testkit.estimator import EstimatorConformance  # noqa: E402
from jarvis_plugins.testkit.llm import LLMConformance  # noqa: E402
from jarvis_plugins.testkit.reranker import RerankerConformance  # noqa: E402
from jarvis_plugins.testkit.store import StoreConformance  # noqa: E402
from jarvis_plugins.testkit.telemetry import TelemetryConformance  # noqa: E402

__all__ = [
    "CacheConformance",
    "EmbedderConformance",
    "EstimatorConformance",
    "LLMConformance",
    "RerankerConformance",
    "StoreConformance",
    "TelemetryConformance",
]
