"""Errors after which a request may succeed later, or elsewhere."""

from jarvis_ports.errors.base import Unavailable


class ModelLoading(Unavailable):
    """The model is not loaded yet."""

    reason = "MODEL_LOADING"
    retry_after = 5.0


class ModelAsleep(Unavailable):
    """The model was put to sleep, and sleeps until somebody wakes it."""

    reason = "MODEL_ASLEEP"
    retry_after = 30.0


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
    """The server is shutting down, or the request did not finish in time before what served it was closed."""

    reason = "DRAINING"
