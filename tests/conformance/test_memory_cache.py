from typing import ClassVar

from jarvis_plugins.testkit.cache import CacheConformance


class TestMemory(CacheConformance):
    adapter = "memory"
    tight: ClassVar = {"max_entries": 100}
