"""Passwords and TLS."""

import logging
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from jarvis_redis.settings import RedisCacheSettings

SECRET = "sw0rdf1sh"  # noqa: S105 - of the tests


@pytest.fixture
def user(redis):
    """A user who may do with the cache's keys what the cache does, and nothing else."""
    rights = ["on", f">{SECRET}", "~jarvis:*", "+mget", "+set"]
    redis.seen.execute_command("ACL", "SETUSER", "jarvis", *rights)
    redis.seen.execute_command("ACL", "SETUSER", "default", "off")


async def works(cache):
    await cache.put({b"key": b"1"})
    return await cache.get([b"key"]) == {b"key": b"1"}


async def test_a_password_in_the_url(redis, user, open_cache, caplog):
    caplog.set_level(logging.DEBUG)
    async with open_cache(f"redis://jarvis:{SECRET}@127.0.0.1:{redis.port}/0") as cache:
        assert await works(cache)
    wrong = f"redis://jarvis:{SECRET}x@127.0.0.1:{redis.port}/0"
    async with open_cache(wrong) as cache:
        message = (await cache.health()).message
        assert "invalid username-password pair" in message
    assert SECRET not in repr(RedisCacheSettings(url=wrong)) + caplog.text + message


async def test_a_password_in_a_file_which_changes(redis, user, open_cache, tmp_path):
    file = tmp_path / "password"
    url = f"redis://jarvis@127.0.0.1:{redis.port}/0"
    async with open_cache(url, password_file=str(file)) as cache:
        assert (
            f"password_file: [Errno 2] No such file or directory: '{file}'" in (await cache.health()).message
        )
        file.write_text(SECRET + "\n")
        await cache.check()
        assert await works(cache)


@pytest.mark.parametrize(
    "url",
    [
        f"http://user:{SECRET}@host",
        f"redis://user:{SECRET}/more@host:6379/0",
        f"redis://user:{SECRET}@host?no_such_option=1",
    ],
)
def test_a_url_that_is_none_is_told_without_its_password(url):
    with pytest.raises(ValidationError, match="url: must be redis://") as caught:
        RedisCacheSettings(url=url)
    [error] = caught.value.errors()
    assert not error["loc"], "the input would be shown with it"
    assert SECRET not in error["msg"]


def certificate(folder):
    """Make key.pem and cert.pem for 127.0.0.1, which the latter itself has signed."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


async def test_tls_trusts_who_the_url_names_and_nobody_else(redis, open_cache, proxy, tmp_path):
    certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")

    async with proxy(redis, ssl=context) as (port, _):
        url = f"rediss://127.0.0.1:{port}/0"
        async with open_cache(f"{url}?ssl_ca_certs={tmp_path}/cert.pem") as cache:
            assert await works(cache)
        async with open_cache(url) as cache:
            assert "CERTIFICATE_VERIFY_FAILED" in (await cache.health()).message
