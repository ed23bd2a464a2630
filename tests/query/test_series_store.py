"""Series from the store, for PromQL: what matches, what comes, in which order, within which limits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.query.series_bench import (
    ALL,
    NOON_MS,
    STEP_MS,
    Bench,
    Data,
    define,
    equal,
    insert,
    labels,
    opened_bench,
    regex,
    steps,
)

from tocsin.errors import InvalidInput, LimitExceeded
from tocsin.model.sample_block import DAY_MS
from tocsin.model.series import STALE_NAN, Matcher, MatchOperator
from tocsin.query.series.store import StoredSeries


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One store for the module."""
    yield from opened_bench(tmp_path_factory.mktemp("series"))


def test_samples_come_back_with_their_labels(bench: Bench) -> None:
    """A selection by name and label gives every sample in the range, both ends included."""
    job = bench.job()
    data = {labels("up", job=job, instance="a"): steps(20), labels("up", job=job, instance="b"): steps(7, step=1)}
    bench.load(data)
    assert bench.select(equal("job", job)) == data
    assert bench.select(equal("__name__", "up"), equal("job", job), equal("instance", "b")) == {
        labels("up", job=job, instance="b"): steps(7, step=1)
    }
    some = bench.select(equal("job", job), equal("instance", "a"), start=NOON_MS + STEP_MS, end=NOON_MS + 3 * STEP_MS)
    assert some == {labels("up", job=job, instance="a"): steps(20)[1:4]}
    assert bench.select(equal("job", job), start=NOON_MS + 10**6) == {}
    assert bench.select(equal("job", job), start=NOON_MS + 10, end=NOON_MS) == {}
    assert bench.select(equal("job", "none")) == {}


@pytest.mark.parametrize(
    ("matcher", "expected"),
    [
        (regex("zone", "n.*"), "n"),
        (regex("zone", "n"), ""),
        (regex("zone", "north|south"), "ns"),
        (regex("zone", ""), "-"),
        (regex("zone", ".*"), "ns-"),
        (regex("zone", ".+"), "ns"),
        (regex("zone", "so.th"), "s"),
        (equal("zone", ""), "-"),
        (Matcher("zone", MatchOperator.NOT_EQUAL, "north"), "s-"),
        (Matcher("zone", MatchOperator.NOT_EQUAL, ""), "ns"),
        (Matcher("zone", MatchOperator.NOT_REGEX, "n.*"), "s-"),
        (regex("__name__", "matched|x"), "ns-"),
        (regex("__name__", "match"), ""),
    ],
)
def test_matchers(bench: Bench, matcher: Matcher, expected: str) -> None:
    """Regular expressions match whole values, over lines too, and a label that is missing is empty."""
    zones = {"n": "north", "s": "so\nth", "-": ""}
    job = "matchers" + str(abs(hash((matcher, expected))))
    bench.load({labels("matched", job=job, zone=zone): steps(1) for zone in zones.values()})
    found = bench.select(equal("job", job), matcher if matcher.value != "north|south" else regex("zone", "north|so.th"))
    assert found == {labels("matched", job=job, zone=zones[letter]): steps(1) for letter in expected}


def test_a_regular_expression_that_does_not_compile(bench: Bench) -> None:
    """It is the caller's mistake, and said so."""
    with pytest.raises(InvalidInput, match="regular expression"):
        bench.select(regex("job", "("))


def test_samples_twice(bench: Bench) -> None:
    """Of samples of one series and time the one received last stays, whichever part it lies in."""
    job = bench.job()
    one = labels("twice", job=job)
    bench.load({one: [(NOON_MS, 1.0), (NOON_MS + 5, 2.0)]}, received_ms=NOON_MS + 60_000)
    bench.load({one: [(NOON_MS + 5, 7.0), (NOON_MS + 9, 3.0), (NOON_MS - 5, 0.5)]}, received_ms=NOON_MS + 30_000)
    bench.load({one: [(NOON_MS + 9, 8.0), (NOON_MS, 1.0)]}, received_ms=NOON_MS + 3_600_000)
    assert bench.select(equal("job", job)) == {one: [(NOON_MS - 5, 0.5), (NOON_MS, 1.0), (NOON_MS + 5, 2.0), (NOON_MS + 9, 8.0)]}


def test_values_keep_their_bits(bench: Bench) -> None:
    """Stale markers, infinities, negative zero and the smallest numbers."""
    job = bench.job()
    values = np.array([STALE_NAN, np.nan, np.inf, -np.inf, -0.0, 5e-324, 1.7976931348623157e308])
    bench.load({labels("bits", job=job): [(NOON_MS + number, value) for number, value in enumerate(values)]})
    (batch,) = bench.series.select([equal("job", job)], 0, 2 * NOON_MS, samples_max=ALL)
    assert batch.values.view(np.uint64).tolist() == values.view(np.uint64).tolist()


