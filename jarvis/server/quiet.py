"""Keeps what callers show out of the log, where libraries write the headers that they cannot read.

What a caller sent that is not HTTP is no error of the server's, as which aiohttp logs it.
"""

import logging

from aiohttp.http_exceptions import HttpProcessingError


def _leave_out(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith("Invalid encoding on")


def _shorten(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.exc_info, record.msg = None, f"{record.msg}: not HTTP"
        record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
    return logging.getLogger(record.name).isEnabledFor(record.levelno)


FILTERS = {"grpc._cython.cygrpc": _leave_out, "aiohttp.server": _shorten}


def keep_headers_out() -> None:
    """Filter the loggers of those libraries."""
    for name, filter_ in FILTERS.items():
        logging.getLogger(name).addFilter(filter_)
