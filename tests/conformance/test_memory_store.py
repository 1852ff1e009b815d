from jarvis_plugins.testkit.store import StoreConformance


class TestMemoryStore(StoreConformance):
    adapter, durable = "memory", False
