"""Blocks of samples: every number, label, histogram and exemplar comes out as it went in, once, on every engine."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store.builders import DAY, NOW, SECOND, Folder, number, records, rows
from tests.store.conftest import LoadRequests

from tocsin.model.labels import Labels
from tocsin.model.native_histogram import Buckets, NativeHistogram, ResetHint
from tocsin.model.sample_block import ExemplarSample, HistogramSample, SampleBlock, SeriesDefinition, series_id
from tocsin.model.series import STALE_NAN, STALE_NAN_BITS
from tocsin.model.signal import Signal
from tocsin.store.sql import Sql
from tocsin.store.store import Store

NOW_MS = NOW // 10**6
TODAY = NOW // DAY
TRUNCATE = Sql("TRUNCATE TABLE samples")


def block(ids: list[int], times: list[int], values: list[float], **rest: Any) -> SampleBlock:
    """A block of these samples; times are milliseconds after NOW."""
    return SampleBlock(np.array(ids, dtype=np.uint64), np.array(times, dtype=np.int64) + NOW_MS, np.array(values, dtype=np.float64), **rest)


def definition(labels: Labels, day: int = TODAY, **rest: str) -> SeriesDefinition:
    """A definition under the id that every door gives."""
    return SeriesDefinition(series_id(labels), day, labels, **rest)


def samples(store: Store, *ids: int) -> list[list[Any]]:
    """(id, milliseconds after NOW, the value's bits) of stored samples."""
    query = (
        "SELECT series_id, toUnixTimestamp64Milli(ts) - {now:Int64}, reinterpretAsUInt64(value) FROM samples "
        "WHERE series_id IN {ids:Array(UInt64)} ORDER BY ALL"
    )
    return rows(store, query, ids=list(ids), now=NOW_MS)


def bits(value: float) -> int:
    """The bits of a double."""
    return int(np.float64(value).view(np.uint64))


def test_numbers_come_out_bit_by_bit(store: Store, load: LoadRequests) -> None:
    """Ids over 64 bits, times before and after, stale markers, other NaNs, infinities, negative zero."""
    values = [1.5, -0.0, math.inf, -math.inf, STALE_NAN, math.nan, 5e-324]
    load(block([2**64 - 1] * 7, list(range(-3, 4)), values))
    assert samples(store, 2**64 - 1) == [[2**64 - 1, place, bits(value)] for place, value in zip(range(-3, 4), values, strict=True)]
    assert samples(store, 2**64 - 1)[4][2] == STALE_NAN_BITS


def test_several_blocks_of_a_segment(store: Store, load: LoadRequests) -> None:
    """Each block's samples are laid out, also where a block has none, or nothing at all."""
    load(block([11, 12], [0, 0], [1, 2]), block([], [], [], series=[definition(Labels({"__name__": "lonely"}))]), block([11], [5], [3]))
    assert samples(store, 11, 12) == [[11, 0, bits(1)], [11, 5, bits(3)], [12, 0, bits(2)]]
    assert number(store, "SELECT count() FROM series WHERE metric = 'lonely'") == 1


def test_a_definition_becomes_a_series(store: Store, load: LoadRequests) -> None:
    """Its labels are sorted and without the name; the job is its service; a type that was not given is unknown."""
    labels = Labels({"__name__": "http_requests_total", "zone": "ü", "job": "api", "code": "200"})
    known = definition(labels, type="counter", help="Requests.", unit="requests")
    load(block([], [], [], series=[known, definition(Labels({"__name__": "bare_metric"}), day=TODAY - 1)]))
    full, bare = records(
        store, "SELECT * FROM series WHERE metric IN ('http_requests_total', 'bare_metric') AND service != '9' ORDER BY metric DESC"
    )
    assert full["series_id"] == known.series_id
    assert list(full["labels"].items()) == [("code", "200"), ("job", "api"), ("zone", "ü")]
    assert (full["type"], full["help"], full["unit"], full["delta"], full["day"]) == ("counter", "Requests.", "requests", 0, "2025-06-15")
    assert (full["name"], full["service"], full["kind"], full["resource"], full["attributes"]) == ("http_requests_total", "api", "", "", {})
    assert (bare["labels"], bare["type"], bare["service"], bare["day"]) == ({}, "unknown", "", "2025-06-14")


@pytest.mark.parametrize("day", [-1, 0, 65_535, 2**31 - 1])
def test_days_at_the_end_of_time_are_clamped(store: Store, load: LoadRequests, day: int) -> None:
    """A date holds 1970 to 2149."""
    name = f"end_of_time_{day}".replace("-", "m")
    load(block([], [], [], series=[definition(Labels({"__name__": name}), day=day)]))
    assert number(store, "SELECT toUInt16(day) FROM series WHERE metric = {m:String}", m=name) == min(max(day, 0), 65_535)


def test_definitions_of_one_day_become_one(store: Store, load: LoadRequests) -> None:
    """Two processes, or one that started again, may define the same series; a merge leaves one row for each day."""
    twice = definition(Labels({"__name__": "defined_twice"}))
    load(block([], [], [], series=[twice]))
    load(block([], [], [], series=[twice, definition(twice.labels, day=TODAY + 1)]))
    assert number(store, "SELECT count() FROM series FINAL WHERE metric = 'defined_twice'") == 2


def test_native_histograms(store: Store, load: LoadRequests) -> None:
    """Exponential and custom buckets, counts that are no integers, hints and stale markers are kept as they came."""
    whole = NativeHistogram(
        3, 4.5, 9.25, 0.001, 0.5, Buckets(-2, np.array([1.0, 0.0, 2.5])), Buckets(1, np.array([0.5])), reset=ResetHint.GAUGE
    )
    custom = NativeHistogram(-53, 3, 2, positive=Buckets(0, np.array([1.0, 2.0])), custom_values=(0.5, 1.0))
    end = NativeHistogram(0, STALE_NAN, STALE_NAN)
    load(block([], [], [], histograms=[HistogramSample(77, NOW_MS + place, one) for place, one in enumerate((whole, custom, end))]))
    first, second, third = records(
        store,
        "SELECT *, reinterpretAsUInt64(count) AS bits, toUnixTimestamp64Milli(ts) AS ms FROM histograms WHERE series_id = 77 ORDER BY ts",
    )
    assert (first["scale"], first["count"], first["sum"], first["zero_threshold"], first["zero_count"]) == (3, 4.5, 9.25, 0.001, 0.5)
    assert (first["positive_offset"], first["positive_counts"]) == (-2, [1, 0, 2.5])
    assert (first["negative_offset"], first["negative_counts"]) == (1, [0.5])
    assert (first["custom_values"], first["reset_hint"], first["min"], first["max"], first["ms"]) == ([], 3, "nan", "nan", NOW_MS)
    assert (second["scale"], second["custom_values"], second["positive_counts"]) == (-53, [0.5, 1], [1, 2])
    assert third["bits"] == STALE_NAN_BITS


def test_exemplars(store: Store, load: LoadRequests) -> None:
    """Ids of the right length are kept; what else the exemplar said is its attributes."""
    full = ExemplarSample(78, "latency_bucket", NOW_MS, 0.25, b"t" * 16, b"s" * 8, Labels({"user": "u-1"}))
    bare = ExemplarSample(78, "latency_bucket", NOW_MS + 1, 0.5, b"", b"", Labels())
    load(block([], [], [], exemplars=[full, bare]))
    found = rows(store, "SELECT name, value, trace_id, span_id, attributes FROM exemplars WHERE series_id = 78 ORDER BY ts")
    assert found == [["latency_bucket", 0.25, "t" * 16, "s" * 8, {"user": "u-1"}], ["latency_bucket", 0.5, "\0" * 16, "\0" * 8, {}]]


def test_a_segment_loaded_again_changes_nothing(store: Store, folder: Folder) -> None:
    """Samples of many days, received on both sides of a half hour, with all else that a block carries, are in once."""
    labels = Labels({"__name__": "again_total", "job": "9"})
    whole = [HistogramSample(79, NOW_MS, NativeHistogram(0, 1, 1))]
    seen = [ExemplarSample(79, "again", NOW_MS, 1.0, b"", b"", Labels())]
    ids, times = [79] * 40, [place * DAY // 10**6 for place in range(-20, 20)]
    given_block = block(ids, times, [1.0] * 40, series=[definition(labels)], histograms=whole, exemplars=seen)
    segment = folder.segment(given_block, received=NOW)
    before = number(store, "SELECT sum(records) FROM intake WHERE signal = 'samples'")
    assert not store.holds_part_of(segment)
    for _ in range(3):
        store.load(segment)
        assert number(store, "SELECT count() FROM samples WHERE series_id = 79") == 40
        assert number(store, "SELECT count() FROM histograms WHERE series_id = 79") == 1
        assert number(store, "SELECT count() FROM exemplars WHERE series_id = 79") == 1
        assert number(store, "SELECT sum(records) FROM intake WHERE signal = 'samples'") - before == 41
    assert store.holds_part_of(segment)


def test_a_segment_on_both_sides_of_a_half_hour(store: Store, folder: Folder) -> None:
    """Blocks received before and after it go to two partitions, once, also when the segment is loaded again."""
    half_hour = NOW - NOW % (1800 * SECOND)
    before, after = (folder.segment(block([82], [place], [1.0]), received=half_hour + place * SECOND) for place in (-1, 1))
    before.path.write_bytes(before.path.read_bytes() + after.path.read_bytes())
    for _ in range(2):
        store.load(before)
        assert rows(store, "SELECT count(), uniqExact(_partition_id) FROM samples WHERE series_id = 82") == [[2, 2]]


def test_what_came_is_counted(store: Store, load: LoadRequests) -> None:
    """The statistics know the signal, and the samples whose time is far from their receipt."""
    load(block([80], [0], [1.0]))
    before = store.statistics().intake[Signal.SAMPLES]
    load(block([80] * 4, [0, 600_000, -600_000, -600_000], [1.0] * 4))
    after = store.statistics().intake[Signal.SAMPLES]
    assert (after.stored_records - before.stored_records, after.early - before.early, after.late - before.late) == (4, 1, 2)


def test_an_insert_stays_in_the_half_hour_of_its_receipt(store: Store, load: LoadRequests) -> None:
    """Whatever event times a block carries, it touches one partition: receipt alone decides."""
    load(block([81] * 400, [place * 7 * DAY // 10**6 for place in range(-200, 200)], [1.0] * 400), received=NOW + 3600 * SECOND)
    assert number(store, "SELECT uniqExact(_partition_id) FROM samples WHERE series_id = 81") == 1


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.integers(10**6, 2**63), st.integers(-(10**9), 10**9), st.integers(0, 2**64 - 1)), max_size=60))
def test_any_numbers(store: Store, folder: Folder, given_samples: list[tuple[int, int, int]]) -> None:
    """Any ids and bits of values in any order are the stored ones."""
    store.engine.execute(TRUNCATE)
    ids, times, values = ([one[place] for one in given_samples] for place in range(3))
    floats = np.array(values, dtype=np.uint64).view(np.float64)
    store.load(
        folder.segment(SampleBlock(np.array(ids, dtype=np.uint64), np.array(times, dtype=np.int64) + NOW_MS, floats), signal=Signal.SAMPLES)
    )
    assert sorted(map(tuple, samples(store, *ids))) == sorted(given_samples)


def test_secrets_in_labels_are_redacted_and_counted(store: Store, load: LoadRequests) -> None:
    """By key and by shape, as in attributes; the id and the metric's name stay."""
    labels = Labels({"__name__": "logins_total", "password": "hunter2", "url": "http://u:p4ss@host/", "path": "/login"})
    load(block([series_id(labels)], [0], [1.0], series=(definition(labels),)))
    found = rows(store, "SELECT metric, labels FROM series WHERE series_id = {id:UInt64}", id=series_id(labels))
    assert found == [["logins_total", {"password": "[REDACTED]", "path": "/login", "url": "http://[REDACTED]@host/"}]]
    assert rows(store, "SELECT sum(redactions) FROM intake WHERE signal = 'samples'") == [[2]]
