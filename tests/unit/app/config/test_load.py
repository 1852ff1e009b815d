"""The configuration, and what its errors say."""

import pytest

from jarvis.app.config import ConfigError, load
from jarvis.models.catalogue import DEMO_MODEL


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "jarvis.toml"
        path.write_text(text)
        return path

    return write


def test_with_nothing_at_all_it_serves_the_demo_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = load(environ={})

    assert config.models[DEMO_MODEL].adapter == "vllm"
    assert config.routes[config.default_route].models == [DEMO_MODEL]


def test_a_set_goes_before_the_environment_and_that_before_the_file(file):
    path = file('[log]\nlevel = "error"\n[server]\ndrain_delay_seconds = 1\ndrain_timeout_seconds = 1\n')
    environ = {"JARVIS__SERVER__DRAIN_DELAY_SECONDS": "2", "JARVIS__SERVER__DRAIN_TIMEOUT_SECONDS": "2"}
    config = load(path, ["server.drain_timeout_seconds=3"], environ)

    server = config.server
    assert (config.log.level, server.drain_delay_seconds, server.drain_timeout_seconds) == ("error", 1 + 1, 3)


def test_values_are_toml_or_bare_text():
    config = load(
        None, ['server.listen=["unix:a"]', "models.m.adapter=echo", 'models."x.y".settings.n=1'], {}
    )

    assert config.server.listen == ["unix:a"]
    assert config.models["m"].adapter == "echo"
    assert config.models["x.y"].settings == {"n": 1}


def test_a_model_of_the_environment(file):
    environ = {"JARVIS__MODELS__M__ADAPTER": "echo", "JARVIS__MODELS__M__SETTINGS__CONTEXT_LENGTH": "12"}

    assert load(None, [], environ).models["m"].settings == {"context_length": "12"}


WRONG = {
    "typo": ("[server]\nlistn = []", "server.listn: unknown key; did you mean listen? (allowed: listen, "),
    "section": ("[servr]", "servr: unknown key; did you mean server? (allowed: server, http, "),
    "nested": ("[models.m]\nadaptr = 'x'", "models.m.adaptr: unknown key; did you mean adapter?"),
    "choice": ("[log]\nlevel = 'loud'", "log.level: Input should be 'debug', 'info', 'warning' or 'error'"),
    "address": ("[server]\nlisten = ['nowhere']", "'nowhere' is neither host:port nor unix:/path"),
    "default": (
        "default_route = 'a'\n[models.b]",
        "default_route: is neither a route nor a model (default, b)",
    ),
    "a table twice": ("[models.a]\n[models.a]", "twice (at line 2, column 10); a name stands there twice"),
    "a key twice": ("[models]\na = {}\na = {}", "a name stands there twice: give one of them another"),
    "address twice": (
        "[server]\nlisten = ['a:1', 'A:1']",
        "server.listen: 'a:1' is named twice; leave one of them out",
    ),
    "socket twice": ("[server]\nlisten = ['unix:/a', 'unix:///a']", "'unix:/a' is named twice; leave one"),
    "address of http": (
        "[server]\nlisten = ['a:1']\n[http]\nlisten = 'a:1'",
        "http: listen: 'a:1' is server.listen's too; take another port, or leave it empty",
    ),
    "none": ("[models]", "models: name at least one model"),
    "toml": ("[server", "is not TOML"),
    "utf8": ("x = '\udcff'", "is not UTF-8"),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG)
def test_an_error_names_the_file_the_key_and_what_is_allowed(tmp_path, text, said):
    path = tmp_path / "jarvis.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError) as caught:
        load(path, [], {})

    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)


@pytest.mark.parametrize("value", ["inf", "-inf", "nan"])
@pytest.mark.parametrize(
    "key",
    [
        "server.drain_delay_seconds",
        "server.drain_timeout_seconds",
        "circuit_breaker.open_seconds",
        "retrieval.min_similarity",
    ],
)
def test_a_number_that_is_not_finite_is_refused(key, value):
    with pytest.raises(ConfigError, match=f"{key}: Input should be (a finite|greater)"):
        load(None, [f"{key}={value}"], {})


