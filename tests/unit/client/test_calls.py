import asyncio
import logging
import math
import time

import grpc
import pytest

from jarvis.client import CannotConnect, Finished, JarvisClient, JarvisClientError, calls

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


async def test_a_call_is_repeated_after_the_delay_that_the_server_names(fake, retry_after):
    fake.fail(UNAVAILABLE, "loading", retry_after(0.2))
    fake.fail(grpc.StatusCode.RESOURCE_EXHAUSTED, "busy", retry_after(0.1))
    async with JarvisClient(fake.address) as client:
        start = time.monotonic()
        answer = await client.generate("x")
    assert answer.text == "Paris."
    assert time.monotonic() - start >= 0.3
    assert len(fake.requests) == 3


async def test_a_long_wait_for_a_repetition_is_in_the_log(fake, retry_after, caplog, monkeypatch):
    caplog.set_level(logging.INFO, "jarvis.client")
    monkeypatch.setattr(calls, "QUIET_SECONDS", 0.1)
    fake.fail(UNAVAILABLE, "loading", retry_after(0.2))
    fake.fail(UNAVAILABLE, "still loading", retry_after(0.01))
    async with JarvisClient(fake.address) as client:
        await client.generate("x")
    (record,) = [one for one in caplog.records if one.name == "jarvis.client"]
    assert record.levelno == logging.INFO
    assert record.getMessage() == "refused for now (UNAVAILABLE: loading); trying again in 0 s"


async def test_a_stream_is_repeated_before_its_first_event(fake, retry_after):
    fake.fail(UNAVAILABLE, "loading", retry_after(0.01))
    async with JarvisClient(fake.address) as client:
        events = [event async for event in client.stream("x")]
    assert isinstance(events[-1], Finished)
    assert len(fake.requests) == 2


async def test_a_stream_is_not_repeated_after_its_first_event(fake, retry_after):
    fake.failure_after_started = (UNAVAILABLE, "engine died", [retry_after(0.01)])
    async with JarvisClient(fake.address) as client:
        with pytest.raises(JarvisClientError, match="engine died"):
            async for _ in client.stream("x"):
                pass
    assert len(fake.requests) == 1


@pytest.mark.parametrize("code", [UNAVAILABLE, grpc.StatusCode.INTERNAL])
async def test_nothing_is_repeated_without_retry_info(fake, code):
    fake.fail(code, "no")
    async with JarvisClient(fake.address) as client:
        with pytest.raises(JarvisClientError, match="no") as caught:
            await client.status()
    assert not isinstance(caught.value, CannotConnect)
    assert len(fake.requests) == 1


async def test_the_number_of_attempts_is_bounded(fake, retry_after):
    for _ in range(9):
        fake.fail(UNAVAILABLE, "loading", retry_after(0.01))
    async with JarvisClient(fake.address, attempts=3) as client:
        with pytest.raises(JarvisClientError, match="loading") as caught:
            await client.generate("x")
    assert caught.value.retry_after == pytest.approx(0.01)
    assert len(fake.requests) == 3


async def test_a_delay_beyond_the_deadline_is_not_waited_for(fake, retry_after):
    fake.fail(UNAVAILABLE, "loading", retry_after(30))
    async with JarvisClient(fake.address) as client:
        start = time.monotonic()
        with pytest.raises(JarvisClientError, match="loading"):
            await client.generate("x", timeout=2)
    assert time.monotonic() - start < 1
    assert len(fake.requests) == 1


@pytest.mark.parametrize("timeout", [97_200_001, 1e300, math.inf, math.nan])
async def test_a_deadline_that_cannot_be_sent_is_refused(fake, timeout):
    with pytest.raises(ValueError, match="must be a number of seconds, at most 97200000"):
        JarvisClient(fake.address, timeout=timeout)
    async with JarvisClient(fake.address) as client:
        for call in (client.generate("x", timeout=timeout), anext(client.stream("x", timeout=timeout))):
            with pytest.raises(JarvisClientError, match="timeout: must be a number of seconds") as caught:
                await call
            assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
        with pytest.raises(JarvisClientError, match="timeout: must be a number of seconds"):
            await anext(client.embed_stream([["x"]], timeout=timeout))
    assert not fake.requests


async def test_the_longest_deadline_is_carried_and_one_that_is_past_ends_the_call(fake):
    async with JarvisClient(fake.address, timeout=97_200_000) as client:
        assert (await client.generate("x")).text == "Paris."
        with pytest.raises(JarvisClientError) as caught:
            await client.generate("x", timeout=-1)
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize("timeout", [0, -1])
async def test_a_client_whose_calls_could_only_be_late_is_refused(fake, timeout):
    with pytest.raises(ValueError, match=f"timeout must be above 0 seconds; got {timeout}"):
        JarvisClient(fake.address, timeout=timeout)


async def test_a_server_that_comes_up_while_the_client_tries_is_reached(fake, serve, tmp_path):
    address = f"unix:{tmp_path}/jarvis.sock"
    server = serve(fake)

    async def come_up() -> None:
        await asyncio.sleep(0.3)
        server.add_insecure_port(address)
        await server.start()

    async with JarvisClient(address) as client, asyncio.TaskGroup() as group:
        group.create_task(come_up())
        assert (await client.generate("x")).text == "Paris."
    await server.stop(None)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "unix:/no/such.sock", "no-such-host.invalid:1"])
async def test_a_server_that_is_not_there_is_named(address):
    async with JarvisClient(address, attempts=2) as client:
        with pytest.raises(CannotConnect, match=f"cannot connect to {address}: ") as caught:
            await client.health()
    assert caught.value.code is UNAVAILABLE


async def test_a_connection_that_breaks_is_not_one_that_was_never_made(fake, serve):
    fake.hang_after_text = True
    server = serve(fake)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with JarvisClient(f"127.0.0.1:{port}") as client:
        stream = client.stream("x")
        await anext(stream)
        await server.stop(None)
        with pytest.raises(JarvisClientError) as caught:
            async for _ in stream:
                pass
    assert not isinstance(caught.value, CannotConnect)
    assert str(caught.value).startswith(f"the connection to 127.0.0.1:{port} broke; is the server running? (")
    assert len(fake.requests) == 1


async def test_a_server_that_is_there_by_the_time_a_late_loop_hears_is_still_one_to_try_again(
    monkeypatch, tmp_path
):
    async with JarvisClient(f"unix:{tmp_path}/none.sock", attempts=1) as client:
        ready = grpc.ChannelConnectivity.READY
        monkeypatch.setattr("grpc.aio._channel.Channel.get_state", lambda *_: ready)
        with pytest.raises(CannotConnect, match="there is no such socket"):
            await client.health()


@pytest.mark.parametrize("address", ["", "localhost", "host:port", ":1", "unix:", "a b:1", " a:1", "a/b:1"])
async def test_an_address_of_neither_form_is_refused(address):
    with pytest.raises(ValueError, match="neither host:port nor unix:/path"):
        JarvisClient(address)


@pytest.mark.parametrize("scheme", ["http", "https", "grpc"])
async def test_an_address_with_a_scheme_is_refused_with_how_to_encrypt(scheme):
    with pytest.raises(ValueError, match=f"nor unix:/path: leave out {scheme}://; TLS is set apart, by tls="):
        JarvisClient(f"{scheme}://127.0.0.1:1")


@pytest.mark.parametrize("address", ["dns:///localhost:1", "ipv4:127.0.0.1:1,127.0.0.2:1", "unix:///a b"])
async def test_the_forms_that_grpc_resolves_are_taken(address):
    await JarvisClient(address).close()
