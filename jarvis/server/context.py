"""The metadata of a call: its request id and its trace."""

import re
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import grpc

from jarvis.core.admission import Arrival, Intake
from jarvis.core.lifecycle.requests import Requests
from jarvis.core.principal import ANYONE, Principal, principal
from jarvis_ports.errors import InvalidArgument

REQUEST_ID = "x-request-id"
IDEMPOTENCY_KEY = "idempotency-key"
"""https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/"""
TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
"""https://www.w3.org/TR/trace-context/#traceparent-header"""
MAX_REQUEST_ID = 128


@dataclass(frozen=True)
class Call:
    """One call: its id, its W3C trace context headers, and the facts that its log line reports.

    `idempotency_key` is what its caller repeats it with, "" if nothing.
    `problem` is what is wrong with the caller's own id, which is then cut, or replaced; `deadline` is by
    `time.monotonic`, None if there is none.
    """

    request_id: str
    trace: Mapping[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    idempotency_key: str = ""
    problem: str = ""
    deadline: float | None = None

    @cached_property
    def ids(self) -> Mapping[str, str]:
        """The ids that name the call in the log: its own, and that of its trace, if it has one."""
        match = TRACEPARENT.fullmatch(self.trace.get("traceparent", ""))
        return {"request_id": self.request_id, **({"trace_id": match[1]} if match else {})}


current: ContextVar[Call] = ContextVar("call")
"""The call that the running task serves."""


def read(context: grpc.aio.ServicerContext[object, object]) -> Call:
    """Read the metadata of a call; a trace with a malformed `traceparent` is ignored, as the W3C asks."""
    metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
    trace: dict[str, str] = {}
    if TRACEPARENT.fullmatch(metadata.get("traceparent", "")):
        trace = {key: metadata[key] for key in ("traceparent", "tracestate") if key in metadata}
    key = metadata.get(IDEMPOTENCY_KEY, "")
    given, problem = metadata.get(REQUEST_ID) or uuid.uuid4().hex, ""
    if not (given.isascii() and given.isprintable()):
        given, problem = uuid.uuid4().hex, "only printable ASCII characters"
    elif len(given) > MAX_REQUEST_ID:
        problem = f"at most {MAX_REQUEST_ID} characters, got {len(given)}"
    remaining = context.time_remaining()
    deadline = None if remaining is None else time.monotonic() + remaining
    return Call(given[:MAX_REQUEST_ID], trace, idempotency_key=key, problem=problem, deadline=deadline)


def enter(call: Call, caller: Principal) -> None:
    """Note who makes a call; the log does not get the name."""
    principal.set(caller)
    if caller is not ANYONE:
        call.facts["caller"] = caller.log_id


def check(call: Call) -> None:
    """Refuse a request id that cannot be written to logs and returned in the status, and keys that long.

    Raises:
        InvalidArgument: there is such an id, or idempotency key; the error names the metadata key.
    """
    if call.problem:
        raise InvalidArgument.of(REQUEST_ID, call.problem)
    if len(call.idempotency_key) > MAX_REQUEST_ID:
        raise InvalidArgument.of(IDEMPOTENCY_KEY, f"at most {MAX_REQUEST_ID} characters")


def arrival() -> Arrival:
    """Return who makes the call that the running task serves, and its deadline."""
    return Arrival(principal.get().name, current.get().deadline)


def tracked(requests: Requests) -> AbstractContextManager[None]:
    """Track the call that the running task serves; see `Requests.track`."""
    return requests.track(current.get().request_id, principal.get().name)


@asynccontextmanager
async def let_in(requests: Requests, intake: Intake, characters: int = 0) -> AsyncIterator[None]:
    """Track the call that the running task serves, and have it wait for its turn; see `Intake.request`."""
    with tracked(requests):
        async with intake.request(arrival(), characters):
            yield


def ids() -> Mapping[str, str]:
    """Return the ids of the call that the running task serves, for its log lines; empty outside a call."""
    call = current.get(None)
    return call.ids if call else {}
