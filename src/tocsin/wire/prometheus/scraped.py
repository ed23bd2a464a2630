"""
What a scrape says, and how the reader of it asks about series that it has not seen: the contract between the formats and who collects.

A reader keeps, for each target, what became of every series that the target exposes (`Resolution`), found by a hash of its raw bytes.
It asks (`Resolve`) only about series that are new, that are seen on a new day for the first time, or that were refused a while ago.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tocsin.model.labels import Labels
from tocsin.model.sample_block import ExemplarSample, HistogramSample
from tocsin.model.series import Metadata


class Fate(Enum):
    """
    What becomes of a series of a target.

    A dropped one is remembered as such (metric relabelling said so); a refused one is asked about again after some scrapes, because
    room may have been made for it.
    """

    KEPT = 1
    DROPPED = 2
    REFUSED = 3


@dataclass(frozen=True, slots=True)
class Resolution:
    """
    The answer about a series.

    Args:
        fate: Whether its samples are taken.
        series_id: `series_id(labels)` of the labels as they are stored, not 0; anything when it isn't kept.
        metric: The metric's name as it is stored.
    """

    fate: Fate
    series_id: int = 0
    metric: str = ""


Resolve: TypeAlias = Callable[[Labels, "Metadata | None", int], Resolution]
"""
Called as `resolve(labels, metadata, timestamp_ms)`: labels as exposed with `__name__`, what the target says of their metric, the time of
the sample. It applies the target's labels, relabelling and limits, admits the series, and notes the definition that has to travel. What it
raises ends the scrape, of which nothing is taken then.
"""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """
    How a target's answer is read; the names are those of Prometheus' configuration.

    Args:
        honor_timestamps: Take the times that the target gives; otherwise every sample has the time of the scrape.
        track_timestamps_staleness: Series with times of their own get stale markers too; whoever writes the markers looks at it.
        native_histograms: Take native histograms; otherwise a histogram that is both is read as a classic one.
        always_scrape_classic_histograms: Take the classic buckets of a histogram that has native ones too.
        samples_max: Samples (and lines of metadata) of one answer, at most; each takes up to 250 bytes while it is read.
        fallback_content_type: Read an answer without a content type, or with one that is none of ours, as this one; empty to refuse it.
    """

    honor_timestamps: bool = True
    track_timestamps_staleness: bool = False
    native_histograms: bool = True
    always_scrape_classic_histograms: bool = False
    samples_max: int = 5_000_000
    fallback_content_type: str = ""


@dataclass(frozen=True, slots=True)
class Scraped:
    """
    What is taken of one answer of a target.

    Args:
        series_ids: [N] uint64, as `Resolve` gave them. Of a series that is exposed twice at one time only the first sample is here.
        timestamps_ms: [N] int64, milliseconds since 1970-01-01 UTC.
        values: [N] float64.
        explicit: [N] bool, where the target gave the time itself.
        histograms: Native histograms.
        exemplars: Exemplars that were not in this series' last answer.
        samples_scraped: Samples in the answer; a native histogram is one.
        samples_post_relabel: Those of them that are kept; duplicates and refused ones count, as in Prometheus.
        series_added: Kept series that the last answer did not have.
        duplicates: Samples left out because their series had one already at that time.
        refused: Samples of refused series.
        exemplars_too_long: Exemplars left out because their labels have more than 128 characters.
    """

    series_ids: NDArray[np.uint64]
    timestamps_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    explicit: NDArray[np.bool_]
    histograms: Sequence[HistogramSample]
    exemplars: Sequence[ExemplarSample]
    samples_scraped: int
    samples_post_relabel: int
    series_added: int
    duplicates: int
    refused: int
    exemplars_too_long: int
