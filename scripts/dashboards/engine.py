"""The dashboard of the engine room: queues, running requests, caches, and the health of the adapters."""

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from scripts.dashboards.panels import choice, figure, graph, page, stack
from scripts.dashboards.queries import or_zero, quantiles, rate, ratio

HERE = 'instance=~"$instance"'
OURS = "and on (job, instance) jarvis_build_info"
"""Selects the process metrics of Jarvis: every other Python program has such metrics too."""
PREFIX_HITS = ratio(
    rate(f"vllm:prefix_cache_hits_total{{{HERE}}}"), rate(f"vllm:prefix_cache_queries_total{{{HERE}}}")
)
TOKENS = "suffix: tokens/s"

UNWELL = figure(
    "Adapters not well",
    units.Short,
    "Models, embedder, store, cache and the rest that do not work. When it is not 0: the panel below names "
    "them, `jarvis status` says why, and the log has what happened.",
    {"not well": f"count(jarvis_adapter_healthy{{{HERE}}}) - sum(jarvis_adapter_healthy{{{HERE}}})"},
    steps=[(1, "red")],
)
OPEN_BREAKERS = figure(
    "Breakers open",
    units.Short,
    "Models that routes try last, because they kept failing. When it is not 0: the panel below names the "
    "model; the log says with which errors it fails.",
    {"open": f"sum(jarvis_circuit_breaker_open{{{HERE}}})"},
    steps=[(1, "red")],
)
WAITING = figure(
    "Waiting",
    units.Short,
    "Requests without a first token, and texts without a batch. When it grows for minutes: more is asked "
    "than the engine can do; add a server, or admit less.",
    {"waiting": f"sum(jarvis_queue_depth{{{HERE}}})"},
)
KV_NOW = figure(
    "KV cache in use",
    units.PercentUnit,
    "Of the fullest engine. Near 100 %: requests wait for memory or are put off; shorten contexts, lower "
    "max_num_seqs, or give the cache more memory.",
    {"KV cache": f"max(vllm:kv_cache_usage_perc{{{HERE}}})"},
    steps=[(0.8, "orange"), (0.95, "red")],
)
PREFIX_NOW = figure(
    "Prefix cache hits",
    units.PercentUnit,
    "The share of prompt tokens that the engine had from prompts before. When it falls: prompts no longer "
    "begin alike; put what changes at their end.",
    {"hits": PREFIX_HITS},
)
UPTIME = figure(
    "Up since",
    units.DurationSeconds,
    "How long the server that started last has run. A short time that nobody expected: it was restarted; "
    "see the log of what ended.",
    {"up": f"min(time() - (process_start_time_seconds{{{HERE}}} {OURS}))"},
)

DEPTH = graph(
    "Queue depth",
    units.Short,
    "What waits: of a model, requests without a first token; of the embedder, texts for a batch. When it "
    "does not come back to 0: more is asked than can be done.",
    {"{{port}} {{name}}": f"sum by (port, name) (jarvis_queue_depth{{{HERE}}})"},
)
WAIT = graph(
    "Queue wait",
    units.Seconds,
    "How long requests wait before the engine begins with them. Above a second: the batch or the KV "
    "cache is full; see the panels beside and below.",
    quantiles("jarvis_queue_wait_seconds", HERE, "model"),
)
BATCH = graph(
    "Batch of the engine",
    units.Short,
    "Requests that the engine works on together, and those that it lets wait. Some that wait while few run: "
    "the KV cache is full, not the batch.",
    {
        "running {{model_name}}": f"sum by (model_name) (vllm:num_requests_running{{{HERE}}})",
        "waiting {{model_name}}": f"sum by (model_name) (vllm:num_requests_waiting{{{HERE}}})",
    },
)

KV = graph(
    "KV cache in use",
    units.PercentUnit,
    "The share of the memory for keys and values that running requests hold. Near 100 %: see preemptions.",
    {"{{model_name}}": f"max by (model_name) (vllm:kv_cache_usage_perc{{{HERE}}})"},
    steps=[(0.95, "red")],
).max(1)
PREEMPTIONS = graph(
    "Preemptions",
    "suffix: requests/s",
    "Requests that the engine put off, and has to begin again, because the KV cache was full. When it is "
    "not 0: give the cache more memory, or lower max_num_seqs.",
    {"{{model_name}}": rate(f"vllm:num_preemptions_total{{{HERE}}}", "model_name")},
)
PREFIX = graph(
    "Prefix cache hits",
    units.PercentUnit,
    "The share of prompt tokens that need no work, because a prompt before began alike. When it falls after "
    "a change of templates: the new ones begin differently for each request.",
    {"hits": PREFIX_HITS},
).max(1)

THROUGHPUT = graph(
    "Tokens in, cached and out",
    TOKENS,
    "Tokens of prompts, those of them that the engine had, and tokens written. Input that grows alone: "
    "longer prompts. Output that falls alone: the engine is slower.",
    {"{{type}}": rate(f"jarvis_tokens_total{{{HERE}}}", "type")},
)
PER_TOKEN = graph(
    "Time per token written",
    units.Seconds,
    "The mean time of each token of an answer after its first. When it climbs with the batch: that is the "
    "price of a full batch. When it climbs alone: something else uses the processor or the GPU.",
    quantiles("gen_ai_server_time_per_output_token_seconds", HERE, "gen_ai_request_model"),
)
ACTIVE = stack(
    "Requests in the models",
    units.Short,
    "Requests that run or wait, by model. One model at its limit while others idle: look at the routes.",
    {"{{model}}": f"sum by (model) (jarvis_requests_active{{{HERE}}})"},
)

