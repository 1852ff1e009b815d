from jarvis_plugins.testkit import LLMConformance


class TestEcho(LLMConformance):
    adapter = "echo"
