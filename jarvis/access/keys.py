"""API keys: how they are made, and the file that knows them by their hashes."""

import errno
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated

from filelock import FileLock
from pydantic import AwareDatetime, BaseModel, ConfigDict, FailFast, Field, ValidationError

from jarvis.core.principal import Principal, Role
from jarvis.watched import read_regular

BEGINNING = "jarvis"
ID_BYTES, SECRET_BYTES = 6, 32
LOCK_SECONDS = 10.0
"""How long to wait for another process that changes the same file."""
NO_DIGEST = "0" * 64


class Key(BaseModel):
    """What is stored of a key.

    Attributes:
        id: names the key; it is the middle part of `jarvis_ID_SECRET`.
        caller: whose it is.
        roles: what they may do with it.
        digest: the SHA-256 of the whole key, in hexadecimal. Its secret has 256 random bits, which no slower
            hash would make harder to guess.
        created: when it was made.
        expires: when it ends; None for never.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    caller: str = Field(min_length=1)
    roles: tuple[Role, ...] = Field(min_length=1)
    digest: str = Field(pattern="^[0-9a-f]{64}$")
    created: AwareDatetime
    expires: AwareDatetime | None = None

    @property
    def expired(self) -> bool:
        """Whether it has ended."""
        return self.expires is not None and self.expires <= datetime.now(UTC)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: int = Field(1, ge=1, le=1)
    keys: Annotated[tuple[Key, ...], FailFast()] = ()  # one fault is told, and there may be many


def is_key(text: str) -> bool:
    """Return whether a text has the form of a key."""
    return text.startswith(f"{BEGINNING}_")


def id_of(text: str) -> str:
    """Return the id in a key; what stands before the key, such as `Bearer`, does not matter."""
    return text.partition(f"{BEGINNING}_")[2].partition("_")[0]


def owner(keys: Mapping[str, Key], shown: str) -> Principal | None:
    """Return whose key was shown, and None if there is no such key or it has ended.

    It takes as long for a key that is not there as for one whose secret is wrong.

    Args:
        keys: the keys, by their ids.
        shown: what a caller has shown.
    """
    found = keys.get(id_of(shown))
    right = hmac.compare_digest(_digest(shown), found.digest if found else NO_DIGEST)
    return Principal(found.caller, frozenset(found.roles)) if found and right and not found.expired else None


def read(path: Path) -> tuple[Key, ...]:
    """Return the keys in a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no such file; the message says why, without what is in it.
    """
    raw = read_regular(path)
    try:
        return _File.model_validate_json(raw).keys
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{path} is not a file of keys: {place and f'{place}: '}{first['msg']}") from None


def add(path: Path, caller: str, roles: Sequence[Role], expires: datetime | None) -> tuple[Key, str]:
    """Make a key, and store its hash; return both, as the key itself is kept nowhere.

    Raises:
        OSError, ValueError: see `read`; or the file cannot be written, and is as it was.
    """
    id_ = secrets.token_hex(ID_BYTES)
    text = f"{BEGINNING}_{id_}_{secrets.token_urlsafe(SECRET_BYTES)}"
    key = Key(
        id=id_,
        caller=caller,
        roles=tuple(dict.fromkeys(roles)),
        digest=_digest(text),
        created=datetime.now(UTC).replace(microsecond=0),
        expires=expires,
    )
    _change(path, lambda keys: (*keys, key))
    return key, text


def revoke(path: Path, chosen: Callable[[Key], bool]) -> None:
    """Remove the keys that are chosen.

    Raises:
        OSError, ValueError: see `add`.
    """
    _change(path, lambda keys: tuple(key for key in keys if not chosen(key)))


def _change(path: Path, change: Callable[[tuple[Key, ...]], tuple[Key, ...]]) -> None:
    """Replace a file as a whole, one process at a time; a new one may be read by its owner alone."""
    try:
        path = path.resolve()  # a link stays one
    except RuntimeError:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from None
    os.stat(path.parent)  # noqa: PTH116 - or the lock would make folders, of a path that is misspelt
    with FileLock(f"{path}.lock", timeout=LOCK_SECONDS, mode=0o600):
        old = path.stat() if path.exists() else None
        keys = change(read(path) if old else ())
        with NamedTemporaryFile("w", dir=path.parent, prefix=f"{path.name}.", delete=False) as new:
            try:
                new.write(_File(keys=keys).model_dump_json(indent=2) + "\n")
                new.flush()
                os.fsync(new.fileno())
                if old:
                    os.fchmod(new.fileno(), old.st_mode & 0o777)
                    os.fchown(new.fileno(), old.st_uid, old.st_gid)
                Path(new.name).replace(path)
            except BaseException:
                Path(new.name).unlink(missing_ok=True)
                raise


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
