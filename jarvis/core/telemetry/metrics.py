"""Every metric. Names and buckets are OpenTelemetry's if it defines them; other names begin with `jarvis.`.

https://github.com/open-telemetry/semantic-conventions-genai
https://opentelemetry.io/docs/specs/semconv/rpc/rpc-metrics/

No label has values that a caller can make up: models, routes, methods and adapters are those that are
configured, or that an admin has loaded (`MOST_NAMES`), and reasons are those of `jarvis_ports.errors`.
"""

from jarvis_ports.telemetry import Metric, MetricKind

COUNTER, HISTOGRAM, GAUGE = MetricKind.COUNTER, MetricKind.HISTOGRAM, MetricKind.GAUGE

MODEL = "gen_ai.request.model"
GEN_AI = ("gen_ai.operation.name", "gen_ai.provider.name", MODEL)
COMPONENT = ("port", "name", "adapter")

RPC_DURATION = Metric(
    HISTOGRAM,
    "rpc.server.call.duration",
    "s",
    "How long calls take, by method and status code; unless it is OK, the error type is the reason.",
    ("rpc.system.name", "rpc.method", "rpc.status_code", "error.type"),
    (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 120),
)
REQUEST_DURATION = Metric(
    HISTOGRAM,
    "gen_ai.server.request.duration",
    "s",
    "Requests to a model, from their arrival to their end.",
    (*GEN_AI, "error.type"),
    (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92),
)
TIME_TO_FIRST_TOKEN = Metric(
    HISTOGRAM,
    "gen_ai.server.time_to_first_token",
    "s",
    "From the arrival of a request to the first token of its answer.",
    GEN_AI,
    (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10),
)
TIME_PER_OUTPUT_TOKEN = Metric(
    HISTOGRAM,
    "gen_ai.server.time_per_output_token",
    "s",
    "Mean time of each token of an answer after the first; one value a request.",
    GEN_AI,
    (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5),
)
TOKEN_USAGE = Metric(
    HISTOGRAM,
    "gen_ai.client.token.usage",
    "{token}",
    "Tokens of a request: input and output.",
    (*GEN_AI, "gen_ai.token.type"),
    tuple(4**power for power in range(14)),
)

