"""Search in memory for store adapters: rows and their vectors, in segments."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from threading import Lock

import numpy as np

from jarvis_ports.embedding import Matrix
from jarvis_ports.filters import Filter
from jarvis_ports.store import Match, Row, Rows, Space
from jarvis_toolkit.segment import LEAST_SAMPLE, Segment, Slots

SEGMENT = 131_072
"""The most rows of a segment."""
LEAST_CAPACITY = 64
CANDIDATES, SHARE = 1500, 133
"""How many rows are chosen by their codes and compared exactly, and at least one row in how many.

With 1,000 of 200,000 vectors at random, 99.1 in 100 of the nearest ten are found, and with 2,000, 99.9.
"""
ENOUGH = 40
"""The least number of them that must pass the filter, for each row that is asked for."""
WIDER = 8
"""The factor by which more rows are chosen where too few pass."""
POSTED = 20_000
"""The most rows that are all compared exactly, as a filter leaves no others."""
MOVED = 4
"""The number of rows moved out of a segment that is mostly deleted, for each row that is written."""

Segments = dict[int, Segment]
Among = tuple[Segment, Slots]
"""The slots of a segment that are compared."""


class MemoryIndex:
    """The rows of one collection.

    One thread at a time may write; any number may read meanwhile, and never see half of a write. A row takes
    the memory of its text and metadata, and up to twice that of its vector (4 bytes per component).

    No write takes longer the more rows there are: rows are added to the last segment, whose vectors are
    copied when it grows and whose codes are chosen anew as it fills, and those of a segment that is mostly
    deleted are moved there some at a time.

    Args:
        space: how vectors are compared.
        dimension: their number of components.
        exact_below: from so many rows on, a query compares all of them by codes, and the nearest exactly;
            that requires faiss. None compares all rows exactly, however many.
        capacity: the number of rows that are expected.
    """

    def __init__(
        self,
        space: Space,
        dimension: int,
        exact_below: int | None = None,
        capacity: int = LEAST_CAPACITY,
    ) -> None:
        self._coded_from = None if exact_below is None else max(exact_below, LEAST_SAMPLE)
        slots = min(SEGMENT, max(capacity, LEAST_CAPACITY))
        self._segments: Segments = {0: Segment.empty(space, dimension, slots)}
        self._places: dict[str, int] = {}
        """The number of the segment and the slot of each row, as `number * SEGMENT + slot`."""
        self._publishing = Lock()

    def __len__(self) -> int:
        return len(self._places)

    def upsert(self, rows: Sequence[Row], vectors: Matrix) -> None:
        """Insert rows, or replace those with the same id; `vectors` has the shape (rows, dimension)."""
        segments = dict(self._segments)
        places = _append(segments, rows, vectors)
        self._hide(segments, [row.id for row in rows])
        self._publish(segments, places | _compact(segments, MOVED * len(rows)))
        self._code()

    def delete(self, ids: Sequence[str]) -> None:
        """Delete rows; ignore ids that do not exist."""
        segments = dict(self._segments)
        self._hide(segments, ids)
        self._publish(segments, _compact(segments, MOVED * len(ids)), ids)

    def get(self, ids: Sequence[str], *, vectors: bool = False) -> Rows:
        """Read rows, in the order asked for; leave out ids that do not exist."""
        with self._publishing:
            segments = self._segments
            places = [divmod(place, SEGMENT) for id_ in ids if (place := self._places.get(id_)) is not None]
        rows = tuple(segments[number].rows[slot] for number, slot in places)
        if not vectors:
            return Rows(rows, None)
        found = np.empty((len(rows), segments[max(segments)].matrix.shape[1]), np.float32)
        for i, (number, slot) in enumerate(places):
            found[i] = segments[number].matrix[slot]
        return Rows(rows, found)

    def pages(self, filter_: Filter | None, size: int, *, vectors: bool = False) -> Iterator[Rows]:
        """Go through the current rows, at most `size` at a time, and yield those that pass the filter."""
        for segment in self._segments.values():
            passing = np.flatnonzero(segment.passing(filter_))
            for start in range(0, len(passing), size):
                slots = passing[start : start + size]
                rows = tuple(segment.rows[slot] for slot in slots.tolist())
                yield Rows(rows, segment.matrix[slots] if vectors else None)

    def query(self, vector: Matrix, top_k: int, filter_: Filter | None = None) -> list[Match]:
        """Find the `top_k` rows nearest to a vector of shape (dimension,), the nearest first."""
        among = _candidates(list(self._segments.values()), vector, top_k, filter_)
        found = [match for segment, slots in among for match in segment.nearest(vector, top_k, slots)]
        return sorted(found, key=lambda match: -match.similarity)[:top_k]

    def _hide(self, segments: Segments, ids: Sequence[str]) -> None:
        """Delete the rows with these ids where they have been so far."""
        slots: defaultdict[int, list[int]] = defaultdict(list)
        for id_ in ids:
            if (place := self._places.get(id_)) is not None:
                number, slot = divmod(place, SEGMENT)
                slots[number].append(slot)
        for number, each in slots.items():
            segments[number] = segments[number].without(each)

    def _code(self) -> None:
        """Choose codes for the segments that need them, or need others."""
        if self._coded_from is None or len(self) < self._coded_from:
            return
        for number, segment in self._segments.items():
            if segment.to_be_coded:
                self._publish(self._segments | {number: segment.coded()}, {})

    def _publish(self, segments: Segments, places: dict[str, int], deleted: Sequence[str] = ()) -> None:
        """Show readers these segments, without those whose rows are all deleted."""
        last = max(segments)
        segments = {number: segment for number, segment in segments.items() if segment.live or number == last}
        with self._publishing:
            self._segments = segments
            self._places.update(places)
            for id_ in deleted:
                self._places.pop(id_, None)


def _append(segments: Segments, rows: Sequence[Row], vectors: Matrix) -> dict[str, int]:
    """Add rows to the last segment, and to new ones where it is full; return their places."""
    places: dict[str, int] = {}
    start = 0
    while start < len(rows):
        number = _with_room(segments, len(rows) - start)
        segment, end = segments[number], min(len(rows), start + segments[number].room)
        first = number * SEGMENT + len(segment.alive)
        places.update((row.id, place) for place, row in enumerate(rows[start:end], first))
        segments[number] = segment.extended(rows[start:end], vectors[start:end])
        start = end
    return places


def _with_room(segments: Segments, rows: int) -> int:
    """Make room for at least one of so many rows; return the number of the segment that has it."""
    number, segment = max(segments.items())
    slots, used = len(segment.matrix), len(segment.alive)
    if segment.room < rows and slots < SEGMENT and 2 * segment.live >= used:
        segments[number] = segment.enlarged(min(SEGMENT, max(2 * slots, used + rows)))
    elif not segment.room:
        number += 1
        segments[number] = segment.successor()
    return number


def _compact(segments: Segments, rows: int) -> dict[str, int]:
    """Move so many rows out of a segment that is mostly deleted, if there is one; return their new places."""
    last = max(segments)
    for number, segment in segments.items():
        if number != last and 2 * segment.live < len(segment.alive):
            slots = np.flatnonzero(segment.alive)[:rows].tolist()
            segments[number] = segment.without(slots)
            return _append(segments, [segment.rows[slot] for slot in slots], segment.matrix[slots])
    return {}


def _candidates(
    segments: Sequence[Segment], vector: Matrix, top_k: int, filter_: Filter | None
) -> Sequence[Among]:
    """Return where the nearest rows that pass the filter are."""
    passing = [segment.passing(filter_) for segment in segments]
    rows = sum(int(np.count_nonzero(mask)) for mask in passing)
    slots = sum(len(segment.alive) for segment in segments)
    # Rows that are deleted or do not pass have codes as well.
    count = max(CANDIDATES, rows // SHARE, 2 * ENOUGH * top_k) * slots // max(1, rows)
    if rows > max(POSTED, count) and all(segment.codes for segment in segments):
        while count < slots:
            chosen = zip(_by_codes(segments, vector, count), passing, strict=True)
            among = [(segment, near[mask[near]]) for (segment, near), mask in chosen]
            if sum(len(near) for _, near in among) >= ENOUGH * top_k:
                return among
            count *= WIDER
    return [(segment, np.flatnonzero(mask)) for segment, mask in zip(segments, passing, strict=True)]


def _by_codes(segments: Sequence[Segment], vector: Matrix, count: int) -> Iterator[Among]:
    """Yield, for each segment, those of its slots that are among the `count` nearest of all."""
    found = [segment.codes.nearest(vector, count) for segment in segments if segment.codes is not None]
    nearness = np.concatenate([near for near, _ in found])
    among = np.ones(len(nearness), bool)
    if count < len(nearness):
        among[np.argpartition(nearness, -count)[:-count]] = False
    ends = np.cumsum([len(near) for near, _ in found])[:-1]
    for segment, (_, slots), chosen in zip(segments, found, np.split(among, ends), strict=True):
        near = slots[chosen]
        yield segment, near[near < len(segment.alive)]
