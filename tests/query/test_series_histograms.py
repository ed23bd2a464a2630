"""Native histograms and exemplars from the store, and what clients ask about series."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from tests.query.series_bench import NOON_MS, STEP_MS, Bench, define, equal, labels, opened_bench, regex, steps

from tocsin.errors import InvalidInput, StoreError
from tocsin.model.labels import Labels
from tocsin.model.native_histogram import Buckets, NativeHistogram, ResetHint
from tocsin.model.sample_block import DAY_MS, ExemplarSample, HistogramSample, SampleBlock, SeriesDefinition, series_id
from tocsin.model.series import STALE_NAN, Exemplar, HistogramPoints, Metadata
from tocsin.query.series.histograms import histograms_of
from tocsin.store.read_metrics import Chosen, Span, histogram_points

NONE = np.zeros(0)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One store for the module."""
    yield from opened_bench(tmp_path_factory.mktemp("histograms"))


def histogram(*counts: float, offset: int = 1, schema: int = 0, reset: ResetHint = ResetHint.UNKNOWN) -> NativeHistogram:
    """One with positive buckets."""
    return NativeHistogram(
        schema, sum(counts) + 1, 2.5, 0.001, 1.0, positive=Buckets(offset, np.array(counts, dtype=np.float64)), reset=reset
    )


def block(
    *definitions: SeriesDefinition, histograms: list[HistogramSample] | None = None, exemplars: list[ExemplarSample] | None = None
) -> SampleBlock:
    """A block without plain samples."""
    return SampleBlock(
        np.zeros(0, dtype=np.uint64),
        np.zeros(0, dtype=np.int64),
        NONE,
        series=definitions,
        histograms=histograms or [],
        exemplars=exemplars or [],
    )


