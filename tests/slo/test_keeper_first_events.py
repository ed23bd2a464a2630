"""Throughput and freshness: no minute before the first event is an observation, every one after it is."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.slo.keeping import DAY_S, SECOND, START_S, Event, World, spans

from tocsin.errors import StoreError
from tocsin.slo.definition import EventFreshness, EventRate
from tocsin.slo.minutes import MINUTE_S, MinuteRange

ALWAYS = MinuteRange(START_S - 60 * DAY_S, START_S + 60 * DAY_S)
WITHIN_S = 150
STEPS = 14


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A store with a keeper, and two objectives that were defined before anything was sent."""
    made = World(tmp_path)
    made.define("fresh", EventFreshness(spans("service:shop path:/tick"), WITHIN_S))
    made.define("often", EventRate(spans("service:shop path:/tick"), 1.5 / 60))
    made.keeper.run_once()
    yield made
    made.close()


def observed(world: World, key: str) -> dict[int, bool]:
    """Minutes that are observations, and whether they are good."""
    found = world.counts.minutes(key, ALWAYS)
    starts = range(found.start_s, found.end_s, MINUTE_S)
    return {minute: bool(good) for minute, good, total in zip(starts, found.good, found.total, strict=True) if total}


def by_hand(world: World, key: str) -> dict[int, bool]:
    """What brute force says of everything that was ever sent."""
    seen = sorted(event.at_ns for event in world.sent if event.path == "/tick")
    if not seen:
        return {}
    first_s, over_s = seen[0] // SECOND // 60 * 60, (world.clock.now_s - 30) // 60 * 60
    good = {}
    for minute in range(first_s, over_s, MINUTE_S):
        end_ns = (minute + MINUTE_S) * SECOND
        if key == "fresh":
            good[minute] = any(end_ns - WITHIN_S * SECOND <= at < end_ns for at in seen)
        else:
            good[minute] = sum(end_ns - MINUTE_S * SECOND <= at < end_ns for at in seen) >= 2
    return good


def passes(world: World, seconds: int) -> None:
    """Let time pass, and count."""
    world.clock.now_s += seconds
    world.clock.monotonic += seconds
    world.keeper.run_once()


def tick(world: World, age_s: float = 0, path: str = "/tick") -> Event:
    """An event so long ago."""
    return Event("shop", world.clock.now_s * SECOND - int(age_s * SECOND), False, path)


def test_a_stream_that_was_never_seen_has_no_data(world: World) -> None:
    """However long it was waited for, and whatever else the service did, before and after a restart."""
    world.send(tick(world, path="/other"))
    passes(world, 600)
    world.restart()
    passes(world, 600)
    assert observed(world, "fresh") == observed(world, "often") == {}


def test_a_new_stream_begins_with_its_first_event(world: World) -> None:
    """The minutes before it are no bad ones; silence after it is bad, after a restart too."""
    passes(world, 1200)
    world.send(tick(world), tick(world))
    first_s = world.clock.now_s // 60 * 60
    passes(world, 300)
    assert list(observed(world, "fresh").values()) == [True, True, False, False]
    assert list(observed(world, "often").values()) == [True, False, False, False]
    assert min(observed(world, "fresh")) == min(observed(world, "often")) == first_s
    world.restart()
    passes(world, 120)
    assert list(observed(world, "fresh").values()) == [True, True, False, False, False, False]
    assert len(observed(world, "often")) == 6


def test_a_stream_that_died_stays_bad_when_its_events_are_gone(world: World) -> None:
    """Retention takes the first event, but not what is known of it."""
    world.send(tick(world))
    passes(world, 300)
    world.clock.now_s += 40 * DAY_S
    assert world.expire()
    world.restart()
    passes(world, 0)
    assert not observed(world, "fresh")[(world.clock.now_s - 30) // 60 * 60 - 60]


def test_a_failed_pass_finds_the_first_event_again(world: World) -> None:
    """What a pass that failed would have judged is judged by the next one."""
    passes(world, 600)
    world.send(tick(world, 400))
    write = world.keeper._current._write

    def fails(_: object) -> int:
        raise StoreError("the disk is full")

    world.keeper._current._write = fails
    with pytest.raises(StoreError):
        world.keeper.run_once()
    world.keeper._current._write = write
    world.keeper.run_once()
    assert observed(world, "fresh") == by_hand(world, "fresh")
    assert observed(world, "often") == by_hand(world, "often")


@pytest.mark.parametrize("seed", range(3))
def test_observations_equal_brute_force(world: World, seed: int) -> None:
    """Late events, older than the first, older than the definition, restarts, deaths: after each pass all is as counted by hand."""
    chance = random.Random(seed)
    for step in range(STEPS):
        world.clock.now_s += chance.choice((1, 61, 240, 1500))
        world.clock.monotonic += 100
        died = chance.random() < 0.3
        if step > 2:
            ages_s = [chance.choice((0, 5, 70, 400, 2000, 9000)) for _ in range(chance.randint(1, 3))]
            events = [tick(world, age_s, chance.choice(("/tick", "/tick", "/other"))) for age_s in ages_s]
            world.send(*events, told=not died)
        if died:
            world.restart()
        world.keeper.run_once()
        for key in ("fresh", "often"):
            assert observed(world, key) == by_hand(world, key), (seed, step, key)
