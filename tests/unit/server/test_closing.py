"""The end of a server of which something hangs."""

import subprocess
import sys

SERVER = """
import asyncio, threading
from jarvis.app import bootstrap
from jarvis.app.bootstrap import _end_within

threading.Thread(target=threading.Event().wait).start()  # which Python would wait for
_end_within(0.2, 3)
"""


def test_a_thread_that_hangs_does_not_keep_the_process():
    assert subprocess.run([sys.executable, "-c", SERVER], timeout=60, check=False).returncode == 3
