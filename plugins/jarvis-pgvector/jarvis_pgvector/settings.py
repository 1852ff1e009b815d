"""The settings of the store."""

from pydantic import Field, SecretStr, field_validator

from jarvis_plugins import AdapterSettings


class PgvectorSettings(AdapterSettings):
    """Settings of the `pgvector` store."""

    url: SecretStr = Field(
        description="The database: `postgresql://user:password@host:5432/database?sslmode=verify-full`. "
        "What it leaves out comes from `PGPASSWORD`, `PGPASSFILE` and the like.",
    )
    connections: int = Field(10, ge=2, description="The most connections that this server opens.")
    timeout_seconds: float = Field(
        30.0, ge=1, description="How long PostgreSQL may take for one statement, or for a new connection."
    )

    @field_validator("url")
    @classmethod
    def _names_a_database(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith(("postgresql://", "postgres://")):
            msg = "must be a URL that begins with postgresql://"
            raise ValueError(msg)
        return url
