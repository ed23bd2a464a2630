"""Remote write 1.0 bodies, written by hand: what a test sends to several servers."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import cramjam

HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
    "User-Agent": "tocsin-tests",
}
STALE = struct.unpack("<d", (0x7FF0000000000002).to_bytes(8, "little"))[0]


def body(series: Sequence[tuple[Mapping[str, str], Sequence[tuple[int, float]]]]) -> bytes:
    """A compressed request: label sets, each with samples (milliseconds, value)."""
    parts = []
    for labels, samples in series:
        one = b"".join(_piece(1, _piece(1, name.encode()) + _piece(2, value.encode())) for name, value in sorted(labels.items()))
        one += b"".join(_piece(2, b"\x09" + _bits(value) + b"\x10" + _varint(at & (2**64 - 1))) for at, value in samples)
        parts.append(_piece(1, one))
    return bytes(cramjam.snappy.compress_raw(b"".join(parts)))


def _bits(value: float) -> bytes:
    # struct quiets signalling NaNs on some machines; the stale marker is one.
    return (0x7FF0000000000002).to_bytes(8, "little") if value is STALE else struct.pack("<d", value)


def _piece(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
