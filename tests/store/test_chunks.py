"""Chunks: what comes out is what went in, to the bit; what is no chunk is refused; and they are as small as they should be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tocsin.errors import StoreError
from tocsin.model.series import STALE_NAN
from tocsin.store.chunk_decode import decode_times, decode_values
from tocsin.store.chunk_encode import encode_chunk
from tocsin.store.chunk_rows import COUNT, count_within, decode_rows, encode_rows, read_rows
from tocsin.store.chunks import CHUNK_SAMPLES_MAX, CHUNK_WINDOW_MS, ROW_BYTES_MAX

T0 = 1_767_700_800_000
STEP = 15_000

Times = NDArray[np.int64]
Values = NDArray[np.float64]


def encoded(times: Times, values: Values) -> bytes:
    """One chunk."""
    out = np.empty(ROW_BYTES_MAX, dtype=np.uint8)
    scratch = np.full((4, CHUNK_SAMPLES_MAX), -7, dtype=np.int64)
    size = encode_chunk(out, 0, times, values, 0, len(times), scratch)
    assert size <= ROW_BYTES_MAX
    return out[:size].tobytes()


def decoded(chunk: bytes, count: int) -> tuple[Times, Values] | None:
    """The samples of a chunk that lies at an odd place among other bytes; None for what is none."""
    words = np.full(len(chunk) // 8 + 3, 0xFFFF_FFFF_FFFF_FFFF, dtype=np.uint64)
    data = words.view(np.uint8)
    data[3 : 3 + len(chunk)] = np.frombuffer(chunk, dtype=np.uint8)
    times, values = np.zeros(count + 1, dtype=np.int64), np.zeros(count + 1)
    at = decode_times(words, data, 3, 3 + len(chunk), count, T0, times)
    there = at >= 0 and decode_values(words, data, 3, at, 3 + len(chunk), count, values)
    assert times[count] == 0  # nothing is written beyond
    assert values[count] == 0
    return (times[:count], values[:count]) if there else None


def check(times: Sequence[int] | Times, values: Sequence[float] | Values) -> int:
    """That samples come back to the bit; how many bytes they took."""
    sent, numbers = np.array(times, dtype=np.int64), np.array(values, dtype=np.float64)
    chunk = encoded(sent, numbers)
    found = decoded(chunk, len(sent))
    assert found is not None
    assert found[0].tolist() == (sent - sent[0] + T0).tolist()
    assert found[1].view(np.uint64).tolist() == numbers.view(np.uint64).tolist()
    return len(chunk)


def regular(count: int) -> Times:
    """Times every fifteen seconds."""
    return T0 + STEP * np.arange(count, dtype=np.int64)


BITS = st.integers(0, 2**64 - 1).map(lambda bits: float(np.uint64(bits).view(np.float64)))
ODD = st.sampled_from([STALE_NAN, float("nan"), float("inf"), float("-inf"), -0.0, 0.0, 5e-324, 2.0**53, 2.0**53 + 2, 1.7e308])
DECIMAL = st.builds(lambda whole, exponent: whole / 10**exponent, st.integers(-(10**15), 10**15), st.integers(0, 15))
NUMBERS = st.one_of(
    st.lists(BITS, min_size=1, max_size=200),
    st.lists(st.one_of(DECIMAL, ODD), min_size=1, max_size=200),
    st.lists(st.integers(-(2**60), 2**60).map(float), min_size=1, max_size=200),
    st.lists(st.floats(0, 1), min_size=1, max_size=200),
    st.lists(st.integers(0, 1000).map(lambda number: number * 4096.0), min_size=1, max_size=200),
    st.lists(st.one_of(st.integers(0, 9).map(float), st.just(STALE_NAN)), min_size=1, max_size=200),
)
GAPS = st.one_of(st.just(STEP), st.integers(1, 100), st.integers(STEP - 3, STEP + 3))


@settings(max_examples=150, deadline=None)
@given(values=NUMBERS, gaps=st.lists(GAPS, min_size=200, max_size=200))
@example(values=[float("-inf"), 1.0, float("nan")], gaps=[1] * 200)
@example(values=[-0.0], gaps=[1] * 200)
def test_anything_comes_back_to_the_bit(values: list[float], gaps: list[int]) -> None:
    """Any numbers at any ascending times."""
    check(T0 + np.cumsum(gaps)[: len(values)], values)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 1500), exponent=st.integers(0, 9), spread=st.integers(0, 40))
def test_long_chunks_come_back(seed: int, count: int, exponent: int, spread: int) -> None:
    """Walks of any stride, with a reset and a stale marker among them."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.integers(-(2**spread), 2**spread, count, endpoint=True)) / 10**exponent
    walk[rng.integers(count)] = 0.0
    walk[rng.integers(count)] = STALE_NAN
    check(T0 + np.cumsum(rng.integers(1, 2 ** rng.integers(1, 12), count)), walk)


