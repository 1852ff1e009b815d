"""A server with TLS: who gets in, certificates that are renewed, and settings that are refused."""

import asyncio
import shutil
import socket
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from jarvis.address import CannotListen
from jarvis.app.bootstrap import check
from jarvis.app.config import ConfigError, load
from jarvis.client import TLS, CannotConnect, HealthStatus, JarvisClient

NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])


def certificate(folder: Path, name: str, *, days: int = 2) -> None:
    """Make NAME.key and NAME.pem, for this machine, which NAME.pem itself has signed."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder(NAME, NAME, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=3))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    (folder / f"{name}.pem").write_bytes(made.public_bytes(Encoding.PEM))
    write_key(folder / f"{name}.key", key, NoEncryption())


def write_key(path: Path, key, encryption) -> None:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("server", "renewed", "caller", "stranger"):
        certificate(folder, name)
    return folder


@pytest.fixture
def files(made: Path, tmp_path: Path) -> Path:
    """A folder with the files that the server reads, which a test may change."""
    for kind in ("pem", "key"):
        shutil.copy(made / f"server.{kind}", tmp_path / f"server.{kind}")
    shutil.copy(made / "caller.pem", tmp_path / "callers.pem")
    return tmp_path


def settings(files: Path, *, client_ca: bool = True) -> list[str]:
    names = {"certificate": "server.pem", "key": "server.key"} | (
        {"client_ca": "callers.pem"} if client_ca else {}
    )
    return [f'server.tls.{name}="{files / file}"' for name, file in names.items()]


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
    ("path", "without"), [("/ready", 200), ("/health", 200), ("/metrics", 403), ("/x", 403)]
)
async def test_http_is_encrypted_and_only_probes_are_for_everybody(server, made, path, without):
    assert await get(server, path, made) == without
    assert await get(server, path, made, shows="caller") == {"/metrics": 404, "/x": 404}.get(path, 200)


async def test_probes_can_be_closed(start, files, made):
    async with start(*settings(files), "http.open_probes=false", ready=False) as server:
        assert await get(server, "/ready", made) == 403


async def test_http_shows_a_renewed_certificate(server, files, made):
    assert await get(server, "/ready", made) == 200
    renew(files, made)
    assert await get(server, "/ready", made, trusts="renewed") == 200
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await get(server, "/ready", made)


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


def broken(files: Path, made: Path, what: str) -> str:
    match what:
        case "missing":
            (files / "server.key").unlink()
            return "No such file or directory"
        case "mixed up":
            shutil.copy(made / "stranger.key", files / "server.key")
            return "are no certificate and its key"
        case "a passphrase":
            key = load_pem_private_key((files / "server.key").read_bytes(), None)
            write_key(files / "server.key", key, BestAvailableEncryption(b"x"))
            return "without a passphrase"
        case "no certificate":
            (files / "server.pem").write_text("hello")
            return "has no certificate in PEM"
        case "no authority":
            (files / "callers.pem").write_text("hello")
            return "callers.pem has no certificates in PEM"
        case _:
            certificate(files, "server", days=-1)
            return "expired at"


@pytest.mark.parametrize(
    "what", ["missing", "mixed up", "a passphrase", "no certificate", "no authority", "expired"]
)
async def test_files_that_cannot_be_used_end_the_start(start, files, made, what):
    told = broken(files, made, what)
    with pytest.raises(CannotListen, match=f"server.tls: .*{told}"):
        async with asyncio.timeout(10), start(*settings(files), ready=False):
            pass


def test_the_check_of_a_configuration_reads_the_files(files, made):
    config = load(None, [*settings(files), "models.echo.adapter=echo"], {})
    check(config)
    broken(files, made, "mixed up")
    with pytest.raises(CannotListen, match=r"server\.tls"):
        check(config)


@pytest.mark.parametrize(
    ("sets", "told"),
    [
        (
            ['server.listen=["0.0.0.0:1"]'],
            "server.listen: other machines can call 0.0.0.0:1; set certificate",
        ),
        (['server.listen=["unix:/s", "[::]:1"]'], r"other machines can call \[::\]:1"),
        (['server.listen=["jarvis.example:1"]'], "other machines can call jarvis.example:1"),
        (['http.listen="0.0.0.0:1"'], "http.listen: other machines can call 0.0.0.0:1"),
        (
            ['server.listen=["0.0.0.0:1"]', 'server.tls={certificate="a", key="b"}'],
            "other machines can call 0.0.0.0:1",
        ),
        (['server.tls.certificate="a"'], "certificate and key go together"),
        (['server.tls.client_ca="a"'], "client_ca needs certificate and key"),
    ],
)
def test_what_would_leave_it_open_is_refused(sets, told):
    with pytest.raises(ConfigError, match=told):
        load(None, sets, {})


@pytest.mark.parametrize(
    "sets",
    [
        ['server.listen=["127.0.0.1:1", "localhost:2", "[::1]:3", "unix:/s"]'],
        ['server.listen=["0.0.0.0:1"]', "server.open_to_anyone=true", 'http.listen="0.0.0.0:2"'],
        ['server.listen=["0.0.0.0:1"]', 'server.tls={certificate="a", key="b", client_ca="c"}'],
    ],
)
def test_what_is_local_or_known_or_wanted_is_not(sets):
    load(None, sets, {})
