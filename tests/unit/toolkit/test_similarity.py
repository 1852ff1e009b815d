"""Tests for similarities of vectors."""

import time

import numpy as np
import pytest

from jarvis_ports.store import Space
from jarvis_toolkit.similarity import scales, similar


@pytest.mark.parametrize("space", Space)
def test_comparing_keeps_no_other_core_busy(space):
    matrix = np.random.default_rng(0).standard_normal((15_000, 384), dtype=np.float32)
    scale = scales(matrix, space)
    own, all_threads = time.thread_time(), time.process_time()
    for row in range(20):
        similar(matrix, scale, matrix[row], space)
        time.sleep(0.02)
    own, all_threads = time.thread_time() - own, time.process_time() - all_threads
    assert all_threads < 1.5 * own
