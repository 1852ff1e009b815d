import grpc
import pytest

from jarvis import __version__
from jarvis.app.config import ConfigError
from jarvis.backup import BackupFailed, BackupRefused
from jarvis.cli import errors
from jarvis.client import CannotConnect, JarvisClientError
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
    ["rerank"],
    ["collections"],
    ["health"],
    ["status"],
    ["adapters"],
    ["adapters", "reload"],
    ["weights"],
    ["weights", "load"],
    ["weights", "unload"],
    ["weights", "list"],
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
    ("asked", "command"),
    [
        ([], []),
        (["help"], []),
        (["help", "help"], []),
        (["help", "--help"], []),
        (["help", "help", "ask"], ["ask"]),
        (["-h"], []),
        (["config"], ["config"]),
        (["prompt"], ["prompt"]),
        (["collections"], ["collections"]),
        (["documents"], ["documents"]),
        (["keys"], ["keys"]),
        (["models"], ["models"]),
        (["slo"], ["slo"]),
        (["weights"], ["weights"]),
        (["help", "config", "check"], ["config", "check"]),
        (["ask", "-h"], ["ask"]),
    ],
    ids=str,
)
async def test_help_is_found_in_every_usual_way(run, asked, command):
    assert await run(*asked) == await run(*command, "--help")


async def test_a_shell_that_is_not_known_gets_no_completion(run, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for arguments in (["--install-completion", "tcsh"], ["--install-completion"]):
        monkeypatch.setenv("SHELL", "/bin/tcsh")
        code, _, err = await run(*arguments)
        assert (code, "'tcsh' is not one of" in err) == (2, True)
    assert list(tmp_path.iterdir()) == []


async def test_the_shell_of_the_user_gets_its_completion(run, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    with pytest.raises(SystemExit) as ended:
        await run("--install-completion")
    assert ended.value.code == 0
    assert [path.name for path in tmp_path.rglob("*.*sh")] == ["jarvis.fish"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["prompt", "exlain"], "No such command 'exlain'. Did you mean 'explain'?"),
        (["sevre"], "No such command 'sevre'. Did you mean 'serve'? (see jarvis --help)"),
        (["status", "--bogus"], "No such option: --bogus (see jarvis status --help)"),
        (["generate", "x", "--max-tokens", "many"], "'--max-tokens'"),
        (["generate", "x", "--tls-ca", "/no/such.pem"], "'/no/such.pem' does not exist"),
        (["health", "--tls-cert", __file__], "--tls-cert and --tls-key: go together; give both"),
        (["health", "--tls-cert", __file__, "--tls-key", __file__], "--tls-cert: only where the connection"),
        (["help", "sevre"], "No such command 'sevre'. Did you mean 'serve'?"),
        (["health", "--server", "http://nowhere"], "--server: 'nowhere' is neither host:port nor unix:/path"),
        (
            ["health", "--server", "ftp://host:1"],
            "'ftp://host:1': no such scheme is known; host:port or unix:/path will do",
        ),
        (["health", "--server", "unix://x.sock"], "'unix://x.sock': no such scheme is known"),
        (["health", "--server", "unix://"], "'unix://': no such scheme is known"),
        (["--install-completion", "tcsh"], "'tcsh' is not one of 'bash'"),
        (["--show-completion", "tcsh"], "'tcsh' is not one of 'bash'"),
        (["adapters", "--config", "x.toml"], "--config: is for --offline"),
        (["adapters", "--json", "reload", "llm", "demo"], "--json: goes behind reload"),
        (["health", "--server", "nowhere"], "--server: 'nowhere' is neither host:port nor unix:/path"),
    ],
)
async def test_a_wrong_command_line_is_one_line_and_code_2(run, arguments, complaint):
    code, out, err = await run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("jarvis: ")
    assert err.count("\n") == 1
    assert complaint in err


@pytest.mark.parametrize("seconds", ["1e300", "inf", "nan", "97200001", "-1", "-inf", "0"])
@pytest.mark.parametrize(
    ("command", "option"),
    [
        (["generate", "x"], "--timeout"),
        (["ask", "x"], "--timeout"),
        (["embed", "x"], "--timeout"),
        (["chat"], "--timeout"),
        (["status", "--watch"], "--interval"),
    ],
)
async def test_seconds_that_no_call_can_take_are_refused(run, command, option, seconds):
    code, out, err = await run(*command, option, seconds)
    assert (code, out) == (2, "")
    assert err.startswith(f"jarvis: Invalid value for '{option}'")
    assert err.count("\n") == 1


@pytest.mark.parametrize("server", ["unix:///no/such.sock", " unix:/no/such.sock\n"])
async def test_a_server_may_be_given_in_other_forms(run, server):
    code, out, err = await run("health", "--server", server)
    assert (code, out) == (1, "")
    assert err.startswith("jarvis: cannot connect to unix:/no/such.sock: there is no such socket")


def client_error(code: str, reason: str = "") -> JarvisClientError:
    return JarvisClientError(grpc.StatusCode[code], "no", reason=reason)


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
        (BackupFailed("disk full"), 1),
        (BackupRefused("is there already"), 2),
        *((client_error(name), 2) for name in errors.CALLERS_CODES),
        (client_error("RESOURCE_EXHAUSTED", "MESSAGE_TOO_LARGE"), 2),
        (client_error("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED"), 1),
        *((client_error("FAILED_PRECONDITION", reason), 1) for reason in errors.SERVERS_REASONS),
        (client_error("INTERNAL"), 1),
        (client_error("DEADLINE_EXCEEDED"), 1),
        (client_error("UNAVAILABLE"), 1),
        (CannotConnect(client_error("UNAVAILABLE").code, "cannot connect"), 1),
        (KeyError("a defect"), None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_exit_codes(error, code):
    assert errors.exit_code(error) == code
