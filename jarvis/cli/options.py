"""Options that several commands have."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from jarvis.client import BlockingClient

DEFAULT_SERVER = "127.0.0.1:50051"
DEFAULT_TIMEOUT = 300.0


def input_file(name: str, meaning: str) -> Any:  # noqa: ANN401 - as typer's own
    """Describe an option that is a readable file."""
    return typer.Option(name, exists=True, dir_okay=False, readable=True, metavar="FILE", help=meaning)


Server = Annotated[
    str, typer.Option(metavar="ADDRESS", envvar="JARVIS_SERVER", help="host:port or unix:/path.")
]
TLSAuthority = Annotated[
    Path | None, input_file("--tls-ca", "Encrypt, and trust the authorities of this PEM file.")
]
Timeout = Annotated[
    float, typer.Option(min=0.001, metavar="SECONDS", help="How long an answer may take, in seconds.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Model = Annotated[
    str | None, typer.Option(metavar="NAME", help="A model's name; the server's default when left out.")
]
Temperature = Annotated[
    float | None, typer.Option(metavar="NUMBER", help="Randomness, from 0 (greedy) to 2.")
]
MaxTokens = Annotated[int | None, typer.Option(metavar="COUNT", help="The most tokens to generate.")]
Seed = Annotated[int | None, typer.Option(metavar="INTEGER", help="Seed of the sampling.")]


def examples(*lines: str) -> str:
    """Lay out examples for the end of a command's help."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def conversation(system: str | None, text: str) -> list[dict[str, str]]:
    """Make the messages of a first question."""
    before = [] if system is None else [{"role": "system", "content": system}]
    return [*before, {"role": "user", "content": text}]


def connect(
    server: str, tls_ca: Path | None, *, timeout: float = DEFAULT_TIMEOUT, attempts: int = 4
) -> "BlockingClient":
    """Make a client.

    Raises:
        BadParameter: the address is not one.
    """
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its log lines would stand among our own
    from jarvis.client import TLS, BlockingClient  # noqa: PLC0415

    try:
        return BlockingClient(server, tls=TLS(tls_ca) if tls_ca else None, timeout=timeout, attempts=attempts)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--server") from None