def test_any_free_port_may_be_asked_for_twice():
    free = "localhost:0"
    config = load(None, [f"server.listen=['{free}', '{free}']", f"http.listen='{free}'"], {})
    assert config.http.listen == free


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nope\.toml: cannot be read: No such file"):
        load(tmp_path / "nope.toml", [], {})


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"JARVIS__SERVR__X": "1"}, "environment JARVIS__SERVR__X: unknown key 'servr'; allowed: server, "),
        ({"JARVIS__SERVER__X": "1"}, "environment: server.x: unknown key"),
        (
            {"JARVIS_SERVER__LISTEN": "1"},
            "environment JARVIS_SERVER__LISTEN: is no setting; JARVIS__SERVER__LISTEN is one",
        ),
        (
            {"JARVIS__LOG_LEVEL": "info"},
            "environment JARVIS__LOG_LEVEL: is no setting; JARVIS__LOG__LEVEL is one",
        ),
        (
            {"JARVIS_LOG_LEVEL": "info"},
            "environment JARVIS_LOG_LEVEL: is no setting; JARVIS__LOG__LEVEL is one",
        ),
        (
            {"JARVIS_MODELS__M__ADAPTER": "echo"},
            "environment JARVIS_MODELS__M__ADAPTER: is no setting; JARVIS__MODELS__M__ADAPTER is one",
        ),
        (
            {"jarvis_default_route": "m"},
            "environment jarvis_default_route: is no setting; JARVIS__DEFAULT_ROUTE is",
        ),
        ({"JARVIS_DATADIR": "/d"}, "environment JARVIS_DATADIR: is no setting; JARVIS_DATA_DIR is one"),
        ({"JARVIS_CACHEDIR": "/d"}, "environment JARVIS_CACHEDIR: is no setting; JARVIS_CACHE_DIR is one"),
        ({"JARVIS__DATA_DIR": "/d"}, "environment JARVIS__DATA_DIR: is no setting; JARVIS_DATA_DIR is one"),
        ({"jarvis_cache_dir": "/d"}, "environment jarvis_cache_dir: is no setting; JARVIS_CACHE_DIR is one"),
        ({"JARVIS__SERVER__LISTEN": "[a"}, "environment JARVIS__"),
        (
            {"JARVIS__SERVER__DRAIN_DELAY_SECONDS": "x"},
            "environment: server.drain_delay_seconds: Input should",
        ),
    ],
)
def test_an_error_of_the_environment_says_so(environ, said):
    with pytest.raises(ConfigError) as caught:
        load(None, [], environ)

    assert str(caught.value).startswith(said)


FORMS = {
    "an address": ("SERVER__LISTEN", "127.0.0.1:5", """is a list; write it as JSON: '["127.0.0.1:5"]'"""),
    "a list with commas": ("SERVER__LISTEN", "a:1, b:2", """is a list; write it as JSON: '["a:1", "b:2"]'"""),
    "a list not closed": ("SERVER__LISTEN", "[a", """is a list; write it as JSON: '["one", "another"]'"""),
    "a number": ("PLUGINS__BLOCK", "5", """is a list; write it as JSON: '["5"]'"""),
    "a list of a route": ("ROUTES__R__MODELS", "a,b", """is a list; write it as JSON: '["a", "b"]'"""),
    "a section": ("LOG", "debug", "is a section; set a key of it, such as JARVIS__LOG__LEVEL"),
    "a model": ("MODELS__M", "echo", "is a section; set a key of it, such as JARVIS__MODELS__M__ADAPTER"),
    "a table": ("MODELS", "echo", "is a table of names; set a key of it, such as JARVIS__MODELS__NAME__…"),
    "a list of tables": ("CACHE", "memory", "is a list of tables; write it as JSON: '[{…}, {…}]'"),
}


@pytest.mark.parametrize(("key", "value", "said"), FORMS.values(), ids=FORMS)
def test_a_variable_of_another_form_is_named_with_what_to_write(key, value, said):
    with pytest.raises(ConfigError) as caught:
        load(None, [], {"JARVIS__LOG__LEVEL": "info", f"JARVIS__{key}": value})

    assert str(caught.value).startswith(f"environment JARVIS__{key}: {said}")
    assert str(caught.value).endswith(f"(given: {value!r})")


def test_a_variable_with_a_longer_path_goes_before_one_with_a_shorter():
    environ = {
        "JARVIS__SERVER__LISTEN": '["unix:a"]',
        "JARVIS__SERVER": '{"listen": ["a:1"], "max_message_bytes": 2048}',
    }
    server = load(None, [], environ).server

    assert (server.listen, server.max_message_bytes) == (["unix:a"], 2048)


@pytest.mark.parametrize("pair", ["nonsense", "a b=1", "=1"])
def test_a_set_of_another_form_says_so(pair):
    with pytest.raises(ConfigError, match=f"--set {pair}: not of the form key=value"):
        load(None, [pair], {})


def test_other_variables_of_that_name_are_no_settings():
    """Kubernetes makes such variables for a Service; the rest is the command line's."""
    environ = {
        "JARVIS_SERVICE_HOST": "10.0.0.7",
        "JARVIS_PORT_50051_TCP_ADDR": "10.0.0.7",
        "JARVIS_SERVER_PORT": "tcp://10.0.0.7:50051",
        "JARVIS_SERVER_SERVICE_PORT": "50051",
        "JARVIS_SERVER": "10.0.0.7:50051",
        "JARVIS_DATA_DIR": "/var/lib/jarvis",
        "JARVIS_CACHE_DIR": "/var/cache/jarvis",
    }
    assert load(None, [], environ) == load(None, [], {})
