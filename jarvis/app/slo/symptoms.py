"""Alerts on what no objective shows: missing metrics, lost log records, and failures that cost no calls."""

from jarvis.app.slo.burn import Rule
from jarvis.app.slo.names import prometheus_name
from jarvis.core.telemetry.metrics import (
    ADAPTER_HEALTHY,
    BREAKER_OPEN,
    CERTIFICATE_BEGINS,
    CERTIFICATE_ENDS,
    LOG_RECORDS_DROPPED,
)

JOB = "jarvis"
"""The name of the scrape job."""

_UP = f'up{{job="{JOB}"}}'
_BEGINS, _ENDS = prometheus_name(CERTIFICATE_BEGINS), prometheus_name(CERTIFICATE_ENDS)
_DROPPED = prometheus_name(LOG_RECORDS_DROPPED)


def symptom_alerts() -> list[Rule]:
    """Return the alerts."""
    return [
        # No budget burns if there are no figures.
        _rule(
            "JarvisDown",
            f"{_UP} == 0 or absent({_UP})",
            "2m",
            "page",
            "Jarvis cannot be scraped",
            f"Prometheus gets no metrics from {{{{ $labels.instance }}}} in its job {JOB}. Look whether the "
            "process runs (its log says why it ended), and whether Prometheus reaches http.listen.",
        ),
        # Whoever looks in the log for the cause of another alert would miss them.
        _rule(
            "JarvisLogRecordsDropped",
            f"increase({_DROPPED}[15m]) > 0\n"
            # A counter that begins above 0 has no increase.
            f"or ({_DROPPED} unless {_DROPPED} offset 15m) > 0",
            None,
            "ticket",
            "Log records are lost",
            "The log of {{ $labels.instance }} is incomplete: the disk is full or too slow for it. Make "
            "room, or raise log.level; log.queue_size only helps against bursts.",
        ),
        # A store or a cache that is down costs quality before it costs calls.
        _rule(
            "JarvisAdapterUnhealthy",
            f"{prometheus_name(ADAPTER_HEALTHY)} == 0",
            "10m",
            "ticket",
            "The {{ $labels.port }} {{ $labels.name }} is not well",
            "{{ $labels.adapter }} on {{ $labels.instance }} has not been well for 10 minutes. "
            "`jarvis status` says why.",
        ),
        # Other models answer in its place, so no caller complains. Its breaker is half open now and then.
        _rule(
            "JarvisModelTriedLast",
            f"max_over_time({prometheus_name(BREAKER_OPEN)}[2m]) == 1",
            "10m",
            "ticket",
            "Routes avoid the model {{ $labels.model }}",
            "It has kept failing on {{ $labels.instance }} for 10 minutes, and others answer in its place. "
            "Its failures are in the log.",
        ),
        # Whatever renews certificates does so long before: Let's Encrypt's at a third.
        _rule(
            "JarvisCertificateExpires",
            f"{_ENDS} - time() < 0.1 * ({_ENDS} - {_BEGINS})",
            "5m",
            "ticket",
            "The certificate of {{ $labels.instance }} expires",
            "Less than a tenth of its time is left. Renew the files of server.tls; the server reads them "
            "again by itself. If they are new, its log says why it does not take them.",
        ),
    ]


def _rule(  # noqa: PLR0913, PLR0917 - the fields of a rule, in Prometheus's order
    name: str, query: str, lasting: str | None, severity: str, summary: str, description: str
) -> Rule:
    return {
        "alert": name,
        "expr": query,
        **({"for": lasting} if lasting else {}),
        "labels": {"severity": severity},
        "annotations": {"summary": summary, "description": description},
    }
