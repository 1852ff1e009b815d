"""Headers that no gRPC library sends, over bare HTTP/2: the call ends at once, and the log stays clean."""

import asyncio
import os
import struct
from random import Random

import pytest

from tests.fuzz.attempts import HEADERS, SHOWN
from tests.fuzz.mutations import varint

NUMBER, SECONDS = 150, 1.0
DATA, HEADERS_FRAME, RST_STREAM, SETTINGS, GOAWAY = 0, 1, 3, 4, 7
END_STREAM, END_HEADERS = 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
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


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(text):
    """Write a text as HPACK does, but for the prefix of seven bits of its length."""
    raw = text.encode("latin-1")
    return (bytes([len(raw)]) if len(raw) < 127 else b"\x7f" + varint(len(raw) - 127)) + raw


def call(random, key):
    """Make the bytes of a connection with one call."""
    headers = [(":method", "POST"), (":scheme", "http"), (":path", random.choice(PATHS)), (":authority", "a")]
    headers += [("te", "trailers"), ("content-type", "application/grpc")]
    headers += [("authorization", f"Bearer {key}")] * (random.random() < 0.7)
    if random.random() < 0.1:
        headers.remove(random.choice(headers))
    for _ in range(random.randint(1, 3)):
        headers.append((random.choice(NAMES), random.choice(SENT).replace("{KEY}", key)))
    block = b"".join(b"\0" + literal(name) + literal(value) for name, value in headers)[:16_000]
    message = frame(
        DATA, END_STREAM, 1, random.choice([bytes(5), b"\0\0\0\0\2\x0a\0", b"\1\0\0\0\0", b"\0\xff"])
    )
    return PREFACE + frame(SETTINGS, 0, 0, b"") + frame(HEADERS_FRAME, END_HEADERS, 1, block) + message


async def end(address, sent):
    """Send a call, and return the kind of the frame that ends it; None where the connection is closed."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(sent)
        while True:
            head = await reader.readexactly(9)
            await reader.readexactly(int.from_bytes(head[:3], "big"))
            kind, flags = head[3], head[4]
            if kind in {RST_STREAM, GOAWAY} or (kind in {DATA, HEADERS_FRAME} and flags & END_STREAM):
                return kind
    except (ConnectionError, asyncio.IncompleteReadError):
        return None
    finally:
        writer.close()


@pytest.mark.timeout(120)
async def test_calls_with_odd_headers_end_and_nobody_else_notices(channel, fuzzed, neighbour):
    seed = os.environ.get("FUZZ_SEED", "1")
    address = await fuzzed.address(r"listening on ([\d.:]+)")
    seen = set()
    for number in range(NUMBER):
        sent = call(Random(f"{seed}/{number}"), fuzzed.key)  # noqa: S311 - it has to repeat
        told = f"FUZZ_SEED={seed} #{number}: {sent[:600]!r}"
        assert fuzzed.process.returncode is None, f"the server is gone before {told}: {fuzzed.lines()[-20:]}"
        try:
            seen.add(await asyncio.wait_for(end(address, sent), SECONDS * 5))
        except TimeoutError:
            pytest.fail(f"the call does not end: {told}")
    assert {HEADERS_FRAME, RST_STREAM} <= seen
    assert fuzzed.process.returncode is None
    assert not neighbour.wrong
    assert not fuzzed.faults(), f"FUZZ_SEED={seed}\n" + "\n".join(fuzzed.faults()[:5])
