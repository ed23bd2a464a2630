"""The bytes of a frame."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.journal.builders import frame

from tocsin.journal.frame import (
    FRAME_BYTES_MAX,
    TRAILER_BYTES,
    Frame,
    FrameDefect,
    encode_varint,
    locate_frame,
    read_frame,
    read_varint,
)

SALT = 0x9F31C07A


def test_the_bytes_are_those_of_the_drawing() -> None:
    """A frame is length, body, and the three fields that the docstring draws."""
    checksum = zlib.crc32(b"body" + bytes.fromhex("c13e0102000000000000cd3e07000000"), SALT)
    drawn = b"\x1abody" + bytes.fromhex("c13e0102000000000000cd3e07000000d53e") + checksum.to_bytes(4, "little")
    assert frame(b"body", salt=SALT, records=7, received=0x0201) == drawn


def test_a_protobuf_reader_sees_the_request_and_steps_over_the_trailer() -> None:
    """Behind its length a frame is a message that any OTLP decoder takes, our fields being unknown ones."""
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add(name="checkout", trace_id=bytes(16))
    written = frame(request.SerializeToString(), salt=SALT)
    length, start = read_varint(written, 0)
    assert length == len(written) - start
    read = ExportTraceServiceRequest.FromString(written[start:])
    assert read.resource_spans == request.resource_spans


@given(
    body=st.binary(max_size=300),
    records=st.integers(0, 2**32 - 1),
    received=st.integers(0, 2**63 - 1),
    salt=st.integers(0, 2**32 - 1),
    before=st.binary(max_size=20),
    after=st.binary(max_size=20),
)
def test_what_is_written_is_read(body: bytes, records: int, received: int, salt: int, before: bytes, after: bytes) -> None:
    """A frame is read back wherever it stands, with its counts."""
    data = before + frame(body, salt=salt, records=records, received=received) + after
    read = read_frame(data, len(before), salt=salt)
    assert isinstance(read, Frame)
    assert data[read.body : read.body_end] == body
    assert (read.start, read.end) == (len(before), len(data) - len(after))
    assert (read.records, read.received) == (records, received)


@given(data=st.binary(max_size=200), offset=st.integers(0, 200), salt=st.integers(0, 2**32 - 1))
def test_arbitrary_bytes_give_a_reason(data: bytes, offset: int, salt: int) -> None:
    """Reading never raises: what is no frame has a defect."""
    assert isinstance(read_frame(data, min(offset, len(data)), salt=salt), FrameDefect)


@given(body=st.binary(max_size=100), position=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_flipped_bit_is_noticed(body: bytes, position: int, bit: int) -> None:
    """Any single bit that changes makes the frame invalid."""
    data = bytearray(frame(body, salt=SALT))
    data[position % len(data)] ^= 1 << bit
    assert isinstance(read_frame(bytes(data), 0, salt=SALT), FrameDefect)


@pytest.mark.parametrize("size", range(40))
def test_every_cut_is_cut_short(size: int) -> None:
    """A frame that ends too early says so, wherever it was cut."""
    data = frame(bytes(200), salt=SALT)
    assert read_frame(data[:size], 0, salt=SALT) is FrameDefect.CUT_SHORT
    assert read_frame(data[: len(data) - 1 - size], 0, salt=SALT) is FrameDefect.CUT_SHORT


@pytest.mark.parametrize(
    ("data", "defect"),
    [
        (b"", FrameDefect.CUT_SHORT),
        (b"\x80", FrameDefect.CUT_SHORT),
        (b"\x80\x80\x80\x80\x80\x01", FrameDefect.LENGTH),
        (encode_varint(TRAILER_BYTES - 1) + bytes(100), FrameDefect.LENGTH),
        (encode_varint(FRAME_BYTES_MAX + 1) + bytes(100), FrameDefect.LENGTH),
        (encode_varint(30) + bytes(100), FrameDefect.TRAILER),
        (frame(b"body", salt=SALT + 1), FrameDefect.CHECKSUM),
    ],
)
def test_each_defect_has_its_reason(data: bytes, defect: FrameDefect) -> None:
    """An impossible length, missing tags and a wrong checksum are told apart; another file's salt is a wrong checksum."""
    assert read_frame(data, 0, salt=SALT) is defect


def test_locating_does_not_read_the_body() -> None:
    """Finding where a frame ends looks at its two ends only, so that a search can afford it."""
    data = bytearray(frame(bytes(100), salt=SALT))
    data[50] = 1
    assert isinstance(locate_frame(bytes(data), 0), Frame)


@given(number=st.integers(0, 2**35 - 1))
def test_varints_go_there_and_back(number: int) -> None:
    """Any number of up to five varint bytes is read as it was written."""
    encoded = encode_varint(number)
    assert read_varint(encoded, 0) == (number, len(encoded))
