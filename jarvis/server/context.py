"""What travels beside a call: its request id and its trace."""

import re
import uuid
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import grpc

from jarvis_ports.errors import InvalidArgument

REQUEST_ID = "x-request-id"
TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
"""https://www.w3.org/TR/trace-context/#traceparent-header"""
MAX_REQUEST_ID = 128


@dataclass(frozen=True)
class Call:
    """One call: its id, its W3C trace context headers, and what its line in the log tells of its work.

    `cut` is how many characters of the caller's own id were too many, and are left out.
    """

    request_id: str
    trace: Mapping[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    cut: int = 0

    @cached_property
    def ids(self) -> Mapping[str, str]:
        """Its id, and that of the trace that it belongs to, if it has one: what names it in the log."""
        match = TRACEPARENT.fullmatch(self.trace.get("traceparent", ""))
        return {"request_id": self.request_id, **({"trace_id": match[1]} if match else {})}


current: ContextVar[Call] = ContextVar("call")
"""The call that the running task serves."""


def read(context: grpc.aio.ServicerContext[object, object]) -> Call:
    """Read the metadata of a call; what is malformed of a trace is left out, as the W3C asks."""
    metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
    trace: dict[str, str] = {}
    if TRACEPARENT.fullmatch(metadata.get("traceparent", "")):
        trace = {key: metadata[key] for key in ("traceparent", "tracestate") if key in metadata}
    given = metadata.get(REQUEST_ID) or uuid.uuid4().hex
    return Call(given[:MAX_REQUEST_ID], trace, cut=len(given[MAX_REQUEST_ID:]))


def check(call: Call) -> None:
    """Refuse an id that is too long to be carried through logs, and back in the status.

    Raises:
        InvalidArgument: naming the metadata key.
    """
    if call.cut:
        found = len(call.request_id) + call.cut
        raise InvalidArgument.of(REQUEST_ID, f"at most {MAX_REQUEST_ID} characters, got {found}")


def ids() -> Mapping[str, str]:
    """Name the call that the running task serves, for a line in the log; empty outside of a call."""
    call = current.get(None)
    return call.ids if call else {}
