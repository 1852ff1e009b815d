import errno

import pytest

from jarvis.models.worker import _explain


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("I/O error: No space left on device")],
)
def test_a_full_disk_is_told_with_what_to_do(cache_folder, error):
    assert (
        _explain(error) == f"no space left on the disk of {cache_folder}: free some, or set JARVIS_CACHE_DIR"
    )


def test_of_another_error_the_first_line_is_told():
    assert _explain(ValueError("bad\nand more")) == "ValueError: bad"
