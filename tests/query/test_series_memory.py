"""Series in memory hand out samples as a store does."""

from __future__ import annotations

import numpy as np
import pytest

from tocsin.errors import LimitExceeded
from tocsin.model.labels import Labels
from tocsin.model.native_histogram import Buckets, NativeHistogram, ResetHint
from tocsin.model.series import STALE_NAN, Matcher, MatchOperator, SeriesBatch
from tocsin.query.series.memory import MemorySeries
from tocsin.testing.promqltest.custom_buckets import custom_bucket_series

UP = Matcher("__name__", MatchOperator.EQUAL, "up")


def labels(**values: str) -> Labels:
    """Labels of a series called up."""
    return Labels({"__name__": "up", **values})


def histogram(count: float, reset: ResetHint = ResetHint.UNKNOWN, schema: int = 0) -> NativeHistogram:
    """A histogram with one bucket."""
    return NativeHistogram(schema, count, count, positive=Buckets(0, np.array([count])), reset=reset)


def only_batch(series: MemorySeries, start_ms: int = 0, end_ms: int = 10_000, *matchers: Matcher) -> SeriesBatch:
    """The one batch of a selection."""
    (batch,) = series.select(matchers or [UP], start_ms, end_ms, samples_max=1000)
    return batch


def test_samples_come_in_order_with_both_ends() -> None:
    """Samples are ordered by time, both ends of the range belong to it, and the last one at an instant wins."""
    series = MemorySeries()
    series.add(labels(job="a"), {3000: 3.0, 1000: 1.0, 2000: 2.0})
    series.add(labels(job="a"), {2000: 20.0, 4000: 4.0})
    series.add(labels(job="b"), {2000: 5.0})
    series.add(labels(job="late"), {9000: 5.0})
    batch = only_batch(series, 2000, 4000)
    assert [one.get("job") for one in batch.labels] == ["a", "b"]
    assert batch.offsets.tolist() == [0, 3, 4]
    assert batch.timestamps_ms.tolist() == [2000, 3000, 4000, 2000]
    assert batch.values.tolist() == [20.0, 3.0, 4.0, 5.0]
    assert [str(array.dtype) for array in (batch.timestamps_ms, batch.values, batch.offsets)] == ["int64", "float64", "int64"]


@pytest.mark.parametrize(
    ("matcher", "jobs"),
    [
        (Matcher("job", MatchOperator.EQUAL, ""), [""]),
        (Matcher("job", MatchOperator.NOT_EQUAL, "a"), ["", "ab"]),
        (Matcher("job", MatchOperator.REGEX, "a(?i)B|"), ["", "ab"]),
        (Matcher("job", MatchOperator.NOT_REGEX, "a.*"), [""]),
    ],
)
def test_matchers(matcher: Matcher, jobs: list[str]) -> None:
    """A missing label has the empty value, and regular expressions are RE2's over the whole value."""
    series = MemorySeries()
    for job in ("", "a", "ab"):
        series.add(labels(job=job), {0: 1.0})
    assert [one.get("job") for one in only_batch(series, 0, 0, UP, matcher).labels] == jobs


def test_too_many_samples_are_refused() -> None:
    """A selection that is larger than allowed fails, and nothing of it comes."""
    series = MemorySeries()
    series.add(labels(), dict.fromkeys(range(5), 1.0))
    with pytest.raises(LimitExceeded, match="more than 4 samples"):
        list(series.select([UP], 0, 10, samples_max=4))


def test_series_without_samples_in_range_are_left_out() -> None:
    """No batch comes where nothing was found, and nothing is left after clear."""
    series = MemorySeries()
    series.add(labels(), {0: 1.0})
    assert list(series.select([UP], 1, 10, samples_max=4)) == []
    series.clear()
    assert list(series.select([UP], 0, 10, samples_max=4)) == []


def test_a_stale_marker_is_of_the_kind_before_it() -> None:
    """A series of histograms ends with a stale histogram, a series of numbers with a stale number."""
    series = MemorySeries()
    series.add(labels(), {0: histogram(1), 1000: STALE_NAN, 2000: 5.0, 3000: STALE_NAN})
    batch = only_batch(series)
    assert batch.timestamps_ms.tolist() == [2000, 3000]
    assert batch.histograms[0].timestamps_ms.tolist() == [0, 1000]
    assert np.float64(batch.histograms[0].points[1].count).view(np.uint64) == np.float64(STALE_NAN).view(np.uint64)


def test_histograms_carry_what_a_store_knows_about_resets() -> None:
    """The first of a run is unknown, those that follow are no resets; a reset, another layout and a number between start a new run."""
    series = MemorySeries()
    known, gauge = ResetHint.NOT_RESET, ResetHint.GAUGE
    samples: list[float | NativeHistogram] = [histogram(1), histogram(2), histogram(1), histogram(2), histogram(3, schema=1), 7.0]
    samples += [histogram(4, schema=1), histogram(5, gauge), histogram(6), histogram(7, ResetHint.RESET), histogram(8)]
    series.add(labels(), dict(enumerate(samples)))
    hints = [point.reset for point in only_batch(series).histograms[0].points]
    unknown = ResetHint.UNKNOWN
    assert hints == [unknown, known, unknown, known, unknown, unknown, gauge, unknown, unknown, known]


def test_classic_histograms_become_custom_buckets() -> None:
    """Series with `le` that belong together become one native histogram per instant, named without their suffix."""

    def bucket(le: str) -> Labels:
        return Labels({"__name__": "took_bucket", "job": "a", "le": le})

    loaded: list[tuple[Labels, dict[int, float | NativeHistogram]]] = [
        (bucket("0.5"), {0: 2.0, 60: 3.0}),
        (bucket("+Inf"), {0: 6.0, 60: 7.0}),
        (bucket("1"), {0: 5.0, 60: 5.0}),
        (Labels({"__name__": "took_sum", "job": "a"}), {0: 4.5}),
        (Labels({"__name__": "took_count", "job": "a"}), {0: 6.0, 120: 9.0}),
        (Labels({"__name__": "other"}), {0: 1.0}),
    ]
    (found,) = custom_bucket_series(loaded).items()
    assert found[0] == Labels({"__name__": "took", "job": "a"})
    assert sorted(found[1]) == [0, 60]
    first = found[1][0]
    assert (first.custom_values, first.positive.counts.tolist(), first.count, first.sum) == ((0.5, 1.0), [2, 3, 1], 6, 4.5)
