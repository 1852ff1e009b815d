"""Each reason why an address cannot be listened on is a sentence of its own."""

import errno
import os
import socket
import subprocess
import sys

import pytest

from jarvis.server.listen import problem, reason

pytestmark = pytest.mark.slow

IN_USE = "it is in use by another process"


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def folder(tmp_path_factory):
    """A folder with a short name: the path of a socket must not be long."""
    folder = tmp_path_factory.mktemp("s")
    (folder / "file").write_text("mine")
    (folder / "folder").mkdir()
    return folder


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x" * 107, "bytes, and that of a socket has 107 at most"),
        ("ñ" * 60, "bytes, and that of a socket has 107 at most"),
        ("no/such.sock", "there is no folder "),
        ("file/a.sock", "there is no folder "),
        ("file", "which is no socket"),
        ("folder", "which is no socket"),
    ],
)
def test_what_hinders_a_unix_socket_is_said(folder, name, expected):
    before = sorted(folder.iterdir())
    assert expected in problem(f"unix:{folder}/{name}")
    assert sorted(folder.iterdir()) == before


def test_a_live_socket_is_in_use_also_where_it_accepts_no_more(folder):
    path = str(folder / "live")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(0)
        assert IN_USE in problem(f"unix:{path}")
        waiting = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        for one in waiting:
            one.settimeout(0)
            one.connect_ex(path)
        assert IN_USE in problem(f"unix://{path}")
        for one in waiting:
            one.close()


def test_a_socket_that_nobody_listens_on_and_a_free_path_are_no_problem(folder):
    path = folder / "left"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    assert problem(f"unix:{path}") == problem(f"unix:{folder}/free") == ""
    assert not (folder / "free").exists()


@pytest.mark.parametrize("address", ["127.0.0.1:{}", "localhost:{}", "0.0.0.0:{}"])
def test_a_taken_port_is_in_use(port, address):
    assert IN_USE in problem(address.format(port))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("no-such-host.invalid:1", "the host 'no-such-host.invalid' is unknown"),
        ("192.0.2.1:8080", "it is not an address of this machine"),
        ("127.0.0.1:0", ""),
        ("localhost:0", ""),
    ],
)
def test_what_hinders_a_port_is_said(address, expected):
    assert problem(address).startswith(expected)
    assert bool(problem(address)) == bool(expected)


def test_a_missing_permission_is_said():
    denied = PermissionError(errno.EACCES, "Permission denied")
    assert reason(denied) == "permission denied: this user may not open it"


@pytest.mark.parametrize(
    ("listen", "expected"),
    [
        (
            'server.listen=["unix:/no/such/folder/a.sock"]',
            "there is no folder /no/such/folder",
        ),
        ('server.listen=["no-such-host.invalid:1"]', "the host 'no-such-host.invalid' is unknown"),
        ('server.listen=["127.0.0.1:70000"]', "'127.0.0.1:70000' has no port: 70000 is above 65535"),
        ('http.listen="127.0.0.1:{port}"', IN_USE),
    ],
)
def test_the_server_ends_with_one_line_and_code_2(port, listen, expected):
    sets = [
        listen.format(port=port),
        "models.echo.adapter=echo",
        "embedder.adapter=none",
        "store.adapter=none",
    ]
    if not listen.startswith("http"):
        sets += ["http.listen=", "server.open_to_anyone=true"]
    options = [part for one in sets for part in ("--set", one)]
    command = [sys.executable, "-c", "from jarvis.cli.main import main; raise SystemExit(main())", "serve"]
    environment = {**os.environ, "JARVIS__LOG__LEVEL": "error"}
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, timeout=60, check=False, env=environment
    )
    assert done.returncode == 2
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1
