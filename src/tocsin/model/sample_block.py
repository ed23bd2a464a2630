"""
Samples on their way in: what the Prometheus doors put into the journal, and the engine decodes as it lies.

A block is one protobuf message. Numbers travel in packed arrays, which cost no Python object each; the labels of a series travel once per
series and day (UTC), with the first sample of that day that this process sees.

    message Request {
      repeated fixed64 series_id = 1;    repeated sfixed64 timestamp_ms = 2;    repeated double value = 3;     // one element per sample
      repeated Series series = 4;        repeated Histogram histograms = 5;     repeated Exemplar exemplars = 6;
      fixed64 received = 1000; ...                                                     // the journal's trailer, see tocsin.journal.frame
    }
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tocsin.model.labels import METRIC_NAME, Labels
from tocsin.model.native_histogram import NativeHistogram

MESSAGES = """syntax = "proto3";
message Series {
  fixed64 id = 1;
  int32 day = 2;
  string metric = 3;
  repeated string label_names = 4;
  repeated string label_values = 5;
  string type = 6;
  string help = 7;
  string unit = 8;
}
message Histogram {
  fixed64 series_id = 1;
  sfixed64 timestamp_ms = 2;
  sint32 schema = 3;
  double count = 4;
  double sum = 5;
  double zero_threshold = 6;
  double zero_count = 7;
  sint32 positive_offset = 8;
  repeated double positive_counts = 9;
  sint32 negative_offset = 10;
  repeated double negative_counts = 11;
  repeated double custom_values = 12;
  uint32 reset_hint = 13;
}
message Exemplar {
  fixed64 series_id = 1;
  sfixed64 timestamp_ms = 2;
  double value = 3;
  bytes trace_id = 4;
  bytes span_id = 5;
  repeated string label_names = 6;
  repeated string label_values = 7;
  string metric = 8;
}
message Request {
  repeated fixed64 series_id = 1;
  repeated sfixed64 timestamp_ms = 2;
  repeated double value = 3;
  repeated Series series = 4;
  repeated Histogram histograms = 5;
  repeated Exemplar exemplars = 6;
  fixed64 received = 1000;
  fixed32 records = 1001;
  fixed32 crc32 = 1002;
}
"""

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class SeriesDefinition:
    """
    The labels behind a series id on one day.

    Args:
        series_id: `series_id(labels)`.
        day: Days since 1970-01-01 UTC, of event time.
        labels: With `__name__`.
        type: As in `tocsin.model.series.Metadata`; empty when not known.
        help: What the exporter says of the metric.
        unit: Its unit.
    """

    series_id: int
    day: int
    labels: Labels
    type: str = ""
    help: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class HistogramSample:
    """A native histogram of a series at an instant."""

    series_id: int
    timestamp_ms: int
    histogram: NativeHistogram


@dataclass(frozen=True, slots=True)
class ExemplarSample:
    """
    An exemplar of a series.

    Args:
        series_id: Of the series.
        metric: Name of its metric.
        timestamp_ms: When it was seen.
        value: What was observed.
        trace_id: 16 bytes; empty without a valid one.
        span_id: 8 bytes; empty without a valid one.
        labels: What else the exemplar says.
    """

    series_id: int
    metric: str
    timestamp_ms: int
    value: float
    trace_id: bytes
    span_id: bytes
    labels: Labels


@dataclass(frozen=True, slots=True)
class SampleBlock:
    """
    Samples with the definitions of series that are new.

    Args:
        series_ids: [N] uint64.
        timestamps_ms: [N] int64.
        values: [N] float64, NaN payloads kept (stale markers).
        series: Definitions that the store may not have yet.
        histograms: Native histograms.
        exemplars: Exemplars.
    """

    series_ids: NDArray[np.uint64]
    timestamps_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    series: Sequence[SeriesDefinition] = ()
    histograms: Sequence[HistogramSample] = ()
    exemplars: Sequence[ExemplarSample] = ()

    @property
    def records(self) -> int:
        """Samples of both kinds, at least 1 for a block that carries anything."""
        return max(1, len(self.series_ids) + len(self.histograms))

    def encode(self) -> bytes:
        """The block as a `Request`."""
        packed = (
            (1, self.series_ids.astype("<u8", copy=False)),
            (2, self.timestamps_ms.astype("<i8", copy=False)),
            (3, self.values.astype("<f8", copy=False)),
        )
        parts = [_piece(number, array.tobytes()) for number, array in packed if len(array)]
        parts += [_piece(4, _series(definition)) for definition in self.series]
        parts += [_piece(5, _histogram(sample)) for sample in self.histograms]
        parts += [_piece(6, _exemplar(sample)) for sample in self.exemplars]
        return b"".join(parts)


def series_id(labels: Labels) -> int:
    """The id, 64 bits, that every door gives the same labels: a BLAKE2b of names and values, each ended by a byte that no UTF-8 has."""
    parts = b"".join(part.encode("utf-8", "surrogatepass") + b"\xff" for pair in labels.pairs for part in pair)
    return int.from_bytes(hashlib.blake2b(parts, digest_size=8).digest(), "little")


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _piece(number: int, data: bytes) -> bytes:
    """A length-delimited field."""
    return _head(number, len(data)) + data


@lru_cache(maxsize=4096)  # a series has twenty of them, and they are nearly always the same few
def _head(number: int, length: int) -> bytes:
    return _varint(number << 3 | 2) + _varint(length)


def _fixed64(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 1) + data


def _zigzag(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint((value << 1) ^ (value >> 63) if value >= 0 else ((-value) << 1) - 1)


def _double(number: int, value: float) -> bytes:
    return _fixed64(number, np.float64(value).tobytes())


def _id(number: int, value: int) -> bytes:
    return _fixed64(number, value.to_bytes(8, "little"))


def _time(number: int, value: int) -> bytes:
    return _fixed64(number, value.to_bytes(8, "little", signed=True))


def _texts(names_number: int, labels: Labels, *, without: str = "") -> bytes:
    pairs = [pair for pair in labels.pairs if pair[0] != without]
    return b"".join(_piece(names_number, name.encode()) for name, _ in pairs) + b"".join(
        _piece(names_number + 1, value.encode()) for _, value in pairs
    )


def _series(definition: SeriesDefinition) -> bytes:
    day = definition.day & 0xFFFFFFFFFFFFFFFF
    out = _id(1, definition.series_id) + _varint(2 << 3) + _varint(day) + _piece(3, definition.labels.metric.encode())
    out += _texts(4, definition.labels, without=METRIC_NAME)
    return out + _piece(6, definition.type.encode()) + _piece(7, definition.help.encode()) + _piece(8, definition.unit.encode())


def _histogram(sample: HistogramSample) -> bytes:
    histogram = sample.histogram
    out = _id(1, sample.series_id) + _time(2, sample.timestamp_ms) + _zigzag(3, histogram.schema)
    out += _double(4, histogram.count) + _double(5, histogram.sum)
    out += _double(6, histogram.zero_threshold) + _double(7, histogram.zero_count)
    out += _zigzag(8, histogram.positive.offset) + _piece(9, histogram.positive.counts.astype("<f8").tobytes())
    out += _zigzag(10, histogram.negative.offset) + _piece(11, histogram.negative.counts.astype("<f8").tobytes())
    out += _piece(12, np.array(histogram.custom_values, dtype="<f8").tobytes())
    return out + _varint(13 << 3) + _varint(histogram.reset.value)


def _exemplar(sample: ExemplarSample) -> bytes:
    out = _id(1, sample.series_id) + _time(2, sample.timestamp_ms) + _double(3, sample.value)
    out += _piece(4, sample.trace_id) + _piece(5, sample.span_id)
    return out + _texts(6, sample.labels) + _piece(8, sample.metric.encode())
