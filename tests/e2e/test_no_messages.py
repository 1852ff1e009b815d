"""Bytes that are no message, or no HTTP, are their sender's fault, in the status and in the log."""

import asyncio
import logging

import pytest

HEALTH = "/grpc.health.v1.Health"
REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
LIMIT = 65536


@pytest.fixture(scope="module")
async def server(start):
    async with start(f"server.max_message_bytes={LIMIT}") as running:
        yield running


TOO_LARGE = (b"\0" * LIMIT + b"a", "MESSAGE_TOO_LARGE")
NOTHING = (None, "INVALID_ARGUMENT")
CUT_OFF = (b"\x0a", "INVALID_ARGUMENT")
NOT_TEXT = (b"\x0a\1\xff", "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("method", "sent", "reason"),
    [
        (method, *case)
        for method in (f"{HEALTH}/Check", f"{HEALTH}/Watch", f"{HEALTH}/List", REFLECTION)
        for case in (CUT_OFF, NOT_TEXT, TOO_LARGE, NOTHING)
        if (method, case) not in [(f"{HEALTH}/List", NOT_TEXT), (REFLECTION, NOTHING)]  # which are right
    ],
)
async def test_health_and_reflection_refuse_what_is_no_message(server, failure, caplog, method, sent, reason):
    call = server.channel.stream_stream(method)(iter([] if sent is None else [sent]), timeout=5)
    code, found, _, retry = await failure(call)
    assert (code, found, retry) == ("INVALID_ARGUMENT", reason, None)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_what_is_not_http_is_no_error_of_the_server(server, caplog):
    caplog.set_level(logging.INFO)
    host, _, port = server.instance.http_address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n")
    assert b" 400 " in await reader.readline()
    writer.close()
    lines = [record for record in caplog.records if record.name == "aiohttp.server"]
    assert [(line.levelname, line.exc_info) for line in lines] == [("INFO", None)]
    assert "not HTTP" in lines[0].getMessage()
