"""The tables of the README, and the example configuration, say what the code says."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from jarvis.app.bootstrap import check
from jarvis.app.config import Config, ModelConfig, RouteConfig, TemplateConfig, load
from jarvis.app.slo import prometheus_name
from jarvis.core.metrics import ALL
from jarvis.models.catalogue import CATALOGUE
from jarvis.server.errors import INTERNAL, STATUS_CODES
from jarvis_adapters.vllm.settings import GPU_PROFILES, PROFILES
from jarvis_plugins.loader import load_plugins
from jarvis_plugins.registry import PortName
from jarvis_ports.errors import JarvisError, StartupError, Unavailable

ROOT = Path(__file__).parents[2]
STAND_INS = {"echo", "hashing"}
TABLES = {ModelConfig, RouteConfig, TemplateConfig}
"""What stands under a name of the user's choice."""
UNEXPLAINED = {"cpus", "host", "port", "ssl", "headers"}
"""Settings that shut out others of the example, or are not for every machine."""


COMMENTED = {"RouteConfig.fallback", "TemplateConfig.file"}
"""Keys that stand in a comment there: they would need what is not there."""


def table(*rows: Iterable[str]) -> str:
    """Lay out rows, the first of which is the head."""
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "|" + "---|" * (head.count(" | ") + 1), *body])


def test_the_tables_of_the_pages_are_those_of_the_code() -> None:
    pages = "".join((ROOT / page).read_text() for page in ("README.md", "deploy/README.md"))
    shown = dict(re.findall(r"<!-- table: (.+?) -->\n(.+?)\n<!-- end -->", pages, re.DOTALL))
    wanted = {
        "configuration": table(("key", "default", "meaning"), *settings(Config)),
        **{
            f"{adapter.port} {adapter.name}": table(
                ("setting", "default", "meaning"), *settings(adapter.settings)
            )
            for adapter in load_plugins().loaded.values()
            if adapter.settings.model_fields and adapter.name not in STAND_INS
        },
        "vllm profiles": table(("setting", "`baseline`", "`optimized` (default)"), *profiles()),
        "catalogue": table(
            ("model", "package", "licence"),
            *((f"`{m.name}`", m.package, m.license) for m in CATALOGUE.values()),
        ),
        "errors": table(("reason", "status", "retry", "meaning"), *reasons()),
        "metrics": table(("metric", "kind", "labels", "what it measures"), *metrics()),
    }
    assert shown.keys() == wanted.keys()
    for name, text in wanted.items():
        assert shown[name] == text, f"the table {name!r} should be:\n{text}"


def settings(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from settings(field.annotation, f"{prefix}{name}.")
        elif get_origin(field.annotation) is dict and (named := get_args(field.annotation)[1]) in TABLES:
            yield from settings(named, f"{prefix}{name}.NAME.")
        else:
            given = field.get_default(call_default_factory=True)
            if name in {"cache", "tiers"}:
                given = [one.model_dump(exclude_defaults=True) for one in given]
            default = "required" if field.is_required() else f"`{json.dumps(given)}`"
            default = "" if given is None else default
            yield f"`{prefix}{name}`", default, field.description or " or ".join(field.annotation.__args__)


def profiles() -> Iterator[tuple[str, str, str]]:
    names = ("baseline", "optimized")
    for note, sets in (("", PROFILES), (", on a GPU", GPU_PROFILES)):
        for key in dict.fromkeys(key for name in names for key in sets[name]):
            values = (sets[name].get(key, "vLLM's default") for name in names)
            yield f"`{key}`{note}", *(shown(value) for value in values)


def shown(value: Any) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def reasons() -> Iterator[tuple[str, str, str, str]]:
    for kind in descendants(JarvisError):
        if "reason" in vars(kind) and not issubclass(kind, StartupError):
            retry = "after `RetryInfo`" if issubclass(kind, Unavailable) else ""
            yield (
                f"`{kind.reason}`",
                STATUS_CODES[kind.reason].name,
                retry,
                (kind.__doc__ or "").splitlines()[0],
            )
    yield (
        f"`{INTERNAL}`",
        STATUS_CODES[INTERNAL].name,
        "",
        "Nobody foresaw it; the server's log says what it was.",
    )


def metrics() -> Iterator[tuple[str, str, str, str]]:
    for metric in ALL:
        labels = ", ".join(f"`{name.replace('.', '_')}`" for name in metric.attributes)
        yield f"`{prometheus_name(metric)}`", str(metric.kind), labels, metric.description


def descendants(kind: type[JarvisError]) -> Iterator[type[JarvisError]]:
    for below in kind.__subclasses__():
        yield below
        yield from descendants(below)


@pytest.mark.engine  # checking engine_args imports vLLM
def test_the_example_configuration_passes_the_check() -> None:
    check(load(ROOT / "jarvis.example.toml", environ={}))


def test_the_example_configuration_names_every_key() -> None:
    config = load(ROOT / "jarvis.example.toml", environ={})
    unnamed = {
        f"{table.__class__.__name__}.{key}"
        for table in (
            config,
            config.server,
            config.http,
            config.log,
            config.telemetry,
            config.slo,
            config.slo.availability,
            config.slo.latency,
            config.slo.time_to_first_token,
            config.plugins,
            config.embedder,
            *config.cache,
            config.store,
            config.retrieval,
            *config.models.values(),
            *config.routes.values(),
            config.circuit_breaker,
            config.estimator,
            config.prompts,
            config.prompts.templates["mine"],
        )
        for key in type(table).model_fields.keys() - table.model_fields_set
    }
    assert unnamed == COMMENTED
    sections = {
        PortName.LLM: next(iter(config.models.values())),
        PortName.EMBEDDER: config.embedder,
        PortName.STORE: config.store,
        PortName.ESTIMATOR: config.estimator,
        PortName.TELEMETRY: config.telemetry,
    }
    found = load_plugins()
    for port, section in [*sections.items(), *((PortName.CACHE, tier) for tier in config.cache)]:
        known = found.get(port, section.adapter).settings.model_fields.keys()
        assert section.settings.keys() == known - UNEXPLAINED
