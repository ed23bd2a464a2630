"""Bodies that are small on the wire and huge in memory are refused before they are parsed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.builders import NOW_NS, metric_request, piece, sample_body, tag, trace_request

from tocsin.errors import LimitExceeded, ParseError
from tocsin.model.signal import Signal
from tocsin.wire import headcount
from tocsin.wire.door import Door
from tocsin.wire.headcount import COUNT_BYTES_MIN, limit_records
from tocsin.wire.options import DoorOptions
from tocsin.wire.twin import REQUEST_NAMES

EMPTY = b"\x12\x00" * 600_000
OTHERS = tag(9, 0) + b"\x81\x01" + tag(9, 1) + bytes(8) + tag(9, 5) + bytes(4)
BOMBS = {
    "spans": (Signal.TRACES, piece(1, piece(2, EMPTY))),
    "scopes": (Signal.LOGS, piece(1, EMPTY)),
    "resources": (Signal.LOGS, b"\x0a\x00" * 600_000),
    "metrics": (Signal.METRICS, piece(1, piece(2, EMPTY))),
    "data points": (Signal.METRICS, piece(1, piece(2, piece(2, piece(5, b"\x0a\x00" * 600_000))))),
    "in a group": (Signal.TRACES, tag(99, 3) + piece(1, piece(2, EMPTY)) + tag(99, 4)),
    "behind a group with a wanted number": (Signal.TRACES, tag(1, 3) + tag(1, 4) + piece(1, piece(2, EMPTY))),
    "behind other fields": (Signal.TRACES, piece(1, OTHERS + piece(2, EMPTY))),
}


@pytest.mark.parametrize(("signal", "body"), BOMBS.values(), ids=BOMBS)
def test_too_many_records_are_refused(signal: Signal, body: bytes) -> None:
    """Empty ones, on whatever level: the message names the option."""
    with pytest.raises(LimitExceeded, match="records_max"):
        Door().check(signal, body, now_ns=NOW_NS)


def test_json_counts_like_protobuf() -> None:
    """What came as JSON, and so was never counted on the wire, is held to the same number."""
    door = Door(DoorOptions(records_max=3))
    request = door.twin.parse(Signal.TRACES, trace_request(4).SerializeToString())
    with pytest.raises(LimitExceeded, match="records_max"):
        door.admit(Signal.TRACES, request, now_ns=NOW_NS)


def test_large_ordinary_requests_pass() -> None:
    """Large because of what is in them; the count is exact at the limit."""
    body = trace_request(20_000).SerializeToString()
    assert len(body) > COUNT_BYTES_MIN
    holders = 2  # the resource and the scope
    assert Door(DoorOptions(records_max=20_000 + holders)).check(Signal.TRACES, body, now_ns=NOW_NS).accepted == 20_000
    with pytest.raises(LimitExceeded):
        Door(DoorOptions(records_max=20_000 + holders - 1)).check(Signal.TRACES, body, now_ns=NOW_NS)


def test_small_bodies_are_not_counted() -> None:
    """Below the threshold a body may hold what it likes."""
    limit_records(Signal.METRICS, metric_request().SerializeToString(), records_max=1)


@pytest.mark.parametrize("body", [b"\xff" * COUNT_BYTES_MIN, b"\x0a" * COUNT_BYTES_MIN, b"\x0f" * COUNT_BYTES_MIN, bytes(COUNT_BYTES_MIN)])
def test_large_garbage_is_left_to_the_parser(body: bytes) -> None:
    """Counting neither crashes nor judges."""
    with pytest.raises((ParseError, LimitExceeded)):
        Door().check(Signal.TRACES, body, now_ns=NOW_NS)


@given(st.sampled_from(list(REQUEST_NAMES)), st.data())
def test_mutated_bodies_never_crash_the_count(signal: Signal, data: st.DataObject) -> None:
    """Whatever the bytes: counted, refused, or given up."""
    body = bytearray(sample_body(signal))
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(body) - 1))
        body[position : position + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(headcount, "COUNT_BYTES_MIN", 0)
        try:
            limit_records(signal, bytes(body), records_max=3)
        except LimitExceeded as error:
            assert "3 records" in str(error)  # noqa: PT017 (either outcome is right)
