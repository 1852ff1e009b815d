"""The options of a connection, which every command that calls a server has."""

import inspect
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from jarvis.cli.options import DEFAULT_TIMEOUT, input_file
from jarvis.cli.output import echo

if TYPE_CHECKING:
    from jarvis.client import BlockingClient

R = TypeVar("R")


class _Waits(logging.Handler):
    """Shows on standard error that a call waits to be made again, which would look hung otherwise."""

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):  # nobody reads it any more
            echo(f"jarvis: {record.getMessage()}, Ctrl-C to give up", err=True)


_waits = _Waits()


@dataclass(frozen=True)
class Connection:
    """How a server is reached; each field is an option."""

    server: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            envvar="JARVIS_SERVER",
            help="host:port or unix:/path; https://host:port encrypts.",
        ),
    ] = "127.0.0.1:50051"
    tls_ca: Annotated[
        Path | None,
        input_file("--tls-ca", "Encrypt, and trust the authorities of this PEM file."),
    ] = None
    tls_cert: Annotated[
        Path | None,
        input_file("--tls-cert", "Show the certificate in this PEM file."),
    ] = None
    tls_key: Annotated[
        Path | None,
        input_file("--tls-key", "The private key of --tls-cert, in PEM."),
    ] = None

    token: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            envvar="JARVIS_TOKEN",
            show_envvar=True,
            help="An API key or a token; others on this machine can see what is typed here.",
        ),
    ] = None

    def open(self, *, timeout: float = DEFAULT_TIMEOUT, attempts: int = 4) -> "BlockingClient":
        """Return a client of the server; raise what `opened` raises."""
        from jarvis.client import BlockingClient  # noqa: PLC0415

        return self.opened(BlockingClient, timeout=timeout, attempts=attempts)

    def opened(self, kind: Callable[..., R], *, timeout: float, attempts: int) -> R:
        """Return a client of a kind.

        Raises:
            BadParameter: the address is not valid, or a certificate or its key is missing.
        """
        from jarvis.client import TLS  # noqa: PLC0415

        if bool(self.tls_cert) != bool(self.tls_key):
            raise typer.BadParameter("go together; give both", param_hint="--tls-cert and --tls-key")

        server = self.server.strip()
        scheme, found, rest = server.partition("://")
        encrypted = self.tls_ca is not None
        if server.startswith("unix:///"):  # gRPC's other form of an absolute path
            server = f"unix:{rest}"
        elif found:
            if scheme not in {"http", "https"} or (encrypted and scheme == "http"):
                hint = (
                    "with --tls-ca it begins with https://" if scheme == "http" else "no such scheme is known"
                )
                raise typer.BadParameter(
                    f"{server!r}: {hint}; host:port or unix:/path will do", param_hint="--server"
                )
            server, encrypted = rest.rstrip("/"), scheme == "https"
        if self.tls_cert and not encrypted:
            hint = "only where the connection is encrypted: add --tls-ca FILE, or --server https://host:port"
            raise typer.BadParameter(hint, param_hint="--tls-cert")
        tls = TLS(self.tls_ca, self.tls_cert, self.tls_key) if encrypted else None
        log = logging.getLogger("jarvis.client")
        log.setLevel(logging.INFO)
        log.addHandler(_waits)
        try:
            return kind(server, tls=tls, token=self.token, timeout=timeout, attempts=attempts)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--server") from None
        except OSError as error:
            raise typer.BadParameter(str(error), param_hint="--tls-ca, --tls-cert, --tls-key") from None


def connects(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options of a `Connection`, which it takes as its keyword `connection`."""
    signature = inspect.signature(command)
    own = [parameter for name, parameter in signature.parameters.items() if name != "connection"]
    options = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type
        )
        for field in fields(Connection)
    ]

    @wraps(command)
    def connected(*args: object, **given: object) -> R:
        connection = Connection(**{option.name: given.pop(option.name) for option in options})  # type: ignore[arg-type]
        return command(*args, connection=connection, **given)

    connected.__signature__ = signature.replace(parameters=[*own, *options])  # type: ignore[attr-defined]
    return connected
