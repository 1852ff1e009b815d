"""A connection that could not be made is explained in a sentence."""

import asyncio

import pytest

from jarvis.client import CannotConnect, JarvisClient
from jarvis.client.connecting import why


async def message(address: str) -> str:
    async with JarvisClient(address, attempts=1, timeout=20) as client:
        with pytest.raises(CannotConnect) as failed:
            await client.health()
    return failed.value.message


async def test_nobody_listens(unused_tcp_port: int):
    address = f"127.0.0.1:{unused_tcp_port}"
    reason = "the connection is refused: nothing listens there; is the server running?"
    assert await message(address) == f"cannot connect to {address}: {reason}"


async def test_no_socket(tmp_path):
    address = f"unix:{tmp_path}/none.sock"
    assert (
        await message(address)
        == f"cannot connect to {address}: there is no such socket; is the server running?"
    )


async def test_another_protocol():
    async def greet(_reader, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert await message(address) == (
            f"cannot connect to {address}: what listens there does not speak gRPC, or wants TLS"
        )


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (
            "errors resolving no.example:5: [field:hostname lookup error:address lookup failed for it]",
            "the host's name is not known",
        ),
        (
            "last error: UNKNOWN: Tls handshake failed: OPENSSL_internal: WRONG_VERSION_NUMBER: OK",
            "what listens there does not speak TLS",
        ),
        ("last error: something new", "something new"),
    ],
)
def test_other_reasons(told: str, sentence: str):
    assert why(told) == sentence
