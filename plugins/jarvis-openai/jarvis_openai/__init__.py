"""A plugin for Jarvis: models behind any server that speaks OpenAI's API.

It has been run with vLLM 0.32, with its front ends in Python and in Rust, on CPUs.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jarvis_openai.settings import OpenAIEmbedderSettings, OpenAISettings
from jarvis_plugins import Registry, hookimpl
from jarvis_ports.embedding import Embedder
from jarvis_ports.llm import LLM


@asynccontextmanager
async def open_llm(settings: OpenAISettings) -> AsyncIterator[LLM]:
    """Find a server, try what it can do, and watch all of them until the context is left.

    Raises:
        EngineStartFailed: no server answers, or none has the model.
    """
    from jarvis_openai.llm import running  # noqa: PLC0415 - the client takes a second to import

    async with running(settings) as llm:
        yield llm


@asynccontextmanager
async def open_embedder(settings: OpenAIEmbedderSettings) -> AsyncIterator[Embedder]:
    """Find a server and its dimension, and watch all servers; raise what the other factory raises."""
    from jarvis_openai.embedder import running  # noqa: PLC0415 - as above

    async with running(settings) as embedder:
        yield embedder


@hookimpl
def jarvis_register_adapters(registry: Registry) -> None:
    """Register the language model and the embedder `openai`."""
    registry.llm("openai", settings=OpenAISettings, factory=open_llm)
    registry.embedder("openai", settings=OpenAIEmbedderSettings, factory=open_embedder)
