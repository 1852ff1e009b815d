"""Everything that can be configured."""

from typing import Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from jarvis.address import same
from jarvis.app.config.access import AuthConfig, CallerConfig, LimitsConfig
from jarvis.app.config.lora import check_loras
from jarvis.app.config.network import HTTPConfig, ServerConfig, check_exposure
from jarvis.app.config.operations import AdmissionConfig, ImagesConfig, LogConfig, SLOConfig
from jarvis.app.config.prompts import PromptsConfig
from jarvis.app.config.routes import DEFAULT_ROUTE, CircuitBreakerConfig, RouteConfig, checked_routes
from jarvis.app.config.section import AdapterConfig, BoundsConfig, ModelConfig, Section
from jarvis.models.catalogue import DEMO_MODEL

NONE = "none"
"""The name that stands for no adapter: what one would serve is not offered."""
LLM = "llm"
"""The name of the reranker that asks one of the models."""
MEMORY = ":memory:"
"""The file or folder name that stands for memory, of which nothing is kept."""


class PluginsConfig(Section):
    """Which plugins are loaded."""

    block: list[str] = Field([], description="Plugins (entry points) or distributions that are not loaded.")


class EstimatorConfig(AdapterConfig):
    """What tells how difficult a question is."""

    adapter: str = Field(
        "heuristic", description="The estimator adapter, or none; `jarvis adapters` lists them."
    )


class TelemetryConfig(AdapterConfig):
    """Where metrics and traces go."""

    adapter: str = Field(
        "opentelemetry", description="The telemetry adapter, or none; `jarvis adapters` lists them."
    )


class EmbedderConfig(BoundsConfig, AdapterConfig):
    """The model that turns texts into vectors."""

    adapter: str = Field(
        "sentence-transformers", description="The embedder adapter, or none; `jarvis adapters` lists them."
    )
    name: str | None = Field(
        None, description="The name that callers may use; the name of the adapter's model when left out."
    )
    max_batch_tokens: int = Field(
        16_384,
        ge=1,
        description="The most tokens, padding included, that go through the model at once. A batch also has "
        "at most 20 times its fixed cost in tokens.",
    )
    max_running: int = Field(
        256,
        ge=1,
        description="How many requests share its batches, while others wait in a fair order.",
    )
    max_queued_tokens: int | None = Field(
        None, ge=1, description="The most tokens, about, of the texts that wait for it."
    )


