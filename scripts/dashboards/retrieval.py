"""The dashboard of retrieval: searches, their embeddings, the cache of vectors, and ingestion."""

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from scripts.dashboards.panels import figure, graph, page, stack
from scripts.dashboards.queries import or_zero, quantile, quantiles, rate, ratio

SEARCHES = "jarvis_retrieval_latency_seconds"
EMBEDDINGS = "gen_ai_server_request_duration_seconds"
OF_EMBEDDINGS = 'gen_ai_operation_name="embeddings"'
BATCH = "jarvis_embedding_batch_size"
HITS = "jarvis_embedding_cache_hits_total"
MISSES = "jarvis_embedding_cache_misses_total"
ALL_HITS = rate(HITS)
MISSED_BY_ALL = f"min({rate(MISSES, 'tier')})"
"""The misses of the last tier, which are the fewest: a tier is asked only for what those before it missed."""
HIT_RATIO = ratio(ALL_HITS, f"({ALL_HITS} + {MISSED_BY_ALL})")
INGESTED = "suffix: documents/s"
TEXTS = "suffix: texts/s"

SEARCHES_NOW = figure(
    "Searches",
    units.RequestsPerSecond,
    "Searches in a second, those for answers included. When it falls to 0 while answers need sources: see "
    "the errors below.",
    {"searches": or_zero(rate(f"{SEARCHES}_count"))},
)
SLOW = figure(
    "Search, p95",
    units.Seconds,
    "19 of 20 searches take at most this. When it is orange: see below whether the search or the embedding "
    "is slow.",
    {"p95": quantile(0.95, SEARCHES)},
    steps=[(0.25, "orange"), (1, "red")],
)
EMBEDDING_SLOW = figure(
    "Embedding, p95",
    units.Seconds,
    "19 of 20 requests for vectors take at most this. When it is orange: an ingestion may fill the batches; "
    "run it in a quiet hour.",
    {"p95": quantile(0.95, EMBEDDINGS, OF_EMBEDDINGS)},
    steps=[(0.64, "orange"), (2.56, "red")],
)
HIT_NOW = figure(
    "Cache hits",
    units.PercentUnit,
    "The share of texts whose vectors some tier of the cache had. When it falls: texts are new, or the "
    "cache is too small, or the model has changed, which starts it anew.",
    {"hits": HIT_RATIO},
)

BY_MODE = stack(
    "Searches by mode",
    units.RequestsPerSecond,
    "dense searches vectors, sparse words, hybrid both. A mode that nobody expected: a caller has changed "
    "its requests.",
    {"{{mode}}": rate(f"{SEARCHES}_count", "mode")},
)
LATENCY = graph(
    "Latency of searches by mode",
    units.Seconds,
    "From the query to the rows. dense slower than sparse: the embedder or the vector store; see the "
    "embedding below. All of them: the disk, or very large collections.",
    quantiles(SEARCHES, by="mode"),
)
ERRORS = stack(
    "Errors by method and code",
    units.RequestsPerSecond,
    "Calls of the retrieval service that did not end with OK. NOT_FOUND: a collection that is not there; "
    "tell the caller. UNAVAILABLE: the store or the embedder is not well; see the engine room.",
    {
        "{{rpc_method}} {{rpc_status_code}}": or_zero(
            rate(
                'rpc_server_call_duration_seconds_count{rpc_method=~"jarvis.v1.RetrievalService/.+", '
                'rpc_status_code!="OK"}',
                "rpc_method, rpc_status_code",
            )
        )
    },
)

REQUESTS = stack(
    "Embedding requests",
    units.RequestsPerSecond,
    "Requests for vectors, by model. More than searches: callers embed by themselves, or something is "
    "ingested.",
    {"{{gen_ai_request_model}}": rate(f"{EMBEDDINGS}_count{{{OF_EMBEDDINGS}}}", "gen_ai_request_model")},
)
EMBEDDING = graph(
    "Latency of embedding",
    units.Seconds,
    "From the arrival of a request for vectors to its end. When it climbs with the texts that wait: too "
    "much is asked at once. Alone: longer texts, or something else uses the processor.",
    quantiles(EMBEDDINGS, OF_EMBEDDINGS),
)
BATCHES = graph(
    "Batch sizes",
    units.Short,
    "Texts that go through the model together. Larger ones are cheaper a text; 1 all the time under load: "
    "callers send texts one by one, each after the last.",
    {
        "mean": ratio(rate(f"{BATCH}_sum"), rate(f"{BATCH}_count")),
        **quantiles(BATCH),
    },
)
WAITING = graph(
    "Texts that wait",
    units.Short,
    "Texts for a batch. When it does not come back to 0: more is asked than the embedder can do.",
    {"{{name}}": 'sum by (name) (jarvis_queue_depth{port="embedder"})'},
)

LOOKUPS = graph(
    "Cache hits and misses by tier",
    TEXTS,
    "A tier is asked only for what those before it did not have. Many hits in the second tier: the first is "
    "too small.",
    {"hits {{tier}}": rate(HITS, "tier"), "misses {{tier}}": rate(MISSES, "tier")},
)
HIT_RATIOS = graph(
    "Hit ratio",
    units.PercentUnit,
    "Of each tier, and of all together. All near 0 %: texts do not come again, and the cache costs more "
    "than it gives, or the model has changed a moment ago.",
    {
        "{{tier}}": f"{rate(HITS, 'tier')} / ({rate(HITS, 'tier')} + {rate(MISSES, 'tier')} > 0)",
        "all": HIT_RATIO,
    },
).max(1)
DOCUMENTS = stack(
    "Documents ingested by outcome",
    INGESTED,
    "What became of documents that were given to Ingest. failed: they cannot be read, and the caller was "
    "told which and why. unchanged all the time: the same folder is sent again and again, which is cheap.",
    {"{{outcome}}": or_zero(rate("jarvis_documents_total", "outcome"))},
)


def build() -> Dashboard:
    return page(
        "jarvis-retrieval",
        "Jarvis: retrieval",
        "Searches, the vectors that they need, the cache that saves them, and what is ingested.",
        [],
        {
            "At a glance": [SEARCHES_NOW, SLOW, EMBEDDING_SLOW, HIT_NOW],
            "Searches": [BY_MODE, LATENCY, ERRORS],
            "Embedding": [REQUESTS, EMBEDDING, BATCHES, WAITING],
            "Cache and documents": [LOOKUPS, HIT_RATIOS, DOCUMENTS],
        },
    )
