"""Describes a collection for Chroma: its metadata, its name there, and its index settings."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import blake2b
from ipaddress import IPv4Address
from typing import Any

from jarvis_ports.errors import StoreUnusable
from jarvis_ports.store import CollectionSpec, IndexSettings, Space

SCHEMA = 1
BUILDING = "building"
WHOLE = "whole"


def record(spec: CollectionSpec, state: str = WHOLE) -> dict[str, Any]:
    """Return a collection's metadata. While a rebuild fills it, it is BUILDING, under a name of its own."""
    return {"jarvis.schema": SCHEMA, "jarvis.spec": json.dumps(asdict(spec)), "jarvis.state": state}


def read(metadata: Mapping[str, Any] | None) -> tuple[CollectionSpec, str] | None:
    """Parse what `record` wrote; return None for a collection that Jarvis did not make.

    Raises:
        StoreUnusable: a newer version of Jarvis wrote it.
    """
    if not metadata or "jarvis.schema" not in metadata:
        return None
    fields = json.loads(metadata["jarvis.spec"])
    if metadata["jarvis.schema"] != SCHEMA:
        msg = f"collection {fields['name']!r} was written by a newer version of Jarvis; upgrade this one"
        raise StoreUnusable(msg)
    index = fields.pop("index")
    space = Space(index.pop("space"))
    return CollectionSpec(**fields, index=IndexSettings(space, **index)), metadata["jarvis.state"]


def name_in_chroma(name: str) -> str:
    """Return a collection's name in Chroma: its own, or another one if Chroma refuses that.

    Chroma refuses names with two dots in a row, and IPv4 addresses. The other name is longer than any
    collection's own.
    """
    if ".." in name or _is_address(name):
        return f"named-{blake2b(name.encode()).hexdigest()}"
    return name


def _is_address(name: str) -> bool:
    try:
        IPv4Address(name)
    except ValueError:
        return False
    return True


def configuration(spec: CollectionSpec) -> dict[str, Any]:
    """Return the index settings as Chroma wants them."""
    index = spec.index
    hnsw = {"max_neighbors": index.max_neighbors, "ef_construction": index.ef_construction}
    return {"hnsw": {"space": index.space.value, "ef_search": index.ef_search, **hnsw}}
