"""The parts that the server is made of."""

from dataclasses import dataclass

from jarvis.core.admission import Intakes
from jarvis.core.embedding import Embedding
from jarvis.core.generation import Generation
from jarvis.core.generation.run_time_weights import RunTimeWeights
from jarvis.core.lifecycle.components import Components
from jarvis.core.lifecycle.reload import Reloads
from jarvis.core.lifecycle.requests import Requests
from jarvis.core.lifecycle.sleeping import Sleeping
from jarvis.core.metering import Ledger, Metering
from jarvis.core.reranking import Reranking
from jarvis.core.retrieval import Retrieval
from jarvis.core.routing import Routes
from jarvis.core.status import Status
from jarvis.core.telemetry.gpus import GpuReader
from jarvis.core.telemetry.instruments import Instruments
from jarvis_plugins.loader import Adapters


@dataclass(frozen=True)
class Application:
    """The use cases and what they share; the code that serves them takes the parts that it needs.

    Attributes:
        generation: the use case behind GenerationService.
        embedding: the use case behind EmbeddingService, but for Rerank.
        reranking: the use case behind Rerank.
        retrieval: the use case behind RetrievalService.
        intakes: let in what is not for a model.
        status: the state of the server as a whole.
        routes: the models, and the routes over them.
        components: everything that the server opens, including the models.
        requests: the requests that are running.
        reloads: replaces components while requests go on.
        sleeping: puts models to sleep, and wakes them.
        weights: loads further weights into engines, and unloads them.
        adapters: the installed adapters.
        instruments: what all parts are measured with.
        gpus: the reader of this machine's GPUs.
        metering: counts what callers use, and holds them to their limits.
        ledger: keeps what they used.
    """

    generation: Generation
    embedding: Embedding
    reranking: Reranking
    retrieval: Retrieval
    intakes: Intakes
    status: Status
    routes: Routes
    components: Components
    requests: Requests
    reloads: Reloads
    sleeping: Sleeping
    weights: RunTimeWeights
    adapters: Adapters
    instruments: Instruments
    gpus: GpuReader
    metering: Metering
    ledger: Ledger
