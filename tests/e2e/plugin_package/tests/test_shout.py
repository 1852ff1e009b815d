from typing import ClassVar

from jarvis_plugins.testkit import LLMConformance


class TestShout(LLMConformance):
    adapter = "shout"
    settings: ClassVar = {"ending": "!!"}
