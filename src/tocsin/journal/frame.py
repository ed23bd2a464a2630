"""
One request as it stands in a segment file.

A segment is nothing but frames, one after the other, and a frame is a varint-length-delimited protobuf message, so the engine
reads a segment as it is. Our own fields stand behind the body as protobuf fields that the OTLP schema does not know:

    +---------------+---------------------+--------------------------------------------------------------+
    | varint length | body, as received   | trailer, 22 bytes                                            |
    +---------------+---------------------+--------------------------------------------------------------+
                    |<----------------------------- length ---------------------------------------------->|

    trailer   C1 3E  t t t t t t t t     field 1000, fixed64: instant of receipt, nanoseconds since 1970-01-01 UTC
              CD 3E  n n n n             field 1001, fixed32: spans, log records or data points in the body
              D5 3E  c c c c             field 1002, fixed32: CRC-32 of body and trailer up to here (tag D5 3E not included)

Numbers are little-endian. The CRC is zlib's, started not from 0 but from the salt of the segment's name (`journal.naming`):
a frame that a user sends inside an attribute, or that a disk puts into the wrong file, is then never taken for one of ours.

What always holds: a reader never trusts a length before the checksum agrees, and never raises on any bytes.

Source: Protocol Buffers, Encoding (varints, tags, fixed32, fixed64).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import Enum
from struct import Struct

FRAME_BYTES_MAX = 1 << 28  # 256 MiB: a longer claim is damage, not a request, so a reader need not believe it
LENGTH_BYTES_MAX = 5
TRAILER = Struct("<HQHIHI")  # no padding in standard sizes
TRAILER_BYTES = TRAILER.size
CRC_BYTES = 6  # the last field with its tag, which the checksum does not cover
RECEIVED_TAG = 0x3EC1
RECORDS_TAG = 0x3ECD
CRC_TAG = 0x3ED5
HEAD = Struct("<HQHI")  # the trailer without its checksum


class FrameDefect(Enum):
    """Why the bytes at an offset are not a frame."""

    CUT_SHORT = "the bytes end before the frame does"
    LENGTH = "the length is impossible"
    TRAILER = "the trailer's tags are missing"
    CHECKSUM = "the checksum does not agree"


@dataclass(frozen=True, slots=True)
class Frame:
    """
    Where a frame stands and what it says of itself; offsets in bytes from the start of the file.

    Args:
        start: Its first byte, the length's.
        body: First byte of the body.
        end: First byte behind it.
        received: Instant of receipt, nanoseconds since 1970-01-01 UTC.
        records: Spans, log records or data points in the body.
        checksum: The CRC-32 that it carries.
    """

    start: int
    body: int
    end: int
    received: int
    records: int
    checksum: int

    @property
    def body_end(self) -> int:
        """First byte behind the body."""
        return self.end - TRAILER_BYTES


def encode_frame(body: bytes, *, records: int, received: int, salt: int) -> tuple[bytes, bytes]:
    """
    What stands before and behind the body: (length, trailer). The body itself is not copied.

    Args:
        body: A serialized OTLP request, at most FRAME_BYTES_MAX - 22 bytes.
        records: Spans, log records or data points in it, 0 to 2**32 - 1.
        received: Instant of receipt, nanoseconds since 1970-01-01 UTC.
        salt: Of the segment it goes to, 32 bits.
    """
    head = HEAD.pack(RECEIVED_TAG, received & 0xFFFF_FFFF_FFFF_FFFF, RECORDS_TAG, records)
    checksum = zlib.crc32(head, zlib.crc32(body, salt))
    return encode_varint(len(body) + TRAILER_BYTES), head + CRC_TAG.to_bytes(2, "little") + checksum.to_bytes(4, "little")


def read_frame(data: bytes | memoryview, offset: int, *, salt: int) -> Frame | FrameDefect:
    """The frame that starts at `offset` (0 <= offset <= len(data)), its checksum verified; or why there is none."""
    frame = locate_frame(data, offset)
    if isinstance(frame, Frame) and not checksum_agrees(data, frame, salt=salt):
        return FrameDefect.CHECKSUM
    return frame


def locate_frame(data: bytes | memoryview, offset: int) -> Frame | FrameDefect:
    """The frame that seems to start at `offset`: length and tags are looked at, the checksum is not. Cheap whatever its size."""
    length, body = read_varint(data, offset)
    if length is None:
        return FrameDefect.CUT_SHORT if body == len(data) else FrameDefect.LENGTH
    if not TRAILER_BYTES <= length <= FRAME_BYTES_MAX:
        return FrameDefect.LENGTH
    end = body + length
    if end > len(data):
        return FrameDefect.CUT_SHORT
    received_tag, received, records_tag, records, crc_tag, checksum = TRAILER.unpack_from(data, end - TRAILER_BYTES)
    if (received_tag, records_tag, crc_tag) != (RECEIVED_TAG, RECORDS_TAG, CRC_TAG):
        return FrameDefect.TRAILER
    return Frame(offset, body, end, received, records, checksum)


def checksum_agrees(data: bytes | memoryview, frame: Frame, *, salt: int) -> bool:
    """Whether a located frame holds the bytes that were written. Reads all of them, at zlib's speed."""
    covered = memoryview(data)[frame.body : frame.end - CRC_BYTES]
    return zlib.crc32(covered, salt) == frame.checksum


def encode_varint(number: int) -> bytes:
    """A protobuf varint, as short as it can be: 300 is AC 02."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def read_varint(data: bytes | memoryview, offset: int) -> tuple[int | None, int]:
    """
    A varint of at most five bytes, as (number, offset behind it).

    The number is None when it does not end within five bytes, or before the data does; the offset is then where reading stopped.
    """
    number = 0
    end = min(offset + LENGTH_BYTES_MAX, len(data))
    for position in range(offset, end):
        byte = data[position]
        number |= (byte & 0x7F) << 7 * (position - offset)
        if byte < 0x80:
            return number, position + 1
    return None, end
