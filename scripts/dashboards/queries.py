"""What several panels ask Prometheus in the same way."""

RANGE = "[$__rate_interval]"
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def rate(series: str, by: str = "") -> str:
    """The sum of what a counter grows by in a second, by a label where one is named."""
    return f"sum{_by(by)}(rate({series}{RANGE}))"


def quantile(share: float, histogram: str, labels: str = "", by: str = "") -> str:
    """A quantile of a histogram, given its name without `_bucket`."""
    labels = f"{{{labels}}}" if labels else ""
    buckets = rate(f"{histogram}_bucket{labels}", ", ".join(filter(None, ("le", by))))
    return f"histogram_quantile({share}, {buckets})"


def quantiles(histogram: str, labels: str = "", by: str = "") -> dict[str, str]:
    """The median, and what one in twenty and one in a hundred is above, by their legends."""
    legend = f" {{{{{by}}}}}" if by else ""
    return {name + legend: quantile(share, histogram, labels, by) for name, share in QUANTILES.items()}


def or_zero(query: str) -> str:
    """Zero where there is no series yet, and none means that it never happened."""
    return f"{query} or on() vector(0)"


def ratio(part: str, whole: str) -> str:
    """A share of a sum of rates; nothing while there is nothing."""
    return f"{part} / ({whole} > 0)"


def _by(label: str) -> str:
    return f" by ({label}) " if label else ""
