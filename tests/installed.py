"""What is installed here, linked into another folder: a fresh environment without the network, in seconds."""

from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def wanted(requires):
    """The requirements that hold here, without any extra."""
    for text in requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement


def needed(requirements):
    """The distributions that are installed for some requirements, with those that they need in turn."""
    found = {}
    waiting = [(requirement.name, requirement.extras) for requirement in requirements]
    while waiting:
        name, extras = waiting.pop()
        key = canonicalize_name(name)
        if key in found and not extras:
            continue
        found[key] = there = distribution(name)
        waiting += [(one.name, one.extras) for one in wanted(there.requires)]
        for extra in extras:
            for text in there.requires or ():
                one = Requirement(text)
                if one.marker and one.marker.evaluate({"extra": extra}):
                    waiting.append((one.name, one.extras))
    return found


def link_all(distributions, folder):
    """Make a folder of links to distributions: to whole packages, and to the files of what several share."""
    for there in distributions:
        for part in {_part(there, file) for file in there.files or () if ".." not in file.parts}:
            link(Path(there.locate_file(part)), folder / part)


def _part(there, file):
    root = Path(file.parts[0])
    package = root.suffix == ".dist-info" or Path(there.locate_file(root / "__init__.py")).exists()
    return root if package else file


def link(file, to):
    to.parent.mkdir(parents=True, exist_ok=True)
    if not to.exists():
        to.symlink_to(file)
