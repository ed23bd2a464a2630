"""
What every format has in common: asking about series that are new, and settling what an answer had.

A format's reader makes a `Reading` (a row per sample, its entry in the target's table); `settle_reading` makes of it what is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import LimitExceeded
from tocsin.model.labels import Labels
from tocsin.model.native_histogram import NativeHistogram
from tocsin.model.sample_block import ExemplarSample, HistogramSample
from tocsin.model.series import Exemplar, Metadata
from tocsin.wire.prometheus.scraped import Resolve, Scraped
from tocsin.wire.prometheus.target_table import TargetTable, days_of, settle
from tocsin.wire.prometheus.write_items import exemplar_of

EXEMPLAR_CHARACTERS_MAX = 128
"""Characters in names and values of an exemplar's labels. Source: OpenMetrics 1.0, "Exemplars"."""
BATCH = 20_000
"""New series that are parsed before they are asked about; each takes about a kilobyte meanwhile."""
FAMILY_SUFFIXES = ("_total", "_bucket", "_count", "_sum", "_created", "_info", "_gcount", "_gsum")


@dataclass(frozen=True, slots=True)
class NewExemplar:
    """An exemplar that its series did not have last time: in which row, and its hash."""

    row: int
    key: int
    exemplar: Exemplar


@dataclass(frozen=True, slots=True)
class Reading:
    """
    An answer that is valid as a whole.

    Args:
        numbers: [N] int32 entries in the target's table; lines of metadata among them.
        timestamps_ms: [N] int64.
        values: [N] float64.
        explicit: [N] bool, where the target gave the time.
        histograms: Native histograms by row; the values of these rows mean nothing.
        exemplars: New ones.
    """

    numbers: NDArray[np.int32]
    timestamps_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    explicit: NDArray[np.bool_]
    histograms: Mapping[int, NativeHistogram] = field(default_factory=dict)
    exemplars: Sequence[NewExemplar] = ()


@dataclass(frozen=True, slots=True)
class NewSeries:
    """A series that has to be asked about: labels as exposed, what is said of its metric, the time of its sample."""

    key: int
    labels: Labels
    metadata: Metadata | None
    timestamp_ms: int


class Families:
    """What an answer says of its metrics."""

    def __init__(self) -> None:
        self._families: dict[str, Metadata] = {}

    def note(self, family: str, **known: str) -> None:
        """A type, a help text or a unit of a family; the last one counts."""
        before = self._families.get(family) or Metadata(family, "unknown", "", "")
        values = {"type": before.type, "help": before.help, "unit": before.unit, **known}
        self._families[family] = Metadata(family, **values)

    def of(self, metric: str) -> Metadata | None:
        """What is said of a metric, by its own name or that of its family."""
        if (known := self._families.get(metric)) is not None:
            return known
        for suffix in FAMILY_SUFFIXES:
            if metric.endswith(suffix) and (known := self._families.get(metric.removesuffix(suffix))) is not None:
                return known
        return None


def too_many(samples: int, samples_max: int) -> LimitExceeded:
    """The error for an answer with more samples than are read."""
    return LimitExceeded(f"the answer has {samples} lines or samples, at most {samples_max} are read (samples_max); split the target")


def to_ask(keys: NDArray[np.uint64], timestamps_ms: NDArray[np.int64], rows: NDArray[np.int64]) -> list[int]:
    """Of rows that are unknown, the first one for each series and day."""
    days = days_of(timestamps_ms[rows]).astype(np.uint64)
    _, first = np.unique(keys[rows] ^ (days * np.uint64(0x9E3779B97F4A7C15)), return_index=True)
    return [int(row) for row in np.sort(rows[first])]


def ask(table: TargetTable, resolve: Resolve, series: Iterable[NewSeries]) -> None:
    """
    Ask about series, and write the answers into the table.

    Args:
        table: Of the target.
        resolve: Who is asked.
        series: Parsed while they are taken from it, a batch before the first of the batch is asked about: so that memory stays bounded, and
            an answer of usual size that is wrong somewhere troubles nobody.

    Raises:
        Exception: What `resolve` or the parsing raises; everything that was asked about before will be asked about again then.
    """
    asked: list[int] = []
    iterator = iter(series)
    try:
        while batch := list(islice(iterator, BATCH)):
            days = days_of(np.array([new.timestamp_ms for new in batch], np.int64)).tolist()
            for new, day in zip(batch, days, strict=True):
                asked.append(table.remember(new.key, resolve(new.labels, new.metadata, new.timestamp_ms), day))
    except BaseException:
        table.forget_days(asked)
        raise


def settle_reading(reading: Reading, table: TargetTable) -> Scraped:
    """End a generation with an answer: what of it is taken."""
    table.generation += 1
    taken, counts = settle(reading.numbers, reading.timestamps_ms, reading.explicit, table.generation, table.entries)
    exemplars, too_long = _exemplars(reading, table, taken)
    histograms = tuple(
        HistogramSample(int(table.entries["series_id"][reading.numbers[row]]), int(reading.timestamps_ms[row]), histogram)
        for row, histogram in reading.histograms.items()
        if taken[row]
    )
    taken[list(reading.histograms)] = False
    rows = np.flatnonzero(taken)
    series_ids = table.entries["series_id"][reading.numbers[rows]]
    table.evict()
    return Scraped(
        series_ids=series_ids,
        timestamps_ms=reading.timestamps_ms[rows],
        values=reading.values[rows],
        explicit=reading.explicit[rows],
        histograms=histograms,
        exemplars=exemplars,
        samples_scraped=int(counts[0]),
        samples_post_relabel=int(counts[1]),
        series_added=int(counts[2]),
        duplicates=int(counts[3]),
        refused=int(counts[4]),
        exemplars_too_long=too_long,
    )


def _exemplars(reading: Reading, table: TargetTable, taken: NDArray[np.bool_]) -> tuple[list[ExemplarSample], int]:
    kept: list[ExemplarSample] = []
    too_long = 0
    entries = table.entries
    for new in reading.exemplars:
        number = int(reading.numbers[new.row])
        if not taken[new.row]:
            continue
        entries["exemplar"][number] = new.key
        if sum(len(name) + len(value) for name, value in new.exemplar.labels) > EXEMPLAR_CHARACTERS_MAX:
            too_long += 1
            continue
        identity, found = int(entries["series_id"][number]), new.exemplar
        kept.append(exemplar_of(identity, table.metrics[number], found.timestamp_ms, found.value, found.labels))
    return kept, too_long
