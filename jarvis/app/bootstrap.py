"""Puts the house together: configuration, plugins, adapters, use cases, server."""

import asyncio
import os
import signal
import sys
import threading

from jarvis.app.components import build, measuring
from jarvis.app.config import Config, ConfigError, PromptsConfig
from jarvis.app.logs import running
from jarvis.app.templates import BadTemplate, compile_template
from jarvis.core.component import Component
from jarvis.core.embedding import Embedding
from jarvis.core.generation import Generation
from jarvis.core.grounding import Grounding, GroundingSettings
from jarvis.core.instruments import Instruments
from jarvis.core.metrics import LOG_RECORDS_DROPPED
from jarvis.core.prompting import Prompting, Tier
from jarvis.core.retrieval import Retrieval, RetrievalSettings
from jarvis.core.use_cases import UseCases
from jarvis_ports.difficulty import DifficultyEstimator

TURN_SECONDS = 0.001
"""How long one thread may hold the interpreter while others wait for it; CPython has 5 ms.

A call takes many turns, in the event loop and in the threads of SQLite. While another thread computes, as
when a document is split, it waits so long for each: searches by words take half as long as with 5 ms beside
one such thread, and an eighth beside four.
"""
LAST_WORDS_SECONDS = 1.0
"""How long the log may take to be written, where the server ends at once."""
SAME_SIGNAL_SECONDS = 0.5
"""A signal so soon after another is the same one: `timeout` sends it to the server, and to its group."""
END_SECONDS = 10.0
"""How long what is left of the process may take to end, after the server: a thread that hangs never does."""


def check(config: Config) -> None:
    """Check all that can be known without starting an engine.

    Raises:
        ConfigError, UnknownAdapter, DuplicateAdapter, ModelUnavailable: see `build`.
    """
    use_cases(config, measuring(config))


def take_turns() -> None:
    """Have the threads of this process take shorter turns; see `TURN_SECONDS`."""
    sys.setswitchinterval(TURN_SECONDS)


async def serve(config: Config) -> int:
    """Run the server until it is told to stop; return the exit code.

    Raises:
        ConfigError, UnknownAdapter, DuplicateAdapter, ModelUnavailable: see `build`.
        CannotListen: it cannot listen where it was told to.
    """
    take_turns()
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it tells on its own what is raised as well
    from jarvis.server.context import ids  # noqa: PLC0415 - grpc, which `build` does not need
    from jarvis.server.lifecycle import Server, kill_children  # noqa: PLC0415 - as above

    instruments = measuring(config)
    with running(config.log, ids=ids, on_drop=lambda: instruments.count(LOG_RECORDS_DROPPED, {})) as log:
        server = Server(config, use_cases(config, instruments))
        loop = asyncio.get_running_loop()
        asked: list[float] = []

        def stop() -> None:
            server.stop()
            asked.append(loop.time())
            if asked[-1] - asked[0] > SAME_SIGNAL_SECONDS:  # whoever asks twice does not want to wait
                kill_children()
                log.flush(LAST_WORDS_SECONDS)
                os._exit(1)

        for signal_ in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_, stop)
        code = await server.run()
    _end_within(END_SECONDS, code)
    return code


def _end_within(seconds: float, code: int) -> None:
    """End this process after a time, should a thread keep it from ending by itself."""
    end = threading.Timer(seconds, os._exit, [code])
    end.daemon = True
    end.start()


def _prompting(config: PromptsConfig, estimator: Component[DifficultyEstimator] | None) -> Prompting:
    """Read and check the templates.

    Raises:
        ConfigError: one cannot be used.
    """
    templates = {}
    for name, template in config.templates.items():
        try:
            templates[name] = compile_template(
                name,
                template.texts,
                template.variables,
                temperature=template.temperature,
                max_tokens=template.max_tokens,
            )
        except BadTemplate as error:
            msg = f"prompts.templates.{error}"
            raise ConfigError(msg) from None
    tiers = [Tier(tier.template, tier.below) for tier in config.tiers]
    return Prompting(estimator, templates, tiers, automatic=config.automatic, language=config.language)


def use_cases(config: Config, instruments: Instruments) -> UseCases:
    """Put the use cases together; see `build`."""
    status = build(config, instruments)
    components, limits = status.components, config.retrieval
    embedding = Embedding(
        components.embedder,
        components.caches,
        max_batch_tokens=config.embedder.max_batch_tokens,
        instruments=instruments,
    )
    retrieval = Retrieval(
        components.store,
        embedding,
        RetrievalSettings(limits.chunk_tokens, limits.chunk_overlap, limits.max_document_bytes),
        instruments,
    )
    grounding = GroundingSettings(limits.min_similarity, limits.max_context_tokens)
    prompting = _prompting(config.prompts, components.estimator)
    generation = Generation(status.routes, prompting, Grounding(retrieval, grounding), instruments)
    return UseCases(status, generation, embedding, retrieval)
