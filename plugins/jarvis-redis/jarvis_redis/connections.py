"""How the cache connects to Redis."""

from pathlib import Path
from typing import Any

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import parse_url
from redis.credentials import CredentialProvider
from redis.exceptions import ConnectionError, RedisError  # noqa: A004 - its name

from jarvis_redis.settings import RedisCacheSettings

CONNECTIONS = 16
"""The most connections of a server, each of which has one command at a time."""


def make_pool(settings: RedisCacheSettings) -> ConnectionPool:
    """Return the connections that the settings describe, none of which is open yet.

    Raises:
        ValueError: they describe none; the text has nothing of the URL, which may hold a password.
    """
    try:
        options: dict[str, Any] = dict(parse_url(settings.url.get_secret_value()))
        if settings.password_file:
            options.pop("password", None)
            name = options.pop("username", "")
            options["credential_provider"] = PasswordFile(name, Path(settings.password_file).expanduser())
        options |= {
            "decode_responses": False,
            "max_connections": CONNECTIONS,
            # With 3, redis-py 8.1 listens for news of maintenance, and then uses a connection of the pool
            # without looking whether it is closed, or has an old answer in it.
            "protocol": 2,
            "socket_connect_timeout": settings.timeout_seconds,  # also bounds how long closing takes
            "socket_timeout": None,  # the cache itself bounds each use
        }
        pool = ConnectionPool(**options)
        pool.make_connection()  # type: ignore[no-untyped-call]
    except (RedisError, TypeError, ValueError):
        msg = (
            "url: must be redis://, rediss:// or unix://, with options that redis-py knows; what is special "
            "in a password, such as / and #, is written as %2F and %23"
        )
        raise ValueError(msg) from None
    return pool


class PasswordFile(CredentialProvider):
    """Reads the password of a user from a file, so that a new one is taken without a restart."""

    def __init__(self, user: str, path: Path) -> None:
        self._user = user
        self._path = path

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        """Return the user, unless it is the default one, and the password.

        Raises:
            ConnectionError: the file cannot be read; redis-py closes the connection at this error alone.
        """
        try:
            password = self._path.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            msg = f"password_file: {error}"
            raise ConnectionError(msg) from None
        return (self._user, password) if self._user else (password,)
