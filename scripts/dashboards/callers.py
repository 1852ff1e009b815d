"""The callers' dashboard: what they ask for, what they get, and whether the objectives are kept."""

from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from jarvis.app.config import SLOConfig
from jarvis.app.slo import failed, objectives
from jarvis.app.slo.burn import ALERTS, BURN_RATE
from jarvis.app.slo.rules import BUDGET_REMAINING
from scripts.dashboards.panels import choice, figure, graph, page, spread, stack
from scripts.dashboards.queries import or_zero, quantile, quantiles, rate, ratio

DEFAULTS = SLOConfig()
OF_MODELS = 'rpc_method=~"jarvis.v1.(Generation|Embedding|Retrieval)Service/.+"'
CALLS = f"rpc_server_call_duration_seconds_count{{{OF_MODELS}}}"
FAILED = CALLS.replace("}", f", {failed(DEFAULTS.bad_codes)}}}")
UNWELL = CALLS.replace("}", ', rpc_status_code!="OK"}')
MODEL = 'model=~"$model"'
GEN_AI_MODEL = 'gen_ai_request_model=~"$model"'
TTFT = "gen_ai_server_time_to_first_token_seconds"
LATENCY = "jarvis_query_latency_seconds"
ALLOWED = round(1 - DEFAULTS.availability.objective, 6)
PAGE_BURN = ALERTS[0].factor(objectives(DEFAULTS)[0])

BUDGET = figure(
    "Error budget left",
    units.PercentUnit,
    "The share of the failures that the objectives allow which has not happened yet, by objective. At 0 % "
    "the promise is broken: stop changes, and mend what the panels below show.",
    {"{{slo}}": BUDGET_REMAINING},
    steps=[(None, "red"), (0, "orange"), (0.25, "green")],
)
ERROR_RATE = figure(
    "Calls that failed",
    units.PercentUnit,
    "The share of calls that the server failed; callers' own mistakes are not in it. "
    f"Above {ALLOWED:.1%}, what is promised is not kept: see which codes fail below, then the log lines with "
    "that code.",
    {"failed": ratio(f"({or_zero(rate(FAILED))})", rate(CALLS))},
    steps=[(ALLOWED, "orange"), (10 * ALLOWED, "red")],
)
SLOW = figure(
    "Latency, p95",
    units.Seconds,
    "19 of 20 answers are complete within this time. When it is red: see in the engine room whether "
    "requests queue, or each token takes longer.",
    {"p95": quantile(0.95, LATENCY, MODEL)},
    steps=[(DEFAULTS.latency.threshold_seconds, "red")],
)
FIRST = figure(
    "First token, p95",
    units.Seconds,
    "19 of 20 answers begin within this time. When it is red: requests queue, or prompts have grown; the "
    "engine room tells which.",
    {"p95": quantile(0.95, TTFT, GEN_AI_MODEL)},
    steps=[(DEFAULTS.time_to_first_token.threshold_seconds, "red")],
)
CALL_RATE = figure(
    "Calls",
    units.RequestsPerSecond,
    "Calls of every kind in a second, without probes. When it falls to 0 at a busy hour, callers do not "
    "reach the server: see whether it runs, and what stands before it.",
    {"calls": or_zero(rate(CALLS))},
)
STREAMS_NOW = figure(
    "Open streams",
    units.Short,
    "Streams that callers read from or write to at this moment. When it only grows, callers do not end "
    "their streams: have them set deadlines.",
    {"streams": or_zero("sum(jarvis_streams_active)")},
)

BUDGET_LEFT = graph(
    "Error budget left",
    units.PercentUnit,
    "How the budget of each objective was spent. A steep fall is an incident: look at the same time in the "
    "panels below. A steady slope that reaches 0 before the window ends: the objective is not kept, by a "
    "little, all the time.",
    {"{{slo}}": BUDGET_REMAINING},
).min(-1)
BURN = graph(
    "Burn rate",
    units.Short,
    "How many times faster than the objectives allow the budget is spent: 1 spends it exactly in its window. "
    f"From {PAGE_BURN:g} on it is gone within two days, and somebody is paged.",
    {"{{slo}}, 1 h": f"{BURN_RATE}1h", "{{slo}}, 5 min": f"{BURN_RATE}5m"},
    steps=[(1, "orange"), (PAGE_BURN, "red")],
)

