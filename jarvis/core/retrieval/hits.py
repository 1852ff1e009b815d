"""Rows as callers see them: without Jarvis's own metadata, which records where they come from."""

from collections.abc import Sequence

from jarvis_ports.values import ChunkSource, Duplicate, Hit, Metadata, Row

RESERVED = "_"
"""The prefix of the names of Jarvis's own metadata fields; callers may not use it."""
DUPLICATES_TOLD = 100
"""The most other rows of the same text that a hit lists."""


def make_hit(
    rows: Sequence[Row],
    score: float,
    similarity: float | None = None,
    dense_rank: int | None = None,
    sparse_rank: int | None = None,
) -> Hit:
    """Return one hit for rows that have the same text."""
    placed = sorted(((row, chunk_source(row)) for row in rows), key=lambda each: place(*each))
    (first, source), *others = placed
    return Hit(
        id=first.id,
        text=first.text,
        score=score,
        metadata=own_metadata(first),
        similarity=similarity,
        dense_rank=dense_rank,
        sparse_rank=sparse_rank,
        source=source,
        duplicates=tuple(
            Duplicate(row.id, own_metadata(row), its_source) for row, its_source in others[:DUPLICATES_TOLD]
        ),
    )


def chunk_source(row: Row) -> ChunkSource | None:
    """Return where the text of a row comes from; None for one that was not ingested."""
    metadata = row.metadata
    if "_document" not in metadata:
        return None
    return ChunkSource(
        document_id=str(metadata["_document"]),
        source=str(metadata["_source"]),
        start=int(metadata["_start"]),
        end=int(metadata["_end"]),
        first_page=_page(metadata, "_first_page"),
        last_page=_page(metadata, "_last_page"),
    )


def _page(metadata: Metadata, name: str) -> int | None:
    return int(metadata[name]) if name in metadata else None


def own_metadata(row: Row) -> Metadata:
    """Return the metadata that the caller set."""
    return {name: value for name, value in row.metadata.items() if not name.startswith(RESERVED)}


def place(hit: Hit | Row, source: ChunkSource | None) -> tuple[str, int, str]:
    """Return the key that texts are ordered by: where they come from, then their id."""
    return (source.source, source.start, hit.id) if source else ("", 0, hit.id)
