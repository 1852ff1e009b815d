"""Errors for which the request is to blame."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from jarvis_ports.errors.base import CallerError, FieldViolation


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

    def __init__(
        self,
        *,
        field: str,
        prompt_tokens: int,
        max_tokens: int,
        context_length: int,
        at_least: bool = False,
    ) -> None:
        asked = f" and max_tokens is {max_tokens}" if field == "sampling.max_tokens" else ""
        has = f"has {'at least ' if at_least else ''}{prompt_tokens} tokens"
        told = f"the prompt {has}{asked}; the context holds {context_length} in all"
        super().__init__([FieldViolation(field, told)])


class TextTooLong(InvalidArgument):
    """A text is longer than the model that embeds or reranks reads, and truncation was not asked for."""

    reason = "TEXT_TOO_LONG"

    def __init__(self, tokens: Mapping[str, int], *, max_tokens: int, what: str = "the text has") -> None:
        reads = f"tokens, and the model reads {max_tokens}; set truncate to have it cut off"
        super().__init__([FieldViolation(field, f"{what} {n} {reads}") for field, n in tokens.items()])


class MessageTooLarge(InvalidArgument):
    """The request or its answer is larger than server.max_message_bytes, or its lists have too many items."""

    reason = "MESSAGE_TOO_LARGE"


class _NameNotFound(CallerError):
    field: ClassVar[str]

    def __init__(self, name: str, known: Sequence[str]) -> None:
        description = f"no {self.field} {name!r}; there is {', '.join(filter(None, known))}"
        self.violations = (FieldViolation(self.field, description),)
        super().__init__(description)


class ModelNotFound(_NameNotFound):
    """No model or route has that name."""

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


class ComponentNotFound(CallerError):
    """The configuration has no such component."""

    reason = "COMPONENT_NOT_FOUND"

    def __init__(self, port: str, name: str, known: Sequence[str]) -> None:
        super().__init__(f"no {port} {name!r} is configured; there is {', '.join(known)}")


class CannotReload(CallerError):
    """The component cannot be replaced while the server runs, or not by what would open now."""

    reason = "CANNOT_RELOAD"


class NameTaken(CallerError):
    """A model or a route has that name already."""

    reason = "NAME_TAKEN"


class WeightsNotFound(CallerError):
    """No weights of that name were loaded while the server runs."""

    reason = "WEIGHTS_NOT_FOUND"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"no weights {name!r} were loaded; there is {', '.join(known) or 'none'}")


class CannotUnload(CallerError):
    """The model stands in the configuration, or is being reloaded."""

    reason = "CANNOT_UNLOAD"


class RequestNotFound(CallerError):
    """No request that runs, and no stream that is kept, has that id."""

    reason = "REQUEST_NOT_FOUND"


class RequestAborted(CallerError):
    """The request was ended by another call: Abort, or WakeModel for one that puts the model to sleep."""

    reason = "REQUEST_ABORTED"


class EventsLost(CallerError):
    """A stream cannot be taken up again there: it has no such event, or no longer what follows it."""

    reason = "EVENTS_LOST"


class SlowReader(CallerError):
    """The caller took nothing of its answer for longer than server.slow_reader_seconds."""

    reason = "SLOW_READER"


class SilentCaller(CallerError):
    """The caller sent nothing for ten minutes, although its request was not complete."""

    reason = "SILENT_CALLER"


class Unauthenticated(CallerError):
    """The caller shows nothing that tells who it is, or something that is not, or no longer, valid."""

    reason = "UNAUTHENTICATED"


class PermissionDenied(CallerError):
    """The caller is known, and has no role that allows this."""

    reason = "PERMISSION_DENIED"
