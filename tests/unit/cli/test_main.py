import grpc
import pytest

from jarvis import __version__
from jarvis.cli import errors
from jarvis.client import CannotConnect, JarvisClientError
from jarvis.config import ConfigError
from jarvis.server.lifecycle import CannotListen
from jarvis_plugins.registry import DuplicateAdapter, UnknownAdapter
from jarvis_ports.errors import EngineStartFailed, ModelUnavailable, StartupError

COMMANDS = [
    ["serve"],
    ["chat"],
    ["generate"],
    ["ask"],
    ["prompt"],
    ["prompt", "explain"],
    ["collections"],
    ["health"],
    ["status"],
    ["adapters"],
    ["models"],
    ["config"],
    ["config", "check"],
    ["config", "show"],
    ["config", "schema"],
]


async def test_version(run):
    assert await run("--version") == (0, f"jarvis {__version__}\n", "")


async def test_help_lists_the_commands(run):
    code, out, _ = await run("--help")
    assert code == 0
    assert all(f"\n  {command[0]} " in out for command in COMMANDS)


@pytest.mark.parametrize("command", [[], *COMMANDS], ids=" ".join)
async def test_help_ends_with_examples(run, command):
    code, out, err = await run(*command, "--help")
    assert (code, err) == (0, "")
    last = out[out.index("  Examples:\n") :].splitlines()[1:]
    assert last
    assert all(line.startswith("    jarvis ") for line in last)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "Missing command. (see jarvis --help)"),
        (["config"], "Missing command. (see jarvis config --help)"),
        (["prompt"], "Missing command. (see jarvis prompt --help)"),
        (["collections"], "Missing command. (see jarvis collections --help)"),
        (["prompt", "exlain"], "No such command 'exlain'. Did you mean 'explain'?"),
        (["sevre"], "No such command 'sevre'. Did you mean 'serve'? (see jarvis --help)"),
        (["status", "--bogus"], "No such option: --bogus (see jarvis status --help)"),
        (["generate", "x", "--max-tokens", "many"], "'--max-tokens'"),
        (["generate", "x", "--tls-ca", "/no/such.pem"], "'/no/such.pem' does not exist"),
        (["health", "--server", "nowhere"], "--server: 'nowhere' is neither host:port nor unix:/path"),
    ],
)
async def test_a_wrong_command_line_is_one_line_and_code_2(run, arguments, complaint):
    code, out, err = await run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("jarvis: ")
    assert err.count("\n") == 1
    assert complaint in err


def client_error(code: str) -> JarvisClientError:
    return JarvisClientError(grpc.StatusCode[code], "no")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("jarvis.toml: prot: unknown key"), 2),
        (UnknownAdapter("no llm adapter 'x'"), 2),
        (DuplicateAdapter("two of them"), 2),
        (CannotListen("port taken"), 2),
        (StartupError("not to be had"), 2),
        (ModelUnavailable("no folder"), 2),
        (EngineStartFailed("out of memory"), 1),
        (client_error("INVALID_ARGUMENT"), 2),
        (client_error("UNAVAILABLE"), 1),
        (CannotConnect(client_error("UNAVAILABLE").code, "cannot connect"), 1),
        (KeyError("a defect"), None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_exit_codes(error, code):
    assert errors.exit_code(error) == code
