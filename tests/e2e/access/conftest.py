"""Servers that know their callers."""

import grpc
import pytest

from jarvis.access import keys
from jarvis.core.principal import Role


@pytest.fixture
def file(tmp_path):
    """The file of keys; there is one already, of somebody else."""
    path = tmp_path / "keys.json"
    keys.add(path, "somebody", [Role.INFER], None)
    return path


@pytest.fixture
def key(file):
    """Make a key."""

    def key(caller="team", *roles, expires=None):
        return keys.add(file, caller, [Role(role) for role in roles or ("infer",)], expires)[1]

    return key


@pytest.fixture
async def server(start, file):
    async with start(f'auth.keys="{file}"', "models.echo.settings.tokens_per_second=100") as running:
        yield running


@pytest.fixture
def ask(server):
    """Call a method with no message; gives the code, and what is said with it."""

    async def ask(method, authorization=None, channel=None):
        metadata = () if authorization is None else (("authorization", authorization),)
        call = (channel or server.channel).unary_stream(method)(b"", metadata=metadata, timeout=5)
        try:
            await call.read()
            call.cancel()
        except grpc.aio.AioRpcError as error:
            return error.code().name, error.details()
        return "OK", ""

    return ask
