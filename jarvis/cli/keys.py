"""`jarvis keys`: the API keys that a server takes."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jarvis.cli.options import Json, examples
from jarvis.cli.output import echo, print_json, print_table
from jarvis.cli.serve import ConfigFile, Sets

if TYPE_CHECKING:
    from jarvis.access.keys import Key

app = typer.Typer(
    help="Make, list and revoke API keys; a server that runs takes the change at once.",
)

File = Annotated[
    Path | None,
    typer.Option(
        "--file",
        metavar="FILE",
        help="The file of keys; auth.keys of the configuration when left out.",
    ),
]


@app.command(
    epilog=examples(
        "jarvis keys add search-team --role infer --file keys.json",
        "jarvis keys add indexer --role infer --role write --days 90",
        "jarvis keys add prometheus --role observe > prometheus.key",
    )
)
def add(  # noqa: PLR0913 - its options
    caller: Annotated[str, typer.Argument(help="Whose key it is.", show_default=False)],
    *,
    roles: Annotated[
        list[str],
        typer.Option(
            "--role",
            metavar="ROLE",
            help="infer, write, observe or admin; may be repeated.",
            show_default=False,
        ),
    ],
    days: Annotated[
        int | None,
        typer.Option(
            min=1, max=36_500, metavar="NUMBER", help="In how many days it ends; never when left out."
        ),
    ] = None,
    file: File = None,
    config: ConfigFile = None,
    sets: Sets = None,
    as_json: Json = False,
) -> None:
    """Make a key and print it; it is kept nowhere."""
    from jarvis.access import keys  # noqa: PLC0415 - a part of the server
    from jarvis.core.principal import Role  # noqa: PLC0415 - as above

    if not caller.strip() or not caller.isprintable():
        raise typer.BadParameter("is empty, or cannot be printed", param_hint="CALLER")
    if sys.stdout is None:
        raise typer.BadParameter("standard output is closed, so nobody would see the key")
    if unknown := set(roles) - set(Role):
        known = ", ".join(Role)
        raise typer.BadParameter(
            f"no role {', '.join(sorted(unknown))}; there is {known}", param_hint="--role"
        )
    expires = None if days is None else datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
    path = _path(file, config, sets)
    with _changing(path):
        key, text = keys.add(path, caller, [Role(role) for role in roles], expires)
    try:
        if as_json:
            print_json({**_shown(key), "key": text})
        else:
            echo(text)
        sys.stdout.flush()
    except OSError as error:
        keys.revoke(path, lambda one: one.id == key.id)
        echo(f"jarvis: the key could not be printed ({error.strerror}), and was revoked", err=True)
        with open(os.devnull, "w") as nothing:  # noqa: PTH123 - or Python tries to print it once more
            os.dup2(nothing.fileno(), 1)
        raise typer.Exit(1) from None
    if as_json:
        return
    ends = f" until {key.expires:%Y-%m-%d %H:%M} UTC" if key.expires else ""
    echo(f"jarvis: key {key.id} of {caller} is good{ends} for: {', '.join(key.roles)}", err=True)
    echo("jarvis: keep it now, as it cannot be shown again", err=True)


@app.command("list", epilog=examples("jarvis keys list", "jarvis keys list --file keys.json --json"))
def list_keys(
    *, file: File = None, config: ConfigFile = None, sets: Sets = None, as_json: Json = False
) -> None:
    """List the keys. LOG ID is what stands for the caller in the server's log."""
    shown = [_shown(key) for key in _read(_path(file, config, sets))]
    if as_json:
        print_json(shown)
        return
    print_table(
        ("ID", "CALLER", "ROLES", "LOG ID", "CREATED", "EXPIRES"),
        (
            (
                key["id"],
                key["caller"],
                " ".join(key["roles"]),
                key["log_id"],
                key["created"],
                f"{key['expires'] or 'never'}{' (expired)' if key['expired'] else ''}",
            )
            for key in shown
        ),
    )


@app.command(
    epilog=examples("jarvis keys revoke 1f0c9a3be25d", "jarvis keys revoke --caller old-team --dry-run")
)
def revoke(  # noqa: PLR0913 - its options
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID...]", help="The ids of the keys, or the keys.")
    ] = None,
    *,
    caller: Annotated[
        str | None, typer.Option(metavar="NAME", help="Revoke all keys of this caller.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be revoked.")] = False,
    file: File = None,
    config: ConfigFile = None,
    sets: Sets = None,
) -> None:
    """Revoke keys. Calls that run go on; new ones are refused."""
    from jarvis.access import keys  # noqa: PLC0415 - a part of the server

    wanted = {keys.id_of(one) or one for one in ids or ()}
    if not wanted and caller is None:
        raise typer.BadParameter("name keys, or a --caller", param_hint="ID")
    path = _path(file, config, sets)
    known = _read(path)
    if unknown := wanted - {key.id for key in known}:
        raise typer.BadParameter(
            f"no key {', '.join(sorted(unknown))}; see jarvis keys list", param_hint="ID"
        )
    if caller is not None and not any(key.caller == caller for key in known):
        raise typer.BadParameter(f"{caller!r} has no key; see jarvis keys list", param_hint="--caller")
    revoked: list[Key] = []

    def chosen(key: "Key") -> bool:
        if found := key.id in wanted or key.caller == caller:
            revoked.append(key)
        return found

    with _changing(path):
        if dry_run:
            list(filter(chosen, known))
        else:
            keys.revoke(path, chosen)
    for key in revoked:
        echo(f"{'would revoke' if dry_run else 'revoked'} {key.id} of {key.caller}")


def _shown(key: "Key") -> dict[str, Any]:
    from jarvis.core.principal import log_id  # noqa: PLC0415 - a part of the server

    return {
        **key.model_dump(mode="json", exclude={"digest"}),
        "expired": key.expired,
        "log_id": log_id(key.caller),
    }


def _path(file: Path | None, config: Path | None, sets: list[str] | None) -> Path:
    from jarvis.app.config import ConfigError, load  # noqa: PLC0415 - a part of the server

    if file:
        return file
    if not (path := load(config, sets or []).auth.keys):
        msg = "no file of keys is configured: set auth.keys in jarvis.toml, or give --file"
        raise ConfigError(msg)
    return Path(path)


def _read(path: Path) -> "tuple[Key, ...]":
    from jarvis.access.keys import read  # noqa: PLC0415 - a part of the server

    with _changing(path):
        return read(path)


@contextmanager
def _changing(path: Path) -> Iterator[None]:
    """Report what is wrong with a file of keys, which is then as it was."""
    from jarvis.app.config import ConfigError  # noqa: PLC0415 - a part of the server

    try:
        yield
    except FileNotFoundError:
        msg = f"there is no file of keys {path}: jarvis keys add makes it"
        if not path.parent.exists():
            msg = f"there is no folder {path.parent} for the file of keys {path.name}: make it first"
        raise ConfigError(msg) from None
    except OSError as error:
        echo(f"jarvis: {path}: {error.strerror or error}", err=True)
        raise typer.Exit(1) from None
    except ValueError as error:
        raise ConfigError(str(error)) from None
