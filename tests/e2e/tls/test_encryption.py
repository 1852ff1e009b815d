"""A server with TLS: who gets in, and certificates that are renewed."""

import asyncio
import re
import shutil
import socket
import ssl
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509

from jarvis.client import TLS, CannotConnect, HealthStatus, JarvisClient
from tests.certificates import certificate
from tests.e2e.tls.support import settings


def renew(files: Path, made: Path, kinds: tuple[str, ...] = ("pem", "key")) -> None:
    """Put other files in place of the server's, as tools that renew certificates do."""
    for kind in kinds:
        shutil.copy(made / f"renewed.{kind}", files / f"new.{kind}")
        (files / f"new.{kind}").replace(files / f"server.{kind}")


def caller(made: Path, *, trusts: str = "server", shows: str | None = "caller") -> TLS:
    return TLS(
        ca=made / f"{trusts}.pem",
        certificate=made / f"{shows}.pem" if shows else None,
        key=made / f"{shows}.key" if shows else None,
    )


def client(address: str, tls: TLS) -> JarvisClient:
    return JarvisClient(f"localhost:{address.rpartition(':')[2]}", tls=tls, attempts=1)


async def ready(server, made: Path) -> None:
    while await get(server, "/ready", made) != 200:
        await asyncio.sleep(0.05)


@pytest.fixture
async def server(start, files, made):
    async with start(*settings(files), ready=False) as running:
        await ready(running, made)
        yield running


async def test_a_caller_that_shows_its_certificate_is_served(server, made):
    async with client(server.instance.addresses[0], caller(made)) as jarvis:
        assert (await jarvis.generate("a b c", max_tokens=3)).text


@pytest.mark.parametrize(
    ("trusts", "shows"), [("server", None), ("server", "stranger"), ("stranger", "caller")]
)
async def test_others_do_not_get_in(server, made, trusts, shows):
    async with client(server.instance.addresses[0], caller(made, trusts=trusts, shows=shows)) as jarvis:
        with pytest.raises(CannotConnect):
            await jarvis.health()


async def test_a_renewed_certificate_is_shown_and_a_stream_goes_on(start, files, made, caplog):
    caplog.set_level("INFO", "jarvis.server.tls")
    slow = "models.echo.settings.tokens_per_second=20"
    async with start(*settings(files), slow, ready=False) as server:
        await ready(server, made)
        address = server.instance.addresses[0]
        async with client(address, caller(made)) as before:
            stream = before.stream("a b c d", max_tokens=40, ignore_eos=True)
            events = [await anext(stream), await anext(stream)]
            caplog.clear()
            renew(files, made)
            async with client(address, caller(made, trusts="renewed")) as after:
                assert await after.health() is HealthStatus.SERVING
            events += [event async for event in stream]
    assert len(events) > 10, "the stream was not over before"
    assert events[-1].usage.completion_tokens == 40
    assert len([message for message in caplog.messages if "is valid until" in message]) == 1


async def test_files_that_do_not_fit_together_leave_the_old_ones_in_force(server, files, made, caplog):
    address = server.instance.addresses[0]
    renew(files, made, kinds=("pem",))
    for _ in range(2):
        async with client(address, caller(made)) as jarvis:
            assert await jarvis.health() is HealthStatus.SERVING
    complaints = [message for message in caplog.messages if "stays in force" in message]
    assert len(complaints) == 1
    assert "are no certificate and its key" in complaints[0]
    renew(files, made, kinds=("key",))
    async with client(address, caller(made, trusts="renewed")) as jarvis:
        assert await jarvis.health() is HealthStatus.SERVING


async def test_an_expired_certificate_is_no_reason_to_keep_an_authority(start, files, made):
    certificate(files, "server", days=1)
    async with start(*settings(files), ready=False) as server:
        certificate(files, "server", days=-1)
        shutil.copy(made / "stranger.pem", files / "callers.pem")
        context = ssl.create_default_context(cafile=made / "server.pem")
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(made / "caller.pem", made / "caller.key")
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientError):
                await session.get(f"https://{server.instance.http_address}/metrics", ssl=context)


async def test_files_that_could_not_be_read_are_tried_again(server, files, made, monkeypatch):
    def denied(path):
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr("jarvis.server.tls.read_regular", denied)
        renew(files, made)
        assert await get(server, "/ready", made) == 200
    assert await get(server, "/ready", made, trusts="renewed") == 200


