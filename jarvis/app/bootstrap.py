"""Starts the server from its configuration, and ends it."""

import asyncio
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from jarvis.access.authenticator import Authenticator
from jarvis.access.settings import AccessSettings, TokenSettings
from jarvis.app.application import make_application, make_instruments
from jarvis.app.config import Config
from jarvis.app.logs import running
from jarvis.app.logs.sinks import check_file
from jarvis.core.application import Application
from jarvis.core.telemetry.metrics import LOG_RECORDS_DROPPED

if TYPE_CHECKING:
    from jarvis.server.lifecycle import Server
    from jarvis.server.tls import TLSFiles

TURN_SECONDS = 0.001
"""Seconds that one thread may hold the interpreter while others wait for it; CPython's default is 5 ms.

A call takes many turns, in the event loop and in the threads of SQLite, and waits this long for each while
another thread computes, as when a document is split. Beside one such thread, searches by words take half as
long as with 5 ms; beside four, an eighth.
"""
LAST_WORDS_SECONDS = 1.0
"""Seconds to wait for the log to be written if the server must exit at once."""
SAME_SIGNAL_SECONDS = 0.5
"""Seconds within which two signals count as one: `timeout` signals both the server and its group."""
END_SECONDS = 10.0
"""Seconds to wait for the process to exit after the server has stopped: a thread that hangs never ends."""


def check(config: Config) -> None:
    """Check all that can be known without starting an engine.

    Raises:
        ConfigError, UnknownAdapter, DuplicateAdapter, ModelUnavailable: see `make_application`.
        CannotListen: the TLS files, or those with which callers are known, cannot be used.
    """
    check_file(config.log)
    make_application(config, make_instruments(config))
    if files := _tls_files(config):
        from jarvis.server.tls import Certificates  # noqa: PLC0415 - grpc, which `check` seldom needs

        Certificates(files)
    if access := _access(config):
        Authenticator(access)


def _tls_files(config: Config) -> "TLSFiles | None":
    tls = config.server.tls
    if not tls.certificate:
        return None
    from jarvis.server.tls import TLSFiles  # noqa: PLC0415 - as above

    return TLSFiles(Path(tls.certificate), Path(tls.key), Path(tls.client_ca) if tls.client_ca else None)


def _access(config: Config) -> AccessSettings | None:
    """Return how callers are known, or None where they are not."""
    if not config.knows_callers:
        return None
    auth, jwt = config.auth, config.auth.jwt
    return AccessSettings(
        keys=Path(auth.keys) if auth.keys else None,
        tokens=TokenSettings(
            jwt.issuer, jwt.audience, jwt.jwks, tuple(jwt.algorithms), jwt.caller_claim, jwt.roles_claim
        )
        if jwt.issuer
        else None,
        certificates=bool(config.server.tls.client_ca),
        open_health=auth.open_health,
        roles={name: frozenset(caller.roles) for name, caller in config.callers.items()},
        default_roles=frozenset(auth.default_roles),
    )


def take_turns() -> None:
    """Have the threads of this process take shorter turns; see `TURN_SECONDS`."""
    sys.setswitchinterval(TURN_SECONDS)


def make_server(config: Config, application: Application) -> "Server":
    """Return the server, which does not listen yet."""
    from jarvis.server.lifecycle import Server  # noqa: PLC0415 - as above
    from jarvis.server.settings import ServerSettings  # noqa: PLC0415 - as above

    server = config.server
    settings = ServerSettings(
        listen=tuple(server.listen),
        http_listen=config.http.listen,
        max_message_bytes=server.max_message_bytes,
        resume_seconds=server.resume_seconds,
        slow_reader_seconds=server.slow_reader_seconds,
        drain_delay_seconds=server.drain_delay_seconds,
        drain_timeout_seconds=server.drain_timeout_seconds,
        log_text=config.log.text,
        tls=_tls_files(config),
        access=_access(config),
    )
    return Server(settings, application)


async def serve(config: Config) -> int:
    """Run the server until it stops, and return the exit code.

    Raises:
        ConfigError, UnknownAdapter, DuplicateAdapter, ModelUnavailable: see `make_application`.
        CannotListen: it cannot listen where it is configured to.
    """
    take_turns()
    from jarvis.server.context import ids  # noqa: PLC0415 - as above
    from jarvis.server.lifecycle import kill_children  # noqa: PLC0415 - as above

    instruments = make_instruments(config)
    with running(config.log, ids=ids, on_drop=lambda: instruments.count(LOG_RECORDS_DROPPED, {})) as log:
        server = make_server(config, make_application(config, instruments))
        loop = asyncio.get_running_loop()
        asked: list[float] = []

        def stop() -> None:
            server.stop()
            asked.append(loop.time())
            if asked[-1] - asked[0] > SAME_SIGNAL_SECONDS:  # whoever asks twice does not want to wait
                kill_children()
                log.flush(LAST_WORDS_SECONDS)
                os._exit(1)

        for signal_ in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_, stop)
        code = await server.run()
    _end_within(END_SECONDS, code)
    return code


def _end_within(seconds: float, code: int) -> None:
    """Exit this process after this many seconds, in case a thread keeps it from ending by itself."""
    end = threading.Timer(seconds, os._exit, [code])
    end.daemon = True
    end.start()
