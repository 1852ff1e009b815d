"""The pages, and the example configuration, say what the code says."""

import re
import sys
from pathlib import Path

import pytest

from jarvis.app.bootstrap import check
from jarvis.app.config import load
from jarvis_plugins.loader import load_plugins
from jarvis_plugins.registry import PortName
from scripts.docs.pages import differences, read
from scripts.docs.tables import tables

ROOT = Path(__file__).parents[2]
UNEXPLAINED = {"chat_template", "cpus", "host", "port", "ssl", "headers"}
"""Settings that shut out others of the example, or are not for every machine."""
COMMENTED = {
    "ModelConfig.idle_unload_seconds",
    "RouteConfig.fallback",
    "TemplateConfig.file",
    "RerankerConfig.model",
    "RerankerConfig.settings",
}
"""Keys that stand in a comment there: they would need what is not there, or go with other values."""

OUTSIDE = ("README.md", "CONTRIBUTING.md", "bench/README.md", "deploy/README.md")
"""Pages that the site does not have, so that its build does not check their links."""
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")
TOML = re.compile(r"```toml\n(.*?)```", re.DOTALL)
CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
PATH = re.compile(
    r"`((?:adapters|bench|deploy|docs|jarvis|plugins|ports|protos|scripts|tests|\.github)/[\w./-]+)`"
)


def test_the_tables_of_the_pages_are_those_of_the_code() -> None:
    assert not differences(read(), tables())


def test_a_table_that_differs_is_reported_with_what_to_run() -> None:
    page = "<!-- table: a -->\n\n| old |\n\n<!-- end -->\n"
    assert differences({"a.md": page}, {"a": "| old |"}) == []
    assert differences({"a.md": page}, {"a": "| new |"}) == [
        "a table of docs/a.md differs from the code; run make docs"
    ]
    assert differences({"a.md": page}, {}) == ["the code makes no table 'a'"]
    assert differences({}, {"a": "| old |"}) == ["no page has the table 'a'"]
    assert differences({"a.md": page, "b.md": page}, {"a": "| old |"}) == ["2 pages have the table 'a'"]


def test_links_of_pages_outside_the_site_lead_somewhere() -> None:
    links = [
        (name, *link) for name in OUTSIDE for link in LINK.findall(CODE.sub("", (ROOT / name).read_text()))
    ]
    assert links
    for name, place, anchor in links:
        target = (ROOT / name).parent / place if place else ROOT / name
        assert target.exists(), f"{name} links to {place}, which does not exist"
        assert not anchor or anchor in anchors(target), (
            f"{name} links to {place}#{anchor}, which does not exist"
        )


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_files_that_pages_name_exist() -> None:
    named = {
        path for text in (*read().values(), (ROOT / "README.md").read_text()) for path in PATH.findall(text)
    }
    assert named
    assert not sorted(path for path in named if not (ROOT / path).exists())


def test_the_example_without_a_model_needs_no_extra_but_the_server(tmp_path, monkeypatch) -> None:
    for name in ("chromadb", "diskcache", "opentelemetry", "sentence_transformers", "vllm"):
        monkeypatch.setitem(sys.modules, name, None)
    (tmp_path / "jarvis.toml").write_text(TOML.findall(read()["adapters.md"])[-1])
    check(load(tmp_path / "jarvis.toml", environ={}))


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
            config.auth,
            config.auth.jwt,
            config.admission,
            config.log,
            config.telemetry,
            config.slo,
            config.slo.availability,
            config.slo.latency,
            config.slo.time_to_first_token,
            config.plugins,
            config.embedder,
            config.reranker,
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
