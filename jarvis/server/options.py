"""The options of the gRPC server."""

from collections.abc import Sequence

REFUSED_UNREAD = 16
"""A message of more than this many times the limit is refused by gRPC itself, before it is all read."""
INT_MAX = 2**31 - 1


def server_options(max_message_bytes: int) -> Sequence[tuple[str, int]]:
    """Return the options; tests/unit/server/test_options.py checks that gRPC knows each of them.

    Args:
        max_message_bytes: the most bytes of a message that is received or sent; the interceptor refuses
            larger ones with a status that says why.
    """
    return (
        ("grpc.so_reuseport", 0),  # a second server on the port is a mistake
        ("grpc.max_receive_message_length", min(max_message_bytes * REFUSED_UNREAD, INT_MAX)),
        ("grpc.max_send_message_length", max_message_bytes),
        # Jarvis itself refuses an overlong x-request-id; gRPC would refuse over 8 KiB, at random up to 16.
        ("grpc.max_metadata_size", 32 * 1024),
        # A caller whose machine has gone is noticed, however long its call is silent.
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.max_pings_without_data", 0),
        # grpc-go and grpc-java ping at most every 10 s, and Envoy also when there are no calls; half of that
        # leaves room for a fast clock. gRPC's own bounds, 5 minutes and 2 hours, would end silent calls.
        ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
        ("grpc.keepalive_permit_without_calls", 1),
    )
