"""Everything that can go wrong behind a port; each class that can be raised has one stable `reason`.

JarvisError
├── CallerError                      the request is to blame: do not repeat it as it is
│   ├── InvalidArgument              INVALID_ARGUMENT, and narrower kinds of it
│   ├── ModelNotFound                MODEL_NOT_FOUND
│   ├── TemplateNotFound             TEMPLATE_NOT_FOUND
│   ├── CollectionNotFound           COLLECTION_NOT_FOUND
│   ├── CollectionMismatch           COLLECTION_MISMATCH
│   ├── DocumentUnreadable           DOCUMENT_UNREADABLE
│   ├── ServiceNotFound              SERVICE_NOT_FOUND
│   ├── TooManyServices              TOO_MANY_SERVICES
│   ├── NotConfigured                NOT_CONFIGURED
│   ├── RequestNotFound              REQUEST_NOT_FOUND
│   ├── RequestAborted               REQUEST_ABORTED
│   ├── SlowReader                   SLOW_READER
│   ├── Unauthenticated              UNAUTHENTICATED
│   └── PermissionDenied             PERMISSION_DENIED
├── Unavailable                      it may work later, or elsewhere
│   ├── ModelLoading                 MODEL_LOADING
│   ├── EngineDead                   ENGINE_DEAD
│   ├── Overloaded                   OVERLOADED
│   ├── DeadlineTooShort             DEADLINE_TOO_SHORT
│   ├── LimitExceeded                LIMIT_EXCEEDED
│   ├── StoreUnavailable             STORE_UNAVAILABLE
│   ├── IssuerUnavailable            ISSUER_UNAVAILABLE
│   └── Draining                     DRAINING
├── EngineFailure                    ENGINE_FAILURE
├── StoreFailure                     STORE_FAILURE
└── StartupError                     never reaches a caller: the operator reads it
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar


@dataclass(frozen=True)
class FieldViolation:
    """What is wrong with one field of a request; `field` is its path, such as `messages[2].role`."""

    field: str
    description: str


class JarvisError(Exception):
    """The root. `retry_after` is in seconds, None if repeating does not help; `metadata` is for programs."""

    reason: ClassVar[str]
    retry_after: float | None = None
    metadata: Mapping[str, str] = MappingProxyType({})


class CallerError(JarvisError):
    """The request is to blame; `violations` name the fields at fault, if they are known."""

    violations: tuple[FieldViolation, ...] = ()


class InvalidArgument(CallerError):
    """One or more fields of the request are wrong."""

    reason = "INVALID_ARGUMENT"

    def __init__(self, violations: Sequence[FieldViolation]) -> None:
        self.violations = tuple(violations)
        super().__init__("; ".join(": ".join(filter(None, (v.field, v.description))) for v in violations))

    @classmethod
    def of(cls, field: str, description: str) -> "InvalidArgument":
        """Return an error that blames one field."""
        return cls([FieldViolation(field, description)])


class UnsupportedField(InvalidArgument):
    """The loaded engine cannot honour a field that the request sets."""

    reason = "UNSUPPORTED_FIELD"


class ContextLengthExceeded(InvalidArgument):
    """The prompt, or the prompt and the tokens asked for, do not fit the model's context."""

    reason = "CONTEXT_LENGTH_EXCEEDED"

    def __init__(self, *, field: str, prompt_tokens: int, max_tokens: int, context_length: int) -> None:
        asked = f" and max_tokens is {max_tokens}" if field == "sampling.max_tokens" else ""
        told = f"the prompt has {prompt_tokens} tokens{asked}; the context holds {context_length} in all"
        super().__init__([FieldViolation(field, told)])


class TextTooLong(InvalidArgument):
    """A text is longer than the embedding model reads, and truncation was not asked for."""

    reason = "TEXT_TOO_LONG"

    def __init__(self, tokens: Mapping[str, int], *, max_tokens: int) -> None:
        reads = f"tokens, and the model reads {max_tokens}; set truncate to have it cut off"
        super().__init__([FieldViolation(field, f"the text has {n} {reads}") for field, n in tokens.items()])


class MessageTooLarge(InvalidArgument):
    """The request, or the answer that it asks for, is larger than server.max_message_bytes."""

    reason = "MESSAGE_TOO_LARGE"


class _NameNotFound(CallerError):
    field: ClassVar[str]

    def __init__(self, name: str, known: Sequence[str]) -> None:
        description = f"no {self.field} {name!r}; there is {', '.join(filter(None, known))}"
        self.violations = (FieldViolation(self.field, description),)
        super().__init__(description)


