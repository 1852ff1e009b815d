"""The settings of the cache in Redis."""

from typing import Self

from pydantic import Field, SecretStr, model_validator

from jarvis_plugins import AdapterSettings


class RedisCacheSettings(AdapterSettings):
    """Settings of the `redis` cache."""

    url: SecretStr = Field(
        description="Its address: `redis://USER:PASSWORD@HOST:6379/0`, `rediss://` for TLS, or `unix:///PATH`."
    )
    password_file: str = Field(
        "", description="The file with the password, in place of one in `url`; read at each connection."
    )
    prefix: str = Field("jarvis", min_length=1, description="What every key begins with.")
    ttl_seconds: int = Field(
        7 * 86400,
        ge=1,
        description="Seconds after which a value is forgotten; Redis's `maxmemory` bounds them.",
    )
    timeout_seconds: float = Field(
        0.5,
        gt=0,
        description="The most that a lookup may take before the model is asked instead. From 2 on, the "
        "server itself gives up first, and for 30 s.",
    )

    @model_validator(mode="after")  # an error of the field alone would show the password with the rest of it
    def _say_how_to_connect(self) -> Self:
        from jarvis_redis.connections import make_pool  # noqa: PLC0415 - imports redis

        make_pool(self)
        return self
