"""What libraries log as errors, and is none."""

import logging

import pytest
from grpc._cython import cygrpc

from jarvis.server.quiet import LOGGERS, keep_headers_out


@pytest.fixture(autouse=True)
def filtered():
    before = {name: list(logging.getLogger(name).filters) for name in LOGGERS}
    keep_headers_out()
    yield
    for name, filters in before.items():
        logging.getLogger(name).filters = filters


def test_a_caller_that_is_gone_before_its_call_ends_is_no_error(caplog):
    logger = logging.getLogger("grpc._cython.cygrpc")
    with caplog.at_level(logging.INFO, logger.name):
        try:
            raise cygrpc.ExecuteBatchError("execute_batch", ())
        except cygrpc.ExecuteBatchError:
            logger.exception("%s raised in core by servicer method [%s]", "ExecuteBatchError", "/x/Y")
    (record,) = caplog.records
    assert record.getMessage() == (
        "ExecuteBatchError raised in core by servicer method [/x/Y]: the caller is gone"
    )
    assert (record.levelname, record.exc_info) == ("INFO", None)


def test_an_error_stays_one(caplog):
    logger = logging.getLogger("grpc._cython.cygrpc")
    try:
        raise ValueError("x")
    except ValueError:
        logger.exception("Unexpected [%s]", "ValueError")
    (record,) = caplog.records
    assert (record.levelname, record.exc_info is None) == ("ERROR", False)
