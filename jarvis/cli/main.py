"""The command `jarvis`."""

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from jarvis import __version__
from jarvis.cli import (
    adapters,
    collections,
    config,
    documents,
    info,
    interrupts,
    keys,
    models,
    plugins,
    prompt,
    slo,
    usage,
    weights,
)
from jarvis.cli.ask import ask
from jarvis.cli.backup import backup, restore
from jarvis.cli.bench import bench
from jarvis.cli.chat import chat
from jarvis.cli.embed import embed
from jarvis.cli.errors import INTERRUPTED, NEEDS_SERVER, USAGE_ERROR, exit_code, has_server
from jarvis.cli.generate import generate
from jarvis.cli.ingest import ingest
from jarvis.cli.options import examples
from jarvis.cli.output import echo, write
from jarvis.cli.rerank import rerank
from jarvis.cli.search import search
from jarvis.cli.serve import serve
from jarvis.cli.tokens import detokenize, tokenize

app = typer.Typer(
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command(
    epilog=examples(
        "jarvis serve", "jarvis serve --config jarvis.toml --set 'server.listen=[\"unix:/run/jarvis.sock\"]'"
    )
)(serve)
app.command(epilog=examples("jarvis chat", "jarvis chat --system 'Answer in French.' --temperature 0"))(chat)
app.command(
    epilog=examples(
        "jarvis generate 'What is the capital of France?'",
        "jarvis generate --json --max-tokens 100 < question.txt",
        "jarvis generate --choice yes --choice no 'Is water wet?'",
        "jarvis generate --raw 'Once upon a time'",
        "jarvis generate --template technical --language es '¿Qué es un mutex?'",
    )
)(generate)
app.command(
    epilog=examples(
        "jarvis ask 'What did we decide about backups?'",
        "jarvis ask --collection manuals --top-k 3 --json 'How is it reset?'",
        "jarvis ask 'Which of our rules does this break?' < change.diff",
    )
)(ask)
app.command(
    epilog=examples(
        "jarvis ingest ~/notes",
        "jarvis ingest docs --collection manuals --prune --dry-run",
        "curl -s https://example.org/page.html | jarvis ingest - --source https://example.org/page.html",
    )
)(ingest)
app.add_typer(
    documents.app,
    name="documents",
    epilog=examples("jarvis documents list ~/notes", "jarvis documents delete /mnt/old --dry-run"),
)
app.command(
    epilog=examples(
        "jarvis search 'how to reset it' --top-k 3",
        "jarvis search backups --mode sparse --filter lang=es --json",
    )
)(search)
app.command(epilog=examples("jarvis embed 'some text'", "jarvis embed --role query --json < questions.txt"))(
    embed
)
app.command(epilog=examples("jarvis tokenize 'What is a mutex?'", "jarvis tokenize --raw --json < page.txt"))(
    tokenize
)
app.command(epilog=examples("jarvis detokenize 1 9690 198"))(detokenize)
app.command(
    epilog=examples(
        "jarvis rerank 'how to reset it' manual.txt notes.txt",
        "jarvis rerank 'Where are backups kept?' --top-n 3 --json < lines.txt",
    )
)(rerank)
app.add_typer(prompt.app, name="prompt", epilog=examples("jarvis prompt explain 'What is a mutex?'"))
app.add_typer(
    collections.app,
    name="collections",
    epilog=examples("jarvis collections list", "jarvis collections doctor default"),
)
app.command(epilog=examples("jarvis health", "jarvis health jarvis.v1.GenerationService"))(info.health)
app.command(
    epilog=examples(
        "jarvis status", "jarvis status --watch --interval 5", "jarvis status --json --server 10.0.0.7:50051"
    )
)(info.status)
app.command(
    epilog=examples("jarvis usage", "jarvis usage --days 30 --caller search-team", "jarvis usage --json")
)(usage.usage)
app.command(
    epilog=examples(
        "jarvis bench --concurrency 64", "jarvis bench --rate 5 --seconds 60 --prompts prompts.txt --json"
    )
)(bench)
app.add_typer(
    adapters.app,
    name="adapters",
    epilog=examples("jarvis adapters", "jarvis adapters --offline --json", "jarvis adapters reload llm demo"),
)
app.add_typer(
    plugins.app,
    name="plugins",
    epilog=examples("jarvis plugins new acme-chat --port llm", "jarvis plugins check"),
)
app.add_typer(
    weights.app,
    name="weights",
    epilog=examples(
        "jarvis weights load support /srv/weights/support --base chat", "jarvis weights unload support"
    ),
)
app.add_typer(
    models.app,
    name="models",
    epilog=examples("jarvis models list", "jarvis models fetch --help"),
)
app.add_typer(
    keys.app,
    name="keys",
    epilog=examples("jarvis keys add search-team --role infer", "jarvis keys list"),
)
app.command(epilog=examples("jarvis backup /backups/monday", "jarvis backup --config jarvis.toml monday"))(
    backup
)
app.command(epilog=examples("jarvis restore monday --dry-run", "jarvis restore monday --force"))(restore)
app.add_typer(config.app, name="config", epilog=examples("jarvis config check", "jarvis config show"))
app.add_typer(slo.app, name="slo", epilog=examples("jarvis slo rules > /etc/prometheus/jarvis.yml"))


def _version(asked: bool) -> None:  # noqa: FBT001 - the signature of an option's callback
    if asked:
        echo(f"jarvis {__version__}")
        raise typer.Exit


@app.callback(epilog=examples("jarvis serve", "jarvis chat", "jarvis help ask"))
def root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Serve the models that you run yourself over gRPC, and talk to them.

    Exit codes: 0 done; 1 it failed while running; 2 the command line, the configuration or the request is
    wrong, as where it names what does not exist, or the caller may not do that; 130 Ctrl-C.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line, by default that of the process, and return its exit code."""
    try:
        interrupts.handle()
        return _run(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(arguments: Sequence[str] | None) -> int:
    for stream, errors in ((sys.stdin, "surrogateescape"), (sys.stdout, "replace")):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=errors)
    # gRPC would log what is also raised; it reads this when it is imported.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(_completed(given), prog_name="jarvis", standalone_mode=False)
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        if context and error.message.startswith("Missing command"):
            write(context.get_help() + "\n")
            return 0
        hint = f" (see {context.command_path} --help)" if context else ""
        _complain(error.format_message() + hint)
        return error.exit_code
    except typer.Abort:  # Ctrl-C, or the end of the input, where something is asked
        return INTERRUPTED
    except ModuleNotFoundError:
        if has_server():
            raise
        _complain(NEEDS_SERVER)
        return USAGE_ERROR
    except Exception as error:
        expected = exit_code(error)
        if expected is None:
            raise
        hint = "; set JARVIS_TOKEN, or --token" if getattr(error, "reason", "") == "UNAUTHENTICATED" else ""
        _complain(f"{error}{hint}")
        return expected
    return code or 0


def _completed(arguments: list[str]) -> list[str]:
    """Return the arguments in full: `help` becomes --help, and a completion option gets its shell."""
    # With this, Typer takes the name of a shell, and checks it.
    os.environ["_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION"] = "1"
    match arguments:
        case ["help", *command]:
            return [*(word for word in command if word != "help"), "--help"]
        case ["--install-completion" | "--show-completion"]:
            return [*arguments, Path(os.environ.get("SHELL", "")).name]
    return arguments


def _complain(message: str) -> None:
    for line in message.split("\n"):
        echo(f"jarvis: {line}", err=True)