def defined(one: Labels, *, type: str = "", help: str = "", unit: str = "", day: int = NOON_MS // DAY_MS) -> SeriesDefinition:  # noqa: A002
    """A series on a day."""
    return SeriesDefinition(series_id(one), day, one, type, help, unit)


def points_of(bench: Bench, job: str, start: int = 0, end: int = 2 * NOON_MS) -> dict[Labels, HistogramPoints]:
    """The histograms of a job's series."""
    batches = bench.series.select([equal("job", job)], start, end, samples_max=1000)
    return {batch.labels[number]: points for batch in batches for number, points in batch.histograms.items()}


def test_histograms_come_back_whole(bench: Bench) -> None:
    """Both sides, zero bucket, custom bounds, hints; a series may hold plain samples too, and the end of one is marked."""
    job = bench.job()
    both, custom = labels("lat", job=job), labels("custom", job=job)
    first = NativeHistogram(3, 10.0, 4.5, 0.25, 2.0, Buckets(-2, np.array([1.0, 0, 3])), Buckets(5, np.array([4.0])), reset=ResetHint.GAUGE)
    bounds = NativeHistogram(-53, 7.0, 1.0, positive=Buckets(1, np.array([3.0, 4])), custom_values=(0.5, 1.5))
    ended = NativeHistogram(0, STALE_NAN, STALE_NAN)
    sent = [
        HistogramSample(series_id(both), NOON_MS, first),
        HistogramSample(series_id(both), NOON_MS + 2, ended),
        HistogramSample(series_id(custom), NOON_MS + 1, bounds),
    ]
    bench.load_block(block(defined(both), defined(custom), histograms=sent))
    bench.load({both: [(NOON_MS + 1, 5.0)]})
    found = points_of(bench, job)
    assert found[both].timestamps_ms.tolist() == [NOON_MS, NOON_MS + 2]
    one = found[both].points[0]
    assert (one.schema, one.count, one.sum, one.zero_threshold, one.zero_count) == (3, 10.0, 4.5, 0.25, 2.0)
    assert (one.positive.offset, one.positive.counts.tolist()) == (-2, [1.0, 0.0, 3.0])
    assert (one.negative.offset, one.negative.counts.tolist()) == (5, [4.0])
    assert one.reset is ResetHint.GAUGE
    assert np.float64(found[both].points[1].count).view(np.uint64) == np.float64(STALE_NAN).view(np.uint64)
    assert (found[custom].points[0].schema, found[custom].points[0].custom_values) == (-53, (0.5, 1.5))
    assert bench.select(equal("job", job), equal("__name__", "lat")) == {both: [(NOON_MS + 1, 5.0)]}
    assert points_of(bench, job, NOON_MS + 1, NOON_MS + 1).keys() == {custom}


def test_finer_scales_than_prometheus_knows(bench: Bench) -> None:
    """Buckets are put together until the scale is 8: two into one at each step."""
    job = bench.job()
    one = labels("fine", job=job)
    bench.load_block(
        block(defined(one), histograms=[HistogramSample(series_id(one), NOON_MS, histogram(1, 2, 4, 8, 16, offset=-1, schema=10))])
    )
    found = points_of(bench, job)[one].points[0]
    assert found.schema == 8
    # Of four buckets at scale 10 the one with the highest index, a multiple of four, ends where the one at scale 8 does.
    assert (found.positive.offset, found.positive.counts.tolist()) == (0, [3.0, 28.0])


def test_the_last_histogram_of_an_instant(bench: Bench) -> None:
    """The one received last stays."""
    job = bench.job()
    one = labels("again", job=job)
    for count, received in ((5, NOON_MS + 9000), (3, NOON_MS)):
        sent = [HistogramSample(series_id(one), NOON_MS, histogram(count))]
        bench.load_block(block(defined(one), histograms=sent), received_ms=received)
    (found,) = points_of(bench, job).values()
    assert [point.count for point in found.points] == [6.0]


def test_increments_of_histograms(bench: Bench) -> None:
    """They are added up from midnight on; the first of a day says that it begins anew."""
    job = bench.job()
    midnight = NOON_MS // DAY_MS * DAY_MS
    define(bench, [(5001, 1)], job=job, days=(midnight // DAY_MS, midnight // DAY_MS + 1))
    times = (midnight, midnight + 10, midnight + 20, midnight + DAY_MS)
    bench.load_block(block(histograms=[HistogramSample(5001, at, histogram(1, 2)) for at in times]))
    (found,) = points_of(bench, job, midnight + 10).values()
    assert found.timestamps_ms.tolist() == [midnight + 10, midnight + 20, midnight + DAY_MS]
    assert [point.count for point in found.points] == [8.0, 12.0, 4.0]
    assert found.points[1].positive.counts.tolist() == [3.0, 6.0]
    assert [point.reset is ResetHint.RESET for point in found.points] == [False, False, True]


def test_histograms_that_are_cut(bench: Bench) -> None:
    """An answer that ends too early is refused."""
    job = bench.job()
    one = labels("cut", job=job)
    bench.load_block(block(defined(one), histograms=[HistogramSample(series_id(one), NOON_MS, histogram(1, 2))]))
    statement = histogram_points(Chosen(ids=[series_id(one)]), Span(0, 2 * NOON_MS))
    body = bytes(bench.store.engine.fetch(statement, output_format="RowBinary"))
    ids, slots, delta = np.array([series_id(one)], dtype=np.uint64), np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.bool_)
    assert len(histograms_of(memoryview(body), ids, slots, delta, 0)) == 1
    for cut in (1, 9, 30, len(body) - 1):
        with pytest.raises(StoreError, match="histogram"):
            histograms_of(memoryview(body[:cut]), ids, slots, delta, 0)


def test_label_sets_names_and_values(bench: Bench) -> None:
    """Of alternatives of matchers, sorted, within limits, for the days that the range touches."""
    job = bench.job()
    a, b, c = labels("cat_a", job=job, zone="1"), labels("cat_b", job=job, zone="2"), labels("cat_c", job=job, other="ä'\n")
    bench.load({a: steps(1), b: steps(1), c: steps(1, start=NOON_MS + DAY_MS)})
    every = [[equal("job", job)]]
    catalog = bench.series
    assert catalog.series(every, NOON_MS, NOON_MS + DAY_MS, limit=0) == [a, b, c]
    assert catalog.series(every, NOON_MS, NOON_MS + 1, limit=0) == [a, b]
    assert len(catalog.series(every, NOON_MS, NOON_MS + DAY_MS, limit=2)) == 2
    either = [[equal("job", job), equal("zone", "1")], [equal("__name__", "cat_c"), equal("job", job)]]
    assert catalog.series(either, 0, 2 * NOON_MS, limit=0) == [a, c]
    assert catalog.label_names(every, 0, 2 * NOON_MS, limit=0) == ["__name__", "job", "other", "zone"]
    assert catalog.label_names(every, 0, 2 * NOON_MS, limit=2) == ["__name__", "job"]
    assert catalog.label_values("zone", every, 0, 2 * NOON_MS, limit=0) == ["1", "2"]
    assert catalog.label_values("other", every, 0, 2 * NOON_MS, limit=0) == ["ä'\n"]
    assert catalog.label_values("__name__", every, 0, 2 * NOON_MS, limit=2) == ["cat_a", "cat_b"]
    assert catalog.label_values("none", every, 0, 2 * NOON_MS, limit=0) == []
    assert {"cat_a", "cat_b"} <= set(catalog.label_values("__name__", [], 0, 2 * NOON_MS, limit=0))
    assert catalog.series(every, NOON_MS + 9, NOON_MS, limit=0) == []
    with pytest.raises(InvalidInput, match="regular expression"):
        catalog.series([[regex("job", "(")]], 0, NOON_MS, limit=0)


def test_metadata(bench: Bench) -> None:
    """By family: a histogram's series carry suffixes that its name does not; a limit counts families."""
    job = bench.job()
    bench.load_block(
        block(
            defined(labels("meta_s_bucket", job=job, le="1"), type="histogram", help="How long", unit="seconds"),
            defined(labels("meta_s_sum", job=job), type="histogram", help="How long", unit="seconds"),
            defined(labels("meta_total", job=job), type="counter", help="How often"),
            defined(labels("meta_total", job=job, n="2"), type="counter", help="How many"),
        )
    )
    found = [one for one in bench.series.metadata(None, limit=0) if one.metric.startswith("meta")]
    assert [one.metric for one in found] == ["meta_s", "meta_total", "meta_total"]
    assert {(one.type, one.help, one.unit) for one in found} == {
        ("histogram", "How long", "seconds"),
        ("counter", "How many", ""),
        ("counter", "How often", ""),
    }
    assert bench.series.metadata("meta_s", limit=0) == [Metadata("meta_s", "histogram", "How long", "seconds")]
    assert bench.series.metadata("none", limit=0) == []
    assert len({one.metric for one in bench.series.metadata(None, limit=1)}) == 1


def test_exemplars(bench: Bench) -> None:
    """By series, oldest first, with the trace in hexadecimal and what else the sender gave; without a trace, only that."""
    job = bench.job()
    one, two = labels("ex_a", job=job), labels("ex_b", job=job)
    trace, span = bytes(range(16)), bytes(range(8))
    sent = [
        ExemplarSample(series_id(one), "ex_a", NOON_MS + 5, 2.0, trace, span, Labels({"user": "u"})),
        ExemplarSample(series_id(one), "ex_a", NOON_MS, float("inf"), b"", b"", Labels({"k": "v"})),
        ExemplarSample(series_id(two), "ex_b", NOON_MS + DAY_MS, 1.0, trace, span, Labels()),
    ]
    bench.load_block(block(defined(one), defined(two, day=NOON_MS // DAY_MS + 1), exemplars=sent))
    found = bench.series.exemplars([[equal("job", job)]], NOON_MS, NOON_MS + STEP_MS)
    with_trace = Labels({"trace_id": trace.hex(), "span_id": span.hex(), "user": "u"})
    assert found == [(one, [Exemplar(Labels({"k": "v"}), float("inf"), NOON_MS), Exemplar(with_trace, 2.0, NOON_MS + 5)])]
    assert len(bench.series.exemplars([[equal("job", job)]], 0, 2 * NOON_MS)) == 2
    assert bench.series.exemplars([[equal("job", "none")]], 0, 2 * NOON_MS) == []


def test_what_costs_the_most(bench: Bench) -> None:
    """Counts of the newest day: series, pairs, chunks, the range of samples, and the first of each list."""
    job = bench.job()
    start = NOON_MS + 30 * DAY_MS
    bench.load({labels("costly", job=job, n=str(number)): steps(1, start=start + number) for number in range(3)})
    bench.load({labels("cheap", job=job, n="0"): steps(1, start=start)})
    found = bench.series.cardinality(limit=2)
    assert found.series == 4
    assert found.label_pairs == 6
    assert found.end_ms == start + 2
    assert 0 < found.start_ms <= start
    assert [(one.name, one.value) for one in found.series_by_metric] == [("costly", 3), ("cheap", 1)]
    assert [(one.name, one.value) for one in found.values_by_label] == [("n", 3), ("__name__", 2)]
    assert [(one.name, one.value) for one in found.series_by_pair] == [(f"job={job}", 4), ("__name__=costly", 3)]
    assert ("__name__", 3 * len("costly") + len("cheap")) in [(one.name, one.value) for one in found.bytes_by_label]
    bench.fold.settle()
    assert bench.series.cardinality(limit=1).chunks >= 4
