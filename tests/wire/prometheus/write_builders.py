"""Remote write requests of both versions, written by hand so that they can be wrong in every way."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

NOW_MS = 1_772_445_600_000
Pairs = Sequence[tuple[str | bytes, str | bytes]]


def varint(number: int) -> bytes:
    """A varint; negative numbers as 64 bits."""
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def zigzag(number: int) -> bytes:
    """A signed varint."""
    return varint(number << 1 if number >= 0 else -2 * number - 1)


def piece(number: int, data: bytes) -> bytes:
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def number_field(number: int, value: int) -> bytes:
    """A varint field."""
    return varint(number << 3) + varint(value)


def double_field(number: int, value: float) -> bytes:
    """A double."""
    return varint(number << 3 | 1) + struct.pack("<d", value)


def sample(value: float, timestamp_ms: int = NOW_MS) -> bytes:
    """A Sample of either version."""
    return double_field(1, value) + number_field(2, timestamp_ms)


def histogram(
    *,
    count: int = 0,
    total: float = 0.0,
    schema: int = 0,
    zero: int = 0,
    positive: Sequence[tuple[int, int]] = (),
    deltas: Sequence[int] = (),
    timestamp_ms: int = NOW_MS,
    extra: bytes = b"",
) -> bytes:
    """An integer Histogram of either version; `extra` has further fields, or the same ones anew."""
    spans = b"".join(piece(11, varint(1 << 3) + zigzag(offset) + number_field(2, length)) for offset, length in positive)
    packed = piece(12, b"".join(zigzag(delta) for delta in deltas)) if deltas else b""
    head = number_field(1, count) + double_field(3, total) + varint(4 << 3) + zigzag(schema) + double_field(5, 0.0)
    return head + number_field(6, zero) + spans + packed + number_field(15, timestamp_ms) + extra


def float_counts(number: int, counts: Sequence[float]) -> bytes:
    """Packed doubles."""
    return piece(number, struct.pack(f"<{len(counts)}d", *counts))


@dataclass
class Series:
    """A time series; everything in it is encoded already but for its labels, and `exemplars`: (labels, value, time)."""

    labels: Pairs
    samples: Sequence[bytes] = ()
    histograms: Sequence[bytes] = ()
    exemplars: Sequence[tuple[Pairs, float, int]] = ()
    metadata: tuple[int, str, str] | None = None  # type, help, unit; 2.0 only
    extra: bytes = b""


@dataclass
class Symbols:
    """The symbols of a 2.0 request."""

    numbers: dict[bytes, int] = field(default_factory=lambda: {b"": 0})

    def reference(self, text: str | bytes) -> int:
        """The number of a text."""
        return self.numbers.setdefault(_bytes(text), len(self.numbers))

    def references(self, labels: Pairs) -> bytes:
        """Packed references of labels."""
        return b"".join(varint(self.reference(text)) for pair in labels for text in pair)

    def encode(self) -> bytes:
        """The field."""
        return b"".join(piece(4, text) for text in self.numbers)


def request(version: int, *series: Series, extra: bytes = b"") -> bytes:
    """A request, not compressed; `extra` are further fields of the whole."""
    if version == 1:
        return b"".join(piece(1, _series_v1(one)) for one in series) + extra
    symbols = Symbols()
    parts = b"".join(piece(5, _series_v2(one, symbols)) for one in series)
    return symbols.encode() + parts + extra


def metadata_v1(metric: str, kind: int, help_text: str = "", unit: str = "") -> bytes:
    """A metadata field of a 1.0 request."""
    return piece(3, number_field(1, kind) + piece(2, metric.encode()) + piece(4, help_text.encode()) + piece(5, unit.encode()))


def up(value: float = 1.0, timestamp_ms: int = NOW_MS, **labels: str) -> Series:
    """A series `up` with one sample."""
    return Series(pairs("up", labels), [sample(value, timestamp_ms)])


def pairs(metric: str, labels: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
    """Labels with a metric's name."""
    return [("__name__", metric), *(labels or {}).items()]


def _series_v1(series: Series) -> bytes:
    out = b"".join(piece(1, _label(name, value)) for name, value in series.labels)
    out += b"".join(piece(2, one) for one in series.samples)
    for labels, value, timestamp_ms in series.exemplars:
        encoded = b"".join(piece(1, _label(name, text)) for name, text in labels)
        out += piece(3, encoded + double_field(2, value) + number_field(3, timestamp_ms))
    return out + b"".join(piece(4, one) for one in series.histograms) + series.extra


def _series_v2(series: Series, symbols: Symbols) -> bytes:
    out = piece(1, symbols.references(series.labels))
    out += b"".join(piece(2, one) for one in series.samples) + b"".join(piece(3, one) for one in series.histograms)
    for labels, value, timestamp_ms in series.exemplars:
        out += piece(4, piece(1, symbols.references(labels)) + double_field(2, value) + number_field(3, timestamp_ms))
    if series.metadata is not None:
        kind, help_text, unit = series.metadata
        out += piece(5, number_field(1, kind) + number_field(3, symbols.reference(help_text)) + number_field(4, symbols.reference(unit)))
    return out + series.extra


def _label(name: str | bytes, value: str | bytes) -> bytes:
    return piece(1, _bytes(name)) + piece(2, _bytes(value))


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
