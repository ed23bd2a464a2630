"""Writes Prometheus' protobuf exposition, by hand, so that nothing of what reads it is used to write it."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

COUNTER, GAUGE, SUMMARY, UNTYPED, HISTOGRAM, GAUGE_HISTOGRAM = range(6)


def varint(number: int) -> bytes:
    """A varint; negative numbers take ten bytes."""
    number &= 2**64 - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def whole(field: int, number: int) -> bytes:
    """A field with a varint."""
    return varint(field << 3) + varint(number)


def signed(field: int, number: int) -> bytes:
    """A field with a zigzag varint."""
    return whole(field, number << 1 if number >= 0 else (-number << 1) - 1)


def double(field: int, number: float) -> bytes:
    """A field with a double."""
    return varint(field << 3 | 1) + struct.pack("<d", number)


def part(field: int, data: bytes | str) -> bytes:
    """A field with a message, a text, or packed numbers."""
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def labels(pairs: Mapping[str, str]) -> bytes:
    """Label fields, as a metric and an exemplar have them."""
    return b"".join(part(1, part(1, name) + part(2, value)) for name, value in pairs.items())


def exemplar(pairs: Mapping[str, str], value: float, *, seconds: int | None = None, nanos: int = 0) -> bytes:
    """An exemplar's content."""
    time = b"" if seconds is None else part(3, whole(1, seconds) + whole(2, nanos))
    return labels(pairs) + double(2, value) + time


def bucket(bound: float, count: int, *, with_exemplar: bytes = b"") -> bytes:
    """A classic bucket, as a field of a histogram."""
    return part(3, whole(1, count) + double(2, bound) + (part(3, with_exemplar) if with_exemplar else b""))


def spans(field: int, *runs: tuple[int, int]) -> bytes:
    """Spans of buckets: (offset, length) each."""
    return b"".join(part(field, signed(1, offset) + whole(2, length)) for offset, length in runs)


def metric(field: int, content: bytes, pairs: Mapping[str, str] | None = None, *, timestamp_ms: int = 0) -> bytes:
    """A metric of a family; `field` is that of its value: gauge 2, counter 3, summary 4, untyped 5, histogram 7."""
    return part(4, labels(pairs or {}) + part(field, content) + (whole(6, timestamp_ms) if timestamp_ms else b""))


def family(name: str | bytes, kind: int, *metrics: bytes, help_text: str = "", unit: str = "") -> bytes:
    """A family with its length in front."""
    name = name.encode() if isinstance(name, str) else name
    data = (
        part(1, name) + (part(2, help_text) if help_text else b"") + whole(3, kind) + b"".join(metrics) + (part(5, unit) if unit else b"")
    )
    return varint(len(data)) + data


def packed_deltas(field: int, numbers: Sequence[int]) -> bytes:
    """Deltas of a native histogram's buckets, one field each, as proto2 writes them."""
    return b"".join(signed(field, number) for number in numbers)
