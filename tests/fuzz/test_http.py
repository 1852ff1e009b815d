"""Odd requests to the HTTP side port: each is answered or cut off at once, and the log stays clean."""

import asyncio
import os
from random import Random

import aiohttp
import pytest

PATHS = ["/health", "/ready", "/metrics"]
METHODS = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PRI",
    "get",
    "",
    "G\0T",
    "A" * 9000,
]
TARGETS = [
    *PATHS,
    "/",
    "*",
    "",
    "//health",
    "/health/",
    "/health/../metrics",
    "/../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/health%00",
    "/health?a=" + "b" * 5000,
    "/metrics?name[]=" + "&name[]=" * 500,
    "/health#x",
    "/%ff%fe",
    "/\xff",
    "http://127.0.0.1:1/health",
    "127.0.0.1:1",
    "/" + "a" * 20_000,
    "/{{7*7}}",
]
VERSIONS = ["HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/9.9", "HTTP/1.1 x", "", "http/1.1"]
HEADERS = [
    "Host: a\r\nHost: b",
    "Host: \0",
    "Accept: " + "text/plain;q=0.1," * 300,
    "Accept: application/openmetrics-text; version=99; q=nan",
    "Accept: */*;q=\xff",
    "Accept-Encoding: nothing, gzip;q=-1",
    "Authorization: Bearer x",
    "Authorization: Bearer " + "." * 7000,
    "Authorization: \xff",
    "Authorization: Bearer {KEY}\r\nAuthorization: Bearer {KEY}",
    "Content-Length: -1",
    "Content-Length: 99999999999999999999",
    "Content-Length: 5\r\nContent-Length: 6",
    "Content-Length: 5\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: nothing",
    "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13",
    "Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: x",
    "Expect: 100-continue",
    "Expect: nothing",
    "Range: bytes=5-1",
    "traceparent: 00-zz",
    "x: " + "a" * 20_000,
    " folded: a",
    "no colon",
    "\r\n".join(f"h{n}: a" for n in range(3000)),
]
BODIES = [
    "",
    "hello",
    "5\r\nhello\r\n0\r\n\r\n",
    "ffffffffffffffffff\r\n",
    "-1\r\n",
    "\0" * 1000,
    "GET /health HTTP/1.1\r\n\r\n" * 20,
]
NUMBER, AT_ONCE = 200, 8
SECONDS, PATIENCE = 1.0, 0.3
CODES = {200, 400, 401, 404, 405, 414, 417, 431, 501, 505}


def odd(random, key):
    """Make the bytes of a request."""
    if random.random() < 0.1:
        return random.choice(
            [random.randbytes(200), b"\x16\x03\x01\x02\0\x01", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
        )
    method = "GET" if random.random() < 0.5 else random.choice(METHODS)
    target = random.choice(PATHS if random.random() < 0.5 else TARGETS)
    version = "HTTP/1.1" if random.random() < 0.7 else random.choice(VERSIONS)
    headers = ["Connection: close", *random.sample(HEADERS, random.randint(0, 2))]
    headers += ["Host: a"] * (random.random() < 0.9) + ["Authorization: Bearer {KEY}"] * (
        random.random() < 0.6
    )
    made = "\r\n".join([f"{method} {target} {version}", *headers, "", random.choice(BODIES)])
    sent = made.replace("{KEY}", key).encode("latin-1")
    return sent[: random.randrange(len(sent))] if random.random() < 0.1 else sent


async def answer(address, sent):
    """Send bytes, and return the code of the answer; None where the connection is just closed."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(sent)
        try:
            first = await asyncio.wait_for(reader.readline(), PATIENCE)
        except TimeoutError:  # it waits for the rest
            writer.write_eof()
            first = await reader.readline()
        await reader.read()
        return int(first.split()[1]) if first.startswith(b"HTTP/1.") else None
    except ConnectionError:
        return None
    finally:
        writer.close()


async def ask(address, session, seed, number, key):
    """Send an odd request, and then what probes and scrapers send; gives the code of the odd one."""
    sent = odd(Random(f"{seed}/{number}"), key)  # noqa: S311 - it has to repeat
    told = f"FUZZ_SEED={seed} #{number}: {sent[:300]!r}"
    try:
        code = await asyncio.wait_for(answer(address, sent), SECONDS + PATIENCE)
    except TimeoutError:
        pytest.fail(f"the connection stays open: {told}")
    assert code is None or code in CODES, f"{code}: {told}"
    async with session.get(PATHS[number % 3]) as response:
        assert response.status == 200, told
    return code


@pytest.mark.timeout(120)
async def test_odd_http_requests_are_answered_and_nobody_else_notices(channel, fuzzed, neighbour):
    seed = os.environ.get("FUZZ_SEED", "1")
    address = await fuzzed.address(r"are on http://([\d.:]+)")
    good = {"Authorization": f"Bearer {fuzzed.key}"} if fuzzed.known else {}
    seen = set()
    async with aiohttp.ClientSession(f"http://{address}", headers=good) as session:
        for first in range(0, NUMBER, AT_ONCE):
            some = range(first, first + AT_ONCE)
            seen |= {
                *await asyncio.gather(*(ask(address, session, seed, number, fuzzed.key) for number in some))
            }
    assert {200, 400, 404, 405, 401 if fuzzed.known else 200} <= seen
    assert fuzzed.process.returncode is None
    assert not neighbour.wrong
    assert not fuzzed.faults(), f"FUZZ_SEED={seed}\n" + "\n".join(fuzzed.faults()[:5])
