import grpc
import pytest

from jarvis.client import TLS, CannotConnect, HealthStatus, JarvisClient
from tests.certificates import certificate


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A folder with certificates and keys, each signed by itself: of a server, a stranger, and an old one."""
    folder = tmp_path_factory.mktemp("tls")
    for name in ("server", "stranger"):
        certificate(folder, name)
    certificate(folder, "expired", days=-1)
    return folder


@pytest.fixture
async def address(fake, serve, certificates):
    """The address of a server that speaks TLS, and asks for the client's certificate."""
    key, pem, old = (
        (certificates / name).read_bytes() for name in ("server.key", "server.pem", "expired.pem")
    )
    server = serve(fake)
    credentials = grpc.ssl_server_credentials([(key, pem)], pem + old, require_client_auth=True)
    port = server.add_secure_port("localhost:0", credentials)
    await server.start()
    yield f"localhost:{port}"
    await server.stop(None)


async def test_both_sides_show_a_certificate(address, certificates):
    pem, key = certificates / "server.pem", certificates / "server.key"
    async with JarvisClient(address, tls=TLS(ca=pem, certificate=pem, key=key)) as client:
        assert await client.health() is HealthStatus.SERVING


@pytest.mark.parametrize(
    ("ca", "own"), [("stranger", "server"), ("server", "stranger"), ("server", None), (None, "server")]
)
async def test_a_certificate_that_is_not_trusted_is_no_connection(address, certificates, ca, own):
    tls = TLS(
        ca=certificates / f"{ca}.pem" if ca else None,
        certificate=certificates / f"{own}.pem" if own else None,
        key=certificates / f"{own}.key" if own else None,
    )
    async with JarvisClient(address, tls=tls, attempts=1) as client:
        with pytest.raises(CannotConnect):
            await client.health()


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ("stranger", "; does it know the authority of your certificate, and is that still valid?"),
        ("expired", ", and your certificate has expired"),
    ],
)
async def test_a_certificate_that_is_refused_is_what_the_error_is_about(address, certificates, own, told):
    pem, key = certificates / f"{own}.pem", certificates / f"{own}.key"
    tls = TLS(ca=certificates / "server.pem", certificate=pem, key=key)
    async with JarvisClient(address, tls=tls, attempts=1) as client:
        with pytest.raises(CannotConnect) as caught:
            await client.health()
    assert caught.value.message == f"cannot connect to {address}: what listens there hung up at once{told}"


async def test_a_client_without_tls_is_no_connection(address):
    async with JarvisClient(address, attempts=1) as client:
        with pytest.raises(CannotConnect):
            await client.health()


async def test_a_file_that_is_missing_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        JarvisClient("localhost:1", tls=TLS(ca=tmp_path / "none.pem"))
