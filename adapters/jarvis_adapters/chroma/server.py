"""Calls a Chroma server over HTTP."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import chromadb
import httpx
from chromadb.config import Settings

from jarvis_adapters.chroma.engine import Engine
from jarvis_adapters.chroma.errors import describe, translate
from jarvis_adapters.chroma.settings import ChromaSettings
from jarvis_ports.errors import StoreUnusable

P = ParamSpec("P")
T = TypeVar("T")

CALL_SECONDS = 30.0
PROBE_SECONDS = 2.0


class EngineServer:
    """An `Engine` on a server. Any number of threads may call it."""

    def __init__(self, settings: ChromaSettings) -> None:
        self._settings = settings
        headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
        scheme = "https" if settings.ssl else "http"
        self._prober = httpx.Client(
            base_url=f"{scheme}://{settings.host}:{settings.port}", headers=headers, timeout=PROBE_SECONDS
        )

    def start(self) -> None:
        """Connect to the server.

        Raises:
            StoreUnusable: the server does not answer, or not as Chroma does.
        """
        settings = self._settings
        try:
            self.probe()
            client = chromadb.HttpClient(
                settings.host,
                settings.port,
                ssl=settings.ssl,
                headers=dict(self._prober.headers),
                settings=Settings(anonymized_telemetry=False),
            )
            client._server._session.timeout = httpx.Timeout(CALL_SECONDS)
            self._client, self._engine = client, Engine(client)
            self._engine.recover(alone=False)
        except StoreUnusable:
            raise
        except Exception as error:
            msg = (
                f"{settings.host}:{settings.port}: no Chroma server answers there ({describe(error)}); "
                "start it (chroma run), or correct host, port, ssl and headers"
            )
            raise StoreUnusable(msg) from error

    def call(self, method: Callable[Concatenate[Engine, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a method of the engine.

        Raises:
            StoreUnavailable: the server does not answer.
        """
        try:
            return method(self._engine, *args, **kwargs)
        except Exception as error:
            raise translate(error) from error

    def probe(self) -> None:
        """Check that the server answers within `PROBE_SECONDS`.

        Raises:
            httpx.HTTPError: it does not answer, or answers with an error.
        """
        self._prober.get("/api/v2/heartbeat").raise_for_status()

    def stop(self) -> None:
        """Close the connections."""
        self._prober.close()
        self._client.close()
