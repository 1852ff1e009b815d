from jarvis_plugins.testkit import LLMConformance


class TestShout(LLMConformance):
    adapter = "shout"
    settings = {"ending": "!!"}
