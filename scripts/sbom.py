"""Writes the locked packages as a bill of materials, CycloneDX 1.6: `python -m scripts.sbom FILE`.

It has neither a time nor a serial number, so that the same lock makes the same file.
"""

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from packaging.utils import canonicalize_name

import jarvis
from scripts.locked import LOCK, Pin, pins, reachable, required

NAME = "jarvis-server"


def main() -> None:
    """Write the file."""
    file = Path(sys.argv[1])
    file.parent.mkdir(parents=True, exist_ok=True)
    made = sbom(pins(LOCK.read_text()), required(), jarvis.__version__)
    file.write_text(json.dumps(made, indent=2) + "\n")
    print(f"sbom: {file} has {len(made['components'])} packages")


def sbom(locked: list[Pin], required: set[str], version: str) -> dict[str, Any]:
    """Return the document; what no server needs has the scope `excluded`.

    Args:
        locked: the packages.
        required: the names of those that the server itself requires.
        version: that of the server.
    """
    purls = {pin.name: f"pkg:pypi/{pin.name}@{quote(pin.version, safe='')}" for pin in locked}
    needs: dict[str, list[str]] = {pin.name: [] for pin in locked}
    for pin in locked:
        for user in pin.needed_by:
            needs[canonicalize_name(user)].append(purls[pin.name])
    served = reachable(locked, required)
    own = f"pkg:pypi/{NAME}@{quote(version, safe='')}"
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": NAME,
                "version": version,
                "purl": own,
            }
        },
        "components": [
            {
                "type": "library",
                "bom-ref": purls[pin.name],
                "name": pin.name,
                "version": pin.version,
                "scope": "required" if pin.name in served else "excluded",
                "purl": purls[pin.name],
            }
            for pin in locked
        ],
        "dependencies": [
            {"ref": own, "dependsOn": sorted(purls[name] for name in required & purls.keys())},
            *({"ref": purls[name], "dependsOn": sorted(users)} for name, users in needs.items()),
        ],
    }


if __name__ == "__main__":
    main()
