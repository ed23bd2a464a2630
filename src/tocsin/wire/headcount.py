"""
How many records a serialized request holds, told before it is parsed.

An empty span is two bytes on the wire and almost a hundred in memory, so a body within the size limit (a few kilobytes of gzip) could
take gigabytes once parsed. Counting first keeps that out. It walks the lengths in Python, 0.5 us per record, and so is done only for
bodies of `COUNT_BYTES_MIN` and more: smaller ones can't do harm.

    request -> resource_spans -> scope_spans -> spans            fields 1, 2, 2
    request -> resource_metrics -> scope_metrics -> metrics -> gauge, sum, ... -> data_points   fields 1, 2, 2, {5, 7, 9, 10, 11}, 1
"""

from __future__ import annotations

from collections.abc import Iterator

from tocsin.errors import LimitExceeded
from tocsin.model.signal import Signal

COUNT_BYTES_MIN = 1024 * 1024
_RECORDS = ({1}, {2}, {2})
_PATHS: dict[Signal, tuple[set[int], ...]] = {
    Signal.TRACES: _RECORDS,
    Signal.LOGS: _RECORDS,
    Signal.METRICS: (*_RECORDS, {5, 7, 9, 10, 11}, {1}),
}
_FIXED_BYTES = {1: 8, 5: 4}
_LENGTH_DELIMITED = 2


def limit_records(signal: Signal, body: bytes, *, records_max: int) -> None:
    """
    Refuse a body with too many records, their holders counted too. What is no protobuf passes: the parser will say so.

    Raises:
        LimitExceeded: There are more than `records_max`.
    """
    if len(body) < COUNT_BYTES_MIN:
        return
    seen = 0
    try:
        for _ in _walk(body, 0, len(body), _PATHS[signal]):
            seen += 1
            if seen > records_max:
                raise LimitExceeded(f"more than {records_max} records in one request; send smaller batches or raise wire.door.records_max")
    except IndexError:
        return


def _walk(body: bytes, position: int, end: int, path: tuple[set[int], ...]) -> Iterator[None]:
    """One None for each element on the path, on every level; ends where the bytes make no sense, IndexError when they end too early."""
    wanted, deeper = path[0], path[1:]
    while position < end:
        tag, position = _varint(body, position)
        wire_type = tag & 7
        if wire_type == _LENGTH_DELIMITED:
            size, position = _varint(body, position)
            if tag >> 3 in wanted:
                yield None
                if deeper:
                    yield from _walk(body, position, position + size, deeper)
            position += size
        elif wire_type == 0:
            _, position = _varint(body, position)
        elif wire_type in _FIXED_BYTES:
            position += _FIXED_BYTES[wire_type]
        elif wire_type == 3:
            continue  # a group: what is inside is read as if it stood outside, which counts too many at worst
        elif wire_type != 4:
            return


def _varint(body: bytes, position: int) -> tuple[int, int]:
    byte = body[position]
    position += 1
    if byte < 128:
        return byte, position
    number, shift = byte & 127, 7
    while byte >= 128 and shift < 70:
        byte = body[position]
        position += 1
        number |= (byte & 127) << shift
        shift += 7
    return number, position
