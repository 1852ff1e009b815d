"""The page that a scraper reads."""

import logging
from collections.abc import Callable, Iterator
from threading import Lock

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.exposition import ALLOWUTF8

from jarvis_ports.telemetry import Exposition

logger = logging.getLogger(__name__)


class Page:
    """Shows a registry, followed by that of the whole process, where libraries register their metrics.

    Metrics that cannot be read are left out, and the reason is logged once.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registries = (registry, REGISTRY)
        self._lock = Lock()
        self._told = False

    def render(self, accept: str) -> Exposition | None:
        """Return the page in the format that the scraper wants, or None if it cannot be written."""
        generate, content_type = _format(accept)
        try:
            with self._lock:  # the registry's reader mixes up the samples of simultaneous calls
                return Exposition(content_type, generate(self, escaping=ALLOWUTF8))
        except Exception as error:  # noqa: BLE001 - it harms nobody but the scraper
            self._tell(error)
            return None

    def collect(self) -> Iterator[Metric]:
        """Yield each family of metrics once."""
        names: set[str] = set()
        for registry in self._registries:
            for family in self._families(registry):
                if family.name not in names:
                    names.add(family.name)
                    yield family

    def _families(self, registry: CollectorRegistry) -> Iterator[Metric]:
        try:
            yield from registry.collect()
        except Exception as error:  # noqa: BLE001 - a library's collector breaks nothing but itself
            self._tell(error)

    def _tell(self, error: Exception) -> None:
        if not self._told:
            self._told = True
            logger.error("Some metrics cannot be read; this is said once", exc_info=error)


def _format(accept: str) -> tuple[Callable[..., bytes], str]:
    """Choose the format; in both, names are those of Prometheus.

    prometheus_client's own choice turns `vllm:` into `vllm_` in OpenMetrics samples, but not in their headers
    (https://github.com/prometheus/client_python/issues/1177), and fails on malformed versions.
    """
    if "application/openmetrics-text" in accept:
        return openmetrics.generate_latest, openmetrics.CONTENT_TYPE_LATEST
    return generate_latest, CONTENT_TYPE_PLAIN_0_0_4
