"""Settings of TLS that are refused."""

import asyncio
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key

from jarvis.address import CannotListen
from jarvis.app.bootstrap import check
from jarvis.app.config import ConfigError, load
from tests.certificates import certificate, write_key
from tests.e2e.tls.support import settings

TLS = 'server.tls={certificate="a", key="b"}'
TOLD = {
    "missing": "server.key: No such file or directory",
    "mixed up": "are no certificate and its key",
    "a passphrase": "without a passphrase",
    "no certificate": "has no certificate in PEM",
    "no authority": "callers.pem has no certificates in PEM",
    "too early": "is not valid before",
    "expired": "expired at",
}


def spoil(files: Path, made: Path, what: str) -> None:
    match what:
        case "missing":
            (files / "server.key").unlink()
        case "mixed up":
            shutil.copy(made / "stranger.key", files / "server.key")
        case "a passphrase":
            key = load_pem_private_key((files / "server.key").read_bytes(), None)
            write_key(files / "server.key", key, BestAvailableEncryption(b"x"))
        case "no certificate":
            (files / "server.pem").write_text("hello")
        case "no authority":
            (files / "callers.pem").write_text("hello")
        case "too early":
            certificate(files, "server", since=1)
        case _:
            certificate(files, "server", days=-1)


@pytest.mark.parametrize("what", TOLD)
async def test_files_that_cannot_be_used_end_the_start(start, files, made, what):
    spoil(files, made, what)
    with pytest.raises(CannotListen, match=f"server.tls: .*{TOLD[what]}"):
        async with asyncio.timeout(10), start(*settings(files), ready=False):
            pass


def test_the_check_of_a_configuration_reads_the_files(files, made):
    config = load(None, [*settings(files), "models.echo.adapter=echo"], {})
    check(config)
    spoil(files, made, "mixed up")
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
            ['server.listen=["0.0.0.0:1"]', TLS],
            "call 0.0.0.0:1; set server.tls.client_ca, auth.keys or auth.jwt; or server.open_to_anyone",
        ),
        (
            ['server.listen=["0.0.0.0:1"]', 'auth.keys="k"'],
            "call 0.0.0.0:1; set certificate and key of server.tls; or server.open_to_anyone",
        ),
        (
            [TLS, 'server.tls.client_ca="c"'],
            "server.tls.client_ca: no caller has a role; name them in callers",
        ),
        (['callers.a.roles=["infer"]'], "callers: nobody is known by name"),
        (['callers.a.roles=["cook"]', 'auth.keys="k"'], "callers.a.roles"),
        (['auth.jwt.issuer="i"'], "issuer, audience and jwks go together"),
        (['auth.jwt={issuer="i", audience="a", jwks="http://x/y"}'], "keys that come unencrypted"),
        (
            ['auth.jwt={issuer="i", audience="a", jwks="http://localhost:80@x.y/k"}'],
            "neither https://host/path",
        ),
        (['auth.jwt={issuer="i", audience="a", jwks="https://u:p@x/k"}'], "without a user's name"),
        (['auth.jwt={issuer="i", audience="a", jwks="https:///k"}'], "neither https://host/path"),
        (["auth.open_health=false"], "auth.open_health: nobody is known by name"),
        (['auth.default_roles=["infer"]'], "auth.default_roles: nobody is known by name"),
        (['server.listen=["unix:a\\u0000b"]'], "neither host:port nor unix:/path"),
        (['server.listen=["http://127.0.0.1:1"]'], "leave out http://; TLS is set apart, .* server.tls"),
        (['http.listen="http://127.0.0.1:1"'], "is not host:port: leave out http://"),
        (['auth.jwt={issuer="i", audience="a", jwks="k", algorithms=["HS256"]}'], "auth.jwt.algorithms"),
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
        ['server.listen=["0.0.0.0:1"]', TLS, 'server.tls.client_ca="c"', 'auth.default_roles=["infer"]'],
        ['server.listen=["0.0.0.0:1"]', TLS, 'auth.keys="k"'],
        [
            'server.listen=["0.0.0.0:1"]',
            TLS,
            'auth.jwt={issuer="i", audience="a", jwks="http://localhost/x"}',
        ],
    ],
)
def test_what_is_local_or_known_or_wanted_is_not(sets):
    load(None, sets, {})
