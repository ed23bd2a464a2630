"""What anybody may send to the remote write door: cut, bent and random bodies end in a refusal or a success, never in anything else."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import cramjam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wire.prometheus import write_builders as wb
from tests.wire.prometheus.test_remote_write import VERSIONS, Receiver
from tests.wire.prometheus.write_builders import NOW_MS, Series, histogram, pairs, sample, up

from tocsin.errors import InvalidInput, LimitExceeded, ParseError
from tocsin.model.labels import Labels
from tocsin.model.sample_block import series_id
from tocsin.wire.prometheus.options import RemoteWriteOptions
from tocsin.wire.prometheus.write_content import WriteContent

RECEIVER = Receiver()


def rich_request(version: int) -> bytes:
    """A request with everything in it."""
    exemplar = ([("trace_id", "0af7651916cd43dd8448eb211c80319c")], 0.5, NOW_MS)
    return wb.request(
        version,
        Series(pairs("up", {"job": "a"}), [sample(1), sample(2, NOW_MS + 1)], exemplars=[exemplar], metadata=(1, "Help", "s")),
        Series(pairs("lag", {"job": "a"}), histograms=[histogram(count=3, positive=[(-1, 2), (2, 1)], deltas=[1, 0, 0])]),
        extra=wb.metadata_v1("up", 2, "Whether") if version == 1 else b"",
    )


@VERSIONS
def test_a_body_cut_anywhere_is_a_success_or_damaged(version: int) -> None:
    """At every byte: what ends between two fields is a shorter request, all else can't be read."""
    whole = rich_request(version)
    outcomes = []
    for length in range(len(whole) + 1):
        with suppress(ParseError):
            outcomes.append(RECEIVER.send(version, whole[:length]).samples)
    assert outcomes[0] == 0
    assert outcomes[-1] == 2
    assert len(outcomes) < 15


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.5, 0.99])
def test_half_a_snappy_frame_cannot_be_read(keep: float) -> None:
    """An upload that was interrupted stores nothing."""
    packed = bytes(cramjam.snappy.compress_raw(wb.request(1, *(up(n=str(number)) for number in range(200)))))
    batches = len(RECEIVER.acceptor.batches)
    with pytest.raises(ParseError, match="snappy"):
        RECEIVER.door.write(packed[: int(len(packed) * keep)], content_encoding="snappy")
    assert len(RECEIVER.acceptor.batches) == batches


