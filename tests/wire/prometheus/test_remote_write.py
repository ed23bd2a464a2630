"""The remote write door: what it stores, what it refuses and says, for both versions of the protocol."""

from __future__ import annotations

import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cramjam
import numpy as np
import pytest
import zstandard
from tests.wire.prometheus import write_builders as wb
from tests.wire.prometheus.block_message import decode_block
from tests.wire.prometheus.write_builders import NOW_MS, Series, histogram, pairs, sample, up

from tocsin.errors import JournalError, LimitExceeded, Overloaded, ParseError
from tocsin.model.labels import Labels
from tocsin.model.sample_block import series_id
from tocsin.model.series import STALE_NAN_BITS, Metadata
from tocsin.model.signal import Signal
from tocsin.testing.acceptor import FakeAcceptor
from tocsin.wire.prometheus.options import CardinalityOptions, RemoteWriteOptions
from tocsin.wire.prometheus.registry import SeriesRegistry
from tocsin.wire.prometheus.remote_write import RemoteWriteDoor
from tocsin.wire.prometheus.write_content import UnsupportedContent, WriteContent, negotiate
from tocsin.wire.prometheus.write_outcome import WriteOutcome

DAY_MS = 86_400_000
VERSIONS = pytest.mark.parametrize("version", [1, 2])
V1 = "application/x-protobuf"
V2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request"


class HandClock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now_ns(self) -> int:
        """The instant."""
        return NOW_MS * 1_000_000 + int(self.seconds * 1e9)

    def monotonic_s(self) -> float:
        """The same as seconds."""
        return self.seconds


class Receiver:
    """A door with a fake journal behind it."""

    def __init__(self, options: RemoteWriteOptions | None = None, **limits: int) -> None:
        self.clock = HandClock()
        self.acceptor = FakeAcceptor()
        self.registry = SeriesRegistry(CardinalityOptions.model_validate(limits), clock=self.clock)
        self.door = RemoteWriteDoor(self.registry, self.acceptor, options, clock=self.clock)

    def write(self, version: int, *series: Series, extra: bytes = b"") -> WriteOutcome:
        """Send series, not compressed."""
        return self.send(version, wb.request(version, *series, extra=extra))

    def send(self, version: int, body: bytes) -> WriteOutcome:
        """Send a body, not compressed."""
        return self.door.settle(self.door.take(body, WriteContent(version, "identity")))

    @property
    def samples(self) -> list[tuple[int, int, float]]:
        """Everything stored: (series id, time, value)."""
        decoded = [decode_block(batch.body) for batch in self.acceptor.batches]
        return [row for block in decoded for row in zip(block.series_id, block.timestamp_ms, block.value, strict=True)]

    @property
    def definitions(self) -> list[Any]:
        """Every definition that travelled."""
        return [definition for batch in self.acceptor.batches for definition in decode_block(batch.body).series]

    def items(self, name: str) -> list[Any]:
        """Every histogram or exemplar that was stored."""
        return [item for batch in self.acceptor.batches for item in getattr(decode_block(batch.body), name)]


@pytest.fixture
def receiver() -> Receiver:
    """A receiver with ordinary limits."""
    return Receiver()


def identity_of(metric: str, **labels: str) -> int:
    """The id of a series."""
    return series_id(Labels({"__name__": metric, **labels}))


def counts_of(outcome: WriteOutcome) -> tuple[int, int, int, int]:
    """Samples, histograms, exemplars, refused."""
    return outcome.samples, outcome.histograms, outcome.exemplars, outcome.refused


