"""Writes the Grafana dashboards: `python -m scripts.dashboards FOLDER`."""

import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from scripts.dashboards import callers, engine, retrieval

BUILDERS = {"callers": callers.build, "engine": engine.build, "retrieval": retrieval.build}


def written() -> dict[str, str]:
    """Return the text of each dashboard's file, by the file's name."""
    encoder = JSONEncoder(sort_keys=True, indent=2)
    return {f"{name}.json": encoder.encode(build()) + "\n" for name, build in BUILDERS.items()}


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in written().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main()