@VERSIONS
@pytest.mark.parametrize("wire_type", [0, 1, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("field", [1, 2, 3, 4])
def test_fields_of_a_wrong_type_cannot_be_read(version: int, field: int, wire_type: int) -> None:
    """A time series whose field has another wire type; references of 2.0 may come unpacked."""
    tag = wb.varint(field << 3 | wire_type)
    body = wb.piece(1 if version == 1 else 5, tag + bytes(16))
    whole = body if version == 1 else wb.piece(4, b"") + body
    if version == 2 and (field, wire_type) == (1, 0):
        with pytest.raises(ParseError):
            RECEIVER.send(version, whole[:-1])
        return
    with pytest.raises(ParseError, match="damaged"):
        RECEIVER.send(version, whole)


@VERSIONS
@pytest.mark.parametrize(
    "inner", [b"\x0d" + bytes(8), b"\x12" + bytes(8), b"\x15\x01\x02\x03\x04", b"\x09\x01", b"\x10", b"\x10" + b"\xff" * 10]
)
def test_damaged_samples_cannot_be_read(version: int, inner: bytes) -> None:
    """Values that are no doubles, times that are no varints, either cut short."""
    with pytest.raises(ParseError, match="damaged"):
        RECEIVER.write(version, Series(pairs("up"), [inner]))


@VERSIONS
@pytest.mark.parametrize("length", [2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1])
def test_lengths_beyond_the_body_are_not_believed(version: int, length: int) -> None:
    """At every level, also where they look negative."""
    top = wb.varint((1 if version == 1 else 5) << 3 | 2)
    series = wb.varint(2 << 3 | 2)
    empty = b"" if version == 1 else wb.piece(4, b"")
    for body in (
        top + wb.varint(length) + bytes(64),
        wb.piece(1 if version == 1 else 5, series + wb.varint(length) + bytes(64)),
        wb.piece(1 if version == 1 else 5, wb.varint(1 << 3 | 2) + wb.varint(length)),
    ):
        with pytest.raises(ParseError, match="damaged"):
            RECEIVER.send(version, empty + body)


def test_tags_written_in_more_bytes_than_they_need_end() -> None:
    """A tag of a sample in two bytes must not be looked at for ever."""
    body = wb.piece(1, b"\x92\x00" + wb.varint(len(sample(1))) + sample(1))
    with pytest.raises(ParseError, match="damaged"):
        RECEIVER.send(1, body)


@VERSIONS
def test_a_flood_of_tiny_parts_stays_bounded(version: int) -> None:
    """Hundreds of thousands of empty series, samples, symbols, labels and metadata in a few bytes each."""
    receiver = Receiver(RemoteWriteOptions(samples_max=100_000, items_max=1000))
    empty = b"" if version == 1 else wb.piece(4, b"")
    field = 1 if version == 1 else 5
    with pytest.raises(LimitExceeded):
        receiver.send(version, empty + wb.piece(field, b"") * 300_000)
    with pytest.raises(LimitExceeded):
        receiver.send(version, empty + wb.piece(field, wb.piece(2, b"") * 300_000))
    with pytest.raises(LimitExceeded):
        receiver.send(version, wb.piece(3 if version == 1 else 4, b"") * 300_000)
    with pytest.raises(LimitExceeded):
        receiver.send(version, empty + wb.piece(field, wb.piece(4, b"") * 300_000))
    labels = wb.piece(1, b"") * 300_000 if version == 1 else wb.piece(1, bytes(300_000))
    outcome = receiver.send(version, empty + wb.piece(field, labels + wb.piece(2, sample(1))))
    assert (outcome.refused, "(labels_max)" in outcome.message) == (1, True)


def test_a_flood_of_refused_series_is_cheap_the_second_time() -> None:
    """They are remembered by their hash: no label of them is parsed again."""
    receiver = Receiver(series_max=1)
    receiver.write(1, up())
    flood = wb.request(1, *(up(n=str(number)) for number in range(500)))
    assert receiver.send(1, flood).refused == 500
    asked = receiver.registry.statistics().refused["series_max"]
    receiver.registry.admit = None  # type: ignore[assignment,method-assign]  # whoever asks now, fails
    assert receiver.send(1, flood).refused == 500
    assert receiver.registry.statistics().refused["series_max"] == asked + 500


@VERSIONS
@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_bent_bodies_end_well(version: int, data: st.DataObject) -> None:
    """Any bytes changed, cut out or put in: stored, refused, or not readable, and never more samples than there were."""
    body = bytearray(rich_request(version))
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(body)))
        body[position : position + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=5))
    outcome = _outcome(version, bytes(body))
    assert outcome is None or outcome.samples <= len(body) // 2


@settings(deadline=None, max_examples=200)
@given(body=st.binary(max_size=300), version=st.sampled_from([1, 2]), encoding=st.sampled_from(["snappy", "zstd", "identity"]))
def test_random_bodies_end_well(body: bytes, version: int, encoding: str) -> None:
    """Whatever they are."""
    _outcome(version, body, encoding)


LABELS = st.dictionaries(st.text(min_size=1, max_size=6), st.text(min_size=1, max_size=9), max_size=5)
SAMPLES = st.lists(st.tuples(st.floats(allow_nan=False), st.integers(0, NOW_MS)), min_size=1, max_size=5)


@settings(deadline=None, max_examples=100)
@given(series=st.lists(st.tuples(LABELS, SAMPLES), max_size=6), version=st.sampled_from([1, 2]), order=st.randoms(use_true_random=False))
def test_what_goes_in_comes_out(series: list[tuple[dict[str, str], list[tuple[float, int]]]], version: int, order: Any) -> None:
    """What comes out is what went in, whatever the labels and the order; the last of a time stands."""
    receiver = Receiver()
    sent, last = [], dict[tuple[int, int], float]()
    for labels, samples in series:
        named = list({**labels, "__name__": "metric"}.items())
        order.shuffle(named)
        sent.append(Series(named, [sample(*one) for one in samples]))
        last |= {(series_id(Labels(named)), timestamp_ms): value for value, timestamp_ms in samples}
    wanted = [(*key, value) for key, value in last.items()]
    assert receiver.write(version, *sent).samples == len(wanted)
    assert receiver.samples == wanted
    receiver.write(version, *sent)
    assert receiver.samples == wanted * 2
    assert len({(item.id, item.day) for item in receiver.definitions}) <= len(receiver.definitions)


def _outcome(version: int, body: bytes, encoding: str = "identity") -> Any:
    try:
        return RECEIVER.door.settle(RECEIVER.door.take(body, WriteContent(version, encoding)))
    except InvalidInput:
        return None
