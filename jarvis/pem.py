"""PEM files: those of one's own certificate and its key, and those of authorities."""

import ssl
from collections.abc import Callable
from pathlib import Path

_NO_PASSPHRASE: Callable[[], str] = str
"""Answers OpenSSL, which would ask on the terminal."""


def load_certificate(context: ssl.SSLContext, certificate: Path | str, key: Path | str | None) -> None:
    """Read a certificate and its private key.

    Raises:
        OSError: a file cannot be read, or they do not fit together; the message names them.
    """
    try:
        context.load_cert_chain(certificate, key, _NO_PASSPHRASE)
    except ssl.SSLError as error:
        problem = f"{certificate} and {key} are no certificate and its key, in PEM, without "
        raise OSError(f"{problem}a passphrase ({error.reason or error})") from None


def load_authorities(context: ssl.SSLContext, path: Path | str) -> None:
    """Read the certificates of authorities.

    Raises:
        OSError: the file cannot be read, or has none; the message names it.
    """
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as error:
        raise OSError(f"{path} has no certificates in PEM ({error.reason or error})") from None
