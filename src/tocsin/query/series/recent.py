"""
Samples that were written a moment ago, visible before the store has them.

What a rule records goes through the journal to the engine, which takes a second or two; the next rule asks for it now. So the last minutes
of what rules write are kept here too, and `tocsin.query.series.overlaid` lays them over what the store says.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.model.native_histogram import NativeHistogram
from tocsin.model.series import Matcher, MatchOperator

KEPT_S = 300.0


@dataclass(frozen=True, slots=True)
class SeriesSample:
    """One sample on its way: labels with `__name__`, milliseconds since 1970, a number or a native histogram."""

    labels: Labels
    timestamp_ms: int
    value: float | NativeHistogram


@dataclass(frozen=True, slots=True)
class RecentStatistics:
    """
    Samples that are kept until the store has them.

    Args:
        series: Gauge: series.
        samples: Gauge: samples.
        forgotten: Samples that were let go because they were old enough.
    """

    series: int
    samples: int
    forgotten: int


@dataclass(slots=True)
class _Kept:
    """One series, by time; lists, for there are few samples and they are cut at the front."""

    times: list[int] = field(default_factory=list)
    values: list[float | NativeHistogram] = field(default_factory=list)

    def put(self, at_ms: int, value: float | NativeHistogram) -> int:
        """Add a sample, in place of one at the same instant; how many there are more than before."""
        if not self.times or at_ms > self.times[-1]:
            self.times.append(at_ms)
            self.values.append(value)
            return 1
        place = bisect_left(self.times, at_ms)
        if self.times[place] == at_ms:
            self.values[place] = value
            return 0
        self.times.insert(place, at_ms)
        self.values.insert(place, value)
        return 1

    def drop_before(self, at_ms: int) -> int:
        """Forget what is older; how many samples that was."""
        place = bisect_left(self.times, at_ms)
        del self.times[:place], self.values[:place]
        return place

    def between(self, start_ms: int, end_ms: int) -> list[tuple[int, float | NativeHistogram]]:
        """Samples of a range, both ends included."""
        part = slice(bisect_left(self.times, start_ms), bisect_right(self.times, end_ms))
        return list(zip(self.times[part], self.values[part], strict=True))


Samples = list[tuple[int, float | NativeHistogram]]


class RecentSeries:
    """
    Keeps them. Safe to use from several threads.

    Args:
        kept_s: How long, counted back from the newest sample, seconds.
    """

    def __init__(self, *, kept_s: float = KEPT_S) -> None:
        self._kept_ms = round(kept_s * 1000)
        self._lock = threading.Lock()
        self._series: dict[str, dict[Labels, _Kept]] = {}
        self._newest_ms = self._swept_ms = 0
        self._samples = self._forgotten = 0

    def add(self, samples: Sequence[SeriesSample]) -> None:
        """Keep these."""
        if not samples:
            return
        with self._lock:
            for sample in samples:
                series = self._series.setdefault(sample.labels.metric, {})
                kept = series.get(sample.labels)
                if kept is None:
                    kept = series[sample.labels] = _Kept()
                self._samples += kept.put(sample.timestamp_ms, sample.value)
            self._newest_ms = samples[-1].timestamp_ms
            if abs(self._newest_ms - self._swept_ms) >= self._kept_ms // 4:
                self._sweep()

    def names(self) -> frozenset[str]:
        """Metrics of which there is something."""
        with self._lock:
            return frozenset(self._series)

    def find(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> dict[Labels, Samples]:
        """Samples of matching series in a range, both ends included."""
        name = name_of(matchers)
        with self._lock:
            if name is not None and name not in self._series:
                return {}
            groups = list(self._series.values()) if name is None else [self._series[name]]
            chosen = [
                (labels, kept)
                for series in groups
                for labels, kept in series.items()
                if all(matcher.matches(labels.get(matcher.name)) for matcher in matchers)
            ]
            return {labels: found for labels, kept in chosen if (found := kept.between(start_ms, end_ms))}

    def statistics(self) -> RecentStatistics:
        """What is kept now."""
        with self._lock:
            return RecentStatistics(sum(map(len, self._series.values())), self._samples, self._forgotten)

    def _sweep(self) -> None:
        self._swept_ms = self._newest_ms
        for name, series in list(self._series.items()):
            for labels, kept in list(series.items()):
                gone = kept.drop_before(self._newest_ms - self._kept_ms)
                self._samples -= gone
                self._forgotten += gone
                if not kept.times:
                    del series[labels]
            if not series:
                del self._series[name]


def name_of(matchers: Sequence[Matcher]) -> str | None:
    """The metric that is named by an equality."""
    return next((one.value for one in matchers if one.name == METRIC_NAME and one.operator is MatchOperator.EQUAL), None)
