"""What the registry of series answers: admitted or why not, what costs the most, how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class SeriesRefusal(Enum):
    """Why a series, or a sample of it, is not taken; the value is its word in statistics and metrics."""

    SERIES_MAX = "series_max"
    SERIES_PER_JOB_MAX = "series_per_job_max"
    SERIES_PER_METRIC_MAX = "series_per_metric_max"
    LABELS_MAX = "labels_max"
    NAME_TOO_LONG = "name_too_long"
    VALUE_TOO_LONG = "value_too_long"
    METRIC_NAME = "metric_name"
    LABEL_NAME = "label_name"
    DUPLICATE_LABEL = "duplicate_label"
    NOT_UTF8 = "not_utf8"
    FUTURE = "future"
    PAST = "past"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    SYMBOLS = "symbols"  # label references that point at no symbol, or without a partner
    NO_SAMPLES = "no_samples"
    HISTOGRAM = "histogram"
    EXEMPLAR = "exemplar"


@dataclass(frozen=True, slots=True)
class Admission:
    """
    What became of a series.

    Args:
        series_id: `series_id(labels)`; 0 when the labels themselves are refused.
        refusal: Why it is not taken; None when it is.
        message: The same for a human: what was expected, what was found; empty when it is taken.
    """

    series_id: int
    refusal: SeriesRefusal | None = None
    message: str = ""

    @property
    def admitted(self) -> bool:
        """Whether its samples may be stored."""
        return self.refusal is None


@dataclass(frozen=True, slots=True)
class CardinalityEntry:
    """
    What one metric or one job costs.

    Args:
        name: The metric's name, or the value of the label `job` (empty for series without one).
        series: Active series.
        series_max: Its limit.
        refused: How often a series of it was refused for that limit, since it was first seen.
    """

    name: str
    series: int
    series_max: int
    refused: int


@dataclass(frozen=True, slots=True)
class CardinalityReport:
    """
    What costs the most.

    Args:
        series: Active series.
        series_max: Their limit.
        metrics: Metrics with the most series, most first.
        jobs: Jobs with the most series, most first.
        refused: Refusals by reason, since start.
    """

    series: int
    series_max: int
    metrics: tuple[CardinalityEntry, ...]
    jobs: tuple[CardinalityEntry, ...]
    refused: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RegistryStatistics:
    """
    What is known of series.

    Args:
        series: Gauge: series seen in this generation or the one before, which count against the limits.
        series_max: Gauge: how many there may be.
        metrics: Gauge: metric names among them.
        jobs: Gauge: values of the label `job` among them.
        admitted: Series that were new when they came.
        expired: Series that were not seen for long enough to be forgotten.
        refused: Times that a series or a sample was refused, by reason.
        table_bytes: Gauge: memory of the table of series.
    """

    series: int
    series_max: int
    metrics: int
    jobs: int
    admitted: int
    expired: int
    refused: Mapping[str, int]
    table_bytes: int
