"""
Metrics that nobody sends: requests and calls out of spans, log records out of logs, under the names that Grafana's views ask for.

    traces_spanmetrics_calls_total{service, span_name, span_kind, status_code}
    traces_spanmetrics_latency_bucket | _count | _sum                               seconds, the same labels
    traces_service_graph_request_total{client, server}                              ..._failed_total
    traces_service_graph_request_server_seconds_bucket | _count | _sum
    tocsin_log_records_total{service, severity}

They are counters that start anew at every full hour: a sample every ten seconds (a minute from ranges of two hours on, five from two days
on) holds what was counted since. One millisecond into the hour stands a zero, so that `rate()` never misses the new start. A series begins
with a zero just before the first thing it counts: before that nothing was observed, which is not zero. Bounds of
buckets are powers of two of a nanosecond, where the bins of the rollups end, so bucket counts are exact; sums are of the bins' middles,
within 4.5 %.

They answer to selectors that name them: an equality, or a regular expression that starts with `traces_` or `tocsin_log`. `{job="x"}` does
not make the engine read all spans.

Source: Grafana Tempo documentation, 'Metrics-generator'.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.clock import Clock
from tocsin.errors import LimitExceeded
from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.model.series import Matcher, MatchOperator, SeriesBatch
from tocsin.model.telemetry import SPAN_KINDS
from tocsin.query.percentiles import BINS_PER_DOUBLING, bin_middle_ns
from tocsin.store.engine import Engine
from tocsin.store.read_derived import call_buckets, log_buckets, request_buckets
from tocsin.store.sql import Sql

HOUR_S = 3600
BOUND_POWERS = range(20, 37)  # 2^20 ns is a millisecond, 2^36 ns a minute
LATENCY = ("_bucket", "_count", "_sum")
CALLS = "traces_spanmetrics_calls_total"
SPAN_LATENCY = "traces_spanmetrics_latency"
GRAPH_TOTAL = "traces_service_graph_request_total"
GRAPH_FAILED = "traces_service_graph_request_failed_total"
GRAPH_LATENCY = "traces_service_graph_request_server_seconds"
LOG_RECORDS = "tocsin_log_records_total"
SEVERITIES = ("unspecified", "trace", "debug", "info", "warn", "error", "fatal")  # four OTLP numbers each, from 1 on


@dataclass(frozen=True, slots=True)
class Family:
    """Metrics that come from the same rows: their names, the statement, and how a row's middle columns become labels and a bin."""

    names: tuple[str, ...]
    statement: Callable[[int, int, int], Sql]
    key: Callable[[Sequence[object]], tuple[Mapping[str, str], bool, int]]


def _request_key(row: Sequence[object]) -> tuple[Mapping[str, str], bool, int]:
    service, operation, kind, failed, number = row
    status = "STATUS_CODE_ERROR" if failed else "STATUS_CODE_UNSET"
    labels = {"service": str(service), "span_name": str(operation), "span_kind": _kind_word(_integer(kind)), "status_code": status}
    return labels, bool(failed), _integer(number)


def _call_key(row: Sequence[object]) -> tuple[Mapping[str, str], bool, int]:
    caller, callee, failed, number = row
    return {"client": str(caller), "server": str(callee)}, bool(failed), _integer(number)


