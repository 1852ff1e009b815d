"""Everything that can go wrong behind a port.

    JarvisError
    ├── CallerError                      the request is to blame: do not repeat it as it is
    │   ├── InvalidArgument              INVALID_ARGUMENT
    │   │   ├── UnsupportedField         UNSUPPORTED_FIELD
    │   │   ├── ContextLengthExceeded    CONTEXT_LENGTH_EXCEEDED
    │   │   ├── TextTooLong              TEXT_TOO_LONG
    │   │   └── MessageTooLarge          MESSAGE_TOO_LARGE
    │   ├── ModelNotFound                MODEL_NOT_FOUND
    │   ├── TemplateNotFound             TEMPLATE_NOT_FOUND
    │   ├── CollectionNotFound           COLLECTION_NOT_FOUND
    │   ├── CollectionMismatch           COLLECTION_MISMATCH
    │   ├── DocumentUnreadable           DOCUMENT_UNREADABLE
    │   ├── ServiceNotFound              SERVICE_NOT_FOUND
    │   ├── TooManyServices              TOO_MANY_SERVICES
    │   ├── NotConfigured                NOT_CONFIGURED
    │   ├── ComponentNotFound            COMPONENT_NOT_FOUND
    │   ├── CannotReload                 CANNOT_RELOAD
    │   ├── NameTaken                    NAME_TAKEN
    │   ├── WeightsNotFound              WEIGHTS_NOT_FOUND
    │   ├── CannotUnload                 CANNOT_UNLOAD
    │   ├── RequestNotFound              REQUEST_NOT_FOUND
    │   ├── RequestAborted               REQUEST_ABORTED
    │   ├── EventsLost                   EVENTS_LOST
    │   ├── SlowReader                   SLOW_READER
    │   ├── SilentCaller                 SILENT_CALLER
    │   ├── Unauthenticated              UNAUTHENTICATED
    │   └── PermissionDenied             PERMISSION_DENIED
    ├── Unavailable                      it may work later, or elsewhere
    │   ├── ModelLoading                 MODEL_LOADING
    │   ├── ModelAsleep                  MODEL_ASLEEP
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
        ├── ModelUnavailable             MODEL_UNAVAILABLE
        ├── EngineStartFailed            ENGINE_START_FAILED
        └── StoreUnusable                STORE_UNUSABLE

Each class that can be raised has one stable `reason`. One table in the server maps reasons to status codes.
"""

from jarvis_ports.errors.base import CallerError, FieldViolation, JarvisError, Unavailable
from jarvis_ports.errors.caller import (
    CannotReload,
    CannotUnload,
    CollectionMismatch,
    CollectionNotFound,
    ComponentNotFound,
    ContextLengthExceeded,
    DocumentUnreadable,
    EventsLost,
    InvalidArgument,
    MessageTooLarge,
    ModelNotFound,
    NameTaken,
    NotConfigured,
    PermissionDenied,
    RequestAborted,
    RequestNotFound,
    ServiceNotFound,
    SilentCaller,
    SlowReader,
    TemplateNotFound,
    TextTooLong,
    TooManyServices,
    Unauthenticated,
    UnsupportedField,
    WeightsNotFound,
)
from jarvis_ports.errors.failure import (
    EngineFailure,
    EngineStartFailed,
    ModelUnavailable,
    StartupError,
    StoreFailure,
    StoreUnusable,
)
from jarvis_ports.errors.unavailable import (
    DeadlineTooShort,
    Draining,
    EngineDead,
    IssuerUnavailable,
    LimitExceeded,
    ModelAsleep,
    ModelLoading,
    Overloaded,
    StoreUnavailable,
)

__all__ = [
    "CallerError",
    "CannotReload",
    "CannotUnload",
    "CollectionMismatch",
    "CollectionNotFound",
    "ComponentNotFound",
    "ContextLengthExceeded",
    "DeadlineTooShort",
    "DocumentUnreadable",
    "Draining",
    "EngineDead",
    "EngineFailure",
    "EngineStartFailed",
    "EventsLost",
    "FieldViolation",
    "InvalidArgument",
    "IssuerUnavailable",
    "JarvisError",
    "LimitExceeded",
    "MessageTooLarge",
    "ModelAsleep",
    "ModelLoading",
    "ModelNotFound",
    "ModelUnavailable",
    "NameTaken",
    "NotConfigured",
    "Overloaded",
    "PermissionDenied",
    "RequestAborted",
    "RequestNotFound",
    "ServiceNotFound",
    "SilentCaller",
    "SlowReader",
    "StartupError",
    "StoreFailure",
    "StoreUnavailable",
    "StoreUnusable",
    "TemplateNotFound",
    "TextTooLong",
    "TooManyServices",
    "Unauthenticated",
    "Unavailable",
    "UnsupportedField",
    "WeightsNotFound",
]
