"""All that the server is made of."""

from dataclasses import dataclass

from jarvis.core.embedding import Embedding
from jarvis.core.generation import Generation
from jarvis.core.lifecycle.components import Components
from jarvis.core.lifecycle.requests import Requests
from jarvis.core.retrieval import Retrieval
from jarvis.core.routing import Routes
from jarvis.core.status import Status
from jarvis.core.telemetry.gpus import GpuReader
from jarvis.core.telemetry.instruments import Instruments
from jarvis_plugins.loader import Adapters


@dataclass(frozen=True)
class Application:
    """The use cases, and what they share; whoever serves them takes each part that it needs.

    Attributes:
        generation: the use case behind GenerationService.
        embedding: the use case behind EmbeddingService.
        retrieval: the use case behind RetrievalService.
        status: the state of the whole.
        routes: the models, and the routes over them.
        components: all that is opened, the models too.
        requests: those that run.
        adapters: those that are installed.
        instruments: what everything is measured with.
        gpus: those of this machine.
    """

    generation: Generation
    embedding: Embedding
    retrieval: Retrieval
    status: Status
    routes: Routes
    components: Components
    requests: Requests
    adapters: Adapters
    instruments: Instruments
    gpus: GpuReader
