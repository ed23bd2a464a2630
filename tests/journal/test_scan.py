"""Finding the valid frames of a file, damaged or not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.journal.builders import frame

from tocsin.journal.frame import TRAILER_BYTES, encode_varint
from tocsin.journal.scan import RESYNC_POSITIONS_MAX, read_frames, scan_frames

SALT = 0x0C55E2D4
BODIES = st.lists(st.binary(max_size=60), min_size=1, max_size=8)


def written(bodies: list[bytes]) -> bytes:
    """A file of these bodies, each frame counting one record more than the one before."""
    return b"".join(frame(body, salt=SALT, records=number) for number, body in enumerate(bodies, 1))


@given(bodies=BODIES)
def test_an_intact_file_is_one_span(bodies: list[bytes]) -> None:
    """Every byte of an intact file belongs to a frame, and the counts add up."""
    data = written(bodies)
    scan = scan_frames(data, salt=SALT)
    assert scan.intact
    assert scan.whole_front
    assert not scan.torn
    assert scan.spans == ((0, len(data)),)
    assert (scan.frames, scan.records) == (len(bodies), sum(range(1, len(bodies) + 1)))


@given(bodies=BODIES, data=st.data())
def test_a_torn_end_loses_only_the_frame_that_was_torn(bodies: list[bytes], data: st.DataObject) -> None:
    """Cut anywhere, a file keeps the frames before the cut, and the rest looks torn."""
    whole = written(bodies)
    cut = data.draw(st.integers(0, len(whole)))
    scan = scan_frames(whole[:cut], salt=SALT)
    ends = [one.end for one in read_frames(whole, salt=SALT)]
    assert scan.frames == sum(end <= cut for end in ends)
    assert scan.whole_front
    assert scan.torn is (cut not in {0, *ends})


@given(bodies=BODIES, zeros=st.integers(1, 100))
def test_zeros_at_the_end_look_torn(bodies: list[bytes], zeros: int) -> None:
    """A file whose length was written before its pages ends in zeros: that is a torn write, not damage."""
    scan = scan_frames(written(bodies) + bytes(zeros), salt=SALT)
    assert scan.frames == len(bodies)
    assert scan.torn


@given(bodies=st.lists(st.binary(max_size=60), min_size=2, max_size=8), data=st.data())
def test_damage_in_one_frame_costs_that_frame_alone(bodies: list[bytes], data: st.DataObject) -> None:
    """Whatever one frame's bytes become, its neighbours are found."""
    whole = bytearray(written(bodies))
    frames = list(read_frames(bytes(whole), salt=SALT))
    victim = frames[data.draw(st.integers(0, len(frames) - 2))]
    start = data.draw(st.integers(victim.start, victim.end - 1))
    end = data.draw(st.integers(start + 1, victim.end))
    whole[start:end] = bytes(byte ^ 0xA5 for byte in whole[start:end])
    scan = scan_frames(bytes(whole), salt=SALT)
    assert scan.frames == len(frames) - 1
    assert scan.valid_bytes == len(whole) - (victim.end - victim.start)
    assert not scan.intact


def test_damage_across_frames_costs_those_it_touches() -> None:
    """A block of zeros over several frames takes those and no other, though neither length nor trailer is left at its edges."""
    bodies = [bytes([number]) * 500 for number in range(1, 20)]
    whole = bytearray(written(bodies))
    frames = list(read_frames(bytes(whole), salt=SALT))
    whole[frames[5].start + 100 : frames[9].end] = bytes(frames[9].end - frames[5].start - 100)
    scan = scan_frames(bytes(whole), salt=SALT)
    assert scan.spans == ((0, frames[4].end), (frames[10].start, len(whole)))
    assert scan.frames == 14


def test_a_frame_inside_a_body_is_not_one_of_ours() -> None:
    """What a client sends inside an attribute is never taken for a frame, even when the frame around it is damaged."""
    smuggled = frame(b"smuggled", salt=0)
    whole = bytearray(written([b"x" + smuggled * 3 + b"y", b"next"]))
    whole[3] ^= 1
    whole[0] ^= 1
    scan = scan_frames(bytes(whole), salt=SALT)
    assert scan.frames == 1
    assert bytes(whole[slice(*scan.spans[0])]) == frame(b"next", salt=SALT, records=2)


@given(data=st.binary(max_size=400))
def test_arbitrary_bytes_end_in_an_answer(data: bytes) -> None:
    """Scanning arbitrary bytes raises nothing and finds nothing that is not there."""
    scan = scan_frames(data, salt=SALT)
    assert scan.frames == 0
    assert scan.intact is (not data)
    assert scan.size_bytes == len(data)


@given(parts=st.lists(st.one_of(st.binary(max_size=30), st.binary(max_size=30).map(lambda body: frame(body, salt=SALT))), max_size=10))
def test_spans_hold_exactly_valid_frames(parts: list[bytes]) -> None:
    """In any mixture of frames and rubbish, what the spans cover reads as frames from end to end."""
    data = b"".join(parts)
    scan = scan_frames(data, salt=SALT)
    kept = b"".join(data[start:end] for start, end in scan.spans)
    assert scan_frames(kept, salt=SALT).intact
    assert sum(1 for _ in read_frames(kept, salt=SALT)) == scan.frames


def test_the_search_has_an_end_even_when_every_place_looks_promising() -> None:
    """A file made of trailers only, each a place where a frame could end, is given up within the budget."""
    fake = encode_varint(TRAILER_BYTES) + frame(b"", salt=SALT + 1)[1:]
    data = b"\xff" + fake * (RESYNC_POSITIONS_MAX // 100)
    assert scan_frames(data, salt=SALT).frames == 0