def _log_key(row: Sequence[object]) -> tuple[Mapping[str, str], bool, int]:
    service, severity = row
    word = SEVERITIES[min((_integer(severity) + 3) // 4, len(SEVERITIES) - 1)]
    return {"service": str(service), "severity": word}, False, 0


FAMILIES = (
    Family((CALLS, *(SPAN_LATENCY + part for part in LATENCY)), request_buckets, _request_key),
    Family((GRAPH_TOTAL, GRAPH_FAILED, *(GRAPH_LATENCY + part for part in LATENCY)), call_buckets, _call_key),
    Family((LOG_RECORDS,), log_buckets, _log_key),
)
NAMES = tuple(name for family in FAMILIES for name in family.names)


class DerivedSeries:
    """
    A source of these series.

    Args:
        engine: Holds spans and logs.
        clock: No counter goes on beyond the present.
    """

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    @staticmethod
    def names(matchers: Sequence[Matcher]) -> list[str]:
        """Which of these metrics the matchers ask for by name."""
        on_name = [matcher for matcher in matchers if matcher.name == METRIC_NAME]
        if not any(_names_something(matcher) for matcher in on_name):
            return []
        return [name for name in NAMES if all(matcher.matches(name) for matcher in on_name)]

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, samples_max: int) -> Iterator[SeriesBatch]:
        """
        Series that match, with samples from `start_ms` to `end_ms`, both included.

        Raises:
            LimitExceeded: More than `samples_max` samples.
        """
        wanted = self.names(matchers)
        end_ms = min(end_ms, self._clock.now_ns() // 1_000_000)
        if end_ms < start_ms:
            return
        for family in FAMILIES:
            chosen = [name for name in family.names if name in wanted]
            if chosen:
                yield self._batch(family, chosen, matchers, start_ms, end_ms, samples_max)

    def _batch(
        self, family: Family, chosen: Sequence[str], matchers: Sequence[Matcher], start_ms: int, end_ms: int, samples_max: int
    ) -> SeriesBatch:
        hour_s = start_ms // 1000 // HOUR_S * HOUR_S
        step_s = _step_s(end_ms - start_ms)
        size = (end_ms // 1000 - hour_s) // step_s + 1
        rows = self._engine.query(family.statement(hour_s, hour_s + size * step_s, step_s)).rows
        counts: dict[Labels, NDArray[np.float64]] = {}
        begins: dict[Labels, int] = {}
        for labels, (bins, failed) in _by_labels(family, rows, hour_s, step_s, size).items():
            first = min(int(np.argmax(amounts > 0)) for amounts in bins.values())
            for name, more, amounts in _metrics(chosen, bins, failed):
                full = labels.replace(**{METRIC_NAME: name, **more})
                if all(matcher.matches(full.get(matcher.name)) for matcher in matchers):
                    counts[full] = amounts + counts.get(full, 0.0)
                    begins[full] = min(first, begins.get(full, first))
                    if len(counts) * size > samples_max:
                        raise LimitExceeded(
                            f"the query would load more than {samples_max} samples; ask for a shorter range, or match fewer series"
                        )
        return _lay_out(counts, begins, hour_s, step_s, (start_ms, end_ms))


def _names_something(matcher: Matcher) -> bool:
    if matcher.operator is MatchOperator.EQUAL:
        return True
    return matcher.operator is MatchOperator.REGEX and re.match(r"\(?(traces_|tocsin_log)", matcher.value) is not None


def _by_labels(
    family: Family, rows: Sequence[Sequence[object]], hour_s: int, step_s: int, size: int
) -> dict[Labels, tuple[dict[int, NDArray[np.float64]], NDArray[np.float64]]]:
    """Per label set: counts per bin [size], and counts of what failed [size]."""
    found: dict[Labels, tuple[dict[int, NDArray[np.float64]], NDArray[np.float64]]] = {}
    for at, *middle, count in rows:
        pairs, failed, number = family.key(middle)
        labels = Labels(pairs)
        if labels not in found:
            found[labels] = defaultdict(lambda: np.zeros(size)), np.zeros(size)
        bins, failures = found[labels]
        place = (_integer(at) - hour_s) // step_s
        if 0 <= place < size:
            bins[number][place] += _integer(count)
            failures[place] += _integer(count) * failed
    return found


def _metrics(
    chosen: Sequence[str], bins: Mapping[int, NDArray[np.float64]], failed: NDArray[np.float64]
) -> Iterator[tuple[str, Mapping[str, str], NDArray[np.float64]]]:
    """Each chosen metric of one label set: its name, further labels, and what is counted in each bucket of time."""
    total = np.sum(list(bins.values()), axis=0)
    for name in chosen:
        if name == GRAPH_FAILED:
            yield name, {}, failed
        elif name.endswith("_sum"):
            yield name, {}, np.sum([amounts * bin_middle_ns(number) / 1e9 for number, amounts in bins.items()], axis=0)
        elif name.endswith("_bucket"):
            for power in BOUND_POWERS:
                within = [amounts for number, amounts in bins.items() if number + 1 <= power * BINS_PER_DOUBLING]
                yield name, {"le": repr(2**power / 1e9)}, np.sum(within, axis=0) if within else np.zeros_like(total)
            yield name, {"le": "+Inf"}, total
        else:
            yield name, {}, total


def _lay_out(
    counts: Mapping[Labels, NDArray[np.float64]], begins: Mapping[Labels, int], hour_s: int, step_s: int, range_ms: tuple[int, int]
) -> SeriesBatch:
    """Counters out of counts: a sample at the end of each bucket from a series' first on, a zero before that and at each new hour."""
    size = len(next(iter(counts.values()))) if counts else 0
    ends_ms = (hour_s + (np.arange(size, dtype=np.int64) + 1) * step_s) * 1000
    per_hour = HOUR_S // step_s
    zeros_ms = (hour_s + np.arange(-(-size // per_hour), dtype=np.int64) * HOUR_S) * 1000 + 1
    instants = np.concatenate([ends_ms, zeros_ms])
    order = np.argsort(instants, kind="stable")
    kept = order[(instants[order] >= range_ms[0]) & (instants[order] <= range_ms[1])]
    labels: list[Labels] = []
    times, values = [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    for one in sorted(counts):
        padded = np.zeros(len(zeros_ms) * per_hour)
        padded[:size] = counts[one]
        running = np.cumsum(padded.reshape(-1, per_hour), axis=1).ravel()[:size]
        begin_ms = (hour_s + begins[one] * step_s) * 1000 + 1
        own = kept[instants[kept] > begin_ms]
        head = [begin_ms] if range_ms[0] <= begin_ms <= range_ms[1] else []
        if len(own) or head:
            labels.append(one)
            times.append(np.concatenate([np.array(head, dtype=np.int64), instants[own]]))
            values.append(np.concatenate([np.zeros(len(head)), np.concatenate([running, np.zeros(len(zeros_ms))])[own]]))
    lengths = [len(part) for part in times[1:]]
    return SeriesBatch(labels, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), np.concatenate(times), np.concatenate(values))


def _step_s(length_ms: int) -> int:
    if length_ms <= 2 * HOUR_S * 1000:
        return 10
    return 60 if length_ms <= 48 * HOUR_S * 1000 else 300


def _kind_word(kind: int) -> str:
    return f"SPAN_KIND_{SPAN_KINDS[kind].upper()}"


def _integer(value: object) -> int:
    assert isinstance(value, int)
    return value
