"""Headers that no gRPC library sends, over bare HTTP/2: the call ends at once, and the log stays clean."""

import asyncio
import os
from random import Random

import pytest

from tests.fuzz import bare
from tests.fuzz.attempts import HEADERS, SHOWN

NUMBER, SECONDS = 60, 1.0
PATHS = [
    "/jarvis.v1.ServerService/GetStatus",
    "/jarvis.v1.GenerationService/Generate",
    "/grpc.health.v1.Health/Check",
    "/jarvis.v1.ServerService/Nothing",
    "/",
    "",
    "/../jarvis.v1.ServerService/GetStatus",
    "/\xff\0",
]
NAMES = [
    *("x-request-id", "traceparent", "tracestate", "authorization", "grpc-timeout", "grpc-encoding", "te"),
    *(
        "content-type",
        "grpc-status",
        "grpc-message",
        "a-bin",
        "X-Upper",
        "",
        "connection",
        ":status",
        ":path",
        "\0",
    ),
]
VALUES = [
    "",
    "\0",
    "\r\n",
    "\xff\xfe",
    "a\x7fb",
    "\x1b[2J",
    "\u0000S",
    "99999999999999999999S",
    "-1m",
    "1",
    "=" * 99,
]
SENT = [value if isinstance(value, str) else value.decode("latin-1") for _, value in HEADERS] + SHOWN + VALUES


def odd(random, key):
    """Make the bytes of a connection with one call."""
    headers = [(":method", "POST"), (":scheme", "http"), (":path", random.choice(PATHS)), (":authority", "a")]
    headers += [("te", "trailers"), ("content-type", "application/grpc")]
    headers += [("authorization", f"Bearer {key}")] * (random.random() < 0.7)
    if random.random() < 0.1:
        headers.remove(random.choice(headers))
    for _ in range(random.randint(1, 3)):
        headers.append((random.choice(NAMES), random.choice(SENT).replace("{KEY}", key)))
    message = random.choice([bytes(5), b"\0\0\0\0\2\x0a\0", b"\1\0\0\0\0", b"\0\xff"])
    return bare.call(headers, message)


@pytest.mark.timeout(120)
async def test_calls_with_odd_headers_end_and_nobody_else_notices(channel, fuzzed, neighbour):
    seed = os.environ.get("FUZZ_SEED", "1")
    address = await fuzzed.address(r"listening on ([\d.:]+)")
    seen = set()
    for number in range(NUMBER):
        sent = odd(Random(f"{seed}/{number}"), fuzzed.key)  # noqa: S311 - it has to repeat
        told = f"FUZZ_SEED={seed} #{number}: {sent[:600]!r}"
        assert fuzzed.process.returncode is None, f"the server is gone before {told}: {fuzzed.lines()[-20:]}"
        try:
            seen.add(await asyncio.wait_for(bare.end(address, sent), SECONDS * 5))
        except TimeoutError:
            pytest.fail(f"the call does not end: {told}\n{fuzzed.lines()[-5:]}")
    assert {bare.HEADERS, bare.RST_STREAM} <= seen
    assert fuzzed.process.returncode is None
    assert not neighbour.wrong
    assert not fuzzed.faults(), f"FUZZ_SEED={seed}\n" + "\n".join(fuzzed.faults()[:5])
