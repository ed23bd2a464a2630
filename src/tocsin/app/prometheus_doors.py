"""The doors for metrics of Prometheus' kind, wired: remote write, scrapes, probes, the machine's metrics and our own."""

from __future__ import annotations

import logging
import platform
import threading
from collections.abc import Callable, Mapping

from starlette.routing import Route

from tocsin.api.prometheus_write import prometheus_write_routes
from tocsin.app.options import Options
from tocsin.clock import Clock, RealEntropy
from tocsin.collect.host import HostMetrics
from tocsin.collect.host_process import ProcessMetrics
from tocsin.collect.manager import Collector
from tocsin.collect.options import CollectOptions
from tocsin.collect.sources import in_process_sources
from tocsin.model.batch import Acceptor
from tocsin.query.promql.warm import warm
from tocsin.wire.prometheus.registry import SeriesRegistry
from tocsin.wire.prometheus.remote_write import RemoteWriteDoor

logger = logging.getLogger(__name__)


class PrometheusDoors:
    """
    The doors of one server.

    Args:
        options: The tree.
        accept: The journal's acceptor.
        clock: The present.
        own: Tocsin's own metrics as Prometheus text.
    """

    def __init__(self, options: Options, accept: Acceptor, clock: Clock, *, own: Callable[[], bytes]) -> None:
        entropy = RealEntropy()
        self._clock = clock
        self.registry = SeriesRegistry(options.wire.series, clock=clock, times=options.wire.door)
        self.remote_write = RemoteWriteDoor(self.registry, accept, options=options.wire.remote_write, clock=clock, entropy=entropy)
        process = ProcessMetrics()
        collected = CollectOptions(scrape=options.scrape, probes=options.probes, host=options.host, own=options.own)
        self.collector = Collector(
            collected,
            registry=self.registry,
            acceptor=accept,
            clock=clock,
            entropy=entropy,
            in_process=in_process_sources(
                collected, machine=platform.node() or "localhost", host=HostMetrics(clock).expose, own=lambda: own() + process.expose()
            ),
        )

    def routes(self) -> list[Route]:
        """Where remote write comes in."""
        return prometheus_write_routes(self.remote_write)

    def statistics(self) -> Mapping[str, Callable[[], object]]:
        """A function per long-lived object, by its name in /metrics."""
        return {
            "series": self.registry.statistics,
            "remote_write": self.remote_write.statistics,
            "collect": self.collector.statistics,
        }

    def start(self) -> None:
        """Begin to collect; compile what the first request and the first query need meanwhile."""
        threading.Thread(target=self._warm, name="warm", daemon=True).start()
        self.collector.start()

    def stop(self) -> None:
        """Collect no more; series that were collected end with stale markers. The journal must still take them."""
        self.collector.stop()

    def _warm(self) -> None:
        try:
            self.remote_write.warm()
            warm(self._clock)
        except Exception:
            logger.exception("compiling ahead failed; the first query will show why")
