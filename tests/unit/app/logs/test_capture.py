"""What would go past the log to the terminal reaches it."""

import asyncio
import gc
import logging
import sys
import threading
import warnings

import pytest


@pytest.fixture
def library():
    """Name a logger that no other test has."""
    name = f"library{len(logging.Logger.manager.loggerDict)}"
    yield name
    logging.Logger.manager.loggerDict.pop(name, None)


def test_a_library_that_sets_up_its_own_handler_is_led_here(to_file, written, library, capfd):
    with to_file():
        logger = logging.getLogger(library)
        logger.addHandler(logging.StreamHandler())
        logger.propagate = False
        logging.getLogger(f"{library}.part").warning("told")

    assert [line["message"] for line in written()] == ["told"]
    assert capfd.readouterr().err == ""


def test_a_library_that_has_done_so_before_gets_its_handler_back(to_file, written, library, capfd):
    logger, handler = logging.getLogger(library), logging.StreamHandler()
    logger.addHandler(handler)
    logger.propagate = False
    with to_file():
        logger.warning("inside")
    logger.warning("after")

    assert [line["message"] for line in written()] == ["inside"]
    assert capfd.readouterr().err == "after\n"
    assert (logger.handlers, logger.propagate) == ([handler], False)


def test_what_a_library_writes_elsewhere_is_left_to_it(to_file, written, library, tmp_path):
    with to_file():
        logger = logging.getLogger(library)
        logger.addHandler(logging.FileHandler(tmp_path / "its own"))
        logger.propagate = False
        logger.warning("told")
        logger.handlers[0].close()

    assert written() == []
    assert (tmp_path / "its own").read_text() == "told\n"


def test_warnings_are_logged(to_file, written):
    with to_file():
        warnings.warn("old", FutureWarning, stacklevel=1)

    (line,) = written()
    assert line["logger"] == "py.warnings"
    assert "FutureWarning: old" in line["message"]


def test_a_thread_that_fails_is_logged(to_file, written):
    with to_file():
        for target in (lambda: 1 / 0, sys.exit):
            thread = threading.Thread(target=target, name="worker")
            thread.start()
            thread.join()

    (line,) = written()
    assert (line["level"], line["message"]) == ("ERROR", "the thread worker ended with an exception")
    assert line["exception"].endswith("ZeroDivisionError: division by zero")


def test_a_destructor_that_fails_is_logged(to_file, written):
    class Fails:
        def __del__(self):
            raise ValueError("in it")

    with to_file():
        Fails()

    (line,) = written()
    assert "Fails.__del__" in line["message"]
    assert line["exception"].endswith("ValueError: in it")


async def test_a_task_that_fails_and_is_forgotten_is_logged(to_file, written):
    async def fails():
        raise ValueError("in it")

    with to_file():
        task = asyncio.create_task(fails())
        await asyncio.wait([task])
        del task
        gc.collect()

    (line,) = written()
    assert line["logger"] == "asyncio"
    assert line["exception"].endswith("ValueError: in it")
