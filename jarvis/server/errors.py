"""Errors on the wire: one table from reason to status, and google.rpc details."""

from asyncio import CancelledError
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from jarvis.server.context import REQUEST_ID, read
from jarvis_ports.errors import CallerError, FieldViolation, JarvisError

DOMAIN = "jarvis"
INTERNAL = "INTERNAL"
"""The reason that is given for an unforeseen error."""

STATUS_CODES: Mapping[str, grpc.StatusCode] = {
    "INVALID_ARGUMENT": grpc.StatusCode.INVALID_ARGUMENT,
    "UNSUPPORTED_FIELD": grpc.StatusCode.INVALID_ARGUMENT,
    "CONTEXT_LENGTH_EXCEEDED": grpc.StatusCode.INVALID_ARGUMENT,
    "TEXT_TOO_LONG": grpc.StatusCode.INVALID_ARGUMENT,
    "MESSAGE_TOO_LARGE": grpc.StatusCode.INVALID_ARGUMENT,
    "MODEL_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "TEMPLATE_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "COLLECTION_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "COLLECTION_MISMATCH": grpc.StatusCode.FAILED_PRECONDITION,
    "DOCUMENT_UNREADABLE": grpc.StatusCode.INVALID_ARGUMENT,
    "SERVICE_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "TOO_MANY_SERVICES": grpc.StatusCode.RESOURCE_EXHAUSTED,  # as gRFC A90 specifies
    "NOT_CONFIGURED": grpc.StatusCode.UNIMPLEMENTED,
    "COMPONENT_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "CANNOT_RELOAD": grpc.StatusCode.FAILED_PRECONDITION,
    "NAME_TAKEN": grpc.StatusCode.ALREADY_EXISTS,
    "WEIGHTS_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "CANNOT_UNLOAD": grpc.StatusCode.FAILED_PRECONDITION,
    "REQUEST_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "REQUEST_ABORTED": grpc.StatusCode.ABORTED,
    "EVENTS_LOST": grpc.StatusCode.OUT_OF_RANGE,
    "SLOW_READER": grpc.StatusCode.ABORTED,
    "SILENT_CALLER": grpc.StatusCode.ABORTED,
    "UNAUTHENTICATED": grpc.StatusCode.UNAUTHENTICATED,
    "PERMISSION_DENIED": grpc.StatusCode.PERMISSION_DENIED,
    "ISSUER_UNAVAILABLE": grpc.StatusCode.UNAVAILABLE,
    "MODEL_LOADING": grpc.StatusCode.UNAVAILABLE,
    "MODEL_ASLEEP": grpc.StatusCode.UNAVAILABLE,
    "ENGINE_DEAD": grpc.StatusCode.UNAVAILABLE,
    "OVERLOADED": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "DEADLINE_TOO_SHORT": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "LIMIT_EXCEEDED": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "STORE_UNAVAILABLE": grpc.StatusCode.UNAVAILABLE,
    "DRAINING": grpc.StatusCode.UNAVAILABLE,
    "ENGINE_FAILURE": grpc.StatusCode.INTERNAL,
    "STORE_FAILURE": grpc.StatusCode.INTERNAL,
    "MODEL_UNAVAILABLE": grpc.StatusCode.FAILED_PRECONDITION,
    "ENGINE_START_FAILED": grpc.StatusCode.FAILED_PRECONDITION,
    "STORE_UNUSABLE": grpc.StatusCode.FAILED_PRECONDITION,
    INTERNAL: grpc.StatusCode.INTERNAL,
}

# gRPC replaces a status that does not fit into its metadata with another error. On the wire, a message may
# grow threefold (percent-encoding), and the details by a third (base64); these bounds keep both under 4 KB.
MAX_MESSAGE = 300
MAX_VIOLATIONS = 2000
"""The most bytes of all violations together."""
MAX_DESCRIPTION = 300
MAX_FIELD = 60


def to_status(error: JarvisError, request_id: str) -> tuple[grpc.StatusCode, status_pb2.Status]:
    """Return the code of a foreseen error, and its status with ErrorInfo, BadRequest and RetryInfo."""
    code = STATUS_CODES[error.reason]
    violations = error.violations if isinstance(error, CallerError) else ()
    bad_request = _bad_request(violations)
    untold = len(violations) - len(bad_request.field_violations)
    more = f" (and {untold} more)" if untold else ""
    info = {**error.metadata, "request_id": request_id}
    status = _status(code, str(error), error.reason, info, more)
    if violations:
        status.details.append(_packed(bad_request))
    if error.retry_after is not None:
        delay = duration_pb2.Duration()
        delay.FromNanoseconds(int(error.retry_after * 1e9))
        status.details.append(_packed(error_details_pb2.RetryInfo(retry_delay=delay)))
    return code, status


def _bad_request(violations: Sequence[FieldViolation]) -> error_details_pb2.BadRequest:
    """Return as many of the violations as fit; the first one always does."""
    found = error_details_pb2.BadRequest()
    for violation in violations:
        found.field_violations.add(
            field=_cut(violation.field, MAX_FIELD), description=_cut(violation.description, MAX_DESCRIPTION)
        )
        if found.ByteSize() > MAX_VIOLATIONS:
            del found.field_violations[-1]
            break
    return found


def internal(request_id: str) -> tuple[grpc.StatusCode, status_pb2.Status]:
    """Return the code and the status of an unforeseen error; only the server's log says what it was."""
    message = f"internal error; the server's log has it under request {request_id}"
    metadata = {"request_id": request_id}
    return grpc.StatusCode.INTERNAL, _status(grpc.StatusCode.INTERNAL, message, INTERNAL, metadata)


async def abort(
    context: grpc.aio.ServicerContext[Any, Any],
    code: grpc.StatusCode,
    status: status_pb2.Status,
    request_id: str,
    further: Sequence[tuple[str, bytes]] = (),
) -> NoReturn:
    """End a call with a status and its details, and further trailing metadata.

    Raises:
        grpc.aio.AbortError: always, as gRPC requires, unless
        CancelledError: the caller left before it took the status.
    """
    trailing = (("grpc-status-details-bin", status.SerializeToString()), (REQUEST_ID, request_id), *further)
    try:
        await context.abort(code, status.message, trailing)
    except grpc.aio.AbortError:
        raise
    except grpc.aio.BaseError as error:
        raise CancelledError from error


async def refuse(context: grpc.aio.ServicerContext[Any, Any], error: JarvisError) -> NoReturn:
    """End a call that is not one of Jarvis's own, and so is not measured, with a foreseen error."""
    request_id = read(context).request_id
    await abort(context, *to_status(error, request_id), request_id)


def _status(
    code: grpc.StatusCode, message: str, reason: str, metadata: Mapping[str, str], ending: str = ""
) -> status_pb2.Status:
    info = error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata=metadata)
    number: int = code.value[0]
    message = _cut(message, MAX_MESSAGE - len(ending)) + ending
    return status_pb2.Status(code=number, message=message, details=[_packed(info)])


def _packed(detail: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed


def _cut(text: str, bytes_: int) -> str:
    """Shorten a text to a number of UTF-8 bytes, so that no caller's text makes the status too large."""
    encoded = text.encode("utf-8", "replace")
    return text if len(encoded) <= bytes_ else encoded[: bytes_ - 3].decode("utf-8", "ignore") + "…"
