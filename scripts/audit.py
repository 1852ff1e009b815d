"""Looks for known vulnerabilities of the packages that requirements/cpu.txt pins.

Where the service that knows them cannot be reached, it says so, and fails nothing. What is accepted stands in
requirements/accepted.toml. Further arguments are pip-audit's, such as `--vulnerability-service osv`.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.locked import LOCK, ROOT, Pin, pins

ACCEPTED = ROOT / "requirements" / "accepted.toml"
PROBED = 3
"""The number of packages that are asked for first, to learn whether there is an answer at all."""
PROBE_SECONDS = 8.0
"""Seconds that the service has for these."""
SECONDS = 300.0
"""Seconds that it has for all."""
UNREACHABLE = ("ConnectionError", "ServiceError", "Timeout", "connect")
"""What pip-audit's last line has if the service cannot be reached, or says nothing of use."""


class NotChecked(Exception):
    """There is no answer; the text says why."""


def main() -> None:
    """Check the lock; exit with 1 if it has a vulnerability that is not accepted."""
    accepted = {one["id"]: one for one in tomllib.loads(ACCEPTED.read_text())["accepted"]}
    try:
        problems, notes = audit(pins(LOCK.read_text()), accepted, sys.argv[1:])
    except NotChecked as why:
        print(f"audit: NOT CHECKED for known vulnerabilities: {why}")
        return
    print(*(f"audit: {note}" for note in notes), sep="\n")
    if problems:
        sys.exit("\n".join(f"audit: {problem}" for problem in problems))


def audit(
    locked: Sequence[Pin],
    accepted: Mapping[str, Mapping[str, Any]],
    options: Sequence[str] = (),
    *,
    probe_seconds: float = PROBE_SECONDS,
) -> tuple[list[str], list[str]]:
    """Return the vulnerabilities that are not accepted, and what else is to be known.

    Raises:
        NotChecked: the service cannot be reached, or does not answer in time.
        RuntimeError: pip-audit fails for another reason.
    """
    _ask(locked[:PROBED], options, probe_seconds)
    answers = _ask(locked, options, SECONDS)
    problems, used = [], set()
    for package in answers:
        for found in package.get("vulns", ()):
            names = {found["id"], *found.get("aliases", ())}
            if known := names & accepted.keys():
                used |= known
                continue
            fixed = ", ".join(found.get("fix_versions", ())) or "no version"
            problems.append(f"{package['name']} {package['version']}: {found['id']} (mended in {fixed})")
    skipped = sorted(package["name"] for package in answers if "skip_reason" in package)
    notes = [f"{len(answers) - len(skipped)} of {len(answers)} packages checked"]
    if skipped:
        notes.append(f"unknown to the service: {', '.join(skipped)}")
    notes += [
        f"{one} is accepted, and no longer found: take it off {ACCEPTED.name}"
        for one in accepted.keys() - used
    ]
    return problems, notes


def _ask(wanted: Sequence[Pin], options: Sequence[str], seconds: float) -> list[dict[str, Any]]:
    """Return what the service says of each package."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "requirements.txt"
        listed.write_text("".join(f"{pin.name}=={pin.public}\n" for pin in wanted))
        command = [
            sys.executable,
            "-m",
            "pip_audit",
            "--requirement",
            str(listed),
            "--no-deps",
            "--disable-pip",
        ]
        command += ["--format", "json", "--progress-spinner", "off", "--timeout", "5", "--cache-dir", folder]
        try:
            done = subprocess.run(
                [*command, *options], capture_output=True, text=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            msg = f"no answer from the service in {seconds:g} s"
            raise NotChecked(msg) from None
    try:
        answers: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except ValueError:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        if not any(name in said for name in UNREACHABLE):
            msg = f"pip-audit ended with status {done.returncode}: {done.stderr}"
            raise RuntimeError(msg) from None
        raise NotChecked(f"the service cannot be reached: {said[:160]}") from None
    if all("skip_reason" in answer for answer in answers):
        raise NotChecked(
            "the service that answers knows none of the packages; a mirror has no vulnerabilities"
        )
    return answers


if __name__ == "__main__":
    main()
