"""Filters in JSON, in the form of the contract's messages."""

from jarvis.client.requests import written
from jarvis.wire import filters
from jarvis_ports.values import Filter


def parse_filter(text: str) -> Filter:
    """Return a filter such as {"range": {"field": "year", "gte": 2020}}.

    Raises:
        JarvisClientError: INVALID_ARGUMENT, it is not a filter.
    """
    return written(filters.parse_filter, text)
