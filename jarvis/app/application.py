"""Puts the application together: components, and the use cases over them."""

from jarvis.app import gpus
from jarvis.app.admission import make_intakes, make_scopes
from jarvis.app.components import make_components
from jarvis.app.config import Config
from jarvis.app.metering import make_metering
from jarvis.app.slo import availability, objectives
from jarvis.app.templates import make_prompting
from jarvis.app.weights import make_weights
from jarvis.core.application import Application
from jarvis.core.embedding import Embedding
from jarvis.core.gauges import Gauges
from jarvis.core.generation import Generation, ImageLimits
from jarvis.core.grounding import Grounding, GroundingSettings
from jarvis.core.lifecycle.reload import Reloads
from jarvis.core.lifecycle.requests import Requests
from jarvis.core.lifecycle.sleeping import Sleeping
from jarvis.core.reranking import Reranking
from jarvis.core.retrieval import Retrieval, RetrievalSettings
from jarvis.core.status import Status
from jarvis.core.telemetry.gpus import GpuReader
from jarvis.core.telemetry.instruments import Instruments
from jarvis_plugins.loader import load_plugins
from jarvis_plugins.registry import PortName


def make_instruments(config: Config) -> Instruments:
    """Return the instruments with which everything is measured."""
    return Instruments(objectives(config.slo), availability(config.slo))


def make_application(config: Config, instruments: Instruments) -> Application:
    """Return the application, with nothing opened yet.

    Raises:
        ConfigError: an adapter's settings are wrong, or a template cannot be used.
        UnknownAdapter: an adapter is not installed.
        DuplicateAdapter: two plugins bring the same adapter.
        ModelUnavailable: a model's files are missing.
    """
    adapters = load_plugins(config.plugins.block)
    scopes = make_scopes(config)
    components, routes, check_room = make_components(config, adapters, scopes, instruments)
    requests = Requests()
    limits = config.retrieval
    embedding = Embedding(
        components.one(PortName.EMBEDDER),
        components.of(PortName.CACHE),
        max_batch_tokens=config.embedder.max_batch_tokens,
        instruments=instruments,
    )
    reranking = Reranking(components.one(PortName.RERANKER), instruments)
    retrieval = Retrieval(
        components.one(PortName.STORE),
        embedding,
        RetrievalSettings(
            limits.chunk_tokens,
            limits.chunk_overlap,
            limits.max_document_bytes,
            limits.rerank_candidates,
            limits.rerank_seconds,
        ),
        instruments,
        reranking,
    )
    grounding = GroundingSettings(limits.min_similarity, limits.max_context_tokens)
    prompting = make_prompting(config.prompts, components.one(PortName.ESTIMATOR))
    metering, ledger = make_metering(config, instruments)
    gpu_reader = GpuReader(gpus.gpus if gpus.available() else None)
    intakes = make_intakes(config, scopes)
    Gauges(components, routes, embedding, intakes, gpu_reader).register(instruments)
    return Application(
        generation=Generation(
            routes,
            prompting,
            Grounding(retrieval.search, grounding),
            instruments,
            metering,
            images=ImageLimits(**config.images.model_dump()),
        ),
        embedding=embedding,
        reranking=reranking,
        retrieval=retrieval,
        intakes=intakes,
        status=Status(components, routes, requests),
        routes=routes,
        components=components,
        requests=requests,
        reloads=Reloads(components, requests, check_room, config.server.drain_timeout_seconds),
        sleeping=Sleeping(components, requests, config.server.drain_timeout_seconds),
        weights=make_weights(config, routes, components, requests, scopes),
        adapters=adapters,
        instruments=instruments,
        gpus=gpu_reader,
        metering=metering,
        ledger=ledger,
    )
