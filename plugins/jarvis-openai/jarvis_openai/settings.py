"""The settings of both adapters."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from jarvis_plugins import AdapterSettings, ModelRef


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        msg = "must be like http://10.0.0.7:8000/v1"
        raise ValueError(msg)
    if parts.username or parts.password:
        msg = "must have no password, as it is logged; use api_key or api_key_file"
        raise ValueError(msg)
    return url.rstrip("/")


class ServerSettings(AdapterSettings):
    """The servers, and how long they may take."""

    base_urls: tuple[Annotated[str, AfterValidator(_base_url)], ...] = Field(
        min_length=1,
        description="The servers, such as `http://10.0.0.7:8000/v1`. All serve the same model.",
    )
    model: str = Field("", description="The model's name at the servers; if empty, the only one they list.")
    api_key: SecretStr = Field(SecretStr(""), description="The key that every request carries, if any.")
    api_key_file: str = Field(
        "", description="A file that holds the key, in place of `api_key`; it is read for each request."
    )
    connect_seconds: float = Field(5.0, gt=0, description="How long a connection may take to be made.")
    health_seconds: float = Field(2.0, gt=0, description="The pause between two checks of a server's health.")
    hang_seconds: float = Field(
        10.0,
        gt=0,
        description="A server that shows no sign of life for so long gets no requests, and loses those it "
        "has.",
    )
    answer_seconds: float = Field(
        300.0, gt=0, description="How long a server that is well may take for the next part of an answer."
    )

    @model_validator(mode="after")
    def _one_key(self) -> "ServerSettings":
        if self.api_key_file and self.api_key.get_secret_value():
            msg = "api_key, api_key_file: leave one of them out"
            raise ValueError(msg)
        return self

    @property
    def has_key(self) -> bool:
        """Whether requests carry a key."""
        return bool(self.api_key_file or self.api_key.get_secret_value())

    def key(self) -> str:
        """Return the key; empty if there is none.

        Raises:
            OSError: the file cannot be read.
        """
        if self.api_key_file:
            return Path(self.api_key_file).read_text(encoding="utf-8").strip()
        return self.api_key.get_secret_value()


class OpenAISettings(ServerSettings):
    """Settings of the language model `openai`."""

    context_length: int | None = Field(
        None,
        ge=2,
        description="The tokens that prompt and answer have at most, where the servers do not tell it.",
    )


class OpenAIEmbedderSettings(ServerSettings):
    """Settings of the embedder `openai`."""

    tokenizer: ModelRef = Field(
        description="The model from the catalogue, or the folder, whose `tokenizer.json` counts the tokens "
        "of texts, and cuts those that are too long; it must be that of the model at the servers."
    )
    max_tokens: int | None = Field(
        None, ge=8, description="The tokens of the longest text, where the servers do not tell it."
    )
    query_prefix: str = Field("", description="What stands before a query, such as `query: `.")
    document_prefix: str = Field("", description="What stands before a document, such as `passage: `.")
    batch_texts: int = Field(128, ge=1, description="The most texts of one request to a server.")
    revision: str = Field(
        "",
        description="Change it when the servers get other weights under the same name: vectors do not mix.",
    )
