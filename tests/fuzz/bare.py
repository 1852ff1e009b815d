"""HTTP/2 without a library, for calls that no library makes."""

import asyncio
import struct

from tests.fuzz.mutations import varint

DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY = 0, 1, 3, 4, 7
END_STREAM, END_HEADERS = 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(text):
    """Write a text as HPACK does, but for the prefix of seven bits of its length."""
    raw = text.encode("latin-1")
    return (bytes([len(raw)]) if len(raw) < 127 else b"\x7f" + varint(len(raw) - 127)) + raw


def call(headers, message=bytes(5)):
    """Make the bytes of a connection with one call."""
    block = b"".join(b"\0" + literal(name) + literal(value) for name, value in headers)[:16_000]
    sent = frame(HEADERS, END_HEADERS, 1, block) + frame(DATA, END_STREAM, 1, message)
    return PREFACE + frame(SETTINGS, 0, 0, b"") + sent


async def connect(address):
    """Open a connection; gRPC may be about to listen again."""
    while True:
        try:
            if address.startswith("unix:"):
                return await asyncio.open_unix_connection(address.removeprefix("unix:"))
            host, _, port = address.rpartition(":")
            return await asyncio.open_connection(host, int(port))
        except ConnectionError:
            await asyncio.sleep(0.02)


async def end(address, sent):
    """Send a call, and return the kind of the frame that ends it; None where the connection is closed."""
    reader, writer = await connect(address)
    try:
        writer.write(sent)
        while True:
            head = await reader.readexactly(9)
            await reader.readexactly(int.from_bytes(head[:3], "big"))
            kind, flags = head[3], head[4]
            if kind in {RST_STREAM, GOAWAY} or (kind in {DATA, HEADERS} and flags & END_STREAM):
                return kind
    except (ConnectionError, asyncio.IncompleteReadError):
        return None
    finally:
        writer.close()
