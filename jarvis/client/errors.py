"""The errors that a call can end with.

    JarvisClientError
    └── CannotConnect       no connection to the server could be made

The server's `reason`s are those of `jarvis_ports.errors`.
"""

from collections.abc import Sequence

import grpc
from google.rpc import error_details_pb2, status_pb2

from jarvis_ports.errors import FieldViolation, InvalidArgument

DETAILS_KEY = "grpc-status-details-bin"
REQUEST_ID_KEY = "x-request-id"
TOO_LARGE = "message larger than max"
"""What gRPC says when it refuses a message itself, because that is many times too large."""


class JarvisClientError(Exception):
    """A call failed.

    Attributes:
        code: the gRPC status code.
        message: what went wrong.
        reason: the server's stable word for it, such as `CONTEXT_LENGTH_EXCEEDED`; empty if it gave none.
        violations: the request's fields that are to blame.
        retry_after: seconds after which a repetition may help; None if the server named none.
        request_id: the id of the request; empty if it is not known.
        retry_budget_spent: whether the call was not repeated for want of a retry budget alone.
    """

    def __init__(  # noqa: PLR0913 - each is a part of the status
        self,
        code: grpc.StatusCode,
        message: str,
        *,
        reason: str = "",
        violations: Sequence[FieldViolation] = (),
        retry_after: float | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason
        self.violations = tuple(violations)
        self.retry_after = retry_after
        self.request_id = request_id
        self.retry_budget_spent = False

    def out_of_budget(self) -> None:
        """Say that the call was not repeated because the retry budget is spent."""
        self.retry_budget_spent = True
        self.message += " (not repeated: the retry budget is spent, as many calls were refused)"
        self.args = (self.message,)


class CannotConnect(JarvisClientError):
    """No connection to the server could be made, so the request never left."""


def invalid(field: str, description: str) -> JarvisClientError:
    """Return the error that blames a field of a request that cannot even be sent."""
    return from_invalid(InvalidArgument.of(field, description))


def from_invalid(error: InvalidArgument) -> JarvisClientError:
    """Return the error of a request that cannot even be sent."""
    return JarvisClientError(
        grpc.StatusCode.INVALID_ARGUMENT, str(error), reason=error.reason, violations=error.violations
    )


def from_rpc(error: grpc.aio.AioRpcError, *, request_id: str = "") -> JarvisClientError:
    """Return the error that the status of a call describes, with the details that it carries, if any."""
    metadata = dict(error.trailing_metadata())
    status = status_pb2.Status.FromString(metadata.get(DETAILS_KEY, b""))
    info = error_details_pb2.ErrorInfo()
    blame = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    told_to_retry = False
    for detail in status.details:
        told_to_retry |= detail.Unpack(retry)
        detail.Unpack(info)
        detail.Unpack(blame)
    message = error.details() or error.code().name
    if not info.reason and error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and TOO_LARGE in message:
        info.reason = "MESSAGE_TOO_LARGE"
    return JarvisClientError(
        error.code(),
        message,
        reason=info.reason,
        violations=[FieldViolation(v.field, v.description) for v in blame.field_violations],
        retry_after=retry.retry_delay.ToTimedelta().total_seconds() if told_to_retry else None,
        request_id=request_id or str(metadata.get(REQUEST_ID_KEY, "")),
    )
