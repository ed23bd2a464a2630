"""
Series with their samples, as a question over metrics gets them: flat buffers, no Python object per sample.

A source (the store; a test's memory) hands them out in batches, so that memory stays bounded whatever a selector matches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tocsin.model.labels import Labels
from tocsin.model.native_histogram import NativeHistogram
from tocsin.model.pattern import Pattern, compile_pattern

STALE_NAN_BITS = 0x7FF0000000000002
STALE_NAN = float(np.uint64(STALE_NAN_BITS).view(np.float64))


def is_stale(value: float) -> bool:
    """Whether a number is the stale marker; other NaNs are values."""
    return int(np.float64(value).view(np.uint64)) == STALE_NAN_BITS


def stale_among(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of [N] numbers are stale markers."""
    stale: NDArray[np.bool_] = values.view(np.uint64) == np.uint64(STALE_NAN_BITS)
    return stale


class MatchOperator(Enum):
    """How a matcher compares; the value is its token."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


@dataclass(frozen=True)
class Matcher:
    """
    A condition on one label. A label that is missing has the value "". Regular expressions are RE2's and must match the whole value.

    `Matcher("code", MatchOperator.REGEX, "5..")` matches `code="503"`.
    """

    name: str
    operator: MatchOperator
    value: str

    @cached_property
    def _pattern(self) -> Pattern:
        return compile_pattern(self.value)

    def matches(self, value: str) -> bool:
        """Whether a label's value satisfies it; in memory, for tests and for what is known already."""
        match self.operator:
            case MatchOperator.EQUAL:
                return value == self.value
            case MatchOperator.NOT_EQUAL:
                return value != self.value
            case MatchOperator.REGEX:
                return self._pattern.fullmatch(value) is not None
            case MatchOperator.NOT_REGEX:
                return self._pattern.fullmatch(value) is None


@dataclass(frozen=True, slots=True)
class HistogramPoints:
    """
    The native histograms of one series.

    Args:
        timestamps_ms: [H] int64, ascending, none twice.
        points: [H] histograms; one whose `count` is the stale NaN marks the end.
        starts_ms: [H] int64, since when each has been counting, 0 where that is unknown; None: of none of them.
    """

    timestamps_ms: NDArray[np.int64]
    points: Sequence[NativeHistogram]
    starts_ms: NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True)
class SeriesBatch:
    """
    Some series with their samples in a range of time.

    Args:
        labels: [S] with `__name__`; no two alike in all batches of one selection.
        offsets: [S+1] int64; series i has the samples offsets[i] to offsets[i+1] of the flat buffers.
        timestamps_ms: [N] int64, milliseconds since 1970; within a series ascending, none twice.
        values: [N] float64; stale markers are NaNs with STALE_NAN_BITS, other NaNs are values.
        histograms: Of the series (by index) that hold native histograms; a series may hold both kinds, at different times.
        starts_ms: [N] int64, since when the counter of each sample has been counting, 0 where that is unknown; None: of none of them.
    """

    labels: Sequence[Labels]
    offsets: NDArray[np.int64]
    timestamps_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    histograms: Mapping[int, HistogramPoints] = field(default_factory=dict)
    starts_ms: NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a metric says about itself: `type` is counter, gauge, histogram, gaugehistogram, summary, info, stateset or unknown."""

    metric: str
    type: str
    help: str
    unit: str


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A number with the trace that shows it; `labels` hold trace_id, span_id and whatever else its sender gave."""

    labels: Labels
    value: float
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class NamedCount:
    """How many there are of something with a name."""

    name: str
    value: int


@dataclass(frozen=True, slots=True)
class Census:
    """
    How many series are stored, and what costs the most of them.

    Args:
        series: Series seen in the last day.
        label_pairs: Different pairs of a label and a value among them.
        chunks: Compressed chunks stored.
        start_ms: Oldest sample, milliseconds since 1970.
        end_ms: Newest sample.
        series_by_metric: Metrics with the most series.
        values_by_label: Labels with the most values.
        bytes_by_label: Labels whose values take the most bytes, each value counted once per series.
        series_by_pair: Pairs `name=value` that the most series have.
    """

    series: int
    label_pairs: int
    chunks: int
    start_ms: int
    end_ms: int
    series_by_metric: Sequence[NamedCount]
    values_by_label: Sequence[NamedCount]
    bytes_by_label: Sequence[NamedCount]
    series_by_pair: Sequence[NamedCount]


class SeriesSource(Protocol):
    """Where PromQL gets series from. Safe to use from several threads. Times are inclusive at both ends."""

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, samples_max: int) -> Iterator[SeriesBatch]:
        """
        Series that satisfy all matchers and have samples in the range, each with those samples, in no particular order.

        Raises:
            LimitExceeded: More than `samples_max` samples; raised before they are in memory.
            InvalidInput: A regular expression that does not compile.
            Timeout: It took longer than the engine's limit.
        """
        ...


class MetricCatalog(Protocol):
    """What else a Prometheus client asks about series. `matcher_sets` are alternatives; none means all series."""

    def series(self, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int, *, limit: int) -> list[Labels]:
        """Label sets of matching series, sorted; at most `limit`, 0 for all."""
        ...

    def label_names(self, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int, *, limit: int) -> list[str]:
        """Names of their labels, sorted, `__name__` among them."""
        ...

    def label_values(self, name: str, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int, *, limit: int) -> list[str]:
        """Values of one of their labels, sorted."""
        ...

    def metadata(self, metric: str | None, *, limit: int) -> list[Metadata]:
        """Types, help texts and units by metric, as their exporters gave them."""
        ...

    def exemplars(self, matcher_sets: Sequence[Sequence[Matcher]], start_ms: int, end_ms: int) -> list[tuple[Labels, list[Exemplar]]]:
        """Exemplars of matching series, oldest first."""
        ...

    def cardinality(self, *, limit: int) -> Census:
        """How many series are stored, and the `limit` things of each kind that cost the most of them."""
        ...
