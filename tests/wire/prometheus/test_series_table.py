"""The table of raw hashes that each door has: what it knows, what it forgets; and the hash itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tocsin.wire.prometheus.hashing import hash_bytes
from tocsin.wire.prometheus.series_rows import NO_DAY
from tocsin.wire.prometheus.series_table import KNOWN, STALE, UNDEFINED, UNKNOWN, SeriesTable
from tocsin.wire.prometheus.slots import find_slot, insert_keys

DAY = 20_000


def hashes_of(*numbers: int) -> NDArray[np.uint64]:
    """Hashes of numbers, good ones."""
    data = np.frombuffer(b"".join(number.to_bytes(8, "little") for number in numbers), np.uint8)
    return np.array([hash_bytes(data, 8 * index, 8 * index + 8, np.uint64(3)) for index in range(len(numbers))], np.uint64)


def verdicts_of(
    table: SeriesTable, hashes: NDArray[np.uint64], *, first: int = DAY, last: int = DAY, generation: int = 0, now_s: float = 0
) -> list[int]:
    """What the table says of hashes."""
    days = (np.full(len(hashes), day, np.int32) for day in (first, last))
    verdicts: list[int] = table.look_up(hashes, *days, generation=generation, now_s=now_s).verdicts.tolist()
    return verdicts


def days_of(*days: int) -> NDArray[np.int32]:
    """Days as an array."""
    return np.array(days, np.int32)


def test_a_series_goes_from_unknown_over_undefined_to_known() -> None:
    """Admitted, its labels must still travel; once they are durable, nothing more."""
    table, hashes = SeriesTable(entries_max=100), hashes_of(1)
    assert verdicts_of(table, hashes) == [UNKNOWN]
    table.admit(hashes, np.array([77], np.uint64), generation=0, now_s=0)
    assert verdicts_of(table, hashes) == [UNDEFINED]
    table.define(hashes, days_of(DAY))
    resolution = table.look_up(hashes, days_of(DAY), days_of(DAY), generation=0, now_s=0)
    assert (resolution.verdicts.tolist(), resolution.series_ids.tolist()) == ([KNOWN], [77])
    assert verdicts_of(table, hashes, generation=1) == [STALE]
    table.touch(hashes, generation=1)
    assert verdicts_of(table, hashes, generation=1) == [KNOWN]
    table.undefine(np.array([77], np.uint64))
    assert verdicts_of(table, hashes, generation=1) == [UNDEFINED]
    table.forget(hashes)
    assert verdicts_of(table, hashes, generation=1) == [UNKNOWN]


def test_two_days_are_remembered() -> None:
    """Samples around midnight are known; those of three days never, and no day is asked for a series without samples."""
    table, hashes = SeriesTable(entries_max=100), hashes_of(1)
    table.admit(hashes, np.array([77], np.uint64), generation=0, now_s=0)
    assert verdicts_of(table, hashes, first=NO_DAY, last=NO_DAY) == [KNOWN]
    table.define(np.repeat(hashes, 2), days_of(DAY, DAY + 1))
    assert verdicts_of(table, hashes, first=DAY, last=DAY + 1) == [KNOWN]
    assert verdicts_of(table, hashes, first=DAY + 1, last=DAY + 2) == [UNDEFINED]
    table.define(hashes, days_of(DAY + 2))
    assert verdicts_of(table, hashes) == [UNDEFINED]
    table.define(hashes, days_of(DAY))
    assert verdicts_of(table, hashes, first=DAY, last=DAY + 2) == [UNDEFINED]


def test_a_refusal_is_remembered_for_a_while() -> None:
    """Until it runs out, then the registry is asked again, and may admit."""
    table, hashes = SeriesTable(entries_max=100), hashes_of(1, 2)
    table.refuse(hashes, np.array([3, 4], np.uint8), until_s=60, generation=0, now_s=0)
    assert verdicts_of(table, hashes, now_s=59) == [3, 4]
    assert verdicts_of(table, hashes, now_s=60) == [UNKNOWN, UNKNOWN]
    table.admit(hashes[:1], np.array([77], np.uint64), generation=0, now_s=60)
    assert verdicts_of(table, hashes, now_s=60) == [UNDEFINED, UNKNOWN]


def test_it_grows_and_keeps_what_it_knows() -> None:
    """Tens of thousands, one by one and many at once."""
    table = SeriesTable(entries_max=100_000)
    hashes = hashes_of(*range(20_000))
    ids = np.arange(1, 20_001, dtype=np.uint64)
    for start in range(0, 1000, 7):
        table.admit(hashes[start : start + 7], ids[start : start + 7], generation=0, now_s=0)
    table.admit(hashes, ids, generation=0, now_s=0)
    assert len(table) == 20_000
    resolution = table.look_up(hashes, np.full(20_000, NO_DAY, np.int32), np.full(20_000, NO_DAY, np.int32), generation=0, now_s=0)
    assert resolution.series_ids.tolist() == ids.tolist()
    assert table.size_bytes < 20_000 * 120


def test_a_flood_of_refusals_does_not_grow_it_without_end() -> None:
    """Beyond the bound refused ones are forgotten, admitted ones stay."""
    table = SeriesTable(entries_max=5000)
    known = hashes_of(1)
    table.admit(known, np.array([77], np.uint64), generation=0, now_s=0)
    for start in range(1000, 40_000, 1000):
        hashes = hashes_of(*range(start, start + 1000))
        table.refuse(hashes, np.ones(1000, np.uint8), until_s=60, generation=0, now_s=0)
    assert table.size_bytes < 40 * 16_384
    assert verdicts_of(table, known, first=NO_DAY) == [KNOWN]


def test_old_series_make_room_first() -> None:
    """Not seen for two generations: forgotten when room is needed."""
    table = SeriesTable(entries_max=5000)
    for generation in range(0, 20, 2):
        hashes = hashes_of(*range(generation * 1000, generation * 1000 + 1000))
        table.admit(hashes, np.arange(1, 1001, dtype=np.uint64), generation=generation, now_s=0)
        assert verdicts_of(table, hashes, first=NO_DAY, generation=generation) == [KNOWN] * 1000
    assert table.size_bytes < 40 * 8192


@settings(deadline=None)  # the first call compiles
@given(st.binary(max_size=100), st.integers(0, 2**64 - 1))
def test_a_hash_depends_on_the_bytes_alone(text: bytes, seed: int) -> None:
    """Not on where they stand; never 0; another seed gives another one."""
    plain = np.frombuffer(text, np.uint8)
    shifted = np.frombuffer(b"\xff" * 5 + text + b"\x01" * 5, np.uint8)
    value = hash_bytes(plain, 0, len(text), np.uint64(seed))
    assert value == hash_bytes(shifted, 5, 5 + len(text), np.uint64(seed)) != 0
    assert value != hash_bytes(plain, 0, len(text), np.uint64(seed ^ 1))


@pytest.mark.parametrize("length", [1, 7, 8, 9, 31, 32, 33, 100])
def test_each_bit_changes_half_of_the_hash(length: int) -> None:
    """Avalanche: between 20 and 44 of 64 bits flip on every change of one, 32 on average."""
    text = np.arange(length, dtype=np.uint8)
    value = int(hash_bytes(text, 0, length, np.uint64(9)))
    flips = []
    for bit in range(length * 8):
        other = text.copy()
        other[bit // 8] ^= 1 << bit % 8
        flips.append((value ^ int(hash_bytes(other, 0, length, np.uint64(9)))).bit_count())
    assert min(flips) > 10
    assert max(flips) < 54
    assert 28 < np.mean(flips) < 36


def test_zeros_of_different_lengths_differ() -> None:
    """Padding does not collide."""
    zeros = np.zeros(200, np.uint8)
    assert len({int(hash_bytes(zeros, 0, length, np.uint64(0))) for length in range(200)}) == 200


def test_a_key_that_is_not_there_points_to_its_place() -> None:
    """The empty slot that an insertion would take, around the end of the table too."""
    table = np.zeros(1024, np.uint64)
    assert insert_keys(table, np.array([1023, 2047, 1023], np.uint64)).tolist() == [1023, 0, 1023]
    assert find_slot(table, np.uint64(3071)) == -1 - 1
    assert find_slot(table, np.uint64(2047)) == 0