ENGINE_FIRST = graph(
    "vLLM: time to first token",
    units.Seconds,
    "As the engine itself measures it. Far below what callers see: the time is lost before the engine, in "
    "retrieval or prompting.",
    quantiles("vllm:time_to_first_token_seconds", HERE, "model_name"),
)
ENGINE_WHOLE = graph(
    "vLLM: latency of requests",
    units.Seconds,
    "From the engine's taking a request to its last token. When it climbs: see time per token, and the "
    "queue.",
    quantiles("vllm:e2e_request_latency_seconds", HERE, "model_name"),
)
ENGINE_QUEUE = graph(
    "vLLM: time in the queue",
    units.Seconds,
    "How long requests waited in the engine. When it climbs: the batch or the KV cache is full.",
    quantiles("vllm:request_queue_time_seconds", HERE, "model_name"),
)

HEALTH = graph(
    "Adapter health",
    units.Short,
    "1 is well, 0 is not, by adapter. At 0: `jarvis status` says why; what it serves fails until it is back.",
    {"{{port}} {{name}}": f"min by (port, name) (jarvis_adapter_healthy{{{HERE}}})"},
).max(1)
RESTARTS = graph(
    "Adapter restarts",
    units.Short,
    "How often each adapter was opened again since the server started. When it grows: an engine dies; the "
    "log has its last words, and is often of memory.",
    {"{{port}} {{name}}": f"sum by (port, name) (jarvis_adapter_restarts{{{HERE}}})"},
)
BREAKERS = graph(
    "Circuit breakers",
    units.Short,
    "1 while routes try a model last, because it kept failing. At 1: the log says with which errors.",
    {"{{model}}": f"max by (model) (jarvis_circuit_breaker_open{{{HERE}}})"},
).max(1)
DROPPED = graph(
    "Log records dropped",
    "suffix: records/s",
    "Records that nobody will read, because the queue or the disk was full; errors are never among those "
    "for the queue. When it is not 0: the disk is slow or full, or the level is debug.",
    {"dropped": or_zero(rate(f"jarvis_log_records_dropped_total{{{HERE}}}"))},
)

GPU = graph(
    "GPU memory",
    units.BytesIEC,
    "What is in use, by whatever process, and what the GPU has. A machine without a GPU has no such series: "
    "it shows 0. In use while no model is loaded: a process was left behind; find it with nvidia-smi.",
    {
        "used, GPU {{gpu_id}}": or_zero(f"sum by (gpu_id) (jarvis_gpu_memory_bytes{{{HERE}}})"),
        "has, GPU {{gpu_id}}": or_zero(f"sum by (gpu_id) (jarvis_gpu_memory_limit_bytes{{{HERE}}})"),
    },
)
MEMORY = graph(
    "Memory of the server",
    units.BytesIEC,
    "Of the server's own process; vLLM's engine has one of its own, which is not in it. When it grows for "
    "days: keep the log of that time, and restart in a quiet hour.",
    {"{{instance}}": f"process_resident_memory_bytes{{{HERE}}} {OURS}"},
)
CPU = graph(
    "Processor time of the server",
    "suffix: cores",
    "Cores that the server's own process keeps busy. Near 1: the event loop is the limit, and all streams "
    "are slower; add a server.",
    {"{{instance}}": f"rate(process_cpu_seconds_total{{{HERE}}}[$__rate_interval]) {OURS}"},
)
FILES = graph(
    "Open files",
    units.Short,
    "Files and connections that the server holds open, and how many it may. Near the limit: raise it "
    "(ulimit -n), or find who opens connections and does not close them.",
    {
        "open {{instance}}": f"process_open_fds{{{HERE}}} {OURS}",
        "most {{instance}}": f"process_max_fds{{{HERE}}} {OURS}",
    },
)
TASKS = graph(
    "Tasks",
    units.Short,
    "Tasks of the event loop, which come and go with calls. When they stay after the calls have ended: "
    "something waits for ever; keep the log of that time, and restart in a quiet hour.",
    {"{{instance}}": f"jarvis_tasks{{{HERE}}}"},
)


def build() -> Dashboard:
    return page(
        "jarvis-engine",
        "Jarvis: the engine room",
        "What waits, what runs, what is kept, and whether all of it is well.",
        [choice("instance", "Server", "label_values(jarvis_build_info, instance)")],
        {
            "At a glance": [UNWELL, OPEN_BREAKERS, WAITING, KV_NOW, PREFIX_NOW, UPTIME],
            "Queue and batch": [DEPTH, WAIT, BATCH],
            "Memory of the engine": [KV, PREEMPTIONS, PREFIX],
            "Work": [THROUGHPUT, PER_TOKEN, ACTIVE],
            "vLLM's own clocks": [ENGINE_FIRST, ENGINE_WHOLE, ENGINE_QUEUE],
            "Health": [HEALTH, RESTARTS, BREAKERS, DROPPED],
            "The machine": [GPU, MEMORY, CPU, FILES, TASKS],
        },
    )
