"""What filling and reading messages have in common."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from jarvis.client.errors import JarvisClientError, invalid

M = TypeVar("M", bound=Message)
S = TypeVar("S", bound=StrEnum)
V = TypeVar("V", bound=int)


def build(kind: type[M], path: str = "", **fields: object) -> M:
    """Fill a message, leaving out what is None, and blame the field that does not fit."""
    message = kind()
    for name, value in fields.items():
        if value is not None:
            try:
                message.MergeFrom(kind(**{name: value}))
            except UnicodeEncodeError:
                raise invalid(path + name, "is not valid Unicode") from None
            except (TypeError, ValueError) as error:
                raise invalid(path + name, str(error)) from None
    return message


def check_names(options: Mapping[str, object], kind: type[Any]) -> None:
    """Check that there is an option of each name.

    Raises:
        TypeError: there is none.
    """
    if unknown := options.keys() - kind.__annotations__.keys():
        msg = f"unknown options: {', '.join(sorted(unknown))}"
        raise TypeError(msg)


def known(names: Mapping[V, S], value: V) -> S:
    """Look up what the server sent.

    Raises:
        JarvisClientError: INTERNAL, only a newer client knows it.
    """
    if value not in names:
        msg = f"the server sent {value}, which this client does not know; is it older than the server?"
        raise JarvisClientError(grpc.StatusCode.INTERNAL, msg)
    return names[value]
