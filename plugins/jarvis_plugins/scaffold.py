"""Writes the package of a new plugin: a small adapter that works, its tests, and what it takes to ship it."""

import keyword
import re
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template

from jarvis_plugins.loader import load_plugins
from jarvis_plugins.registry import PortName

NAME = re.compile("[a-z][a-z0-9]*(-[a-z0-9]+)*")
OF_THE_KIT = {
    "cache": '    tight = {"max_entries": 100}\n',
    "telemetry": "    exposes = False\n",
}
"""What the test of an adapter says beside its name, by port."""
CONFIGURATION = {
    "llm": 'models.default.adapter = "$name"',
    "cache": 'cache = [{ adapter = "$name" }]',
}
"""How the configuration names an adapter; elsewhere, as `PORT.adapter`."""


class Refused(ValueError):
    """A plugin of this name cannot be written; the message says what to do."""


def write(name: str, port: PortName, parent: Path) -> list[Path]:
    """Write a plugin into the new folder `parent/name`, and return its files.

    Args:
        name: the name of its distribution and of its adapter, such as `acme-chat`.
        port: what the adapter is for.
        parent: is made if it does not exist.

    Raises:
        Refused: the name is none, or is taken.
        OSError: it cannot be written.
    """
    package = name.replace("-", "_")
    _check(name, package, port)
    folder = parent / name
    if folder.exists():
        raise Refused(f"{folder} exists, and is left as it is; take another name or another --directory")
    values = {
        "name": name,
        "package": package,
        "port": port,
        "kit": f"{'LLM' if port is PortName.LLM else port.title()}Conformance",
        "extra": OF_THE_KIT.get(port, ""),
        "configuration": Template(CONFIGURATION.get(port, f'{port}.adapter = "$name"')).substitute(name=name),
    }
    templates = files("jarvis_plugins") / "templates"
    contents = {
        path: Template((templates / template).read_text(encoding="utf-8")).substitute(values)
        for path, template in {
            "pyproject.toml": "any/pyproject.toml.tmpl",
            "README.md": "any/README.md.tmpl",
            ".github/workflows/test.yml": "any/test.yml.tmpl",
            f"{package}/__init__.py": "any/__init__.py.tmpl",
            f"{package}/settings.py": f"{port}/settings.py",
            f"{package}/adapter.py": f"{port}/adapter.py",
            "tests/test_conformance.py": "any/test_conformance.py.tmpl",
        }.items()
    }
    contents[f"{package}/py.typed"] = ""
    folder.mkdir(parents=True)
    for path, text in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return [folder / path for path in contents]


def _check(name: str, package: str, port: PortName) -> None:
    if not NAME.fullmatch(name):
        raise Refused(f"{name!r} has to be lower-case letters and digits, with - between words: acme-chat")
    if keyword.iskeyword(package) or package == "tests" or find_spec(package):
        raise Refused(f"{package} is no name for a new module, or there is one already; take another name")
    if taken := load_plugins().loaded.get((port, name)):
        raise Refused(f"{taken.origin} brings the {port} adapter {name} already; take another name")
