"""Samples of rules on their way into the journal."""

from __future__ import annotations

from concurrent.futures import Future

import numpy as np
from tests.query.series.test_recent import A, B, samples

from tocsin.alert.rules.writer import RuleWriter
from tocsin.errors import JournalError, Overloaded
from tocsin.model.batch import Batch
from tocsin.model.native_histogram import Buckets, NativeHistogram
from tocsin.model.sample_block import DAY_MS, SampleBlock, SeriesDefinition, series_id
from tocsin.model.series import STALE_NAN
from tocsin.model.signal import Signal
from tocsin.query.series.recent import SeriesSample


class Door:
    """A journal's door that notes what comes, and may refuse it."""

    def __init__(self) -> None:
        self.taken: list[Batch] = []
        self.full = False
        self.broken = False

    def __call__(self, batch: Batch) -> Future[None]:
        """An Acceptor."""
        if self.full:
            raise Overloaded("full", retry_after_s=1)
        self.taken.append(batch)
        done: Future[None] = Future()
        if self.broken:
            done.set_exception(JournalError("the disk"))
        else:
            done.set_result(None)
        return done


def block(labels_and_samples: list[SeriesSample], definitions: list[SeriesDefinition]) -> bytes:
    """What a block of these must look like."""
    floats = [one for one in labels_and_samples if isinstance(one.value, float)]
    return SampleBlock(
        np.array([series_id(one.labels) for one in floats], dtype=np.uint64),
        np.array([one.timestamp_ms for one in floats], dtype=np.int64),
        np.array([one.value for one in floats], dtype=np.float64),
        definitions,
    ).encode()


def test_series_are_described_once_a_day() -> None:
    """With their first sample, and again with the first one of the next day; stale markers are kept bit by bit."""
    door = Door()
    writer = RuleWriter(door)
    first = samples(A, (1000, 1.0)) + samples(B, (1000, 2.0))
    second = samples(A, (2000, STALE_NAN))
    third = samples(A, (DAY_MS + 5, 3.0))
    for part in (first, second, third, []):
        writer.write(part)
    assert [batch.body for batch in door.taken] == [
        block(first, [SeriesDefinition(series_id(labels), 0, labels) for labels in (A, B)]),
        block(second, []),
        block(third, [SeriesDefinition(series_id(A), 1, A)]),
    ]
    assert {batch.signal for batch in door.taken} == {Signal.SAMPLES}
    assert [batch.records for batch in door.taken] == [2, 1, 1]
    assert (writer.statistics().samples, writer.statistics().blocks, writer.statistics().blocks_refused) == (4, 3, 0)


def test_what_is_lost_is_counted_and_described_again() -> None:
    """A journal that is full or fails costs samples, never an evaluation; the series' labels travel again."""
    door = Door()
    writer = RuleWriter(door)
    door.full = True
    writer.write(samples(A, (1000, 1.0)))
    door.full, door.broken = False, True
    writer.write(samples(A, (2000, 1.0)))
    door.broken = False
    writer.write(samples(A, (3000, 1.0)))
    described = [SeriesDefinition(series_id(A), 0, A)]
    assert [batch.body for batch in door.taken] == [block(samples(A, (at_ms, 1.0)), described) for at_ms in (2000, 3000)]
    assert writer.statistics().blocks_refused == 2


def test_native_histograms_travel_beside_numbers() -> None:
    """A block holds both kinds."""
    door = Door()
    point = NativeHistogram(0, count=7.0, sum=9.0, positive=Buckets(0, np.array([7.0])))
    RuleWriter(door).write([SeriesSample(A, 1000, point), *samples(B, (1000, 1.0))])
    assert door.taken[0].records == 2
