"""Keys that are made and revoked while a server runs."""

import asyncio
import logging
import os
from contextlib import suppress

import aiohttp
import grpc
import psutil
import pytest

from jarvis.access import keys
from jarvis.address import CannotListen
from jarvis.cli.main import main
from jarvis.client import JarvisClient, JarvisClientError
from jarvis.core.principal import log_id
from tests.e2e.access.test_roles import GENERATE


async def test_a_key_is_good_from_when_it_is_made_until_it_is_revoked(ask, file, key):
    made = key("team")
    other = key("other")
    assert (await ask(GENERATE, f"Bearer {made}"))[0] == "INVALID_ARGUMENT", "it is let in"
    keys.revoke(file, lambda key: key.id == keys.id_of(made))
    assert (await ask(GENERATE, f"Bearer {made}"))[0] == "UNAUTHENTICATED"
    assert (await ask(GENERATE, f"Bearer {other}"))[0] == "INVALID_ARGUMENT"


async def test_a_stream_goes_on_when_its_key_is_revoked(server, file, key):
    made = key()
    async with JarvisClient(server.instance.addresses[0], token=lambda: made) as jarvis:
        stream = jarvis.stream("a b", max_tokens=50, ignore_eos=True)
        await anext(stream)
        keys.revoke(file, lambda key: key.id == keys.id_of(made))
        assert [event async for event in stream][-1].usage.completion_tokens == 50
        with pytest.raises(JarvisClientError) as caught:
            await jarvis.models()
    assert caught.value.reason == "UNAUTHENTICATED"


@pytest.mark.parametrize("spoilt", ["{", '{"version": 2}', '{"keys": [{"id": "a"}]}', None])
async def test_a_damaged_file_leaves_the_keys_in_force_and_ends_a_start(
    start, ask, file, key, caplog, spoilt
):
    made = key()
    assert (await ask(GENERATE, f"Bearer {made}"))[0] == "INVALID_ARGUMENT"
    if spoilt is None:
        file.unlink()
    else:
        file.write_text(spoilt)
    for _ in range(2):
        assert (await ask(GENERATE, f"Bearer {made}"))[0] == "INVALID_ARGUMENT"
    assert len([said for said in caplog.messages if "stays in force" in said]) == 1
    with pytest.raises(CannotListen, match=r"auth\.keys: .*keys\.json"):
        async with start(f'auth.keys="{file}"'):
            pass


def http2_call(path, authorization):
    """The frames of a call with a header that no library would send (RFC 9113, RFC 7541)."""

    def frame(kind, flags, stream, payload):
        return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload

    def text(value):
        assert len(value) < 127
        return bytes([len(value)]) + value

    headers = {b":method": b"POST", b":scheme": b"http", b":path": path.encode(), b":authority": b"x"}
    headers |= {b"te": b"trailers", b"content-type": b"application/grpc", b"authorization": authorization}
    block = b"".join(b"\0" + text(name) + text(value) for name, value in headers.items())
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"")
    return preface + frame(1, 4, 1, block) + frame(0, 1, 1, bytes(5))


async def test_the_log_has_neither_keys_nor_names_of_callers(server, ask, key, caplog):
    caplog.set_level(logging.DEBUG)
    made, name = key("secret-team"), "secret-team"
    for authorization in (f"Bearer {made}", f"Bearer {made[:-3]}xxx", made):
        await ask(GENERATE, authorization)
    assert (await ask("/jarvis.v1.ServerService/GetStatus", f"Bearer {made}"))[0] == "PERMISSION_DENIED"
    host, port = server.instance.http_address.split(":")
    for line in (f"Authorization : Bearer {made}", f"Authorization: Bearer {made}\x01"):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(f"GET /metrics HTTP/1.1\r\nHost: x\r\n{line}\r\n\r\n".encode())
        assert b" 400 " in await reader.readline()
        writer.close()
    reader, writer = await asyncio.open_connection(*server.instance.addresses[0].split(":"))
    writer.write(http2_call(GENERATE, f"Bearer {made}".encode() + b"\xa0"))
    while len([record for record in caplog.records if record.name == "jarvis.calls"]) < 5:
        await asyncio.sleep(0.01)
    writer.close()
    shown = [(record.getMessage(), record.__dict__) for record in caplog.records]
    assert made.rpartition("_")[2][:20] not in str(shown)
    assert name not in str(shown)
    ended = [record for record in caplog.records if record.name == "jarvis.calls"]
    assert [getattr(record, "caller", None) for record in ended] == [
        *(log_id(name), None, None, log_id(name)),
        None,
    ]
    assert ended[-1].code == "UNAUTHENTICATED"
    assert [record for record in caplog.records if record.exc_info] == []


