"""Callers that show certificates: their names, their roles, and certificates that are renewed."""

import asyncio
import shutil
import ssl

import aiohttp
import pytest

from jarvis.client import TLS, JarvisClient, JarvisClientError
from tests.certificates import certificate

SPIFFE = "spiffe://example.org/search"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("server", "reader", "nobody", "renewed"):
        certificate(folder, name)
    certificate(folder, "workload", uri=SPIFFE)
    names = ("reader", "nobody", "workload")
    (folder / "callers.pem").write_bytes(b"".join((folder / f"{name}.pem").read_bytes() for name in names))
    return folder


@pytest.fixture
async def server(start, made, tmp_path):
    shutil.copy(made / "callers.pem", tmp_path / "callers.pem")
    tls = {
        "certificate": made / "server.pem",
        "key": made / "server.key",
        "client_ca": tmp_path / "callers.pem",
    }
    sets = [f'server.tls.{name}="{path}"' for name, path in tls.items()]
    sets += ['callers.reader.roles=["observe"]', f'callers."{SPIFFE}".roles=["infer"]']
    async with start(*sets, "models.echo.settings.tokens_per_second=100", ready=False) as running:
        yield running


def client(server, made, name, folder=None):
    folder = folder or made
    tls = TLS(made / "server.pem", folder / f"{name}.pem", folder / f"{name}.key")
    return JarvisClient(f"localhost:{server.instance.addresses[0].rpartition(':')[2]}", tls=tls, attempts=8)


@pytest.mark.parametrize(
    ("name", "roles"),
    [("reader", {"status", "models"}), ("workload", {"models", "generate"}), ("nobody", set())],
)
async def test_the_name_in_a_certificate_has_its_roles(server, made, name, roles):
    allowed, refusals = set(), set()
    async with client(server, made, name) as jarvis:
        calls = {"status": jarvis.status, "models": jarvis.models, "generate": lambda: jarvis.generate("a")}
        for what, call in calls.items():
            try:
                await call()
                allowed.add(what)
            except JarvisClientError as error:
                refusals.add(error.reason)
    assert (allowed, refusals) == (roles, {"PERMISSION_DENIED"})


async def test_http_asks_for_the_same(server, made):
    found = {}
    async with aiohttp.ClientSession(f"https://{server.instance.http_address}") as http:
        for name in ("reader", "workload"):
            context = ssl.create_default_context(cafile=made / "server.pem")
            context.load_cert_chain(made / f"{name}.pem", made / f"{name}.key")
            found[name] = (await http.get("/metrics", ssl=context)).status
    assert found == {"reader": 404, "workload": 403}, "these tests have no metrics"


async def test_a_client_shows_its_renewed_certificate_and_its_stream_goes_on(server, made, tmp_path):
    def put(source, kinds=("pem", "key")):
        for kind in kinds:
            shutil.copy(made / f"{source}.{kind}", tmp_path / f"mine.{kind}")

    put("workload")
    async with client(server, made, "mine", tmp_path) as jarvis:
        stream = jarvis.stream("a b", max_tokens=100, ignore_eos=True)
        await anext(stream)
        with pytest.raises(JarvisClientError):
            await jarvis.status()
        put("reader", kinds=("pem",))  # the key follows
        with pytest.raises(JarvisClientError) as caught:
            await jarvis.status()
        assert caught.value.reason == "PERMISSION_DENIED", (
            "the old one is shown while the new one is incomplete"
        )
        put("reader")
        assert (await jarvis.status()).models
        assert [event async for event in stream][-1].usage.completion_tokens == 100


async def test_a_client_that_waits_for_a_server_takes_a_certificate_that_comes_meanwhile(
    server, made, tmp_path
):
    for kind in ("pem", "key"):
        shutil.copy(made / f"renewed.{kind}", tmp_path / f"mine.{kind}")
    async with client(server, made, "mine", tmp_path) as jarvis:
        waiting = asyncio.create_task(jarvis.models())
        await asyncio.sleep(0.5)
        for kind in ("pem", "key"):
            shutil.copy(made / f"workload.{kind}", tmp_path / f"mine.{kind}")
        assert await waiting


async def test_closing_ends_the_streams_of_old_certificates_too(server, made, tmp_path):
    for kind in ("pem", "key"):
        shutil.copy(made / f"workload.{kind}", tmp_path / f"mine.{kind}")
    async with client(server, made, "mine", tmp_path) as jarvis:
        stream = jarvis.stream("a b", max_tokens=2000, ignore_eos=True)
        await anext(stream)
        shutil.copy(made / "workload.pem", tmp_path / "mine.pem")
        await jarvis.models()
    async with asyncio.timeout(5):
        while server.instance._requests.active:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("damaged", ["ca.pem", "mine.pem", "mine.key"])
async def test_damaged_files_leave_the_old_ones_in_use_and_none_at_the_start(server, made, tmp_path, damaged):
    for name, source in {
        "ca.pem": "server.pem",
        "mine.pem": "workload.pem",
        "mine.key": "workload.key",
    }.items():
        shutil.copy(made / source, tmp_path / name)
    tls = TLS(tmp_path / "ca.pem", tmp_path / "mine.pem", tmp_path / "mine.key")
    address = f"localhost:{server.instance.addresses[0].rpartition(':')[2]}"
    async with JarvisClient(address, tls=tls) as jarvis:
        assert await jarvis.models()
        (tmp_path / damaged).write_text("")
        assert await jarvis.models()
    with pytest.raises(OSError, match="in PEM"):
        JarvisClient(address, tls=tls)
