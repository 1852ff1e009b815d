from jarvis_plugins.testkit import EmbedderConformance


class TestHashing(EmbedderConformance):
    adapter = "hashing"
