"""Counts per minute: the highest version holds, layers add up, hours agree with minutes, and sums over any ranges are exact."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.store.builders import NOW
from tests.store.conftest import opened

from tocsin.store.options import StoreOptions
from tocsin.store.slo_minutes import MinuteRows, counted_layers, delete_counts, drop_counts_before, insert_minutes, read_minutes, sum_cells
from tocsin.store.sql import Sql
from tocsin.store.store import Store

MINUTE = NOW // 10**9 // 60 * 60
HOUR = MINUTE // 3600 * 3600


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store on the embedded engine; each test has an objective of its own."""
    yield from opened(tmp_path_factory.mktemp("minutes"), StoreOptions())


def rows(objective: str, minutes: list[int], good: float, total: float, *, layer: int = 0) -> MinuteRows:
    """The same counts for some minutes, counted from MINUTE."""
    at = np.array([MINUTE + 60 * minute for minute in minutes], dtype=np.int64)
    return MinuteRows(objective, at, np.full(len(at), layer), np.tile([good, total, 0.0, 1.0], (len(at), 1)))


def test_the_highest_version_holds_before_anything_is_merged(store: Store) -> None:
    """A minute counted again replaces what was counted, whatever comes last."""
    insert_minutes(store.engine, [rows("again", [0, 1], 1, 2)], version=2)
    insert_minutes(store.engine, [rows("again", [0], 5, 6)], version=3)
    insert_minutes(store.engine, [rows("again", [1], 9, 9)], version=1)
    minutes, counts = read_minutes(store.engine, "again", MINUTE, MINUTE + 120)
    assert minutes.tolist() == [MINUTE, MINUTE + 60]
    assert counts.tolist() == [[5, 6, 0, 1], [1, 2, 0, 1]]


def test_layers_add_up(store: Store) -> None:
    """What was counted before raw rows were dropped, and what came for them later, are one minute."""
    insert_minutes(store.engine, [rows("layers", [0], 1, 2), rows("layers", [0], 3, 4, layer=2)], version=1)
    assert read_minutes(store.engine, "layers", MINUTE, MINUTE + 60)[1].tolist() == [[4, 6, 0, 2]]
    (cell,) = sum_cells(store.engine, ["layers"], [MINUTE, MINUTE + 60])["layers"].tolist()
    assert cell == [4, 6, 0, 2, 1]
    at, layers = counted_layers(store.engine, "layers", 0, 2**32)
    assert sorted(zip(at.tolist(), layers.tolist(), strict=True)) == [(MINUTE, 0), (MINUTE, 2)]


@pytest.mark.parametrize("seed", range(2))
def test_sums_equal_the_minutes(store: Store, seed: int) -> None:
    """Over any stretches, of many objectives at once, hours and minutes together give what adding the minutes gives."""
    chance = random.Random(seed)
    keys = [f"sums-{seed}-{place}" for place in range(3)]
    truth: dict[tuple[str, int], tuple[int, int]] = {}
    for version in range(1, 6):
        some = []
        for key in keys:
            at = sorted(chance.sample(range(-300, 300), 40))
            good = chance.randint(0, 5)
            total = good + chance.choice((0, 3))
            some.append(rows(key, at, good, total))
            truth.update({(key, MINUTE + 60 * minute): (good, total) for minute in at})
        insert_minutes(store.engine, some, version=version)
    for _ in range(4):
        bounds = sorted({MINUTE + 60 * chance.randint(-310, 310) for _ in range(6)} | {MINUTE - 60 * 320, MINUTE + 60 * 320})
        found = sum_cells(store.engine, keys, bounds)
        for key in keys:
            for place, (start, end) in enumerate(pairwise(bounds)):
                inside = [counts for (of, minute), counts in truth.items() if of == key and start <= minute < end]
                expected = [sum(good for good, _ in inside), sum(total for _, total in inside), sum(total > 0 for _, total in inside)]
                assert found[key][place][[0, 1, 4]].tolist() == expected, (seed, key, start, end)


def test_a_long_name_is_a_name(store: Store) -> None:
    """Keys longer than 127 bytes, and not only ASCII, are written and found."""
    key = "größe/" * 40
    insert_minutes(store.engine, [rows(key, [0], 1, 1)], version=1)
    assert len(read_minutes(store.engine, key, MINUTE, MINUTE + 60)[0]) == 1


def test_deleted_counts_are_gone(store: Store) -> None:
    """Minutes and hours of one objective; another's stay."""
    insert_minutes(store.engine, [rows("gone", [0], 1, 1), rows("stays", [0], 1, 1)], version=1)
    delete_counts(store.engine, "gone")
    assert list(sum_cells(store.engine, ["gone", "stays"], [HOUR, HOUR + 3600])) == ["stays"]


def test_old_counts_go_by_partition(tmp_path: Path, store: Store) -> None:
    """Partitions whose last minute is old enough are dropped, of minutes and of hours."""
    old = MinuteRows("old", np.array([MINUTE - 400 * 86_400]), np.zeros(1, dtype=np.int64), np.ones((1, 4)))
    insert_minutes(store.engine, [old], version=1)
    assert drop_counts_before(store.engine, MINUTE - 300 * 86_400) == 2
    assert store.engine.query(Sql("SELECT count() FROM slo_minutes WHERE objective = 'old'")).rows == [[0]]