@pytest.mark.parametrize(
    ("values", "bytes_max"),
    [
        (np.full(480, 17.0), 16),
        (np.full(480, np.pi), 24),
        (np.full(480, STALE_NAN), 24),
        (np.append(np.full(479, 5.0), STALE_NAN), 32),
        (np.arange(480) * 3.0 + 1e9, 24),
        (np.round(12345.67 + np.arange(480) * 0.15, 2), 24),
        (np.cumsum(np.arange(480) % 8) * 4096.0, 480 * 3 // 8 + 60),
        (np.round(np.cumsum(14.9 + np.arange(480) % 13 / 100), 2), 480 // 2 + 100),
    ],
    ids=["constant", "constant bits", "stale", "ends stale", "steady counter", "steady cents", "pages", "busy cents"],
)
def test_size(values: Values, bytes_max: int) -> None:
    """What a chunk of two hours may take, at most."""
    assert check(regular(480), values) <= bytes_max


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_what_is_no_chunk_is_refused(data: st.DataObject) -> None:
    """Bytes cut, changed, or made up: a fault or some samples, never a read or a write outside."""
    values = data.draw(NUMBERS)
    chunk = bytearray(encoded(regular(len(values)), np.array(values)))
    for _ in range(data.draw(st.integers(0, 3))):
        chunk[data.draw(st.integers(0, len(chunk) - 1))] = data.draw(st.integers(0, 255))
    count = data.draw(st.sampled_from([len(values), 1, len(values) + 1, CHUNK_SAMPLES_MAX]))
    decoded(bytes(chunk[: data.draw(st.integers(0, len(chunk)))]), count)
    decoded(data.draw(st.binary(max_size=60)), count)


@pytest.mark.parametrize("cut", [1, 2, 5, 20])
def test_a_chunk_that_was_cut(cut: int) -> None:
    """It says so."""
    chunk = encoded(regular(100), np.arange(100, dtype=np.float64) * 1.5 % 7)
    assert decoded(chunk[:-cut], 100) is None
    assert decoded(chunk + b"\0", 100) is None


def test_rows_of_chunks() -> None:
    """Series are cut at their ends, at windows and at the largest chunk; what is read within a range is exact at both ends."""
    ids = np.repeat(np.array([3, 9, 2**63], dtype=np.uint64), [1000, 1, 9000])
    times = np.concatenate([regular(1000), [T0 + 7], T0 + np.arange(9000)])
    values = np.arange(10001, dtype=np.float64) * 0.5
    received = np.full(10001, T0 * 1000, dtype=np.int64)
    out = np.empty(2 * ROW_BYTES_MAX, dtype=np.uint8)
    chunks, last, size = encode_rows(out, ids, times, values, received, 0)
    assert last == 10001
    read = read_rows(memoryview(out[:size].tobytes()))
    assert len(read.heads) == chunks
    assert read.heads[:, COUNT].tolist() == [480, 480, 40, 1, 8192, 808]
    start, end = int(times[10]), int(times[600])
    counts = np.empty(chunks, dtype=np.int64)
    assert count_within(read.words, read.heads, start, end, counts, 0, chunks) == -1
    places = np.cumsum(counts) - counts
    got_times, got_values = np.empty(counts.sum(), dtype=np.int64), np.empty(counts.sum())
    assert decode_rows(read.words, read.heads, start, end, counts, places, got_times, got_values, 0, chunks) == -1
    within = (times >= start) & (times <= end)
    assert got_times.tolist() == times[within].tolist()
    assert got_values.tolist() == values[within].tolist()
    assert CHUNK_WINDOW_MS == 480 * STEP


def test_rows_that_are_cut_or_broken() -> None:
    """An answer that ends too early is refused; a broken chunk is named by its place."""
    out = np.empty(2 * ROW_BYTES_MAX, dtype=np.uint8)
    one = np.ones(3, dtype=np.uint64)
    _, _, size = encode_rows(out, one, regular(3), np.array([1.0, 5.0, 2.0]), np.ones(3, dtype=np.int64), 0)
    for cut in range(1, size):
        with pytest.raises(StoreError, match="ends within a chunk"):
            read_rows(memoryview(out[:cut].tobytes()))
    broken = read_rows(memoryview(out[: size - 1].tobytes() + b"\xff"))
    for count in (0, 2**31, 400):
        broken.heads[0, COUNT] = count
        counts = np.empty(1, dtype=np.int64)
        first = count_within(broken.words, broken.heads, 0, 2**62, counts, 0, 1)
        if first < 0:
            samples = np.empty(count, dtype=np.int64)
            first = decode_rows(broken.words, broken.heads, 0, 2**62, counts, counts * 0, samples, samples.view(np.float64), 0, 1)
        assert first == 0
