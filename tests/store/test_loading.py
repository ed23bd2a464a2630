"""Loading is exact and idempotent: a segment is in once, whatever it straddles, and the rollups equal the raw rows."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.store.builders import DAY, NOW, SECOND, Folder, Json, logs, number, record, rows, span, traces
from tests.store.conftest import LoadRequests

from tocsin.errors import TocsinError
from tocsin.model.signal import Signal
from tocsin.store.sql import Sql
from tocsin.store.store import Store

COUNTS = {
    "spans": "SELECT count() FROM spans WHERE service = {s:String}",
    "logs": "SELECT count() FROM logs WHERE service = {s:String}",
    "requests_10s": "SELECT sum(requests) FROM requests_10s WHERE service = {s:String}",
    "requests_5m": "SELECT sum(requests) FROM requests_5m WHERE service = {s:String}",
    "resources": "SELECT sum(records) FROM resources WHERE service = {s:String}",
    "intake": "SELECT sum(records) FROM intake WHERE service = {s:String}",
    "trace_index": "SELECT sum(spans) FROM trace_index WHERE trace_id IN (SELECT trace_id FROM spans WHERE service = {s:String})",
}
SPAN_TABLES = ("spans", "requests_10s", "requests_5m", "resources", "intake", "trace_index")
# The last nanosecond before, and the first of: a week, a day, 1970, 1971, a year long past, the change of the partitioning.
BOUNDARIES = {
    "a week": 1_749_772_800 + 3 * 86_400,  # Monday 2025-06-16
    "midnight": 1_750_032_000,
    "the first second": 1,
    "1971": 31_536_000,
    "2018": 1_514_764_800,
    "2020": 1_577_836_800,
}


def counts(store: Store, service: str, *tables: str) -> dict[str, int]:
    """Records of a service by table."""
    return {table: int(number(store, COUNTS[table], s=service)) for table in tables}


def test_a_span_segment_loaded_again_changes_nothing(store: Store, folder: Folder) -> None:
    """Rows, rollups, trace index, resources and intake count every span once, however often the segment is loaded."""
    given = [span(trace_id=place.to_bytes(16, "big"), start_time_unix_nano=NOW + place * DAY) for place in range(1, 30)]
    segment = folder.segment(traces("again", *given), traces("again", *given))
    for _ in range(3):
        store.load(segment)
        assert counts(store, "again", *SPAN_TABLES) == dict.fromkeys(SPAN_TABLES, 58)


def test_a_log_segment_loaded_again_changes_nothing(store: Store, folder: Folder) -> None:
    """The same for logs, with records of several weeks in one segment."""
    segment = folder.segment(logs("again-logs", *(record(str(place), time_unix_nano=NOW + place * DAY) for place in range(30))))
    for _ in range(3):
        store.load(segment)
        assert counts(store, "again-logs", "logs", "resources", "intake") == {"logs": 30, "resources": 30, "intake": 30}


def test_equal_segments_with_two_tokens_are_two(store: Store, load: LoadRequests) -> None:
    """It is the token that makes a segment the same, not its bytes: two equal requests are two."""
    request = traces("twins", span(trace_id=b"twins".ljust(16)))
    load(request)
    load(request)
    assert counts(store, "twins", *SPAN_TABLES) == dict.fromkeys(SPAN_TABLES, 2)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_segment_straddles_partitions(store: Store, folder: Folder, boundary: str) -> None:
    """Records on both sides of a boundary are in once, also when the segment is loaded again."""
    instant = BOUNDARIES[boundary] * SECOND
    trace_id = boundary.encode().ljust(16)
    given = [span(trace_id=trace_id, start_time_unix_nano=time) for time in (instant - 1, instant)]
    segment = folder.segment(traces(boundary, *given))
    store.load(segment)
    store.load(segment)
    expected = [[instant - 1], [instant]]
    assert rows(store, "SELECT toUnixTimestamp64Nano(ts) FROM spans WHERE service = {s:String} ORDER BY ts", s=boundary) == expected
    assert counts(store, boundary, "requests_10s", "requests_5m", "resources") == {"requests_10s": 2, "requests_5m": 2, "resources": 2}
    ends = "toUnixTimestamp64Nano(min(first_ts)), toUnixTimestamp64Nano(max(last_ts))"
    held = "trace_id IN (SELECT trace_id FROM spans WHERE service = {s:String})"
    ((first, last),) = rows(store, f"SELECT {ends} FROM trace_index WHERE {held}", s=boundary)
    assert instant - 1 - SECOND < first <= instant - 1, "the index may be rounded to the second, outwards"
    assert instant <= last <= instant + SECOND


def test_decades_in_one_segment(store: Store, folder: Folder) -> None:
    """Half a century, more than a hundred partitions, is one segment like any other: the engine's limit of a hundred is lifted."""
    times = [year * 365 * DAY for year in range(50)] + [1_768_000_000 * SECOND + week * 7 * DAY for week in range(55)]
    segment = folder.segment(logs("decades", *(record(time_unix_nano=time or 1) for time in times)))
    store.load(segment)
    store.load(segment)
    assert counts(store, "decades", "logs", "resources") == {"logs": len(times), "resources": len(times)}
    assert number(store, "SELECT uniqExact(_partition_id) FROM logs WHERE service = 'decades'") > 100


