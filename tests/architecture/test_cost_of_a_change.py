"""CONTRIBUTING says which files a change of the contract touches: for changes that were made, it is right."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| a new ([\w ]+), such as `\w+` \| (.+) \|$", re.MULTILINE)
TOLD = {
    kind: set(re.findall(r"`([^`]+)`", files))
    for kind, files in ROW.findall((ROOT / "CONTRIBUTING.md").read_text())
}
SOURCES = [
    path
    for folder in ("protos", "ports", "jarvis", "plugins/jarvis_plugins", "adapters/jarvis_adapters/vllm")
    for path in (ROOT / folder).rglob("*.*")
    if path.suffix in {".proto", ".py"}
]
NOT_COUNTED = (
    *("jarvis/v1/", "jarvis/cli/", "jarvis/load/"),
    *("plugins/jarvis_plugins/templates/", "plugins/jarvis_plugins/testkit/"),
)
"""What is generated, what only shows it to people or uses it, adapters and tests."""


@pytest.mark.parametrize(
    ("kind", "name", "most"),
    [
        ("field of an answer", r"\bcited_unknown\b", 3),
        ("sampling parameter", r"\bignore_eos\b", 5),
        ("RPC", r"\bAbortRequest\b|\n    (async )?def abort\(", 6),
        ("port", r"\bCache\b|\.CACHE\b|CacheConfig", 10),
    ],
)
def test_a_change_touches_the_files_that_contributing_lists(kind: str, name: str, most: int) -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if re.search(name, path.read_text(encoding="utf-8"))
    }
    counted = {path for path in found if not path.startswith(NOT_COUNTED)}
    assert counted == TOLD[kind]
    assert len(counted) <= most
