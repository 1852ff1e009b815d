"""Translates what servers and the client say into the port's errors."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import openai

from jarvis_ports.errors import EngineDead, EngineFailure, JarvisError, Overloaded

ELSEWHERE = (EngineDead, EngineFailure, Overloaded)
"""The errors after which another server may still be able to answer."""
LONGEST_RETRY, LONGEST_MESSAGE = 3600.0, 1000


class Refused(Exception):
    """A server refuses a request as invalid; `parameter` is what it blames, if it tells."""

    def __init__(self, message: str, parameter: str | None) -> None:
        super().__init__(message)
        self.parameter = parameter


class Missing(EngineFailure):
    """A server does not have what was asked for: an operation of the API, or the model."""


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Raise the port's errors instead of the client's, and `Refused` where the request is to blame."""
    try:
        yield
    except openai.APIStatusError as error:
        raise _of_status(where, error.status_code, error) from None
    except openai.APIConnectionError as error:
        cause = error.__cause__ or error
        raise EngineDead(f"{where} cannot be reached: {type(cause).__name__}: {cause}") from None
    except openai.APIError as error:  # within a stream that had begun
        code = str(error.code or "")
        raise _of_status(where, int(code) if re.fullmatch(r"[45]\d\d", code) else 500, error) from None
    except (openai.OpenAIError, OSError, ValueError, TypeError, KeyError) as error:
        # The key's file cannot be read, or an answer is not as the API has it.
        raise EngineFailure(f"{where}: {type(error).__name__}: {error}") from None


def _of_status(where: str, status: int, error: openai.APIError) -> Exception:
    body = error.body if isinstance(error.body, dict) else {}
    said = str(body.get("message") or error.message)[:LONGEST_MESSAGE]
    message = f"{where} answered {status}: {said}"
    if status in {400, 413, 422}:
        return Refused(said, error.param if isinstance(error.param, str) else None)
    if status in {401, 403}:
        return EngineFailure(f"{message}; correct api_key or api_key_file")
    if status in {404, 405, 501}:
        return Missing(message)
    if status == 429 or status in {502, 503, 504}:
        failure: JarvisError = Overloaded(message) if status == 429 else EngineDead(message)
        headers = error.response.headers if isinstance(error, openai.APIStatusError) else {}
        failure.retry_after = retry_after(headers.get("retry-after", "")) or failure.retry_after
        return failure
    return EngineFailure(message)


def retry_after(value: str) -> float | None:
    """Return the seconds that a Retry-After header asks for (RFC 9110, 10.2.3); None if it tells none."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            when = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = ((when if when.tzinfo else when.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.1), LONGEST_RETRY) if seconds == seconds else None  # noqa: PLR0124 - nan
