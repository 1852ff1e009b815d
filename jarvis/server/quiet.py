"""Keeps what callers show out of the log, where libraries write the headers that they cannot read.

What a caller sent that is not HTTP is no error of the server's, as which aiohttp logs it; nor is it one that
a caller is gone before its call's end can be written, as which gRPC logs that for a stream of reflection.
"""

import logging

from aiohttp.http_exceptions import HttpProcessingError
from grpc._cython import cygrpc  # type: ignore[attr-defined] # not typed

NO_ERRORS = {HttpProcessingError: "not HTTP", cygrpc.ExecuteBatchError: "the caller is gone"}
"""What libraries log as errors, with a traceback, and what it is."""


def _keep(record: logging.LogRecord) -> bool:
    """Return whether a record is to be logged; what is no error becomes one line of the level INFO."""
    if str(record.msg).startswith("Invalid encoding on"):
        return False
    error = record.exc_info[1] if record.exc_info else None
    for kind, what in NO_ERRORS.items():
        if isinstance(error, kind):
            record.exc_info, record.msg = None, f"{record.msg}: {what}"
            record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
    return logging.getLogger(record.name).isEnabledFor(record.levelno)


LOGGERS = ("grpc._cython.cygrpc", "aiohttp.server")


def keep_headers_out() -> None:
    """Filter the loggers of those libraries."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(_keep)