async def test_strangers_are_told_no_more_of_the_health_than_its_status(server, made):
    context = ssl.create_default_context(cafile=made / "server.pem")
    url = f"https://{server.instance.http_address}/health"
    async with aiohttp.ClientSession() as session, session.get(url, ssl=context) as response:
        assert await response.json() == {"status": "healthy"}


async def test_callers_whose_authority_is_taken_out_are_refused_from_then_on(server, files, made):
    address = server.instance.addresses[0]
    async with client(address, caller(made)) as before:
        assert await before.health() is HealthStatus.SERVING
        shutil.copy(made / "stranger.pem", files / "callers.pem")
        async with client(address, caller(made)) as jarvis:
            with pytest.raises(CannotConnect):
                await jarvis.health()
        async with client(address, caller(made, shows="stranger")) as jarvis:
            assert await jarvis.health() is HealthStatus.SERVING
        assert await before.health() is HealthStatus.SERVING, "a connection that is open stays as it was"


async def get(server, path, made, *, trusts="server", shows=None):
    context = ssl.create_default_context(cafile=made / f"{trusts}.pem")
    if shows:
        context.load_cert_chain(made / f"{shows}.pem", made / f"{shows}.key")
    url = f"https://{server.instance.http_address}{path}"
    async with aiohttp.ClientSession() as session, session.get(url, ssl=context) as response:
        return response.status


@pytest.mark.parametrize(
    ("path", "without"), [("/ready", 200), ("/health", 200), ("/metrics", 401), ("/x", 401)]
)
async def test_http_is_encrypted_and_only_probes_are_for_everybody(server, made, path, without):
    assert await get(server, path, made) == without
    assert await get(server, path, made, shows="caller") == {"/metrics": 404, "/x": 404}.get(path, 200)


async def test_probes_can_be_closed(start, files, made):
    async with start(*settings(files), "auth.open_health=false", ready=False) as server:
        assert await get(server, "/ready", made) == 401


async def test_http_shows_a_renewed_certificate(server, files, made):
    assert await get(server, "/ready", made) == 200
    renew(files, made)
    assert await get(server, "/ready", made, trusts="renewed") == 200
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await get(server, "/ready", made)


async def test_the_metrics_say_until_when_the_certificate_in_force_is_valid(start, files, made):
    def validity(name):
        certificate = x509.load_pem_x509_certificate((made / f"{name}.pem").read_bytes())
        times = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        return tuple(time.timestamp() for time in times)

    async with start(*settings(files), "telemetry.adapter=opentelemetry", ready=False) as server:
        await ready(server, made)

        def told():
            text = server.application.instruments.exposition().body.decode()
            found = re.findall(
                r"^jarvis_tls_certificate_not_(?:before|after)_seconds \S+", text, re.MULTILINE
            )
            return tuple(sorted(float(line.split()[1]) for line in found))

        assert told() == validity("server")
        renew(files, made)
        assert told() == validity("renewed") != validity("server")


async def test_http_forgets_a_caller_whose_authority_is_taken_out(server, files, made):
    context = ssl.create_default_context(cafile=made / "server.pem")
    context.load_cert_chain(made / "caller.pem", made / "caller.key")
    host, _, port = server.instance.http_address.rpartition(":")

    def ask(before=None):
        with (
            socket.create_connection((host, int(port))) as plain,
            context.wrap_socket(plain, server_hostname=host, session=before) as connection,
            suppress(ssl.SSLError, ConnectionError),
        ):
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return connection.recv(2**16)[:12], connection.session
        return b"", None

    answer, before = await asyncio.to_thread(ask)
    assert answer == b"HTTP/1.1 404", "it is let in, and these tests have no metrics"
    shutil.copy(made / "stranger.pem", files / "callers.pem")
    answer, _ = await asyncio.to_thread(ask, before)
    assert answer == b""


async def test_without_client_ca_callers_need_no_certificate(start, files, made):
    async with start(*settings(files, client_ca=False), ready=False) as server:
        await ready(server, made)
        async with client(server.instance.addresses[0], caller(made, shows=None)) as jarvis:
            assert await jarvis.health() is HealthStatus.SERVING
        assert await get(server, "/metrics", made) == 404


async def test_a_socket_is_not_encrypted(start, files, tmp_path):
    listen = f'server.listen=["unix:{tmp_path}/jarvis.sock"]'
    async with start(*settings(files), listen) as server:
        assert await server.check() == "SERVING"
