"""How callers are known, independent of the form of the configuration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jarvis.core.principal import Role


@dataclass(frozen=True)
class TokenSettings:
    """How tokens (JWT, https://www.rfc-editor.org/rfc/rfc7519) are checked, and what is read from them.

    Attributes:
        issuer: the `iss` that a token must have.
        audience: the `aud` that it must have.
        jwks: where the issuer's public keys are: an address, or the path of a file.
        algorithms: the algorithms with which it may be signed.
        caller_claim: the claim that names the caller.
        roles_claim: the claim that has its roles: a list, or a text with spaces between them.
    """

    issuer: str
    audience: str
    jwks: str
    algorithms: tuple[str, ...]
    caller_claim: str
    roles_claim: str


@dataclass(frozen=True)
class AccessSettings:
    """How callers are known.

    Attributes:
        keys: the file of API keys; None if there are none.
        tokens: how tokens are checked; None if there are none.
        certificates: whether callers show certificates.
        open_health: whether health is told to everybody.
        roles: the roles of callers, by their names.
        default_roles: the roles of others whose certificate or token is valid.
    """

    keys: Path | None
    tokens: TokenSettings | None
    certificates: bool
    open_health: bool
    roles: Mapping[str, frozenset[Role]] = field(default_factory=dict)
    default_roles: frozenset[Role] = frozenset()
