"""The public keys of those who issue tokens, which change while the server runs."""

import asyncio
import json
import logging
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from jwt import PyJWK, PyJWTError

from jarvis.watched import Watched, read_regular
from jarvis_ports.errors import IssuerUnavailable

logger = logging.getLogger(__name__)

FRESH_SECONDS = 300.0
"""How long keys from an address are used without a look at whether they have changed."""
STALE_SECONDS = 600.0
"""After this long, callers wait for that look."""
PAUSE_SECONDS = 10.0
"""The least time between two looks: not every made-up id of a key becomes a request to the issuer."""
TIMEOUT = aiohttp.ClientTimeout(total=5)
MAX_BYTES = 2**18
"""The most bytes of a JWKS, some 600 keys."""
NO_KEY = (PyJWTError, ValueError, TypeError)
NO_JWKS = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


class Keys:
    """The keys of a JWKS (https://www.rfc-editor.org/rfc/rfc7517) that can be used.

    Args:
        raw: the JWKS.
        source: where it comes from, for messages.
        algorithms: those that may be used. A key that names none is taken for each that it fits.

    Raises:
        ValueError: it is no JWKS, or has no key that can be used.
    """

    def __init__(self, raw: bytes, source: str, algorithms: Sequence[str]) -> None:
        self._keys: dict[tuple[str | None, str], PyJWK] = {}
        try:
            described = json.loads(raw)["keys"]
            for one in described:
                self._add(one, algorithms)
        except NO_JWKS:  # whose words may have the keys in them
            raise ValueError(f"{source} is no JWKS") from None
        if not self._keys:
            raise ValueError(f"{source} has no public key for {', '.join(algorithms)}")

    def _add(self, described: Mapping[str, Any], algorithms: Sequence[str]) -> None:
        if described.get("use") not in (None, "sig"):
            return
        given, own = described.get("kid"), described.get("alg")
        id_ = None if given is None else str(given)
        for algorithm in algorithms:
            if own in (None, algorithm):
                try:
                    self._keys[id_, algorithm] = PyJWK(dict(described), algorithm)
                except NO_KEY:  # one of another kind, or damaged: others may do
                    continue

    def get(self, id_: str | None, algorithm: str) -> PyJWK | None:
        """Return a key; a token that names none may be signed with the only one of its algorithm."""
        if id_ is not None:
            return self._keys.get((id_, algorithm))
        fitting = [key for (_, other), key in self._keys.items() if other == algorithm]
        return fitting[0] if len(fitting) == 1 else None


class KeysInFile:
    """Keys in a file, which is read again when it changes.

    Raises:
        OSError, ValueError: the file cannot be read, or holds no keys.
    """

    def __init__(self, path: Path, algorithms: Sequence[str]) -> None:
        self._watched = Watched([path], lambda: Keys(read_regular(path), str(path), algorithms))

    async def key(self, id_: str | None, algorithm: str) -> PyJWK | None:
        """Return a key."""
        return self._watched.current().get(id_, algorithm)


class KeysAtAddress:
    """Keys at an address, which are fetched when the first token comes, and again from time to time."""

    def __init__(self, address: str, algorithms: Sequence[str]) -> None:
        self._address = address
        self._read = partial(Keys, source=address, algorithms=algorithms)
        self._keys: Keys | None = None
        self._looked = self._found = -STALE_SECONDS
        self._failed = False
        self._fetching: asyncio.Task[None] | None = None

    async def key(self, id_: str | None, algorithm: str) -> PyJWK | None:
        """Return a key.

        Raises:
            IssuerUnavailable: it is not known, and the keys cannot be fetched.
        """
        known = self._keys.get(id_, algorithm) if self._keys else None
        now = time.monotonic()
        if now - max(self._looked, self._found) > (FRESH_SECONDS if known else PAUSE_SECONDS):
            self._looked = now
            self._fetching = asyncio.create_task(self._fetch())
        if self._fetching and (known is None or now - self._found > STALE_SECONDS):
            await asyncio.shield(self._fetching)
            known = self._keys.get(id_, algorithm) if self._keys else None
        if known is None and self._failed:
            msg = "the keys that tokens are checked with cannot be fetched; the server's log says why"
            raise IssuerUnavailable(msg)
        return known

    async def _fetch(self) -> None:
        try:
            async with (
                aiohttp.ClientSession(timeout=TIMEOUT, trust_env=True, auto_decompress=False) as session,
                session.get(
                    self._address,
                    raise_for_status=True,
                    allow_redirects=False,
                    headers={"Accept-Encoding": "identity"},
                ) as answer,
            ):
                raw = await _bounded(answer.content)
            self._keys = await asyncio.to_thread(self._read, raw)
            self._found, self._failed = time.monotonic(), False
        except (OSError, TimeoutError, ValueError, aiohttp.ClientError) as error:
            self._failed = True
            logger.warning("auth.jwt.jwks: %s: %s", self._address, str(error) or type(error).__name__)


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    try:
        await content.readexactly(MAX_BYTES + 1)
    except asyncio.IncompleteReadError as end:
        return end.partial
    msg = f"it has more than {MAX_BYTES} bytes"
    raise ValueError(msg)
