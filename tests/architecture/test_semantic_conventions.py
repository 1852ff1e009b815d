"""What OpenTelemetry has a name for is called just that."""

import re
from itertools import chain
from pathlib import Path
from types import ModuleType

import pytest
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes, rpc_attributes
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics, rpc_metrics
from opentelemetry.semconv.attributes import error_attributes

from jarvis.core.telemetry import metrics

ROOT = Path(__file__).parents[2]
NAME = re.compile(r'"((?:gen_ai|rpc|error)\.[a-z_.]+)"')
LATER = {
    "rpc.status_code": "1.45 of the conventions; rpc.response.status_code before",
    "gen_ai.retrieval.top_k": "0.1.0 of the conventions for GenAI, which have a repository of their own",
}
"""Attributes that are younger than the installed package, and the version that brought them."""
SPAN_ATTRIBUTES = {
    "gen_ai.data_source.id",
    "gen_ai.embeddings.dimension.count",
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.choice.count",
    "gen_ai.request.frequency_penalty",
    "gen_ai.request.max_tokens",
    "gen_ai.request.model",
    "gen_ai.request.presence_penalty",
    "gen_ai.request.seed",
    "gen_ai.request.stop_sequences",
    "gen_ai.request.stream",
    "gen_ai.request.temperature",
    "gen_ai.request.top_k",
    "gen_ai.request.top_p",
    "gen_ai.response.finish_reasons",
    "gen_ai.response.id",
    "gen_ai.response.model",
    "gen_ai.response.time_to_first_chunk",
    "gen_ai.retrieval.top_k",
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
}


def constants(*modules: ModuleType) -> set[str]:
    values = chain.from_iterable(vars(module).values() for module in modules)
    return {value for value in values if isinstance(value, str)}


def named_in_the_code() -> set[str]:
    files = chain.from_iterable((ROOT / folder).rglob("*.py") for folder in ("jarvis", "adapters", "ports"))
    return {name for file in files for name in NAME.findall(file.read_text(encoding="utf-8"))}


@pytest.fixture(scope="module")
def known() -> set[str]:
    return constants(gen_ai_attributes, rpc_attributes, error_attributes)


def test_attributes_are_those_of_the_conventions(known: set[str]) -> None:
    measured = {metric.name for metric in metrics.ALL}
    used = named_in_the_code() - measured
    assert used >= SPAN_ATTRIBUTES | {"rpc.system.name", "rpc.method", "rpc.status_code", "error.type"}
    assert used - known == LATER.keys(), "what the package has by now is no exception any more"


def test_metrics_are_those_of_the_conventions() -> None:
    theirs = {metric.name for metric in metrics.ALL if not metric.name.startswith("jarvis.")}
    assert theirs <= constants(gen_ai_metrics, rpc_metrics)
