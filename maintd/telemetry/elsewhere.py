"""A figure that is kept somewhere else, and read at each scrape."""

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector


class CountedElsewhere(Collector):
    """A counter that somebody else counts."""

    def __init__(self, name: str, about: str) -> None:
        self._name = name
        self._about = about
        self.ask: Callable[[], int] = lambda: 0

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily(self._name, self._about, self.ask())
