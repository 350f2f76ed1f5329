"""The numbers of all processes, added up, in Prometheus's text formats."""

import platform
from collections.abc import Iterator
from importlib.metadata import version

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from gateway.adapters.metrics.catalogue import BUCKETS_S, CATALOGUE, Metric
from gateway.adapters.metrics.cells import Cells, Numbers, added

_ENDS = [*(str(end) for end in BUCKETS_S), "+Inf"]


class Exposition(Collector):
    """Living processes as they are now, and what the ended ones left; their gauges ended with them."""

    def __init__(self, own: Cells, config_version: str, *, serves: bool = True) -> None:
        """`serves`: whether this process is itself one of those that serve."""
        self._serves = serves
        self.config_version = config_version
        self._own = own
        self._living: list[Cells] = []
        self._left: Numbers = {}
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def joined(self, worker: Cells) -> None:
        self._living.append(worker)

    def ended(self, worker: Cells) -> None:
        """Called when its process is no more: nothing is added to its numbers after this."""
        self._living.remove(worker)
        left = {key: cells for key, cells in worker.read().items() if CATALOGUE[key[0]].kind != "gauge"}
        self._left = added(self._left, left)

    def collect(self) -> Iterator[Family]:
        numbers = added(self._left, self._own.read())
        for each in self._living:
            numbers = added(numbers, each.read())
        for metric in CATALOGUE.values():
            yield _family(metric, numbers)
        build = GaugeMetricFamily("gateway_build_info", "What is running.", labels=["version", "python"])
        build.add_metric([version("passerelle"), platform.python_version()], 1)
        yield build
        config = GaugeMetricFamily("gateway_config_info", "A digest of the files that serve.", labels=["version"])
        config.add_metric([self.config_version], 1)
        yield config
        yield GaugeMetricFamily("gateway_workers", "Processes that serve.", value=len(self._living) + self._serves)

    def text(self, accept: str) -> tuple[bytes, str]:
        """The body and its media type: Prometheus's own format, or OpenMetrics for whoever asks for it."""
        encode, media_type = choose_encoder(accept)
        return encode(self._registry), media_type


def _family(metric: Metric, numbers: Numbers) -> Family:
    found = [(list(labels), cells) for (name, labels), cells in numbers.items() if name == metric.name]
    if metric.kind == "histogram":
        histogram = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        for labels, cells in found:
            histogram.add_metric(labels, _cumulated(cells), cells[-1])
        return histogram
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = kind(metric.name, metric.help, labels=metric.labels)
    for labels, (value,) in found:
        family.add_metric(labels, value)
    return family


def _cumulated(cells: tuple[float, ...]) -> list[tuple[str, float]]:
    seen, buckets = 0.0, []
    for end, count in zip(_ENDS, cells, strict=False):
        seen += count
        buckets.append((end, seen))
    return buckets
