"""A certificate expires while the server serves: the server's own, then that of a caller."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from bench.faults.callers import Caller, at_work, served_again, usage_kept
from bench.faults.row import Row, judged
from bench.faults.server import ECHO, Server
from jarvis.client import TLS, JarvisClient
from tests.certificates import certificate

VALID_SECONDS = 30.0
EXPIRED_SECONDS = 5.0
DAY = 86400
CALLERS = ("anew", "caller", "stays", "first")
"""Who connects anew for each call; who does so with the certificate that expires in the second row; and whose
connection stays. The last one only waits until the server serves."""


async def rows(folder: Path) -> AsyncIterator[Row]:
    """Yield a row for the certificate of each side."""
    for name in ("server", *CALLERS):
        certificate(folder, name)
    (folder / "callers.pem").write_bytes(b"".join((folder / f"{one}.pem").read_bytes() for one in CALLERS))
    names = {"certificate": "server.pem", "key": "server.key", "client_ca": "callers.pem"}
    sets = [f'server.tls.{key}="{folder / file}"' for key, file in names.items()]
    roles = 'auth.default_roles=["infer", "write", "observe", "admin"]'
    for whose in ("server", "caller"):
        ends = time.monotonic() + VALID_SECONDS
        _renew(folder, whose, VALID_SECONDS / DAY)
        first = TLS(folder / "server.pem", folder / "first.pem", folder / "first.key")
        server = Server(folder, ("first",), (*ECHO, *sets, roles), tls=first)
        async with server.running():
            yield await _row(whose, ends, server)


def _renew(folder: Path, whose: str, days: float) -> None:
    """Put a new certificate of this length in place; an authority that signs itself is its own."""
    aside = folder / "new"
    aside.mkdir(exist_ok=True)
    certificate(aside, whose, days=days)
    for kind in ("key", "pem"):
        shutil.move(aside / f"{whose}.{kind}", folder / f"{whose}.{kind}")
    if whose in CALLERS:
        (aside / "pem").write_bytes(b"".join((folder / f"{one}.pem").read_bytes() for one in CALLERS))
        shutil.move(aside / "pem", folder / "callers.pem")


async def _row(whose: str, ends: float, server: Server) -> Row:
    folder = server.folder

    def connect(name: str) -> JarvisClient:
        tls = TLS(folder / "server.pem", folder / f"{name}.pem", folder / f"{name}.key")
        return server.connect(tls)

    def each_anew(name: str) -> tuple[Caller, Callable[[int], "asyncio.Future[bool]"]]:
        caller = Caller(name, connect(name))

        async def once(number: int) -> bool:
            async with connect(name) as caller.client:
                return await caller.generate(number)

        return caller, lambda number: asyncio.ensure_future(once(number))

    anew, call_anew = each_anew("anew")
    expires, call_expired = each_anew("caller")
    stays = Caller("stays", connect("stays"))
    works = {anew: call_anew, expires: call_expired, stays: lambda _: stays.stream(200)}
    async with at_work(works):
        await asyncio.sleep(max(0.0, ends - time.monotonic()))
        since = time.monotonic()
        await asyncio.sleep(EXPIRED_SECONDS)
        before_renewal = anew.calls[-1].failure if whose == "server" else expires.calls[-1].failure
        _renew(folder, whose, 2)
        healed = time.monotonic()
        await asyncio.gather(served_again(anew), served_again(expires), served_again(stays, times=1))
    kept = await usage_kept(stays.client, anew, expires, stays)
    for caller in (anew, expires, stays):
        await caller.client.close()
    hit = [*anew.calls, *expires.calls] if whose == "server" else expires.calls
    return judged(
        f"certificate of {'the server' if whose == 'server' else 'a caller'} expired while serving "
        f"(renewed after {EXPIRED_SECONDS:g} s)",
        since=since,
        healed=healed,
        hit=hit,
        beside=stays.calls if whose == "server" else [*stays.calls, *anew.calls],
        expected={"no connection"},
        kept=[kept],
        wrong=[] if before_renewal else ["an expired certificate was taken"],
    )
