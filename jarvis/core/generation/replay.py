"""Streams that go on without their callers for a while, so that they can be taken up again."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

from jarvis.core.tokens import characters_written
from jarvis_ports.errors import EventsLost, InvalidArgument, RequestAborted, RequestNotFound
from jarvis_ports.values import Delta, Event, NumberedEvent, Started

MOST_CHARACTERS = 2**20
"""The most that is kept of a stream of what was read, and about as much again of what was not."""
MOST_ENDED = 1000
"""The most streams that are kept after their end."""
OVERHEAD = 64
"""The characters that an event counts for beside its text, and each of its calls and log probabilities."""

Key = tuple[str, str]
"""Whose stream it is, and its id."""
Events = AbstractAsyncContextManager[AsyncIterator[Event]]


class Replay:
    """A stream that goes on whether or not somebody reads it, as long as there is room for what it says.

    Args:
        fingerprint: what was asked for, so that something else is not answered with it.
        on_idle: is called when nobody reads any more.

    Attributes:
        ended: whether all of it has been taken.
        error: what it ended with, if that was an error.
        task: takes it.
        timer: will drop it, unless somebody reads by then.
    """

    def __init__(self, fingerprint: bytes, on_idle: Callable[["Replay"], None]) -> None:
        self.fingerprint = fingerprint
        self.ended = False
        self.error: BaseException | None = None
        self.task: asyncio.Task[None] | None = None
        self.timer: asyncio.TimerHandle | None = None
        self._on_idle = on_idle
        self._kept: dict[int, tuple[Event, int]] = {}
        self._first, self._last, self._read = 1, 0, 0
        self._read_size = self._unread_size = 0
        self._changed, self._room = asyncio.Event(), asyncio.Event()
        self._readers: set[object] = set()

    @property
    def idle(self) -> bool:
        """Whether nobody reads."""
        return not self._readers

    async def run(self, events: Events) -> None:
        """Take events until they end, as fast as there is room for them."""
        try:
            async with events as each:
                async for event in each:
                    await self._keep(event)
        except BaseException as error:  # noqa: BLE001 - it is raised to those who read
            self.error = error
        finally:
            self.ended = True
            self._changed.set()
            if self.idle:
                self._on_idle(self)

    async def read(self, after: int = 0, *, alone: bool = True) -> AsyncGenerator[NumberedEvent, None]:
        """Yield the events after one of them, and those that come.

        Args:
            after: the number of that event; 0 is before the first.
            alone: whether this ends those who read already: their connections are thought to be broken.

        Raises:
            EventsLost: there is no such event, or what follows it is not kept any more.
            RequestAborted: somebody else reads now.
            JarvisError: what ended the stream.
        """
        self._check_kept(after)
        mine = object()
        if alone:
            self._readers.clear()
        self._readers.add(mine)
        self._changed.set()
        try:
            while True:
                while kept := self._kept.get(after + 1):
                    after += 1
                    self._note_read(after)
                    yield NumberedEvent(kept[0], after)
                    self._check(mine)
                if self.ended and after >= self._last:
                    break
                self._check_kept(after)
                self._changed.clear()
                await self._changed.wait()
                self._check(mine)
        finally:
            self._readers.discard(mine)
            if self.idle:
                self._on_idle(self)
        if self.error:
            given_up = isinstance(self.error, asyncio.CancelledError)
            raise RequestAborted("the stream was given up") if given_up else self.error

    def _check_kept(self, after: int) -> None:
        if not self._first - 1 <= after <= self._last:
            msg = f"events {self._first} to {self._last} are kept, and not all that follow {after}"
            raise EventsLost(msg)

    def _check(self, mine: object) -> None:
        if mine not in self._readers:
            raise RequestAborted("the stream was taken up by another call")

    async def _keep(self, event: Event) -> None:
        while self._unread_size > MOST_CHARACTERS:
            self._room.clear()
            await self._room.wait()
        size = OVERHEAD
        if isinstance(event, Delta):
            size += characters_written(event) + OVERHEAD * (len(event.logprobs) + len(event.tool_calls))
        elif isinstance(event, Started):
            size += OVERHEAD * len(event.prompt_logprobs)
        self._last += 1
        self._kept[self._last] = event, size
        self._unread_size += size
        self._changed.set()

    def _note_read(self, sequence: int) -> None:
        """Count an event as read, and drop the oldest where too much is kept of what was."""
        if sequence <= self._read:
            return
        self._read = sequence
        size = self._kept[sequence][1]
        self._unread_size -= size
        self._read_size += size
        while self._read_size > MOST_CHARACTERS and self._first < sequence:
            self._read_size -= self._kept.pop(self._first)[1]
            self._first += 1
        self._room.set()


class Replays:
    """The streams that can be taken up again.

    Args:
        seconds: for how long a stream is kept that nobody reads.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._kept: dict[Key, Replay] = {}

    def begin(self, key: Key, fingerprint: bytes, open_events: Callable[[], Events]) -> Replay:
        """Return the stream of this key, which begins now unless it is kept already.

        A stream that failed is begun anew.

        Raises:
            InvalidArgument: the one that is kept is of another request.
        """
        kept = self._kept.get(key)
        if kept and not kept.error:
            if kept.fingerprint != fingerprint:
                raise InvalidArgument.of("", f"the id {key[1]!r} stands for another request")
            return kept
        self._kept[key] = replay = Replay(fingerprint, partial(self._drop_later, key))
        replay.task = asyncio.create_task(replay.run(open_events()))
        return replay

    def find(self, key: Key) -> Replay:
        """Return a stream that is kept.

        Raises:
            RequestNotFound: there is none of this key, or no longer.
        """
        if (kept := self._kept.get(key)) is None:
            raise RequestNotFound(f"no stream of the id {key[1]!r} is kept")
        return kept

    def _drop_later(self, key: Key, replay: Replay) -> None:
        if replay.timer:
            replay.timer.cancel()
        loop = asyncio.get_running_loop()
        replay.timer = loop.call_later(self.seconds, self._drop_if_idle, key, replay)
        ended = [one for one, kept in self._kept.items() if kept.ended and kept.idle]
        for one in ended[:-MOST_ENDED]:
            self._drop(one, self._kept[one])

    def _drop_if_idle(self, key: Key, replay: Replay) -> None:
        if replay.idle:
            self._drop(key, replay)

    def _drop(self, key: Key, replay: Replay) -> None:
        if replay.timer:
            replay.timer.cancel()
        if replay.task:
            replay.task.cancel()
        if self._kept.get(key) is replay:
            del self._kept[key]