BY_METHOD = stack(
    "Calls by method",
    units.RequestsPerSecond,
    "What callers ask for. A jump that nobody expected: ask the caller whose requests fill the log.",
    {"{{rpc_method}}": rate(CALLS, "rpc_method")},
)
ERRORS = stack(
    "Errors by code",
    units.RequestsPerSecond,
    "Calls that did not end with OK, those by a caller's fault included. UNAVAILABLE and INTERNAL: see the "
    "health in the engine room. RESOURCE_EXHAUSTED: more is asked than the models can do. "
    "DEADLINE_EXCEEDED: see the latency. INVALID_ARGUMENT and NOT_FOUND: tell the caller.",
    {"{{rpc_status_code}}": or_zero(rate(UNWELL, "rpc_status_code"))},
)
REJECTIONS = stack(
    "Rejections by reason",
    units.RequestsPerSecond,
    "Calls that were refused before any work. OVERLOADED: add a server, or raise what the models admit. A "
    "reason of a caller's: its requests are wrong; docs/errors.md lists every reason.",
    {"{{reason}}": or_zero(rate("jarvis_rejections_total", "reason"))},
)
CANCELLATIONS = stack(
    "Cancellations by reason",
    units.RequestsPerSecond,
    "Calls that ended early. deadline: answers take longer than callers wait; see the latency. caller: "
    "readers leave, often because it is slow, or the server stopped before they were done. abort: someone "
    "ended them.",
    {"{{reason}}": or_zero(rate("jarvis_cancellations_total", "reason"))},
)

LATENCIES = graph(
    "Latency of answers",
    units.Seconds,
    "From the arrival of a request to the end of its answer, of those that were answered. p99 far above "
    "p95: a few long answers, or some that queue; see the spread beside.",
    quantiles(LATENCY, MODEL),
)
SPREAD = spread(
    "Spread of latency",
    units.Seconds,
    "How many answers took how long. Two bands: two kinds of requests, or two models. A band that climbs: "
    "the engine falls behind.",
    f"sum by (le) (increase({LATENCY}_bucket{{{MODEL}}}[$__rate_interval]))",
)
FIRST_TOKENS = graph(
    "Time to the first token",
    units.Seconds,
    "How long a reader sees nothing. When it climbs with the queue wait of the engine room: too much is "
    "asked at once. Without it: prompts are longer, or the prefix cache no longer helps.",
    quantiles(TTFT, GEN_AI_MODEL),
)

TOKENS = stack(
    "Tokens written",
    "suffix: tokens/s",
    "What the models write in a second. When it falls while calls do not: the engine is slower; see the "
    "time per token.",
    {"{{model}}": rate(f'jarvis_tokens_total{{type="output", {MODEL}}}', "model")},
)
DIFFICULTY = stack(
    "Queries by difficulty",
    units.RequestsPerSecond,
    "How hard what is asked is, 0 to 100. A shift to hard queries explains longer answers; routes that send "
    "by difficulty may need new bounds.",
    {"{{difficulty_range}}": rate(f"jarvis_queries_total{{{MODEL}}}", "difficulty_range")},
)
STREAMS = stack(
    "Open streams by method",
    units.Short,
    "Streams that are open. When they grow while calls do not, they last longer: see the latency.",
    {"{{rpc_method}}": "sum by (rpc_method) (jarvis_streams_active)"},
)


def build() -> Dashboard:
    return page(
        "jarvis-callers",
        "Jarvis: are callers happy?",
        "What callers ask for, what they get, and what is left of what was promised.",
        [choice("model", "Model", "label_values(jarvis_requests_active, model)")],
        {
            "At a glance": [BUDGET, ERROR_RATE, SLOW, FIRST, CALL_RATE, STREAMS_NOW],
            "What was promised": [BUDGET_LEFT, BURN],
            "Calls": [BY_METHOD, ERRORS, REJECTIONS, CANCELLATIONS],
            "How long answers take": [LATENCIES, FIRST_TOKENS, SPREAD],
            "What is asked and answered": [TOKENS, DIFFICULTY, STREAMS],
        },
    )
