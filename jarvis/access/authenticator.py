"""Finds who a caller is by what it shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jarvis.access import keys
from jarvis.access.settings import AccessSettings
from jarvis.access.tokens import Tokens
from jarvis.address import CannotListen
from jarvis.core.principal import ANYONE, Principal, Role
from jarvis.watched import Watched, described
from jarvis_ports.errors import PermissionDenied, Unauthenticated

SCHEME = "bearer "
NOTHING_SHOWN = "show who you are: an API key or a token, as `authorization: Bearer …`"


@dataclass(frozen=True)
class Shown:
    """What a caller shows.

    Attributes:
        authorization: the header of that name; "" if there is none.
        certificate: the name in its certificate, which has been verified; "" if it showed none.
        local: whether it calls through a unix socket, whose folder decides who may.
    """

    authorization: str = ""
    certificate: str = ""
    local: bool = False


class Authenticator:
    """Knows callers by API keys, tokens and certificates.

    Args:
        settings: how callers are known.

    Attributes:
        open_health: whether health is told to everybody.

    Raises:
        CannotListen: the file of keys, or that of an issuer's keys, cannot be read or used.
    """

    def __init__(self, settings: AccessSettings) -> None:
        self.open_health = settings.open_health
        self._settings = settings
        try:
            self._tokens = Tokens(settings.tokens) if settings.tokens else None
        except (OSError, ValueError) as error:
            raise CannotListen(f"auth.jwt.jwks: {described(error)}") from None
        try:
            self._keys = _watched(settings.keys) if settings.keys else None
        except FileNotFoundError:
            msg = f"auth.keys: there is no file {settings.keys}; jarvis keys add makes it"
            raise CannotListen(msg) from None
        except (OSError, ValueError) as error:
            raise CannotListen(f"auth.keys: {described(error)}") from None

    async def identify(self, shown: Shown) -> Principal:
        """Return who a caller is.

        What is in the header counts more than the certificate of the connection, and that more than the
        socket: what is shown and is not valid is refused.

        Raises:
            Unauthenticated: it shows nothing, or something that is not valid.
            IssuerUnavailable: its token cannot be checked.
        """
        if shown.authorization:
            return await self._bearer(shown.authorization)
        if shown.certificate and self._settings.certificates:
            return self._known(shown.certificate)
        if shown.local:
            return ANYONE
        raise Unauthenticated(NOTHING_SHOWN)

    async def _bearer(self, authorization: str) -> Principal:
        if not authorization.lower().startswith(SCHEME) or not authorization.isascii():
            raise Unauthenticated(NOTHING_SHOWN)
        text = authorization[len(SCHEME) :]
        if self._keys and keys.is_key(text):
            if found := keys.owner(self._keys.current(), text):
                return found
            raise Unauthenticated("the API key is not valid, or no longer")
        if self._tokens:
            return self._known(*await self._tokens.owner(text))
        raise Unauthenticated("what stands in `authorization` is no API key of this server")

    def _known(self, name: str, roles: frozenset[Role] | None = None) -> Principal:
        if roles is None:
            roles = self._settings.roles.get(name, self._settings.default_roles)
        return Principal(name, roles)


def check(principal: Principal, *roles: Role) -> None:
    """Check that a caller has one of some roles.

    Raises:
        PermissionDenied: it has none of them.
    """
    if principal.roles.isdisjoint(roles):
        has = ", ".join(sorted(principal.roles)) or "none"
        raise PermissionDenied(f"this needs the role {' or '.join(roles)}; your roles: {has}")


def _watched(path: Path) -> Watched[Mapping[str, keys.Key]]:
    return Watched([path], lambda: {key.id: key for key in keys.read(path)})
