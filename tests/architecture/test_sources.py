import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_LINES = 300
MACHINE = re.compile(r"/(work|opt|root|home|tmp/[w])/")


@pytest.fixture(scope="module")
def sources() -> list[Path]:
    """Every file that git has, or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_files_are_small(sources: list[Path]) -> None:
    written = [p for p in sources if p.suffix in {".py", ".sh"} and "jarvis/v1/" not in p.as_posix()]
    assert written
    long = {
        str(p.relative_to(ROOT)): n for p in written if (n := len(p.read_text().splitlines())) > MOST_LINES
    }
    assert not long


def test_no_file_names_a_place_of_one_machine(sources: list[Path]) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line}"
        for path in sources
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if MACHINE.search(line)
    ]
    assert not found


def test_child_processes_are_given_their_environment(sources: list[Path]) -> None:
    """Else execve reads an array that a thread of some library may move meanwhile, and says EFAULT."""
    packages = {ROOT / name for name in ("adapters", "jarvis", "plugins", "ports")}
    starts = [
        (path.relative_to(ROOT), call)
        for path in sources
        if path.suffix == ".py" and packages & set(path.parents)
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func) in {"subprocess.Popen", "subprocess.run"}
    ]
    assert starts
    assert not [
        f"{path}:{call.lineno}" for path, call in starts if "env" not in {k.arg for k in call.keywords}
    ]
