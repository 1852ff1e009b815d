"""The tables of the configuration that say how callers are known, and what they may do."""

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from jarvis.address import is_local
from jarvis.app.config.section import Section
from jarvis.core.principal import Role

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class JWTConfig(Section):
    """Tokens (JWT) that somebody else issues, such as an OpenID provider."""

    issuer: str = Field("", description="The `iss` that tokens must have; no tokens are taken when empty.")
    audience: str = Field("", description="The `aud` that tokens must have.")
    jwks: str = Field(
        "", description="Where the issuer's public keys (JWKS) are: an https address, or the path of a file."
    )
    algorithms: list[Algorithm] = Field(
        ["RS256"], min_length=1, description="The algorithms with which tokens may be signed."
    )
    caller_claim: str = Field("sub", min_length=1, description="The claim that names the caller.")
    roles_claim: str = Field(
        "roles",
        min_length=1,
        description="The claim that has its roles: a list, or a text with spaces between them.",
    )

    @field_validator("jwks")
    @classmethod
    def _not_in_clear(cls, jwks: str) -> str:
        if "://" not in jwks:
            return jwks
        parts = urlsplit(jwks)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
            msg = "neither https://host/path, without a user's name, nor the path of a file"
            raise ValueError(msg)
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        if parts.scheme == "http" and not is_local(f"{host}:80"):
            msg = f"{jwks!r}: keys that come unencrypted could be anyone's; take an https address, or a file"
            raise ValueError(msg)
        return jwks

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if len({bool(self.issuer), bool(self.audience), bool(self.jwks)}) > 1:
            msg = "issuer, audience and jwks go together"
            raise ValueError(msg)
        return self


class AuthConfig(Section):
    """How callers are known, beside the certificates of server.tls.client_ca."""

    keys: str = Field("", description="The file of API keys, which `jarvis keys` writes; none when empty.")
    jwt: JWTConfig = JWTConfig()
    default_roles: list[Role] = Field(
        [],
        description="The roles of callers with a certificate, or a token without roles, that `callers` does "
        "not name.",
    )
    open_health: bool = Field(
        default=True,
        description="Whether those who show nothing are told the health: by grpc.health.v1, /health, /ready.",
    )


class CallerLimits(Section):
    """What a caller may use."""

    requests_per_minute: int | None = Field(
        None, ge=1, description="The most calls of it in a minute that generate, embed, search or write."
    )
    tokens_per_minute: int | None = Field(
        None, ge=1, description="The most tokens in a minute of its prompts, answers and embedded texts."
    )
    tokens_per_day: int | None = Field(None, ge=1, description="The most of these tokens in a day, in UTC.")


class LimitsConfig(CallerLimits):
    """What each caller may use that `callers` sets nothing else for, and how it is counted."""

    shadow: bool = Field(
        default=False, description="Whether calls over a limit are only counted and logged, not refused."
    )
    redis: SecretStr = Field(
        SecretStr(""),
        description="The Redis in which several servers count the last minute together, such as "
        "redis://host:6379/0; each counts for itself when empty.",
    )
    usage: str = Field(
        "",
        description="The SQLite file of what callers used; in the data folder when empty, :memory: for none.",
    )


class CallerConfig(CallerLimits):
    """A caller, by the name in its certificate or token, or that its key was made for."""

    roles: list[Role] = Field(
        [], description="What it may do: infer, write, observe, admin. Keys have their own."
    )
    weight: float = Field(
        1.0, gt=0, description="Its share where callers wait: twice the weight is twice the share."
    )
    max_requests: int | None = Field(None, ge=1, description="The most requests of it that run or wait.")
    max_queued_tokens: int | None = Field(
        None, ge=1, description="The most tokens, about, of its prompts that wait."
    )
