"""Makes the tables of the pages from the code."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_args, get_origin

from pydantic import BaseModel

from jarvis.app.config import CallerConfig, Config, ModelConfig, RouteConfig, TemplateConfig
from jarvis.app.slo import prometheus_name
from jarvis.core.telemetry.metrics import ALL
from jarvis.models.catalogue import CATALOGUE
from jarvis.server.errors import INTERNAL, STATUS_CODES
from jarvis_adapters.vllm.settings import GPU_PROFILES, PROFILES
from jarvis_plugins.loader import load_plugins
from jarvis_ports.errors import JarvisError, StartupError, Unavailable

ROOT = Path(__file__).parents[2]
STAND_INS = {"echo", "hashing", "overlap"}
"""The adapters for tests, whose settings are on no page."""
NAMED = {CallerConfig, ModelConfig, RouteConfig, TemplateConfig}
"""The configuration's tables that are under a name which the user chooses."""
BUILT_IN = " Built in: "
"""The words in a description that are followed by a list of values, which is too long for a cell."""


def tables() -> dict[str, str]:
    """Return all tables in Markdown, by their names."""
    return {
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
        "decisions": table(("record", "decision"), *decisions()),
    }


def table(*rows: Iterable[str]) -> str:
    """Return rows as a Markdown table; the first row is its head."""
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "|" + "---|" * (head.count(" | ") + 1), *body])


def settings(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from settings(field.annotation, f"{prefix}{name}.")
        elif get_origin(field.annotation) is dict and (named := get_args(field.annotation)[1]) in NAMED:
            yield from settings(named, f"{prefix}{name}.NAME.")
        else:
            given = field.get_default(call_default_factory=True)
            if name in {"cache", "tiers"}:
                given = [one.model_dump(exclude_defaults=True) for one in given]
            default = "required" if field.is_required() else f"`{json.dumps(given, default=str)}`"
            default = "" if given is None else default
            meaning = field.description or " or ".join(field.annotation.__args__)
            yield f"`{prefix}{name}`", default, meaning.partition(BUILT_IN)[0]


def profiles() -> Iterator[tuple[str, str, str]]:
    names = ("baseline", "optimized")
    for note, sets in (("", PROFILES), (", on a GPU", GPU_PROFILES)):
        for key in dict.fromkeys(key for name in names for key in sets[name]):
            values = ({**PROFILES[name], **sets[name]}.get(key, "vLLM's default") for name in names)
            yield f"`{key}`{note}", *(shown(value) for value in values)


def shown(value: object) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def reasons() -> Iterator[tuple[str, str, str, str]]:
    for kind in descendants(JarvisError):
        if "reason" in vars(kind) and not issubclass(kind, StartupError):
            retry = "after `RetryInfo`" if issubclass(kind, Unavailable) else ""
            meaning = (kind.__doc__ or "").splitlines()[0]
            yield f"`{kind.reason}`", STATUS_CODES[kind.reason].name, retry, meaning
    unforeseen = "Nobody foresaw this error; the server's log says what it was."
    yield f"`{INTERNAL}`", STATUS_CODES[INTERNAL].name, "", unforeseen


def descendants(kind: type[JarvisError]) -> Iterator[type[JarvisError]]:
    for below in kind.__subclasses__():
        yield below
        yield from descendants(below)


def metrics() -> Iterator[tuple[str, str, str, str]]:
    for metric in ALL:
        labels = ", ".join(f"`{name.replace('.', '_')}`" for name in metric.attributes)
        yield f"`{prometheus_name(metric)}`", str(metric.kind), labels, metric.description


def decisions() -> Iterator[tuple[str, str]]:
    for path in sorted(ROOT.glob(".github/decisions/*.md")):
        title = path.read_text().partition("\n")[0]
        yield f"`{path.relative_to(ROOT)}`", title.partition(". ")[2]
