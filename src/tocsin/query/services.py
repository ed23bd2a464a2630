"""
Services, their operations, and who calls whom.

A service's requests are its server and consumer spans; one that has none (a batch job, a command) is judged by all its spans.
Ranges are exact to ten seconds: the rollups know nothing finer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from tocsin.model.answers import RequestSummary, ServiceEdge, ServiceMap
from tocsin.model.telemetry import SPAN_KINDS
from tocsin.query.percentiles import NANOSECONDS_PER_MS, Bin, percentile_ms
from tocsin.query.period import checked_limit
from tocsin.query.reading import Reading
from tocsin.store.read_range import Within
from tocsin.store.read_services import COARSE_S, bucket_seconds, requests, requests_extent, service_edges, traces_in
from tocsin.store.sql import ParameterNames

ENTRY_KINDS = frozenset({SPAN_KINDS.index("server"), SPAN_KINDS.index("consumer")})
TRACES_MAX = 20_000


@dataclass(slots=True)
class _Tally:
    """Requests by bin, failures, and an exemplar: of the slowest failure, else of the slowest request."""

    bins: dict[int, Bin] = field(default_factory=dict)
    errors: int = 0
    exemplar: tuple[int, int, str] = (-1, -2, "")

    def add(self, failed: int, number: int, found: Bin, exemplar: str) -> None:
        self.bins[number] = found.joined(self.bins.get(number))
        self.errors += found.requests * failed
        self.exemplar = max(self.exemplar, (failed, number, exemplar))


class Services:
    """Questions answered from rollups, and the map."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def services(self, within: Within) -> list[RequestSummary]:
        """One summary per service, by name."""
        rows = self._reading.rows(requests(within, service=None, names=ParameterNames()))
        entered = {row[0] for row in rows if row[2] in ENTRY_KINDS}
        tallies: dict[str, _Tally] = defaultdict(_Tally)
        for service, _, kind, failed, number, *found, exemplar in rows:
            if kind in ENTRY_KINDS or service not in entered:
                tallies[service].add(failed, number, Bin(*found), exemplar)
        duration_s = self._duration_s(within)
        return [_summary(service, None, None, tally, duration_s) for service, tally in sorted(tallies.items())]

    def operations(self, service: str, within: Within) -> list[RequestSummary]:
        """One summary per operation and kind of a service, the busiest first."""
        tallies: dict[tuple[str, int], _Tally] = defaultdict(_Tally)
        rows = self._reading.rows(requests(within, service=service, names=ParameterNames()))
        for _, operation, kind, failed, number, *found, exemplar in rows:
            tallies[operation, kind].add(failed, number, Bin(*found), exemplar)
        duration_s = self._duration_s(within)
        found = [_summary(service, operation, SPAN_KINDS[kind], tally, duration_s) for (operation, kind), tally in tallies.items()]
        return sorted(found, key=lambda summary: (-summary.requests, summary.operation or "", summary.kind or ""))

    def service_map(self, within: Within, *, traces_max: int) -> ServiceMap:
        """Calls between services in the newest traces of the range."""
        checked_limit(traces_max, most=TRACES_MAX, name="traces_max")
        rows = self._reading.rows(service_edges(within, traces_max=traces_max, names=ParameterNames()))
        examined, services = self._reading.rows(traces_in(within, traces_max=traces_max, names=ParameterNames()))[0]
        edges = [
            ServiceEdge(caller, callee, calls, errors, median / NANOSECONDS_PER_MS, high / NANOSECONDS_PER_MS)
            for caller, callee, calls, errors, median, high in rows
        ]
        known = {*services, *(edge.caller for edge in edges), *(edge.callee for edge in edges)}
        return ServiceMap(sorted(known), edges, examined)

    def _duration_s(self, within: Within) -> float:
        """The length that rates refer to, seconds: open ends are where the data ends."""
        seconds = bucket_seconds(within)
        start, end = seconds.start, seconds.end
        if start is None or end is None:
            first, last, count = self._reading.rows(requests_extent(ParameterNames(), within))[0]
            start = start if start is not None else first
            end = end if end is not None else (last + COARSE_S if count else start)
        return float(max(end - start, 0))


def _summary(service: str, operation: str | None, kind: str | None, tally: _Tally, duration_s: float) -> RequestSummary:
    total = sum(found.requests for found in tally.bins.values())
    p50, p90, p95, p99 = _percentiles(tally, (0.5, 0.9, 0.95, 0.99))
    return RequestSummary(
        service=service,
        operation=operation,
        kind=kind,
        requests=total,
        errors=tally.errors,
        rate_per_s=total / duration_s if duration_s else 0.0,
        error_ratio=tally.errors / total if total else None,
        p50_ms=p50,
        p90_ms=p90,
        p95_ms=p95,
        p99_ms=p99,
        exemplar_trace_id=tally.exemplar[2] or None,
    )


def _percentiles(tally: _Tally, quantiles: Iterable[float]) -> list[float | None]:
    return [percentile_ms(tally.bins, quantile) for quantile in quantiles]