class RerankerConfig(BoundsConfig, AdapterConfig):
    """The model that scores how well texts answer a query."""

    adapter: str = Field(
        NONE,
        description="The reranker adapter, or none; `jarvis adapters` lists them. Or llm, which asks one of "
        "the models.",
    )
    model: str | None = Field(None, description="With the adapter llm: which of the models it asks.")
    name: str | None = Field(
        None, description="The name that callers may use; that of the model when left out."
    )
    max_running: int = Field(
        16, ge=1, description="How many requests take turns in it, while others wait in a fair order."
    )
    max_queued_tokens: int | None = Field(
        None, ge=1, description="The most tokens, about, of the texts that wait for it."
    )

    @property
    def by_model(self) -> "RerankerConfig | None":
        """This section, if one of the models is to be asked."""
        return self if self.adapter == LLM else None

    @model_validator(mode="after")
    def _model_is_for_llm_alone(self) -> Self:
        if bool(self.model) != (self.adapter == LLM):
            msg = f"reranker.model: the adapter {LLM} needs it, and no other has it"
            raise ValueError(msg)
        if self.adapter == LLM and self.settings:
            msg = f"reranker.settings: the adapter {LLM} has none"
            raise ValueError(msg)
        return self


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
    max_running: int = Field(
        64, ge=1, description="How many searches run at a time, while others wait in a fair order."
    )
    max_changes: int = Field(
        64,
        ge=1,
        description="The most calls that change or check collections at a time; others are refused as "
        "OVERLOADED.",
    )
    max_document_bytes: int = Field(32 * 2**20, ge=1, description="The largest document taken, in bytes.")
    min_similarity: float = Field(
        0.25, ge=-1, le=1, description="The least similarity of a source to what is asked, for answers."
    )
    max_context_tokens: int = Field(
        1024, ge=1, description="The most tokens of all sources that a model is given, for answers."
    )
    rerank_candidates: int = Field(
        50, ge=1, le=1000, description="How many of the first hits the reranker reads, where there is one."
    )
    rerank_seconds: float = Field(
        5.0, gt=0, description="How long that may take; a search that waits longer answers without."
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
    http: HTTPConfig = HTTPConfig()
    auth: AuthConfig = AuthConfig()
    callers: dict[str, CallerConfig] = Field(
        {},
        description="What callers may do, by the names in their certificates and tokens, or of their keys.",
    )
    limits: LimitsConfig = LimitsConfig()
    admission: AdmissionConfig = AdmissionConfig()
    images: ImagesConfig = ImagesConfig()
    log: LogConfig = LogConfig()
    telemetry: TelemetryConfig = TelemetryConfig()
    slo: SLOConfig = SLOConfig()
    plugins: PluginsConfig = PluginsConfig()
    models: dict[str, ModelConfig] = Field(
        {DEMO_MODEL: ModelConfig(settings={"model": DEMO_MODEL})},
        description="The models, by the name that callers use.",
    )
    routes: dict[str, RouteConfig] = Field(
        {},
        validate_default=True,
        description="Names that stand for several models; `default` is all of them that have an engine "
        "of their own, unless it is configured.",
    )
    default_route: str = Field(
        DEFAULT_ROUTE,
        validate_default=True,
        description="The route, or model, of a request that names none.",
    )
    circuit_breaker: CircuitBreakerConfig = CircuitBreakerConfig()
    estimator: EstimatorConfig = EstimatorConfig()
    prompts: PromptsConfig = PromptsConfig()

    embedder: EmbedderConfig = EmbedderConfig()
    reranker: RerankerConfig = RerankerConfig()
    cache: list[CacheConfig] = Field(
        [CacheConfig(adapter="memory"), CacheConfig(adapter="diskcache")],
        description="The tiers of the cache of vectors, the fastest first; an empty list is no cache.",
    )
    store: StoreConfig = StoreConfig()
    retrieval: RetrievalConfig = RetrievalConfig()

    @field_validator("http")
    @classmethod
    def _http_has_an_address_of_its_own(cls, http: HTTPConfig, info: ValidationInfo) -> HTTPConfig:
        server = info.data.get("server")
        if server and same(http.listen, server.listen):
            msg = f"listen: {http.listen!r} is server.listen's too; take another port, or leave it empty"
            raise ValueError(msg)
        return http

    @field_validator("store")
    @classmethod
    def _store_needs_an_embedder(cls, store: StoreConfig, info: ValidationInfo) -> StoreConfig:
        embedder = info.data.get("embedder")
        if embedder and embedder.adapter == NONE and store.adapter != NONE:
            msg = f"needs an embedder: set store.adapter to {NONE} as well, or configure an embedder"
            raise ValueError(msg)
        return store

    @field_validator("reranker")
    @classmethod
    def _reranker_asks_one_of_the_models(
        cls, reranker: RerankerConfig, info: ValidationInfo
    ) -> RerankerConfig:
        models = info.data.get("models", {})
        if models and reranker.by_model and reranker.model not in models:
            msg = f"model: {reranker.model!r} is not one of the models ({', '.join(models)})"
            raise ValueError(msg)
        return reranker

    @field_validator("models")
    @classmethod
    def _at_least_one(cls, models: dict[str, ModelConfig], info: ValidationInfo) -> dict[str, ModelConfig]:
        if not models or "" in models:
            msg = "name at least one model, each with a name that is not empty"
            raise ValueError(msg)
        if server := info.data.get("server"):
            check_loras(models, server.weights_folders)
        return models

    @field_validator("routes")
    @classmethod
    def _routes_lead_to_models(
        cls, routes: dict[str, RouteConfig], info: ValidationInfo
    ) -> dict[str, RouteConfig]:
        return checked_routes(routes, info.data["models"]) if "models" in info.data else routes

    @field_validator("default_route")
    @classmethod
    def _default_exists(cls, name: str, info: ValidationInfo) -> str:
        known = {**info.data.get("routes", {}), **info.data.get("models", {})}
        if {"routes", "models"} <= info.data.keys() and name not in known:
            msg = f"is neither a route nor a model ({', '.join(known)})"
            raise ValueError(msg)
        return name

    @property
    def knows_callers(self) -> bool:
        """Whether callers have to show who they are."""
        return bool(self.server.tls.client_ca or self.auth.keys or self.auth.jwt.issuer)

    @model_validator(mode="after")
    def _not_exposed(self) -> Self:
        check_exposure(self.server, self.http, knows_callers=self.knows_callers)
        return self

    @model_validator(mode="after")
    def _callers_can_do_something(self) -> Self:
        if not self.knows_callers:
            auth = self.auth
            set_ = {
                "callers": self.callers,
                "auth.default_roles": auth.default_roles,
                "auth.open_health": not auth.open_health,
            }
            if useless := [key for key, is_set in set_.items() if is_set]:
                msg = (
                    f"{useless[0]}: nobody is known by name; set server.tls.client_ca, auth.keys or auth.jwt"
                )
                raise ValueError(msg)
        others = self.callers or self.auth.default_roles or self.auth.keys or self.auth.jwt.issuer
        if self.server.tls.client_ca and not others:
            msg = (
                "server.tls.client_ca: no caller has a role; name them in callers, or set auth.default_roles"
            )
            raise ValueError(msg)
        return self