QUERIES = Metric(
    COUNTER,
    "jarvis.queries",
    "{query}",
    "Requests that a model began to answer, by the difficulty of what is asked.",
    ("model", "difficulty_range"),
)
QUERY_LATENCY = Metric(
    HISTOGRAM,
    "jarvis.query.latency",
    "s",
    "Requests that were answered to the end, from their arrival on.",
    ("model",),
    (0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120),
)
TOKENS = Metric(
    COUNTER,
    "jarvis.tokens",
    "{token}",
    "Tokens of answers that ended by themselves: input, cached (the part of the input that the engine "
    "still had), output.",
    ("model", "type"),
)
QUEUE_WAIT = Metric(
    HISTOGRAM,
    "jarvis.queue.wait",
    "s",
    "How long a request waited to be let into the model, and in the engine's own queue.",
    ("model",),
    (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
QUEUE_DEPTH = Metric(
    GAUGE,
    "jarvis.queue.depth",
    "{request}",
    "What waits: of a model, requests without a first token; of the embedder, texts for a batch and requests "
    "that come after those; of the reranker, requests; of the store, searches.",
    ("port", "name"),
)
ACTIVE_REQUESTS = Metric(
    GAUGE, "jarvis.requests.active", "{request}", "Requests that run or wait in a model.", ("model",)
)
ACTIVE_STREAMS = Metric(
    GAUGE, "jarvis.streams.active", "{stream}", "Streams that are open, by method.", ("rpc.method",)
)
TASKS = Metric(
    GAUGE,
    "jarvis.tasks",
    "{task}",
    "Tasks of the event loop: of calls that run, and as many more as the server has when nobody calls.",
)
CANCELLATIONS = Metric(
    COUNTER,
    "jarvis.cancellations",
    "{call}",
    "Calls that were ended early, by reason: caller, deadline, abort, drain.",
    ("rpc.method", "reason"),
)
REJECTIONS = Metric(
    COUNTER,
    "jarvis.rejections",
    "{call}",
    "Calls that were refused, by the reason of the error.",
    ("rpc.method", "reason"),
)
CALLER_REQUESTS = Metric(
    COUNTER,
    "jarvis.caller.requests",
    "{request}",
    "Requests that a model answered, by caller: by the names under `callers`, and `other`.",
    ("caller", "model"),
)
CALLER_TOKENS = Metric(
    COUNTER,
    "jarvis.caller.tokens",
    "{token}",
    "Tokens of these requests: input, output.",
    ("caller", "model", "type"),
)
LIMITS_EXCEEDED = Metric(
    COUNTER,
    "jarvis.limits.exceeded",
    "{call}",
    "Calls over a limit of their caller, by whether they were refused.",
    ("caller", "limit", "enforced"),
)
BREAKER_OPEN = Metric(
    GAUGE,
    "jarvis.circuit_breaker.open",
    "1",
    "1 while routes try a model last, because it kept failing; else 0.",
    ("model",),
)

CACHE_HITS = Metric(
    COUNTER,
    "jarvis.embedding.cache.hits",
    "{text}",
    "Texts whose vectors a tier of the cache had.",
    ("tier",),
)
CACHE_MISSES = Metric(
    COUNTER, "jarvis.embedding.cache.misses", "{text}", "Texts whose vectors it did not have.", ("tier",)
)
BATCH_SIZE = Metric(
    HISTOGRAM,
    "jarvis.embedding.batch.size",
    "{text}",
    "Texts that went through the embedding model together.",
    ("model",),
    (1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
)
RETRIEVAL_LATENCY = Metric(
    HISTOGRAM,
    "jarvis.retrieval.latency",
    "s",
    "Searches, from the query to the rows, by what was searched: dense, sparse, hybrid.",
    ("mode",),
    (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
RERANKED = Metric(
    COUNTER,
    "jarvis.reranked",
    "{document}",
    "Documents that the reranker has scored, by reranker.",
    ("model",),
)
RERANKED_SEARCHES = Metric(
    COUNTER,
    "jarvis.retrieval.reranked",
    "{search}",
    "Searches whose hits were to be reranked, by what became of that: done, late, failed.",
    ("outcome",),
)
DOCUMENTS = Metric(
    COUNTER,
    "jarvis.documents",
    "{document}",
    "Documents that were given to Ingest, by what became of them.",
    ("outcome",),
)

ADAPTER_HEALTHY = Metric(
    GAUGE,
    "jarvis.adapter.healthy",
    "1",
    "1 while an adapter is open and says that it is well; else 0.",
    COMPONENT,
)
ADAPTER_RESTARTS = Metric(
    GAUGE,
    "jarvis.adapter.restarts",
    "{restart}",
    "How often an adapter was opened again since the server started.",
    COMPONENT,
)
GPU_MEMORY = Metric(
    GAUGE, "jarvis.gpu.memory", "By", "Memory of a GPU that is in use, by whatever process.", ("gpu_id",)
)
GPU_MEMORY_LIMIT = Metric(GAUGE, "jarvis.gpu.memory.limit", "By", "Memory that a GPU has.", ("gpu_id",))
LOG_RECORDS_DROPPED = Metric(
    COUNTER, "jarvis.log.records.dropped", "{record}", "Log records that found the queue full, or no disk."
)
CERTIFICATE_BEGINS = Metric(
    GAUGE,
    "jarvis.tls.certificate.not_before",
    "s",
    "When the server's certificate begins to be valid, in seconds since 1970.",
)
CERTIFICATE_ENDS = Metric(
    GAUGE, "jarvis.tls.certificate.not_after", "s", "When it expires, in seconds since 1970."
)
BUILD_INFO = Metric(
    GAUGE, "jarvis.build.info", "", "Always 1; the labels say what runs.", ("version", "python_version")
)

ALL: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
