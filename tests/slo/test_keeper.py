"""Counts are what counting everything ever sent by hand gives, whatever comes late, dies, is dropped or is decided afterwards."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.slo.keeping import DAY_S, SECOND, START_S, Event, World, spans

from tocsin.slo.definition import EventRatio
from tocsin.slo.minutes import MinuteRange, Sums

ALWAYS = MinuteRange(START_S - 60 * DAY_S, START_S + 60 * DAY_S)
SERVICES = ("shop", "pay", "mail")
STEPS = 14


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A store with a keeper."""
    made = World(tmp_path)
    yield made
    made.close()


def ratio(query: str) -> EventRatio:
    """Spans that did not fail among all of a query."""
    return EventRatio(spans(query), spans("error:true"), inverted=True)


def by_hand(world: World, key: str, service: str | None, *, excluded: str = "", until: int | None = None) -> Sums:
    """What brute force says of everything that was ever sent."""
    good = total = excluded_good = excluded_total = 0
    minutes = set()
    for event in world.sent[:until]:
        if service is not None and event.service != service:
            continue
        if excluded and event.path == excluded:
            excluded_good, excluded_total = excluded_good + (not event.failed), excluded_total + 1
        else:
            good, total = good + (not event.failed), total + 1
            minutes.add(event.at_ns // SECOND // 60)
    return Sums(good, total, excluded_good, excluded_total, len(minutes))


def of(world: World, key: str, within: MinuteRange = ALWAYS) -> Sums:
    """What the counts say."""
    return world.counts.sums([key], [within])[key][0]


def test_spans_are_counted_when_their_segment_is_loaded(world: World) -> None:
    """Good and total of the service's spans, and nothing of another's."""
    world.define("a", ratio("service:shop"))
    world.keeper.run_once()
    world.send(Event("shop", START_S * SECOND, False), Event("shop", START_S * SECOND, True), Event("pay", START_S * SECOND, True))
    report = world.keeper.run_once()
    assert report.segments == 1
    assert of(world, "a") == Sums(1, 2, 0, 0, 1)


@pytest.mark.parametrize("seed", range(3))
def test_counts_equal_brute_force(world: World, seed: int) -> None:
    """Late spans, restarts, retention, exclusions added afterwards, in any order: after each pass the sums are exact."""
    chance = random.Random(seed)
    world.define("all", ratio("*"))
    world.define("shop", ratio("service:shop"))
    world.define("pay", ratio("service:(pay OR nobody)"))
    untold = False
    for _ in range(STEPS):
        world.clock.now_s += chance.choice((1, 61, 3600, DAY_S, 19 * DAY_S))
        world.clock.monotonic += chance.choice((10, 100))
        for _ in range(chance.randint(0, 2)):
            told = chance.random() < 0.8
            untold |= not told
            world.send(*(event(world, chance) for _ in range(chance.randint(1, 6))), told=told)
        if untold or chance.random() < 0.3:
            world.restart()
            untold = False
        if chance.random() < 0.4:
            world.expire()
        world.keeper.run_once()
        for key, service in (("all", None), ("shop", "shop"), ("pay", "pay")):
            assert of(world, key) == by_hand(world, key, service), (seed, key)


def event(world: World, chance: random.Random) -> Event:
    """A span of about now, or a late one."""
    age_s = chance.choice((0, 5, 70, 4000, 2 * DAY_S, 12 * DAY_S, 25 * DAY_S))
    return Event(
        chance.choice(SERVICES),
        (world.clock.now_s - age_s) * SECOND + chance.randrange(SECOND),
        chance.random() < 0.3,
        chance.choice(("/", "/health", "/buy")),
    )
