"""The server's log: what every logger of this process says, written by a thread of its own.

A call to a logger costs only its record and a put into a queue. A slow disk slows nobody down: if the queue
is full, records below ERROR are dropped and counted.
"""

from jarvis.app.logs.log import Log, running

__all__ = ["Log", "running"]
