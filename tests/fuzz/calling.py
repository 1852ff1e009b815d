"""Sends the requests of a fuzz run, and judges what becomes of each."""

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

import grpc
from google.rpc import error_details_pb2, status_pb2

from jarvis.client.ending import Ending
from jarvis.server.errors import DOMAIN
from scripts.docs.tables import reasons
from tests.fuzz.attempts import Attempt

SECONDS = 1.0
"""How long a request may take."""
PATIENCE = 30.0
DETAILS = "grpc-status-details-bin"
MAX_MESSAGE = 16 * 4_194_304
MAX_METADATA = 32 * 1024
NEVER = {"INTERNAL", "UNAVAILABLE"}
"""What no request is answered with by a server of which nothing has failed."""
DOCUMENTED = {(code, reason.strip("`")) for reason, code, _, _ in reasons() if code not in NEVER}
"""The statuses on docs/errors.md, with their reasons."""


@dataclass
class Outcome:
    """What became of a request."""

    attempt: Attempt
    code: str
    reason: str
    told: str
    seconds: float


async def send(channel: grpc.aio.Channel, attempt: Attempt, key: str) -> Outcome:
    """Call, and read all of the answer."""
    service, _, name = attempt.method.full_name.rpartition(".")
    metadata = [
        (header, value.replace("{KEY}", key) if isinstance(value, str) else value)
        for header, value in attempt.metadata
    ]
    begun = time.monotonic()
    call = channel.stream_stream(f"/{service}/{name}")(metadata=metadata, timeout=attempt.timeout)
    ending, sending = Ending(call), asyncio.create_task(_write(call, attempt.sent))
    code, reason, told = "OK", "", ""
    try:
        async with asyncio.timeout(PATIENCE):
            try:
                async for _ in call:
                    pass
            except grpc.aio.AioRpcError as found:
                if error := await ending.error(found):
                    code, reason, told = error.code().name, _reason(error), error.details() or ""
            await sending
    except TimeoutError:
        code = "no status"
        call.cancel()
    return Outcome(attempt, code, reason, told, time.monotonic() - begun)


async def _write(call: grpc.aio.StreamStreamCall, sent: Sequence[bytes]) -> None:
    try:
        for message in sent:
            await call.write(message)
        await call.done_writing()
    except (grpc.aio.AioRpcError, grpc.aio.InternalError, asyncio.InvalidStateError):
        return  # the call has ended


def _reason(error: grpc.aio.AioRpcError) -> str:
    packed = dict(error.trailing_metadata() or ()).get(DETAILS)
    if packed is None:
        return ""
    status = status_pb2.Status.FromString(packed)
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return ""  # the answer came, and was still being read: the client's own deadline is told in its place
    info = error_details_pb2.ErrorInfo()
    found = [detail for detail in status.details if detail.Unpack(info)]
    if len(packed) > 4096 or status.code != error.code().value[0] or len(found) != 1 or info.domain != DOMAIN:
        return f"malformed details {packed!r}"
    return str(info.reason)


def problem(outcome: Outcome, *, known: bool) -> str:
    """Return what is wrong with an outcome, or "".

    Args:
        outcome: what became of a request.
        known: whether the server wants to know its callers.
    """
    attempt, status = outcome.attempt, (outcome.code, outcome.reason)
    if status in _of_grpc(attempt):
        return ""
    refused = outcome.code == "UNAUTHENTICATED"
    if refused != (
        known and not attempt.shows_a_key and not attempt.method.full_name.startswith("grpc.health.")
    ):
        return "a caller is let in, or kept out, who should not be"
    if re.search(r"Traceback|\.py\b.*line \d", outcome.told):
        return "the status has a stack trace"
    return "" if outcome.code == "OK" or status in DOCUMENTED else "the status is not documented"


def _of_grpc(attempt: Attempt) -> set[tuple[str, str]]:
    """Return the statuses that gRPC itself may answer a request with."""
    found = set()
    if attempt.timeout or any(key == "grpc-timeout" for key, _ in attempt.metadata):
        found |= {("DEADLINE_EXCEEDED", ""), ("CANCELLED", "")}
    headers = sum(len(key) + len(value) + 32 for key, value in attempt.metadata)
    if max(map(len, attempt.sent), default=0) > MAX_MESSAGE or headers > MAX_METADATA:
        found.add(("RESOURCE_EXHAUSTED", ""))
    return found
