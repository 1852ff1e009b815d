import subprocess
import sys

import pytest

from jarvis_plugins.loader import load_plugins
from jarvis_plugins.registry import DuplicateAdapter, Origin, PortName, UnknownAdapter
from jarvis_ports.values import AdapterState

ADAPTER = """
from contextlib import asynccontextmanager
from jarvis_plugins import AdapterSettings, Registry, hookimpl

@asynccontextmanager
async def open_llm(settings):
    yield None

@hookimpl
def jarvis_register_adapters(registry: Registry) -> None:
    registry.llm("mine", settings=AdapterSettings, factory=open_llm)
"""


def llms(adapters):
    return {name for port, name in adapters.loaded if port is PortName.LLM}


def unloaded(distribution):
    [found] = [u for u in load_plugins().unloaded if u.origin.distribution == distribution]
    return found


def test_finds_the_adapters_that_are_installed(install):
    install("acme-llm", ADAPTER)
    adapters = load_plugins()
    assert {"echo", "vllm", "mine"} <= llms(adapters)
    assert adapters.get(PortName.LLM, "mine").origin == Origin("acme-llm-plugin", "acme-llm", "1.2")
    assert adapters.unloaded == []


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("return 'mine-lib is not installed'", "mine-lib is not installed"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_an_adapter_that_lacks_a_package_is_listed_with_what_it_lacks(install, missing, message):
    lacking = f"class Lacking(AdapterSettings):\n    @classmethod\n    def missing(cls): {missing}\n"
    install("acme-llm", ADAPTER.replace("@hook", f"{lacking}\n@hook").replace("=AdapterSettings", "=Lacking"))
    listed = {(one.port, one.name): one for one in load_plugins().listed()}
    mine, echo = listed["llm", "mine"], listed["llm", "echo"]
    assert (mine.state, mine.message) == (AdapterState.FAILED, message)
    assert (echo.state, echo.message) == (AdapterState.AVAILABLE, "")


BROKEN = {
    "1 / 0": "ZeroDivisionError: division by zero",
    "import no_such_engine": "ModuleNotFoundError: No module named 'no_such_engine'",
    "@hookimpl\ndef jarvis_register_adapters(registry): 1 / 0": "ZeroDivisionError: division by zero",
    "@hookimpl\ndef jarvis_register_adaptors(registry): ...": "jarvis_register_adaptors",
    "@hookimpl\ndef jarvis_register_adapters(): ...": "is its hook named jarvis_register_adapters",
    "def jarvis_register_adapters(registry): ...": "is its hook named jarvis_register_adapters",
}


@pytest.mark.parametrize(("source", "says"), BROKEN.items())
def test_a_broken_plugin_harms_no_other(install, source, says):
    install("broken-llm", f"from jarvis_plugins import hookimpl\n{source}")
    install("acme-llm", ADAPTER)
    assert "mine" in llms(load_plugins())
    failed = unloaded("broken-llm")
    assert failed.state is AdapterState.FAILED
    assert says in failed.message


def test_a_plugin_that_fails_after_it_registered_brings_nothing(install):
    install("broken-llm", f"{ADAPTER}    1 / 0")
    assert "mine" not in llms(load_plugins())
    assert unloaded("broken-llm").state is AdapterState.FAILED


@pytest.mark.parametrize("blocked", ["acme-llm", "acme-llm-plugin"])
def test_a_blocked_plugin_is_not_even_imported(install, blocked):
    install("acme-llm", "raise SystemExit")
    adapters = load_plugins(block=[blocked])
    [left_out] = [u for u in adapters.unloaded if u.origin.distribution == "acme-llm"]
    assert (left_out.state, left_out.message) == (AdapterState.BLOCKED, "blocked by the configuration")


def test_one_of_two_adapters_of_a_distribution_can_be_blocked():
    adapters = load_plugins(block=["vllm"])
    assert "vllm" not in llms(adapters)
    assert "echo" in llms(adapters)


def test_two_plugins_of_one_name_are_an_error_that_names_both(install):
    install("acme-llm", ADAPTER)
    install("other-llm", ADAPTER, version="3.0")
    with pytest.raises(DuplicateAdapter) as duplicate:
        load_plugins()
    assert str(duplicate.value) == (
        "llm 'mine' is brought by plugin 'acme-llm-plugin' of acme-llm 1.2 "
        "and by plugin 'other-llm-plugin' of other-llm 3.0; uninstall or block one"
    )
    assert load_plugins(block=["other-llm"]).get(PortName.LLM, "mine").origin.distribution == "acme-llm"


def test_of_a_distribution_that_is_installed_twice_the_one_that_is_imported_counts(install, monkeypatch):
    install("acme-llm", ADAPTER)
    old = install.path / "old"
    info = old / "acme_llm-1.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-llm\nVersion: 1.1\n")
    (info / "entry_points.txt").write_text("[jarvis.v1]\nacme-llm-plugin = acme_llm\ngone = acme_llm.gone\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(old)])
    adapters = load_plugins()
    assert adapters.get(PortName.LLM, "mine").origin.version == "1.2"
    assert adapters.unloaded == []


def test_one_plugin_that_registers_a_name_twice_fails_alone(install):
    install("acme-llm", ADAPTER + ADAPTER.splitlines()[-1])
    assert "DuplicateAdapter" in unloaded("acme-llm").message


def test_a_plugin_for_another_api_is_told_as_such_and_not_imported(install):
    install("future-llm", "raise SystemExit", group="jarvis.v2")
    found = unloaded("future-llm")
    assert found.state is AdapterState.INCOMPATIBLE
    assert found.message == "it is for jarvis.v2, and this host speaks jarvis.v1"


def test_an_unknown_adapter_gets_what_is_installed_and_what_failed(install):
    install("broken-llm", "1 / 0")
    with pytest.raises(UnknownAdapter) as unknown:
        load_plugins().get(PortName.LLM, "mien")
    assert str(unknown.value) == (
        "no llm adapter 'mien' is installed; installed: echo, openai, vllm; "
        "plugin 'broken-llm-plugin' of broken-llm 1.2 did not load (failed): "
        "ZeroDivisionError: division by zero"
    )


def test_listing_plugins_imports_no_engine():
    code = (
        "import sys; from jarvis_plugins.loader import load_plugins;"
        "print(*sorted(name for _, name in load_plugins().loaded));"
        "heavy = {'torch', 'vllm', 'transformers', 'grpc', 'chromadb', 'opentelemetry', 'prometheus_client'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    names = (
        "chroma cross-encoder diskcache echo hashing heuristic memory memory none openai openai "
        "opentelemetry overlap pgvector redis sentence-transformers vllm"
    )
    assert run.stdout.splitlines() == [names, "[]"]
