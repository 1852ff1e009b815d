"""Faults that are brought about in a real server; see `bench.faults.__main__`."""

import os

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # gRPC logs every handshake that fails; it reads this at import
