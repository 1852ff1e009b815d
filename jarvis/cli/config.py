"""`jarvis config`: what is configured, and what can be configured."""

import typer

from jarvis.cli.options import examples
from jarvis.cli.output import echo, print_json, write
from jarvis.cli.serve import ConfigFile, Sets

app = typer.Typer(help="Check, show and describe the configuration.")


@app.command(
    epilog=examples(
        "jarvis config check", "jarvis config check --config /etc/jarvis.toml --set log.level=debug"
    )
)
def check(*, config: ConfigFile = None, sets: Sets = None) -> None:
    """Check the configuration, its adapters and its model references, without starting anything."""
    from jarvis.app.bootstrap import check as check_all  # noqa: PLC0415
    from jarvis.app.config import load  # noqa: PLC0415
    from jarvis.app.config.load import DEFAULT_PATH  # noqa: PLC0415

    check_all(load(config, sets or []))
    echo(f"ok: {config or (DEFAULT_PATH if DEFAULT_PATH.exists() else 'defaults')}")


@app.command(epilog=examples("jarvis config show > jarvis.toml", "jarvis config show --set log.level=debug"))
def show(*, config: ConfigFile = None, sets: Sets = None) -> None:
    """Print the configuration in force, as TOML."""
    import tomlkit  # noqa: PLC0415

    from jarvis.app.config import load  # noqa: PLC0415

    effective = load(config, sets or []).model_dump(mode="json", exclude_none=True)
    write(tomlkit.dumps(effective))


@app.command(epilog=examples("jarvis config schema > jarvis.schema.json"))
def schema() -> None:
    """Print the JSON schema of the configuration."""
    from jarvis.app.config import Config  # noqa: PLC0415

    print_json(Config.model_json_schema())