def test_rollups_equal_the_raw_rows(store: Store, folder: Folder) -> None:
    """Counts by bucket, operation, kind, outcome and latency bin are those that a count over the raw spans gives."""
    chance = random.Random(11)
    durations = [0, 1, 2, 3, 2**62, *(int(math.exp(chance.uniform(0, 30))) for _ in range(400))]
    given = []
    for duration in durations:
        start = NOW + chance.randrange(1200 * SECOND)
        status = {"code": chance.choice([0, 1, 2])}
        given.append(
            span(
                trace_id=chance.randbytes(16),
                name=chance.choice("abc"),
                kind=chance.choice([2, 3]),
                start_time_unix_nano=start,
                end_time_unix_nano=start + duration,
                status=status,
            )
        )
    for part in (given[:150], given[150:151], given[151:]):
        store.load(folder.segment(traces("rollup", *part)))
    for table, width_s in (("requests_10s", 10), ("requests_5m", 300)):
        expected = Counter(
            (each.start_time_unix_nano // SECOND // width_s * width_s, each.name, each.kind, int(each.status.code == 2), exact_bin(each))
            for each in given
        )
        key = "toUnixTimestamp(bucket), operation, kind, failed, bin"
        sums = "sum(requests), any(exemplar) != toFixedString('', 16)"
        query = f"SELECT {key}, {sums} FROM {table} WHERE service = 'rollup' GROUP BY bucket, operation, kind, failed, bin"
        found = rows(store, query)
        assert {tuple(row[:5]): row[5] for row in found} == expected
        assert all(row[6] for row in found), "every bin has the trace of one of its requests"


def exact_bin(given: Span) -> int:
    """The bin of a span's duration, by integers: the largest b with 2^(b/8) < duration, so duration^8 > 2^b."""
    duration = given.end_time_unix_nano - given.start_time_unix_nano
    return -1 if duration == 0 else (duration**8 - 1).bit_length() - 1


def test_ten_thousand_attribute_keys(store: Store, load: LoadRequests) -> None:
    """Every key may be another one; each is found again."""
    load(logs("keys", *(record(attributes={f"key.{place}": place}) for place in range(10_000))))
    assert rows(store, "SELECT count(), uniqExact(mapKeys(attributes)[1]) FROM logs WHERE service = 'keys'") == [[10_000, 10_000]]
    assert number(store, "SELECT count() FROM logs WHERE service = 'keys' AND attributes['key.9999'] = '9999'") == 1


def test_giants_are_bounded_and_counted(store: Store, load: LoadRequests) -> None:
    """An attribute of a megabyte is cut, five thousand attributes are kept, and the record is there."""
    many = {f"k{place}": place for place in range(5_000)}
    load(
        traces(
            "giants", span(attributes={"blob": "x" * 1_000_000}), span(attributes=many), span(attributes={"json": Json(["y" * 100_000])})
        )
    )
    query = (
        "SELECT length(attributes), arrayMax(v -> length(v), mapValues(attributes)), cuts FROM spans WHERE service = 'giants' ORDER BY 1, 2"
    )
    found = rows(store, query)
    assert [row[0] for row in found] == [1, 1, 5_000]
    assert [row[2] for row in found] == [1, 1, 0]
    assert all(65_536 <= row[1] < 65_600 for row in found[:2])
    assert number(store, "SELECT sum(cuts) FROM intake WHERE service = 'giants'") == 2


def test_skew_is_counted(store: Store, load: LoadRequests) -> None:
    """Records whose time is more than five minutes from their receipt are counted as early or late, and kept."""
    offsets = (-10 * DAY, -301 * SECOND, -299 * SECOND, 0, 299 * SECOND, 301 * SECOND, DAY)
    load(logs("skew", *(record(time_unix_nano=NOW + offset) for offset in offsets)))
    assert rows(store, "SELECT sum(records), sum(late), sum(early) FROM intake WHERE service = 'skew'") == [[7, 2, 2]]


def test_what_the_engine_refuses_leaves_nothing(store: Store, folder: Folder) -> None:
    """A segment with a request that is no protobuf is refused as a whole, and no row of it is in."""
    segment = folder.segment(traces("poisoned", span()), b"\x0a\xff\xff\xff\xff\x7f", traces("poisoned", span()), signal=Signal.TRACES)
    with pytest.raises(TocsinError):
        store.load(segment)
    assert not store.holds_part_of(segment)
    assert counts(store, "poisoned", "spans", "requests_10s", "intake") == {"spans": 0, "requests_10s": 0, "intake": 0}


def test_a_store_knows_which_segments_it_holds(store: Store, folder: Folder) -> None:
    """Rows name their segment, so that a segment can be looked for."""
    held, other = folder.segment(logs("held", record())), folder.segment(logs("held", record()))
    store.load(held)
    assert store.holds_part_of(held)
    assert not store.holds_part_of(other)


def test_merges_change_no_answer(store: Store, load: LoadRequests) -> None:
    """After all parts are merged into one, rows and rollups are what they were."""
    for place in range(4):
        load(traces("merged", span(trace_id=bytes([place]) * 16, start_time_unix_nano=NOW + place * SECOND)))
    before = counts(store, "merged", *SPAN_TABLES)
    for table in SPAN_TABLES:
        store.engine.execute(Sql(f"OPTIMIZE TABLE {table} FINAL"))
    assert counts(store, "merged", *SPAN_TABLES) == before == dict.fromkeys(SPAN_TABLES, 4)
