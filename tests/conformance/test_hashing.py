from jarvis_plugins.testkit import EmbedderConformance, RerankerConformance


class TestHashing(EmbedderConformance):
    adapter = "hashing"


class TestOverlap(RerankerConformance):
    adapter = "overlap"
