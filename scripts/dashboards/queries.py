"""The Prometheus queries that several panels share."""

RANGE = "[$__rate_interval]"
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def rate(series: str, by: str = "") -> str:
    """Return the query for the summed growth of a counter per second, by a label if one is named."""
    return f"sum{_by(by)}(rate({series}{RANGE}))"


def quantile(share: float, histogram: str, labels: str = "", by: str = "") -> str:
    """Return the query for a quantile of a histogram, given its name without `_bucket`."""
    labels = f"{{{labels}}}" if labels else ""
    buckets = rate(f"{histogram}_bucket{labels}", ", ".join(filter(None, ("le", by))))
    return f"histogram_quantile({share}, {buckets})"


def quantiles(histogram: str, labels: str = "", by: str = "") -> dict[str, str]:
    """Return the queries for the median and the 95th and 99th percentiles, by their legends."""
    legend = f" {{{{{by}}}}}" if by else ""
    return {name + legend: quantile(share, histogram, labels, by) for name, share in QUANTILES.items()}


def or_zero(query: str) -> str:
    """Return a query that gives zero if there is no series yet because the event never happened."""
    return f"{query} or on() vector(0)"


def ratio(part: str, whole: str) -> str:
    """Return the query for the share of `part` in `whole`; it gives nothing while `whole` is 0."""
    return f"{part} / ({whole} > 0)"


def _by(label: str) -> str:
    return f" by ({label}) " if label else ""
