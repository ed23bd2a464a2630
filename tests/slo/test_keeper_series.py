"""Objectives in PromQL: minutes that are over are evaluated, those that late samples may have changed again, and nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.slo.keeping import SECOND, START_S, Event, World
from tests.slo.test_series_counts import Beside

from tocsin.model.signal import Signal
from tocsin.slo.definition import Operator, SeriesRatio, SeriesThreshold
from tocsin.slo.minutes import MinuteRange
from tocsin.store.sql import Sql

BASE_S = 1_700_000_040 // 60 * 60  # what Beside counts its seconds from


class Metered(World):
    """A world whose series lie in memory; that samples came is told by rows of the store."""

    def __init__(self, folder: Path) -> None:
        self.beside = Beside()
        super().__init__(folder)
        self.metrics = self.beside
        self.restart()

    def sample(self, name: str, at_s: int, value: float) -> None:
        """A sample arrives."""
        self._segments += 1
        self.beside.add(name, {at_s - BASE_S: value})
        row = "SELECT 1, toDateTime64({at:Int64}, 3, 'UTC'), {value:Float64}, now(), {segment:UInt64}"
        touch = "SELECT {segment:UInt64}, 'samples', '', toStartOfMinute(toDateTime({at:Int64}, 'UTC')), now(), now()"
        values: dict[str, int | float] = {"at": at_s, "value": value, "segment": self._segments}
        self.store.engine.execute(Sql(f"INSERT INTO samples (series_id, ts, value, received, segment) {row}", values))
        self.store.engine.execute(Sql(f"INSERT INTO touched {touch}", {"at": at_s, "segment": self._segments}))
        self.keeper.segment_loaded(Signal.SAMPLES, self._segments)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Metered]:
    """A store with a keeper and PromQL."""
    made = Metered(tmp_path)
    yield made
    made.beside.promql.close()
    made.close()


def last(world: World, key: str, minutes: int) -> list[tuple[float, float]]:
    """Good and total of the last minutes up to now."""
    now_s = world.clock.now_s // 60 * 60
    counts = world.counts.minutes(key, MinuteRange(now_s - 60 * minutes, now_s))
    return list(zip(counts.good.tolist(), counts.total.tolist(), strict=True))


def test_series_are_evaluated_when_minutes_are_over(world: Metered) -> None:
    """The past first, then each minute once it is over, and a late sample changes its minute and those after it."""
    for at_s, value in ((-170, 100), (-110, 110), (-50, 130)):
        world.sample("done", START_S + at_s, value)
    world.define("s", SeriesRatio("done", "done"))
    world.clock.now_s += 30
    world.keeper.run_once()
    assert last(world, "s", 3) == [(0, 0), (10, 10), (20, 20)]
    world.sample("done", START_S + 10, 135)
    world.clock.now_s += 60
    world.keeper.run_once()
    assert last(world, "s", 2) == [(20, 20), (5, 5)]
    world.sample("done", START_S - 20, 133)
    world.keeper.run_once()
    assert last(world, "s", 2) == [(23, 23), (2, 2)]


def test_a_query_that_fails_is_set_aside(world: Metered) -> None:
    """It holds up neither other series nor events."""
    world.sample("temperature", START_S - 30, 20)
    world.define("wrong", SeriesThreshold("sum by (", Operator.BELOW, 30))
    world.define("right", SeriesThreshold("temperature", Operator.BELOW, 30))
    world.clock.now_s += 30
    world.send(Event("shop", START_S * SECOND, False))
    world.keeper.run_once()
    assert world.keeper.statistics().refused == 1
    assert last(world, "right", 1) == [(1, 1)]


def test_without_promql_series_wait(world: Metered) -> None:
    """Nothing is known of them, and nothing fails."""
    world.metrics = None
    world.restart()
    world.define("right", SeriesThreshold("temperature", Operator.BELOW, 30))
    world.keeper.run_once()
    assert "right" not in world.counts.progress()