@VERSIONS
def test_samples_are_stored_under_the_id_of_their_labels(receiver: Receiver, version: int) -> None:
    """Values bit for bit, times in milliseconds, labels once."""
    nan = struct.unpack("<d", struct.pack("<Q", STALE_NAN_BITS))[0]
    series = Series(pairs("up", {"job": "api"}), [sample(1.5, NOW_MS - 15_000), sample(-0.0), sample(nan, NOW_MS + 1)])
    assert counts_of(receiver.write(version, series, up(2.0, job="db"))) == (4, 0, 0, 0)
    api, db = identity_of("up", job="api"), identity_of("up", job="db")
    assert [row[:2] for row in receiver.samples] == [(api, NOW_MS - 15_000), (api, NOW_MS), (api, NOW_MS + 1), (db, NOW_MS)]
    assert struct.pack("<4d", *(row[2] for row in receiver.samples)) == struct.pack("<2dQd", 1.5, -0.0, STALE_NAN_BITS, 2.0)
    assert {(item.id, item.metric, *item.label_names, *item.label_values) for item in receiver.definitions} == {
        (api, "up", "job", "api"),
        (db, "up", "job", "db"),
    }
    assert {batch.signal for batch in receiver.acceptor.batches} == {Signal.SAMPLES}


@VERSIONS
def test_labels_travel_once_per_day(receiver: Receiver, version: int) -> None:
    """The second request of the same day is samples alone; around midnight each day has its own."""
    receiver.write(version, up())
    receiver.write(version, up(timestamp_ms=NOW_MS + 1))
    assert [item.day for item in receiver.definitions] == [NOW_MS // DAY_MS]
    midnight = (NOW_MS // DAY_MS) * DAY_MS
    receiver.write(version, Series(pairs("up"), [sample(1, midnight - 1), sample(2, midnight)]))
    assert [item.day for item in receiver.definitions] == [NOW_MS // DAY_MS, NOW_MS // DAY_MS - 1]
    receiver.write(version, Series(pairs("up"), [sample(1, midnight - day * DAY_MS) for day in range(4)]))
    assert len(receiver.definitions) == 4


@VERSIONS
def test_labels_travel_again_until_they_are_durable(receiver: Receiver, version: int) -> None:
    """A disk that fails took nothing, whatever it said before."""
    receiver.acceptor.failure = JournalError("no space left")
    outcome = receiver.write(version, up())
    assert (counts_of(outcome), isinstance(outcome.error, JournalError)) == ((0, 0, 0, 0), True)
    receiver.acceptor.failure = None
    receiver.write(version, up())
    receiver.write(version, up())
    assert len(receiver.definitions) == 2


def test_both_versions_and_all_orders_are_one_series(receiver: Receiver) -> None:
    """Labels out of order are sorted, empty ones don't exist, and the labels travel once in all."""
    labels = pairs("up", {"job": "api", "instance": "a:1"})
    for version in (1, 2):
        receiver.write(version, Series(labels, [sample(1)]))
        receiver.write(version, Series(labels[::-1], [sample(2)]))
        receiver.write(version, Series([*labels, ("empty", "")], [sample(3)]))
    assert {row[0] for row in receiver.samples} == {identity_of("up", job="api", instance="a:1")}
    assert len(receiver.definitions) == 1
    assert receiver.registry.statistics().series == 1


@VERSIONS
def test_disorder_and_duplicates_are_taken(receiver: Receiver, version: int) -> None:
    """Senders should not; the store sorts, and of one time in one request the last counts."""
    series = Series(pairs("up"), [sample(2, NOW_MS), sample(1, NOW_MS - 5), sample(3, NOW_MS)])
    assert counts_of(receiver.write(version, series, up(4))) == (2, 0, 0, 0)
    assert [row[1:] for row in receiver.samples] == [(NOW_MS, 4), (NOW_MS - 5, 1)]


@VERSIONS
def test_parts_of_a_series_may_come_in_any_order(receiver: Receiver, version: int) -> None:
    """Protobuf allows labels behind samples, fields nobody knows, and zeros left out."""
    series = Series(
        [("__name__", "up")],
        [wb.number_field(2, NOW_MS), wb.number_field(2, 5) + sample(7, NOW_MS + 1) + wb.number_field(3, 99)],
        extra=wb.piece(9, b"later") + wb.number_field(6, 123) + varint_field_fixed(),
    )
    assert counts_of(receiver.write(version, series, extra=wb.piece(12, b"x"))) == (2, 0, 0, 0)
    assert [row[1:] for row in receiver.samples] == [(NOW_MS, 0.0), (NOW_MS + 1, 7.0)]
    if version == 1:
        label = wb.piece(1, wb.piece(1, b"a") + wb.piece(2, b"b"))
        receiver.write(1, Series([("__name__", "up")], [sample(8)], extra=label))
        assert receiver.samples[-1][0] == identity_of("up", a="b")
    else:
        loose = wb.number_field(1, 1) + wb.number_field(1, 2)
        body = wb.request(2, Series([("__name__", "up")]))[: -len(wb.piece(5, wb.piece(1, b"\x01\x02")))]
        receiver.send(2, wb.piece(5, wb.piece(2, sample(8)) + loose) + body)  # symbols behind the series, references not packed
        assert receiver.samples[-1][0] == identity_of("up")


def varint_field_fixed() -> bytes:
    """Two unknown fields of fixed size."""
    return wb.varint(20 << 3 | 5) + bytes(4) + wb.varint(21 << 3 | 1) + bytes(8)


@VERSIONS
@pytest.mark.parametrize(
    ("labels", "word"),
    [
        ([("job", "api")], "metric_name"),
        ([], "metric_name"),
        ([("__name__", ""), ("job", "api")], "metric_name"),
        ([("__name__", "up"), ("", "x")], "label_name"),
        ([("__name__", "up"), ("a", "1"), ("a", "2")], "duplicate_label"),
        ([("__name__", "up"), ("a", "1"), ("a", "1")], "duplicate_label"),
        ([("__name__", "up"), ("a", b"\xff\xfe")], "not_utf8"),
        ([("__name__", "up"), (b"\xc0\x80", "x")], "not_utf8"),
        ([("__name__", "up"), ("a", "x" * 9000)], "value_too_long"),
        ([("__name__", "up"), ("a" * 1025, "x")], "name_too_long"),
        ([("__name__", "up"), *((f"l{number}", "x") for number in range(128))], "labels_max"),
    ],
)
def test_a_series_that_cannot_be_does_not_stop_the_others(receiver: Receiver, version: int, labels: wb.Pairs, word: str) -> None:
    """A partial write: what is valid is stored, what is not is counted and said, and remembered as refused."""
    bad = Series(labels, [sample(1), sample(2, NOW_MS + 1)])
    for _ in range(2):
        outcome = receiver.write(version, up(1, job="a"), bad, up(2, job="b"))
        assert counts_of(outcome) == (2, 0, 0, 2)
        assert outcome.message.startswith(f"2 samples refused ({word}): ")
    assert {row[0] for row in receiver.samples} == {identity_of("up", job="a"), identity_of("up", job="b")}
    assert receiver.door.statistics().refused == {word: 4}


@VERSIONS
def test_limits_on_series_refuse_new_ones_only(version: int) -> None:
    """The answer names the limit; after a while the registry is asked again, and may have room."""
    receiver = Receiver(series_max=2)
    outcome = receiver.write(version, *(up(job=str(number)) for number in range(5)))
    assert (counts_of(outcome), "series_max" in outcome.message) == ((2, 0, 0, 3), True)
    assert counts_of(receiver.write(version, *(up(job=str(number)) for number in range(5)))) == (2, 0, 0, 3)
    receiver.clock.seconds = 8000
    assert counts_of(receiver.write(version, up(job="4", timestamp_ms=NOW_MS + 8_000_000))) == (1, 0, 0, 0)


@VERSIONS
def test_series_that_are_sent_stay_active(version: int) -> None:
    """Hours later a series that never stopped is still known, and its labels did not travel again."""
    receiver = Receiver(series_max=2)
    for hour in range(6):
        receiver.clock.seconds = hour * 3600
        assert counts_of(receiver.write(version, up(timestamp_ms=NOW_MS + hour))) == (1, 0, 0, 0)
    assert (receiver.registry.statistics().series, len(receiver.definitions)) == (1, 1)
    receiver.clock.seconds += 7200
    assert receiver.registry.statistics().series == 0
    receiver.write(version, up(timestamp_ms=NOW_MS + 7))
    assert (receiver.registry.statistics().series, len(receiver.definitions)) == (1, 2)


@VERSIONS
@pytest.mark.parametrize(
    ("timestamp_ms", "word"),
    [(NOW_MS + DAY_MS + 1, "future"), (-1, "time_out_of_range"), (-(2**63), "time_out_of_range"), (2**63 - 1, "time_out_of_range")],
)
def test_absurd_times_are_refused_one_by_one(receiver: Receiver, version: int, timestamp_ms: int, word: str) -> None:
    """The samples beside them are stored; a series of nothing else becomes none."""
    series = Series(pairs("up"), [sample(1, NOW_MS), sample(2, timestamp_ms), sample(3, NOW_MS + 1)])
    outcome = receiver.write(version, series, Series(pairs("down"), [sample(9, timestamp_ms)]))
    assert counts_of(outcome) == (2, 0, 0, 2)
    assert f"2 samples refused ({word}): time {timestamp_ms}" in outcome.message
    assert receiver.registry.statistics().series == 1


@VERSIONS
def test_native_histograms_become_dense(receiver: Receiver, version: int) -> None:
    """Spans and deltas of integers, counts of floats, custom buckets; definitions travel with them."""
    plain = histogram(count=14, total=20.5, schema=3, zero=2, positive=[(-2, 2), (3, 1)], deltas=[4, -1, 2])
    spans = wb.piece(11, wb.number_field(2, 2))
    floats = double_histogram(3.5, spans + wb.float_counts(13, [1.25, 2.25]) + wb.number_field(14, 3))
    custom = histogram(
        count=5, total=9, schema=-53, positive=[(1, 2)], deltas=[2, 1], extra=wb.float_counts(16, [0.1, 1.0]) + wb.number_field(14, 1)
    )
    outcome = receiver.write(version, Series(pairs("latency"), histograms=[plain, floats, custom]))
    assert (counts_of(outcome), outcome.message) == ((0, 3, 0, 0), "")
    first, second, third = receiver.items("histograms")
    assert (first.series_id, first.timestamp_ms, first.schema, first.count, first.sum, first.zero_count) == (
        identity_of("latency"),
        NOW_MS,
        3,
        14,
        20.5,
        2,
    )
    assert (first.positive_offset, list(first.positive_counts)) == (-2, [4, 3, 0, 0, 0, 5])
    assert (list(second.positive_counts), second.reset_hint, second.count) == ([1.25, 2.25], 3, 3.5)
    assert (third.positive_offset, list(third.positive_counts), list(third.custom_values)) == (1, [2, 3], [0.1, 1.0])
    receiver.write(version, Series(pairs("latency"), histograms=[plain]))
    assert [item.metric for item in receiver.definitions] == ["latency"]


def double_histogram(count: float, extra: bytes) -> bytes:
    """A float histogram of schema 0."""
    return wb.double_field(2, count) + wb.double_field(3, 1.0) + wb.number_field(15, NOW_MS) + extra


@VERSIONS
def test_a_stale_histogram_says_so_by_its_count(receiver: Receiver, version: int) -> None:
    """Senders mark it in the sum; the model wants it in the count."""
    stale = histogram(total=struct.unpack("<d", struct.pack("<Q", STALE_NAN_BITS))[0])
    receiver.write(version, Series(pairs("latency"), histograms=[stale]))
    (found,) = receiver.items("histograms")
    assert np.float64(found.count).view(np.uint64) == STALE_NAN_BITS


@VERSIONS
@pytest.mark.parametrize(
    "bad",
    [
        histogram(schema=9),
        histogram(schema=-5),
        histogram(count=1, positive=[(0, 2)], deltas=[1]),
        histogram(count=1, positive=[(0, 1)], deltas=[1, 1]),
        histogram(count=0, positive=[(0, 2)], deltas=[1, -2]),
        histogram(count=9, positive=[(0, 1)], deltas=[1]),
        histogram(count=1, positive=[(0, 1), (-1, 1)], deltas=[1, 0]),
        histogram(count=2, positive=[(0, 1), (2**30, 1)], deltas=[1, 0]),
        histogram(count=1, positive=[(2**30, 1)], deltas=[1]),
        histogram(count=1, positive=[(0, 2**32 - 1)], deltas=[1]),
        histogram(count=1, positive=[(0, 2**31)] * 3, deltas=[1]),
        histogram(positive=[(0, 1)], deltas=[1], extra=wb.float_counts(13, [1.0])),
        histogram(extra=wb.float_counts(16, [1.0])),
        histogram(schema=-53, extra=wb.float_counts(16, [1.0, 1.0])),
        histogram(schema=-53, extra=wb.float_counts(16, [1.0, float("inf")])),
        histogram(schema=-53, count=3, positive=[(0, 3)], deltas=[1, 0, 0], extra=wb.float_counts(16, [1.0])),
        histogram(schema=-53, count=1, zero=1),
        double_histogram(-1.0, b""),
        double_histogram(1.0, wb.piece(11, wb.number_field(2, 1)) + wb.float_counts(13, [float("nan")])),
        histogram(extra=b"\x7a" + wb.varint(2_000_000) + bytes(2_000_000)),
    ],
)
def test_histograms_that_cannot_be_are_refused_without_allocating(receiver: Receiver, version: int, bad: bytes) -> None:
    """A few bytes that claim billions of buckets cost nothing; the histogram beside it is stored."""
    good = histogram(count=1, positive=[(0, 1)], deltas=[1])
    outcome = receiver.write(version, Series(pairs("latency"), histograms=[bad, good]))
    assert counts_of(outcome) == (0, 1, 0, 1)
    assert outcome.message.startswith("1 histogram refused (histogram): latency")


@VERSIONS
def test_exemplars_keep_their_trace(receiver: Receiver, version: int) -> None:
    """Ids in hexadecimal become bytes, what is none stays a label; a time of 0 is 'not set'."""
    trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    series = Series(
        pairs("hits_total"),
        [sample(3)],
        exemplars=[([("trace_id", trace), ("span_id", span), ("user", "u1")], 0.25, NOW_MS - 5), ([("trace_id", "none")], 1.0, 0)],
    )
    assert counts_of(receiver.write(version, series)) == (1, 0, 2, 0)
    first, second = receiver.items("exemplars")
    assert (first.trace_id.hex(), first.span_id.hex(), list(first.label_names), first.value) == (trace, span, ["user"], 0.25)
    assert (first.metric, first.timestamp_ms, first.series_id) == ("hits_total", NOW_MS - 5, identity_of("hits_total"))
    assert (second.trace_id, list(second.label_values), second.timestamp_ms) == (b"", ["none"], NOW_MS)


@VERSIONS
def test_exemplars_that_cannot_be_are_refused(receiver: Receiver, version: int) -> None:
    """Too long, too late, of a refused series; the samples beside them are stored."""
    long = [("a", "x" * 2000)]
    series = Series(pairs("hits_total"), [sample(3)], exemplars=[(long, 1, NOW_MS), ([("b", "x" * 20_000)], 1, NOW_MS), ([], 1, 2**60)])
    lost = Series([("a", "b")], [sample(1)], histograms=[histogram()], exemplars=[([], 1, NOW_MS)])
    outcome = receiver.write(version, series, lost)
    assert counts_of(outcome) == (1, 0, 0, 6)
    assert "1 sample, 1 histogram, 1 exemplar refused (metric_name)" in outcome.message
    assert receiver.door.statistics().refused == {"exemplar": 2, "time_out_of_range": 1, "metric_name": 3}


def test_metadata_of_2_0_travels_in_definitions(receiver: Receiver) -> None:
    """Type, help and unit of the series' metric."""
    receiver.write(2, Series(pairs("lag_bucket", {"le": "1"}), [sample(1)], metadata=(3, "How late", "seconds")))
    (definition,) = receiver.definitions
    assert (definition.type, definition.help, definition.unit) == ("histogram", "How late", "seconds")
    assert receiver.registry.metadata("lag_sum") == Metadata("lag", "histogram", "How late", "seconds")


def test_metadata_of_1_0_comes_alone_and_late(receiver: Receiver) -> None:
    """Series defined without it are defined once more; a request of metadata alone stores nothing."""
    receiver.write(1, Series(pairs("hits_total"), [sample(1)]))
    assert counts_of(receiver.write(1, extra=wb.metadata_v1("hits_total", 1, "Hits", "") + wb.metadata_v1("x", 99))) == (0, 0, 0, 0)
    assert len(receiver.acceptor.batches) == 1
    receiver.write(1, Series(pairs("hits_total"), [sample(2)]))
    receiver.write(1, Series(pairs("hits_total"), [sample(3)]))
    assert [(item.type, item.help) for item in receiver.definitions] == [("", ""), ("counter", "Hits")]
    assert receiver.registry.metadata("x") == Metadata("x", "unknown", "", "")


def test_references_must_point_at_symbols(receiver: Receiver) -> None:
    """One beyond the table, or one without a partner: that series is refused, the others are stored."""
    good = wb.piece(5, wb.piece(1, b"\x01\x02") + wb.piece(2, sample(1)))
    symbols = wb.piece(4, b"") + wb.piece(4, b"__name__") + wb.piece(4, b"up")
    for references in (b"\x01\x03", b"\x01\x02\x01", b"\x01" + wb.varint(2**63)):
        bad = wb.piece(5, wb.piece(1, references) + wb.piece(2, sample(1)))
        outcome = receiver.send(2, symbols + good + bad)
        assert (counts_of(outcome), "(symbols)" in outcome.message) == ((1, 0, 0, 1), True)
    exemplar = wb.piece(4, wb.piece(1, b"\x01\x09") + wb.number_field(3, NOW_MS))
    outcome = receiver.send(2, symbols + wb.piece(5, wb.piece(1, b"\x01\x02") + exemplar))
    assert (counts_of(outcome), "symbol 9" in outcome.message) == ((0, 0, 0, 1), True)


def test_the_first_symbol_must_be_empty(receiver: Receiver) -> None:
    """'symbols array MUST start with empty string': otherwise nothing that refers to 0 means what it says."""
    with pytest.raises(ParseError, match="first symbol"):
        receiver.send(2, wb.piece(4, b"__name__") + wb.piece(4, b"up") + wb.piece(5, wb.piece(1, b"\x00\x01") + wb.piece(2, sample(1))))


def test_a_2_0_series_must_hold_something(receiver: Receiver) -> None:
    """'At least one element in samples or in histograms MUST be provided.' In 1.0 nobody asks."""
    outcome = receiver.write(2, Series(pairs("up")), up(job="a"))
    assert (counts_of(outcome), "1 series refused (no_samples)" in outcome.message) == ((1, 0, 0, 1), True)
    assert counts_of(receiver.write(1, Series(pairs("up")), up(job="a"))) == (1, 0, 0, 0)


@VERSIONS
def test_an_empty_request_is_a_success(receiver: Receiver, version: int) -> None:
    """Nothing to store, nothing to refuse."""
    assert counts_of(receiver.send(version, b"")) == (0, 0, 0, 0)
    assert receiver.acceptor.batches == []


@VERSIONS
def test_many_samples_travel_in_blocks(receiver: Receiver, version: int) -> None:
    """At most 65,536 each, so that a frame stays small beside a segment; in order, none lost."""
    series = Series(pairs("up"), [sample(number, NOW_MS - number) for number in range(70_000)])
    assert counts_of(receiver.write(version, series)) == (70_000, 0, 0, 0)
    assert [batch.records for batch in receiver.acceptor.batches] == [65_536, 4464]
    assert [row[2] for row in receiver.samples] == list(range(70_000))


def test_many_definitions_travel_in_blocks(receiver: Receiver) -> None:
    """Long labels of many new series don't make one frame of tens of megabytes."""
    assert receiver.write(1, *(up(job="x" * 8000, n=str(number)) for number in range(300))).samples == 300
    assert [len(decode_block(batch.body).series) for batch in receiver.acceptor.batches] == [130, 130, 40]
    assert max(len(batch.body) for batch in receiver.acceptor.batches) < 2_000_000


@VERSIONS
def test_overload_says_what_was_written_before_it(receiver: Receiver, version: int) -> None:
    """The sender repeats the whole; what was taken is stored twice and read once."""
    series = Series(pairs("up"), [sample(number, NOW_MS - number) for number in range(70_000)])
    accept = receiver.acceptor
    taken: list[Any] = []

    def full_after_one(batch: Any) -> Any:
        if taken:
            raise Overloaded("queues are full", retry_after_s=2)
        taken.append(batch)
        return accept(batch)

    receiver.door._accept = full_after_one
    outcome = receiver.write(version, series)
    assert (outcome.samples, isinstance(outcome.error, Overloaded)) == (65_536, True)


def test_more_than_a_request_may_hold_is_refused_whole() -> None:
    """Samples, and histograms with exemplars, have limits of their own."""
    receiver = Receiver(RemoteWriteOptions(samples_max=3, items_max=2))
    some = [sample(1, NOW_MS - number) for number in range(4)]
    series = Series(pairs("up"), some[:3], histograms=[histogram()], exemplars=[([], 1, NOW_MS)])
    assert counts_of(receiver.write(1, series)) == (3, 1, 1, 0)
    for broken in (Series(pairs("up"), some), Series(pairs("up"), histograms=[histogram()] * 3)):
        with pytest.raises(LimitExceeded, match="send smaller batches"):
            receiver.write(2, broken)
    with pytest.raises(LimitExceeded, match="send smaller batches"):
        receiver.write(1, *[up()] * 4)
    with pytest.raises(LimitExceeded, match="send smaller batches"):
        receiver.write(1, extra=wb.metadata_v1("a", 1) * 3)
    assert receiver.door.statistics().unreadable == 4


@pytest.mark.parametrize(
    ("content_type", "encoding", "content"),
    [
        (V1, "snappy", WriteContent(1, "snappy")),
        (V2, "snappy", WriteContent(2, "snappy")),
        ("application/x-protobuf; proto=prometheus.WriteRequest", "ZSTD", WriteContent(1, "zstd")),
        ('Application/X-Protobuf ; charset=x; Proto="io.prometheus.write.v2.Request"', "identity", WriteContent(2, "identity")),
        ("", "", WriteContent(1, "snappy")),
    ],
)
def test_headers_say_what_a_body_is(content_type: str, encoding: str, content: WriteContent) -> None:
    """Versions by the proto parameter; without headers it is what the first senders sent."""
    assert negotiate(content_type, encoding) == content


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [("application/json", "snappy"), (V1 + ";proto=io.prometheus.write.v3.Request", ""), (V2, "gzip"), (V1, "br"), ("text/plain", "")],
)
def test_other_content_is_not_supported(content_type: str, encoding: str) -> None:
    """'MUST return 415 if they don't support a given content type or encoding'."""
    with pytest.raises(UnsupportedContent, match="must be"):
        negotiate(content_type, encoding)


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "snappy": lambda body: bytes(cramjam.snappy.compress_raw(body)),
    "zstd": lambda body: zstandard.ZstdCompressor().compress(body),
    "identity": lambda body: body,
}


@VERSIONS
def test_a_message_of_the_other_version_is_refused(version: int) -> None:
    """All its fields are unknown to the one that Content-Type names: 'stored, 0 samples' would lose it in silence."""
    receiver = Receiver()
    with pytest.raises(ParseError, match=r"looks like a .*: name the message in Content-Type"):
        receiver.send(version, wb.request(3 - version, up()))
    assert receiver.send(version, b"").samples == 0
    assert receiver.send(version, wb.piece(9, b"of a later minor version")).samples == 0


@pytest.mark.parametrize("encoding", list(COMPRESSORS))
@pytest.mark.parametrize("media_type", [V1, V2])
def test_bodies_come_compressed(receiver: Receiver, media_type: str, encoding: str) -> None:
    """Snappy in its block format, zstd, or plain."""
    body = COMPRESSORS[encoding](wb.request(1 if media_type == V1 else 2, up()))
    assert counts_of(receiver.door.write(body, content_type=media_type, content_encoding=encoding)) == (1, 0, 0, 0)


@pytest.mark.parametrize("body", [b"", b"\xff", b"\xff" * 6, wb.varint(2**30), bytes(cramjam.snappy.compress(b"framed")), b"\x05\x10ab"])
def test_what_is_not_snappy_cannot_be_read(receiver: Receiver, body: bytes) -> None:
    """The framed format neither; a size that the body can't hold is not believed."""
    with pytest.raises(ParseError, match="snappy"):
        receiver.door.write(body, content_encoding="snappy")


@pytest.mark.parametrize("encoding", list(COMPRESSORS))
def test_bodies_have_a_size_after_inflating(encoding: str) -> None:
    """A small one that inflates beyond the limit, and a plain one beyond it."""
    receiver = Receiver(RemoteWriteOptions(inflated_bytes_max=10_000))
    with pytest.raises(LimitExceeded, match="inflated_bytes_max"):
        receiver.door.write(COMPRESSORS[encoding](bytes(10_001)), content_encoding=encoding)


def test_statistics_add_up(receiver: Receiver) -> None:
    """Requests by version, what became durable, what was refused, how much was received."""
    receiver.write(1, up(), up(timestamp_ms=-1))
    receiver.write(2, up(), Series(pairs("h"), histograms=[histogram()], exemplars=[([], 1, NOW_MS)]))
    with pytest.raises(ParseError):
        receiver.send(2, b"\xff")
    statistics = receiver.door.statistics()
    assert (statistics.requests, statistics.requests_v2, statistics.unreadable) == (3, 2, 1)
    assert (statistics.samples, statistics.histograms, statistics.exemplars, statistics.definitions) == (2, 1, 1, 2)
    assert (statistics.refused, statistics.remembered_series) == ({"time_out_of_range": 1}, 3)


@VERSIONS
def test_many_threads_write_at_once(receiver: Receiver, version: int) -> None:
    """Same series and different ones, known and new: every sample is stored under its own id, every label set travels."""
    bodies = [
        wb.request(version, *(up(turn, NOW_MS + turn, n=str(number % 40 + shift)) for number in range(50)))
        for shift in (0, 20, 40, 60)
        for turn in range(10)
    ]
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda body: receiver.send(version, body), bodies))
    assert {counts_of(outcome) for outcome in outcomes} == {(40, 0, 0, 0)}
    assert {row[0] for row in receiver.samples} == {identity_of("up", n=str(number)) for number in range(100)}
    assert {item.id for item in receiver.definitions} == {row[0] for row in receiver.samples}
    assert receiver.registry.statistics().series == 100


def test_warming_stores_nothing(receiver: Receiver) -> None:
    """It compiles, and leaves no trace."""
    receiver.door.warm()
    assert (receiver.acceptor.batches, receiver.door.statistics().requests, receiver.registry.statistics().series) == ([], 0, 0)


@VERSIONS
def test_the_last_of_a_time_in_one_request_counts(version: int) -> None:
    """Samples of one series and time are one, with the value that came last, also where the series comes twice in the request."""
    receiver = Receiver()
    one, other = (series_id(Labels({"__name__": metric})) for metric in ("one", "other"))
    first = Series(pairs("one"), [sample(1.0), sample(2.0), sample(3.0), sample(4.0, NOW_MS - 1)])
    receiver.write(version, first, Series(pairs("other"), [sample(7.0)]), Series(pairs("one"), [sample(5.0, NOW_MS - 1)]))
    assert receiver.samples == [(one, NOW_MS, 3.0), (one, NOW_MS - 1, 5.0), (other, NOW_MS, 7.0)]
