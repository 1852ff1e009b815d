"""Faults that are brought about in a real server; see `bench.faults.__main__`."""

import os

# gRPC would log every handshake that fails; it reads this when it is imported.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