def test_a_selection_that_is_too_large_is_refused(bench: Bench) -> None:
    """With the limit, what was found, and what to do."""
    job = bench.job()
    bench.load({labels("large", job=job): steps(2000, step=1)})
    with pytest.raises(LimitExceeded, match="at most 1999 samples"):
        bench.select(equal("job", job), samples_max=1999)
    assert len(bench.select(equal("job", job), samples_max=2000)) == 1


def test_a_selection_that_turns_out_too_large_is_refused(bench: Bench) -> None:
    """Also where its series hold more than series as a rule do in so short a range, so that nobody counted."""
    job = bench.job()
    bench.load({labels("dense", job=job): steps(2000, step=1)})
    for _ in range(2):
        with pytest.raises(LimitExceeded, match="at most 1999 samples"):
            bench.select(equal("job", job), start=NOON_MS, end=NOON_MS + 3000, samples_max=1999)
        assert len(bench.select(equal("job", job), start=NOON_MS, end=NOON_MS + 3000, samples_max=2000)) == 1
        bench.fold.settle()


def test_too_many_series_are_refused(bench: Bench) -> None:
    """Before their labels are in memory; those that were asked for in between are forgotten first."""
    job = bench.job()
    data = {labels("numerous", job=job, n=str(number)): steps(1) for number in range(30)}
    bench.load(data)
    narrow = StoredSeries(bench.store.engine, labels_max=20)
    with pytest.raises(LimitExceeded, match="at most 20 series"):
        list(narrow.select([equal("job", job)], 0, 2 * NOON_MS, samples_max=ALL))
    for _ in range(2):
        for digit in "12":
            (batch,) = narrow.select([equal("job", job), regex("n", f"{digit}.")], 0, 2 * NOON_MS, samples_max=ALL)
            assert len(batch.labels) == 10
    narrow.close()


def test_many_series_come_in_batches(bench: Bench) -> None:
    """Small batches give the same as one, none twice and none lost, by lists of ids and by ranges."""
    job = bench.job()
    data = {labels("many", job=job, n=str(number)): steps(3) for number in range(5000)}
    bench.load(data)
    small = StoredSeries(bench.store.engine, batch_samples=4000, labels_max=5000)
    batches = list(small.select([equal("job", job)], 0, 2 * NOON_MS, samples_max=ALL))
    assert len(batches) > 1
    assert sorted(one for batch in batches for one in batch.labels) == sorted(data)
    assert bench.select(equal("job", job)) == data
    small.close()


def test_several_ids_of_the_same_labels_are_one_series(bench: Bench) -> None:
    """OTLP tells more apart than Prometheus' labels do."""
    job = bench.job()
    define(bench, [(1001, 0), (1002, 0), (1003, 0)], job=job)
    insert(bench, [(1001, NOON_MS, 1.0), (1002, NOON_MS + 2, 2.0), (1003, NOON_MS + 1, 3.0), (1001, NOON_MS + 3, 4.0)])
    assert bench.select(equal("job", job)) == {
        labels("made", job=job): [(NOON_MS, 1.0), (NOON_MS + 1, 3.0), (NOON_MS + 2, 2.0), (NOON_MS + 3, 4.0)]
    }


def test_increments_are_added_up_from_midnight(bench: Bench) -> None:
    """A series of increments reads as a counter that starts anew each day, whatever part of the day is asked for."""
    job = bench.job()
    midnight = NOON_MS // DAY_MS * DAY_MS
    define(bench, [(2001, 1)], job=job, days=(midnight // DAY_MS, midnight // DAY_MS + 1))
    insert(bench, [(2001, midnight + at, 1.5) for at in (0, 10, 20)])
    insert(bench, [(2001, midnight + DAY_MS + at, 2.0) for at in (0, 10)])
    assert bench.select(equal("job", job), start=midnight + 15, end=midnight + DAY_MS + 10) == {
        labels("made", job=job): [(midnight + 20, 4.5), (midnight + DAY_MS, 2.0), (midnight + DAY_MS + 10, 4.0)]
    }


TIMES = st.integers(NOON_MS - 50, NOON_MS + 50)


@settings(max_examples=12, deadline=None)
@given(parts=st.lists(st.lists(st.tuples(st.integers(0, 3), TIMES), max_size=60), min_size=1, max_size=4), start=TIMES, end=TIMES)
def test_whatever_the_order_of_arrival(bench: Bench, parts: list[list[tuple[int, int]]], start: int, end: int) -> None:
    """Samples in any order, in several parts, some twice: each series comes in order, with the samples of the range."""
    job = bench.job()
    expected: Data = {}
    for part in parts:
        data: Data = {}
        for series, at in part:
            one = labels("any", job=job, n=str(series))
            data.setdefault(one, []).append((at, float(at % 1000)))
            if start <= at <= end:
                expected.setdefault(one, []).append((at, float(at % 1000)))
        if data:
            bench.load(data)
    assert bench.select(equal("job", job), start=start, end=end) == {one: sorted(set(samples)) for one, samples in expected.items()}
