"""Everything that can be configured."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from jarvis.address import check
from jarvis.models.catalogue import DEMO_MODEL

NONE = "none"
"""In place of an adapter's name: what it would serve is not offered."""


class Section(BaseModel):
    """A table of the file: immutable, and a key that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ServerConfig(Section):
    """Where and how the server answers."""

    listen: list[str] = Field(
        ["127.0.0.1:50051"],
        min_length=1,
        description="Addresses: host:port (port 0: any free one), [ipv6]:port, or unix:/path/to/socket.",
    )
    max_message_bytes: int = Field(
        4 * 2**20, ge=1024, le=2**30, description="The largest message taken or sent, in bytes."
    )
    drain_delay_seconds: float = Field(
        2.0,
        ge=0,
        description="After SIGTERM, how long new calls are still taken while probes see NOT_SERVING.",
    )
    drain_timeout_seconds: float = Field(
        30.0, ge=0, description="After that, how long running calls may take to finish."
    )

    @field_validator("listen")
    @classmethod
    def _addresses(cls, listen: list[str]) -> list[str]:
        for address in listen:
            check(address)
        return listen


class LogConfig(Section):
    """What is logged, to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class PluginsConfig(Section):
    """Which plugins are loaded."""

    block: list[str] = Field([], description="Plugins (entry points) or distributions that are not loaded.")


class AdapterConfig(Section):
    """What a port is served by."""

    adapter: str
    settings: dict[str, Any] = Field({}, description="The adapter's own settings.")


class ModelConfig(AdapterConfig):
    """A model that the server offers."""

    adapter: str = Field("vllm", description="The LLM adapter that serves it; `jarvis adapters` lists them.")
    on_engine_death: Literal["exit", "restart"] = Field(
        "exit",
        description="When its engine dies: end the server with exit code 1, or start the engine again.",
    )


class EmbedderConfig(AdapterConfig):
    """The model that turns texts into vectors."""

    adapter: str = Field(
        "sentence-transformers", description="The embedder adapter, or none; `jarvis adapters` lists them."
    )
    name: str | None = Field(
        None, description="The name that callers may use; the name of the adapter's model when left out."
    )
    max_batch_tokens: int = Field(
        16_384, ge=1, description="The most tokens, padding included, that go through the model at once."
    )


class CacheConfig(AdapterConfig):
    """One tier of the cache of vectors."""

    adapter: str = Field(description="The cache adapter; `jarvis adapters` lists them.")


class StoreConfig(AdapterConfig):
    """Where rows with vectors are kept."""

    adapter: str = Field(
        "chroma", description="The vector store adapter, or none; `jarvis adapters` lists them."
    )


class RetrievalConfig(Section):
    """How documents are read, and how they are found."""

    text_index: str = Field(
        "",
        description="The folder of the full-text index; in the user's data folder when empty; or :memory:.",
    )
    chunk_tokens: int = Field(200, ge=16, description="The most tokens of a chunk of a document.")
    chunk_overlap: int = Field(30, ge=0, description="Tokens that a chunk shares with the one before.")
    max_document_bytes: int = Field(32 * 2**20, ge=1, description="The largest document taken, in bytes.")
    min_similarity: float = Field(
        0.25, ge=-1, le=1, description="The least similarity of a source to what is asked, for answers."
    )
    max_context_tokens: int = Field(
        1024, ge=1, description="The most tokens of all sources that a model is given, for answers."
    )

    @field_validator("chunk_overlap")
    @classmethod
    def _less_than_half(cls, overlap: int, info: ValidationInfo) -> int:
        tokens = info.data.get("chunk_tokens")
        if tokens is not None and overlap * 2 >= tokens:
            msg = f"must be less than half of chunk_tokens ({tokens})"
            raise ValueError(msg)
        return overlap


class Config(Section):
    """The whole configuration. With no file at all, the catalogue's demo model is served on this machine."""

    server: ServerConfig = ServerConfig()
    log: LogConfig = LogConfig()
    plugins: PluginsConfig = PluginsConfig()
    models: dict[str, ModelConfig] = Field(
        # float32: on CPUs with AMX, vLLM's bfloat16 strays far enough to change this model's answers.
        {DEMO_MODEL: ModelConfig(settings={"model": DEMO_MODEL, "dtype": "float32"})},
        description="The models, by the name that callers use.",
    )
    default_model: str | None = Field(
        None, description="The model of a request that names none; the first when left out."
    )

    embedder: EmbedderConfig = EmbedderConfig()
    cache: list[CacheConfig] = Field(
        [CacheConfig(adapter="memory"), CacheConfig(adapter="diskcache")],
        description="The tiers of the cache of vectors, the fastest first; an empty list is no cache.",
    )
    store: StoreConfig = StoreConfig()
    retrieval: RetrievalConfig = RetrievalConfig()

    @field_validator("store")
    @classmethod
    def _store_needs_an_embedder(cls, store: StoreConfig, info: ValidationInfo) -> StoreConfig:
        embedder = info.data.get("embedder")
        if embedder and embedder.adapter == NONE and store.adapter != NONE:
            msg = f"needs an embedder: set store.adapter to {NONE} as well, or configure an embedder"
            raise ValueError(msg)
        return store

    @field_validator("models")
    @classmethod
    def _at_least_one(cls, models: dict[str, ModelConfig]) -> dict[str, ModelConfig]:
        if not models or "" in models:
            msg = "name at least one model, each with a name that is not empty"
            raise ValueError(msg)
        return models

    @field_validator("default_model")
    @classmethod
    def _default_exists(cls, name: str | None, info: ValidationInfo) -> str | None:
        models = info.data.get("models", {})
        if models and name is not None and name not in models:
            msg = f"is not one of the models ({', '.join(models)})"
            raise ValueError(msg)
        return name

    @property
    def default(self) -> str:
        """The name of the model of a request that names none."""
        return self.default_model or next(iter(self.models))
