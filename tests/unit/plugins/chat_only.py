"""A plugin of an engine that takes conversations alone and tells no tokens, and of two that deny it."""

from contextlib import asynccontextmanager
from dataclasses import replace

from jarvis_adapters.echo.adapter import Echo, EchoSettings
from jarvis_plugins import hookimpl
from jarvis_ports.llm import Accepted, Finish, LLMCapabilities


class ChatOnly:
    counts = tells = False

    def __init__(self, settings):
        self.echo = Echo(settings)
        self.health = self.echo.health

    async def generate(self, request):
        async for event in self.echo.generate(request):
            match event:
                case Accepted():
                    yield replace(event, prompt_tokens=None)
                case Finish():
                    yield replace(event, usage=None)
                case _:
                    yield event

    async def count_tokens(self, input_, render=None, tools=()):
        raise AssertionError("the core never asks an engine that does not count")

    def capabilities(self):
        fields = frozenset({"messages", "sampling.max_tokens"})
        length = self.echo.capabilities().context_length
        return LLMCapabilities(length, fields, counts_prompts=self.counts, exact_usage=self.tells)


class SaysItCounts(ChatOnly):
    counts = True


class SaysItTells(ChatOnly):
    tells = True


@hookimpl
def jarvis_register_adapters(registry):
    for llm in (ChatOnly, SaysItCounts, SaysItTells):

        @asynccontextmanager
        async def opened(settings, llm=llm):
            yield llm(settings)

        registry.llm(llm.__name__, settings=EchoSettings, factory=opened)