async def test_a_socket_needs_no_key_and_a_bad_one_is_refused_there_too(start, ask, file, tmp_path):
    listen = f'server.listen=["unix:{tmp_path}/jarvis.sock"]'
    async with start(listen, f'auth.keys="{file}"') as server:
        assert (await ask(GENERATE, channel=server.channel))[0] == "INVALID_ARGUMENT"
        assert (await ask(GENERATE, "Bearer jarvis_x", channel=server.channel))[0] == "UNAUTHENTICATED"


async def test_the_command_line_shows_the_key_that_it_is_given(server, key, monkeypatch, capsys):
    command = ["health", "jarvis.v1.GenerationService", "--server", server.instance.addresses[0]]
    listing = ["collections", "list", *command[2:]]
    assert await asyncio.to_thread(main, command) == 0
    assert await asyncio.to_thread(main, listing) == 2
    assert "show who you are: an API key or a token, as `authorization: Bearer …`; set JARVIS_TOKEN" in (
        capsys.readouterr().err
    )
    assert await asyncio.to_thread(main, [*listing, "--token", key()]) == 0
    assert await asyncio.to_thread(main, ["status", *command[2:], "--token", key("scraper", "observe")]) == 0
    monkeypatch.setenv("JARVIS_TOKEN", key("other"))
    assert await asyncio.to_thread(main, listing) == 0
    monkeypatch.setenv("JARVIS_TOKEN", "ü")
    assert await asyncio.to_thread(main, listing) == 2
    assert "only printable ASCII" in capsys.readouterr().err


async def test_what_is_no_text_is_refused_over_http_too(server):
    async with aiohttp.ClientSession(f"http://{server.instance.http_address}") as http:
        for shown in ("Bearer jarvis_\xff_x", "Bearer \xff.x.y"):
            assert (await http.get("/metrics", headers={"Authorization": shown})).status == 401
            assert (await http.get("/health", headers={"Authorization": shown})).status == 200


async def test_two_headers_are_none(server, ask, key):
    shown = (("authorization", f"Bearer {key()}"), ("authorization", f"Bearer {key()}"))
    call = server.channel.unary_unary(GENERATE)(b"", metadata=shown)
    assert (await call.code()).name == "UNAUTHENTICATED"


async def test_nothing_is_read_of_those_who_may_not_call(server):
    before = psutil.Process().memory_info().rss
    call = server.channel.stream_stream(GENERATE)()
    with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
        await call.write(bytes(60 * 2**20))
    assert (await call.code()).name == "UNAUTHENTICATED"
    assert psutil.Process().memory_info().rss - before < 200 * 2**20


@pytest.mark.parametrize("kind", ["a pipe", "a folder"])
async def test_what_is_no_file_leaves_the_keys_in_force(ask, file, key, kind):
    made = key()
    assert (await ask(GENERATE, f"Bearer {made}"))[0] == "INVALID_ARGUMENT"
    file.unlink()
    os.mkfifo(file) if kind == "a pipe" else file.mkdir()
    assert (await ask(GENERATE, f"Bearer {made}"))[0] == "INVALID_ARGUMENT"
