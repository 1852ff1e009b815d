"""The public keys of those who issue tokens, which change while the server runs."""

import asyncio
import logging
import time
from pathlib import Path

import aiohttp
from jwt import PyJWK, PyJWKSet, PyJWTError

from jarvis.watched import Watched
from jarvis_ports.errors import IssuerUnavailable

logger = logging.getLogger(__name__)

FRESH_SECONDS = 300.0
"""How long keys from an address are used without a look at whether they have changed."""
PAUSE_SECONDS = 10.0
"""The least time between two looks: not every made-up id of a key becomes a request to the issuer."""
TIMEOUT = aiohttp.ClientTimeout(total=5)

Keys = dict[str, PyJWK]


class KeysInFile:
    """Keys in a file, which is read again when it changes.

    Raises:
        OSError, ValueError: the file cannot be read, or holds no keys.
    """

    def __init__(self, path: Path) -> None:
        self._watched = Watched([path], lambda: read(path.read_bytes(), str(path)))

    async def key(self, id_: str) -> PyJWK | None:
        """Return the key with this id."""
        return self._watched.current().get(id_)


class KeysAtAddress:
    """Keys at an address, which are fetched when the first token comes, and again from time to time."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._keys: Keys | None = None
        self._looked = -FRESH_SECONDS
        self._fetching: asyncio.Task[None] | None = None

    async def key(self, id_: str) -> PyJWK | None:
        """Return the key with this id.

        Raises:
            IssuerUnavailable: no keys could be fetched so far.
        """
        known = (self._keys or {}).get(id_)
        if time.monotonic() - self._looked > (FRESH_SECONDS if known else PAUSE_SECONDS):
            self._looked = time.monotonic()
            self._fetching = asyncio.create_task(self._fetch())
        if known is None and self._fetching:
            await asyncio.shield(self._fetching)
            known = (self._keys or {}).get(id_)
        if self._keys is None:
            msg = "the keys that tokens are checked with cannot be fetched; the server's log says why"
            raise IssuerUnavailable(msg)
        return known

    async def _fetch(self) -> None:
        try:
            async with (
                aiohttp.ClientSession(timeout=TIMEOUT, trust_env=True) as session,
                session.get(self._address, raise_for_status=True, allow_redirects=False) as answer,
            ):
                self._keys = read(await answer.read(), self._address)
        except (OSError, TimeoutError, ValueError, aiohttp.ClientError) as error:
            logger.warning("auth.jwt.jwks: %s: %s", self._address, error or type(error).__name__)


def read(raw: bytes, source: str) -> Keys:
    """Return the keys of a JWKS (https://www.rfc-editor.org/rfc/rfc7517) that can be used, by their ids.

    Raises:
        ValueError: it is none, or has no key that can be used.
    """
    try:
        keys = PyJWKSet.from_json(raw.decode()).keys
    except (ValueError, AttributeError, TypeError, PyJWTError):  # whose text may have the keys in it
        raise ValueError(f"{source} is no JWKS with public keys that can be used") from None
    return {key.key_id or "": key for key in keys if key.public_key_use in {None, "sig"}}
