"""The count of the last minute, in memory and in a real Redis."""

import asyncio
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jarvis.app.config import ConfigError, load
from jarvis.app.metering import make_metering
from jarvis.core.telemetry.instruments import Instruments
from jarvis.usage import SlidingWindows


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    """A Redis of the tests' own: its process, and its address."""
    program = Path(sys.executable).with_name("redis-server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    process = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as connection:
            if connection.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield process, f"redis://127.0.0.1:{port}/0"
    process.kill()
    process.wait()


@pytest.fixture(params=["memory", "redis"])
def windows(request):
    if request.param == "memory":
        return SlidingWindows()
    return SlidingWindows(request.getfixturevalue("redis")[1])


async def test_no_more_is_taken_than_may_be(windows):
    limit = f"tokens-{time.time()}"
    taken = await asyncio.gather(*(windows.take(limit, "a", 10, 100) for _ in range(300)))
    assert sum(wait is None for wait in taken) == 10
    assert all(0 < wait <= 120 for wait in taken if wait is not None)
    assert await windows.take(limit, "b", 100, 100) is None, "callers are counted apart"


async def test_two_servers_share_a_redis(redis):
    one, other = SlidingWindows(redis[1]), SlidingWindows(redis[1])
    assert await one.take("shared", "a", 60, 100) is None
    assert await other.take("shared", "a", 60, 100) > 0


@pytest.mark.parametrize("before", [0, 30, 100])
@pytest.mark.parametrize("now", [0, 40, 99])
@pytest.mark.parametrize("amount", [1, 60, 100])
async def test_who_waits_as_long_as_it_was_told_gets_it(monkeypatch, before, now, amount):
    clock = [1_800_000_000.0]  # the beginning of a minute
    monkeypatch.setattr("limits.aio.storage.memory.time.time", lambda: clock[0])
    windows = SlidingWindows()
    if before:
        assert await windows.take("t", "a", before, 100) is None
    clock[0] += 95
    if now:
        await windows.take("t", "a", now, 100)
    wait = await windows.take("t", "a", amount, 100)
    if wait is not None:
        assert wait <= 120
        clock[0] += wait - 0.2
        early = await windows.take("t", "a", amount, 100)
        clock[0] += 0.3
        assert early is None or await windows.take("t", "a", amount, 100) is None


async def test_what_was_used_in_this_minute_alone_is_waited_for_beyond_its_end(redis):
    windows, limit = SlidingWindows(redis[1]), f"tokens-{time.time()}"
    assert await windows.take(limit, "a", 100, 100) is None
    wait = await windows.take(limit, "a", 50, 100)
    assert wait == pytest.approx(90, abs=5), "the minute begins with the first use; half of it counts then"


async def test_a_redis_that_does_not_answer_refuses_nobody_and_is_told_once(caplog):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        windows = SlidingWindows(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        for _ in range(3):
            assert await asyncio.wait_for(windows.take("t", "a", 1, 1), 5) is None
    assert caplog.text.count("limits.redis does not answer") == 1


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://host", "must begin with redis:// or rediss://"),
        ("redis://host:port/0", "must be redis://HOST:PORT/NUMBER"),
        ("redis://:secret/rest@host:6379/0", "must be redis://HOST:PORT/NUMBER"),
    ],
)
def test_an_address_that_is_none_is_told_without_its_password(address, said):
    with pytest.raises(ConfigError, match=f"limits.redis: {said}") as told:
        make_metering(load(None, [f"limits.redis={address}"], {}), Instruments())
    assert "secret" not in str(told.value)


def test_without_the_package_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ValueError, match=r"pip install '\.\[redis\]' \./plugins"):
        SlidingWindows("redis://host")


def test_the_password_is_not_shown():
    assert "secret" not in repr(load(None, ["limits.redis=redis://user:secret@host"], {}).limits)
