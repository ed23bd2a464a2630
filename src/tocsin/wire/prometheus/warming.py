"""The smallest remote write requests there are, to run the kernels once before the first sender comes."""

from __future__ import annotations

from concurrent.futures import Future
from struct import pack

from tocsin.model.batch import Batch


def smallest_request(version: int, timestamp_ms: int) -> bytes:
    """A request of the version (1 or 2), not compressed, with one sample of one series `x`."""
    sample = b"\x09" + pack("<d", 1.0) + b"\x10" + _varint(timestamp_ms)
    if version == 1:
        return _field(1, _field(1, _field(1, b"__name__") + _field(2, b"x")) + _field(2, sample))
    return _field(4, b"") + _field(4, b"__name__") + _field(4, b"x") + _field(5, _field(1, b"\x01\x02") + _field(2, sample))


def discard(_batch: Batch) -> Future[None]:
    """An acceptor that throws everything away."""
    future: Future[None] = Future()
    future.set_result(None)
    return future


def _field(number: int, data: bytes) -> bytes:
    return bytes((number << 3 | 2, len(data))) + data  # all of them are shorter than 128 bytes


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