class ModelNotFound(_NameNotFound):
    """No model or route of that name is configured."""

    reason, field = "MODEL_NOT_FOUND", "model"


class TemplateNotFound(_NameNotFound):
    """No prompt template of that name is configured."""

    reason, field = "TEMPLATE_NOT_FOUND", "template"


class CollectionNotFound(CallerError):
    """There is no collection of that name."""

    reason = "COLLECTION_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"no collection {name!r}; create it, or list those that exist")


class CollectionMismatch(CallerError):
    """The collection was made with other settings, or for another embedding model."""

    reason = "COLLECTION_MISMATCH"

    def __init__(self, name: str, differences: Sequence[str]) -> None:
        super().__init__(
            f"collection {name!r} differs: {'; '.join(differences)}; to build it anew from what is stored: "
            f"jarvis collections rebuild {name}"
        )


class DocumentUnreadable(CallerError):
    """A document is damaged, encrypted, too large, or of a kind that cannot be read."""

    reason = "DOCUMENT_UNREADABLE"


class ServiceNotFound(_NameNotFound):
    """The health service knows no service of that name."""

    reason, field = "SERVICE_NOT_FOUND", "service"


class TooManyServices(CallerError):
    """There are more services than the health service lists at once; ask for each with Check."""

    reason = "TOO_MANY_SERVICES"


class NotConfigured(CallerError):
    """The server's configuration turns this off."""

    reason = "NOT_CONFIGURED"


class RequestNotFound(CallerError):
    """No running request has that id."""

    reason = "REQUEST_NOT_FOUND"


class RequestAborted(CallerError):
    """The request was ended by an Abort call."""

    reason = "REQUEST_ABORTED"


class SlowReader(CallerError):
    """The caller took nothing of its answer for longer than server.slow_reader_seconds."""

    reason = "SLOW_READER"


class Unauthenticated(CallerError):
    """The caller shows nothing that tells who it is, or something that is not, or no longer, valid."""

    reason = "UNAUTHENTICATED"


class PermissionDenied(CallerError):
    """The caller is known, and has no role that allows this."""

    reason = "PERMISSION_DENIED"


class Unavailable(JarvisError):
    """The request may succeed later, or at another server."""

    retry_after: float | None = 1.0


class ModelLoading(Unavailable):
    """The model is not loaded yet."""

    reason = "MODEL_LOADING"
    retry_after = 5.0


class EngineDead(Unavailable):
    """The engine behind the model has died."""

    reason = "ENGINE_DEAD"
    retry_after = 5.0


class Overloaded(Unavailable):
    """The model, the server or this caller has as many requests that run or wait as it may."""

    reason = "OVERLOADED"


class DeadlineTooShort(Unavailable):
    """The deadline will have passed before the model can begin to answer."""

    reason = "DEADLINE_TOO_SHORT"


class LimitExceeded(Unavailable):
    """The caller has had as much as one of its limits allows."""

    reason = "LIMIT_EXCEEDED"

    def __init__(self, limit: str, why: str, retry_after: float | None) -> None:
        """Name the limit; without `retry_after`, the request alone asks for more than it allows."""
        self.metadata, self.retry_after = {"limit": limit}, retry_after
        super().__init__(f"{limit}: {why}" + (f"; try again in {retry_after:,.0f} s" if retry_after else ""))


class StoreUnavailable(Unavailable):
    """The vector store does not answer."""

    reason = "STORE_UNAVAILABLE"
    retry_after = 5.0


class IssuerUnavailable(Unavailable):
    """The keys with which a token is checked could not be fetched from its issuer."""

    reason = "ISSUER_UNAVAILABLE"
    retry_after = 10.0


class Draining(Unavailable):
    """The server is shutting down and takes no new requests."""

    reason = "DRAINING"


class EngineFailure(JarvisError):
    """The engine failed at this request, and lives on."""

    reason = "ENGINE_FAILURE"


class StoreFailure(JarvisError):
    """The vector store failed at this request, and lives on."""

    reason = "STORE_FAILURE"


class StartupError(JarvisError):
    """A configured component cannot be started."""


class ModelUnavailable(StartupError):
    """The model's files are missing and cannot be obtained."""

    reason = "MODEL_UNAVAILABLE"


class EngineStartFailed(StartupError):
    """The engine did not start."""

    reason = "ENGINE_START_FAILED"


class StoreUnusable(StartupError):
    """A folder is locked by another process, cannot be written, or holds data that cannot be read."""

    reason = "STORE_UNUSABLE"
