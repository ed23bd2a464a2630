"""
Prometheus' protobuf exposition, read against what the target is known to expose; the one format with native histograms.

Classic samples of known series cost no Python object. A native histogram costs some: about 15 microseconds, of which parsing is the half.

Source: Prometheus, client_model `metrics.proto`; Prometheus, native histogram specification.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import ParseError
from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.model.native_histogram import NativeHistogram, ResetHint
from tocsin.model.series import Exemplar, Metadata
from tocsin.wire.prometheus.histogram_buckets import HistogramFlaw, Side, check_histogram, dense_buckets
from tocsin.wire.prometheus.numerals import format_bound
from tocsin.wire.prometheus.protobuf_messages import Message, parse_message
from tocsin.wire.prometheus.protobuf_scan import (
    BUCKET,
    COUNT,
    COUNTER,
    EXEMPLAR,
    EXPLICIT,
    FLAWS,
    FULL,
    GAUGE_HISTOGRAM,
    NATIVE,
    QUANTILE,
    ROW,
    SUM,
    WHOLE,
    scan,
)
from tocsin.wire.prometheus.reading import NewExemplar, NewSeries, Reading, ask, to_ask, too_many
from tocsin.wire.prometheus.scraped import ReadOptions, Resolve
from tocsin.wire.prometheus.target_table import TargetTable, days_of, recognise_keys

SEED_PROTOBUF = np.uint64(0x6C62272E07BB0142)
ROW_BYTES = 16
"""What a sample takes on the wire at least, as a first guess: a wrong one costs a second walk."""
SPARE_ROWS = 16
BUCKETS_MAX = 65_536
"""Dense buckets on one side of a native histogram, at most: hundreds are usual, and a few bytes can claim billions."""

TYPES = ("counter", "gauge", "summary", "unknown", "histogram", "gaugehistogram")
SUFFIXES = {COUNT: "_count", SUM: "_sum", BUCKET: "_bucket"}
BOUND_LABELS = {BUCKET: "le", QUANTILE: "quantile"}


class ProtobufReader:
    """
    Reads answers of one target in protobuf.

    Args:
        table: What is known of the target's series.
        resolve: Asked about new ones.
        options: How answers are read.
    """

    def __init__(self, table: TargetTable, resolve: Resolve, options: ReadOptions) -> None:
        self._table = table
        self._resolve = resolve
        self._options = options

    def read(self, body: bytes, *, timestamp_ms: int) -> Reading:
        """
        An answer.

        Args:
            body: The answer, inflated.
            timestamp_ms: When it was asked for, milliseconds since 1970-01-01 UTC.

        Raises:
            ParseError: It is not of the format; says where and why. Nothing is remembered of the answer.
        """
        rows = self._scan(body, timestamp_ms)
        if not self._options.honor_timestamps:
            rows["timestamp_ms"] = timestamp_ms
            rows["flags"] &= 255 - EXPLICIT
        keys, times = np.ascontiguousarray(rows["key"]), np.ascontiguousarray(rows["timestamp_ms"])
        numbers = recognise_keys(keys, days_of(times), self._table.keys, self._table.numbers, self._table.entries)
        histograms: dict[int, NativeHistogram] = {}
        exemplars: list[NewExemplar] = []
        for row in np.flatnonzero(rows["kind"] == NATIVE).tolist():
            histograms[row], found = self._histogram(body, rows[row])
            exemplars += self._new_exemplars(row, int(numbers[row]), found)
        for row in np.flatnonzero(rows["flags"] & EXEMPLAR).tolist():
            exemplars += self._new_exemplars(row, int(numbers[row]), [self._exemplar(body, rows[row])])
        new = np.flatnonzero(numbers < 0)
        ask(self._table, self._resolve, self._new_series(body, rows, to_ask(keys, times, new)))
        numbers[new] = self._table.numbers_by_key(keys[new])
        whole = (rows["flags"] & WHOLE) != 0
        bits = np.ascontiguousarray(rows["bits"])
        values = np.where(whole, bits.astype(np.float64), bits.view(np.float64))
        return Reading(numbers, times, values, (rows["flags"] & EXPLICIT) != 0, histograms, exemplars)

    def _scan(self, body: bytes, timestamp_ms: int) -> NDArray[np.void]:
        data = np.frombuffer(body, np.uint8)
        options = self._options
        room = min(len(body) // ROW_BYTES, options.samples_max) + SPARE_ROWS
        while True:
            rows = np.empty(room, ROW)
            count, flaw, at = scan(
                data, SEED_PROTOBUF, timestamp_ms, options.native_histograms, options.always_scrape_classic_histograms, rows
            )
            if flaw != FULL:
                break
            if room >= options.samples_max + SPARE_ROWS:
                raise too_many(count, options.samples_max)
            room = min(2 * room, options.samples_max + SPARE_ROWS)
        if flaw:
            raise _error(at, FLAWS[flaw])
        return rows[:count]

    def _new_series(self, body: bytes, rows: NDArray[np.void], places: list[int]) -> Iterator[NewSeries]:
        family_at = metric_at = -1
        name, metadata, pairs = "", None, []
        for row in places:
            record = rows[row]
            if record["family_start"] != family_at:
                family_at = int(record["family_start"])
                name, metadata = _family(body[family_at : record["family_end"]], family_at, int(record["type"]))
            if record["start"] != metric_at:
                metric_at = int(record["start"])
                pairs = _pairs(parse_message("Metric", body[metric_at : record["end"]]), metric_at)
            kind = int(record["kind"])
            whole = [(METRIC_NAME, name + SUFFIXES.get(kind, "")), *pairs]
            if (label := BOUND_LABELS.get(kind)) is not None:
                whole.append((label, format_bound(float(record["bound"].view(np.float64)))))
            yield NewSeries(int(record["key"]), _labels(whole, metric_at), metadata, int(record["timestamp_ms"]))

    def _histogram(self, body: bytes, record: np.void) -> tuple[NativeHistogram, list[Exemplar]]:
        at = int(record["histogram_start"])
        message = parse_message("Histogram", body[at : record["histogram_end"]])
        if message is None:
            raise _error(at, "a histogram is damaged")
        try:
            histogram = _native(message, int(record["type"]))
        except HistogramFlaw as flaw:
            raise _error(at, str(flaw)) from None
        exemplars = message.exemplars or [bucket.exemplar for bucket in message.bucket if bucket.HasField("exemplar")]
        # One series holds those of all buckets, so only their times tell them apart.
        return histogram, [_exemplar(item, int(record["timestamp_ms"]), at) for item in exemplars if item.HasField("timestamp")]

    def _exemplar(self, body: bytes, record: np.void) -> Exemplar:
        at = int(record["exemplar"])
        message = parse_message("Exemplar", body[at : record["exemplar_end"]])
        if message is None:
            raise _error(at, "an exemplar is damaged")
        return _exemplar(message, int(record["timestamp_ms"]), at)

    def _new_exemplars(self, row: int, number: int, found: list[Exemplar]) -> list[NewExemplar]:
        """Those of a series, unless they are the very ones that it had last time."""
        key = hash(tuple((item.labels, item.value) for item in found)) & (2**64 - 1)
        if not found or (number >= 0 and int(self._table.entries["exemplar"][number]) == key):
            return []
        return [NewExemplar(row, key, item) for item in found]


def _family(data: bytes, at: int, kind: int) -> tuple[str, Metadata]:
    message = parse_message("Family", data)
    if message is None:
        raise _error(at, "a family is damaged")
    name = _text(message.name, at)
    if not name:
        raise _error(at, "a family has no name")
    unit = _text(message.unit, at)
    if unit and not name.removesuffix("_total" if kind == COUNTER else "").endswith(f"_{unit}"):
        raise _error(at, f"the unit {unit[:40]!r} must be the ending of the metric's name {name[:80]!r}")
    return name, Metadata(name, TYPES[kind], _text(message.help, at), unit)


def _pairs(message: Message | None, at: int) -> list[tuple[str, str]]:
    if message is None:
        raise _error(at, "a metric is damaged")
    return [(_text(label.name, at), _text(label.value, at)) for label in message.label]


def _labels(pairs: Iterable[tuple[str, str]], at: int) -> Labels:
    present = [pair for pair in pairs if pair[1] or not pair[0]]
    names = [name for name, _ in present]
    if "" in names:
        raise _error(at, "a label has no name")
    if len(set(names)) != len(names):
        raise _error(at, f"label {next(name for name in names if names.count(name) > 1)!r} must not come twice")
    return Labels(present)


def _native(message: Message, kind: int) -> NativeHistogram:
    is_float = message.sample_count_float > 0 or message.zero_count_float > 0 or bool(message.positive_count or message.negative_count)
    histogram = NativeHistogram(
        schema=message.schema,
        count=float(message.sample_count_float if is_float else message.sample_count),
        sum=message.sample_sum,
        zero_threshold=message.zero_threshold,
        zero_count=float(message.zero_count_float if is_float else message.zero_count),
        positive=dense_buckets(_side(message, "positive"), width_max=BUCKETS_MAX),
        negative=dense_buckets(_side(message, "negative"), width_max=BUCKETS_MAX),
        reset=ResetHint.GAUGE if kind == GAUGE_HISTOGRAM else ResetHint.UNKNOWN,
    )
    check_histogram(histogram, integer=not is_float, width_max=BUCKETS_MAX)
    return histogram


def _side(message: Message, name: str) -> Side:
    spans = [(span.offset, span.length) for span in getattr(message, f"{name}_span")]
    return Side(spans, getattr(message, f"{name}_delta"), getattr(message, f"{name}_count"))


def _exemplar(message: Message, timestamp_ms: int, at: int) -> Exemplar:
    labels = Labels([(_text(label.name, at), _text(label.value, at)) for label in message.label])
    if message.HasField("timestamp"):
        timestamp_ms = message.timestamp.seconds * 1000 + message.timestamp.nanos // 1_000_000
        if not -(2**63) <= timestamp_ms < 2**63:
            raise _error(at, "the time of an exemplar does not fit into 64 bits")
    return Exemplar(labels, message.value, timestamp_ms)


def _text(data: bytes, at: int) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise _error(at, f"a name, a label or a help text is not valid UTF-8: {data[:80]!r}") from None


def _error(at: int, reason: str) -> ParseError:
    return ParseError(f"byte {at} of the protobuf answer: {reason}", position=at)
