from jarvis_plugins.testkit import EstimatorConformance


class TestHeuristic(EstimatorConformance):
    adapter = "heuristic"
