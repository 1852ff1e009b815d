import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGINES = {"vllm", "torch", "transformers", "sentence_transformers", "chromadb", "diskcache"}
SERVERS_OWN = {
    "jarvis_adapters",
    "jarvis_plugins",
    "jarvis_toolkit",
    "jarvis.core",
    "jarvis.models",
    "numpy",
    "aiohttp",
}


def test_import_contracts_hold() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run([lint, "--no-cache"], cwd=ROOT, check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("jarvis_adapters.vllm", ENGINES | {"grpc"}),
        ("jarvis_adapters.echo", ENGINES | {"grpc"}),
        ("jarvis_adapters.hashing", ENGINES | {"grpc"}),
        ("jarvis_difficulty", ENGINES | {"grpc", "jarvis", "jarvis_adapters"}),
        ("jarvis_openai", ENGINES | {"grpc", "jarvis", "jarvis_adapters", "openai", "tokenizers"}),
        ("jarvis_pgvector", ENGINES | {"grpc", "jarvis", "jarvis_adapters", "asyncpg"}),
        ("jarvis_redis", ENGINES | {"grpc", "jarvis", "jarvis_adapters", "redis"}),
        ("jarvis_adapters.sentence_transformers", ENGINES | {"grpc"}),
        ("jarvis_adapters.diskcache", ENGINES | {"grpc"}),
        ("jarvis_adapters.memory_cache", ENGINES | {"grpc"}),
        ("jarvis_adapters.chroma", ENGINES | {"grpc"}),
        ("jarvis_adapters.memory_store", ENGINES | {"grpc"}),
        ("jarvis_plugins.loader", ENGINES | {"grpc", "jarvis_adapters"}),
        ("jarvis.app.config", ENGINES | {"grpc", "jarvis_adapters"}),
        (
            "jarvis.client",
            ENGINES
            | {"jarvis_adapters", "jarvis_plugins", "jarvis_toolkit", "jarvis.core", "numpy", "pydantic"},
        ),
        ("jarvis.cli.main", ENGINES | SERVERS_OWN | {"grpc"}),
        ("jarvis.server.lifecycle", ENGINES | {"jarvis_adapters"}),
    ],
)
def test_importing_is_cheap(module: str, unwanted: set[str]) -> None:
    program = f"import sys, {module}; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert not unwanted & set(ran.stdout.split())
