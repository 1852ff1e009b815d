import pytest

from jarvis_plugins.testkit import CacheConformance


class TestRedis(CacheConformance):
    adapter, durable = "redis", True

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _servers(cls, start_redis):
        small = start_redis("--maxmemory", "6mb", "--maxmemory-policy", "allkeys-lru")
        cls.settings = {
            "url": start_redis().url,
            "timeout_seconds": 30,
        }  # so that no busy machine costs a value
        cls.tight = {"url": small.url, "timeout_seconds": 30}
