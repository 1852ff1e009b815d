"""Tokens (JWT) that an issuer has signed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt

from jarvis.access.jwks import KeysAtAddress, KeysInFile
from jarvis.access.settings import TokenSettings
from jarvis.core.principal import Role
from jarvis_ports.errors import Unauthenticated

LEEWAY_SECONDS = 30
"""By how much the clock of an issuer may be wrong."""


class Tokens:
    """Reads who a token names.

    Args:
        settings: how tokens are checked.

    Raises:
        OSError, ValueError: the file with the issuer's keys cannot be read, or holds none.
    """

    def __init__(self, settings: TokenSettings) -> None:
        self._settings = settings
        where, algorithms = settings.jwks, settings.algorithms
        self._keys: KeysAtAddress | KeysInFile = (
            KeysAtAddress(where, algorithms) if "://" in where else KeysInFile(Path(where), algorithms)
        )

    async def owner(self, token: str) -> tuple[str, frozenset[Role] | None]:
        """Return the caller that a token names, and its roles, or None if it says nothing of roles.

        Raises:
            Unauthenticated: it is not valid, or no longer.
            IssuerUnavailable: it cannot be checked.
        """
        settings = self._settings
        try:
            header = _header(token)
            key = await self._keys.key(header.get("kid"), str(header.get("alg")))
            if key is None:
                raise Unauthenticated("the token is not valid: no key is known that has signed it")
            claims = jwt.decode(
                token,
                key,
                algorithms=settings.algorithms,
                audience=settings.audience,
                issuer=settings.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", settings.caller_claim]},
            )
        except jwt.PyJWTError as error:
            raise Unauthenticated(f"the token is not valid: {error}") from None
        name = claims[settings.caller_claim]
        if not isinstance(name, str) or not name:
            raise Unauthenticated(f"the token is not valid: {settings.caller_claim} is no text")
        return name, _roles(claims, settings.roles_claim)


def _header(token: str) -> dict[str, Any]:
    """Return the header of a token.

    Raises:
        Unauthenticated: it has none.
    """
    try:
        return jwt.get_unverified_header(token)
    except jwt.DecodeError:  # which shows parts of what may be a secret with a typing error
        msg = "what stands in `authorization` is neither an API key of this server nor a JWT"
        raise Unauthenticated(msg) from None


def _roles(claims: Mapping[str, Any], claim: str) -> frozenset[Role] | None:
    """Return the roles in a claim; other values in it are for others."""
    if claim not in claims:
        return None
    value = claims[claim]
    names = value.split() if isinstance(value, str) else value if isinstance(value, list) else []
    return frozenset(role for role in Role if role in names)
