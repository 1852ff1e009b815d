import pytest

from jarvis_plugins.testkit import CacheConformance


class TestRedis(CacheConformance):
    adapter = "redis"

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _servers(cls, start_redis):
        cls.settings = {"url": start_redis().url}
        cls.tight = {"url": start_redis("--maxmemory", "6mb", "--maxmemory-policy", "allkeys-lru").url}
