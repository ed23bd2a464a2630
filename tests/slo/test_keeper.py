"""Counts are what counting everything ever sent by hand gives, whatever comes late, dies, is dropped or is decided afterwards."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.slo.keeping import DAY_S, SECOND, START_S, Event, World, spans

from tocsin.slo.definition import EventRatio
from tocsin.slo.minutes import MinuteRange, Sums
from tocsin.store.raw_drops import read_drops

ALWAYS = MinuteRange(START_S - 60 * DAY_S, START_S + 300 * DAY_S)
SERVICES = ("shop", "pay", "mail")
STEPS = 11


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A store with a keeper."""
    made = World(tmp_path)
    yield made
    made.close()


def ratio(query: str) -> EventRatio:
    """Spans that did not fail among all of a query."""
    return EventRatio(spans(query), spans("error:true"), inverted=True)


def by_hand(world: World, service: str | None, *, excluded: str = "") -> Sums:
    """What brute force says of everything that was ever sent."""
    good = total = excluded_good = excluded_total = 0
    minutes = set()
    for event in world.sent:
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


@pytest.mark.parametrize("seed", range(2))
def test_counts_equal_brute_force(world: World, seed: int) -> None:
    """Late spans, restarts, deaths, retention, an exclusion added afterwards, in any order: after each pass the sums are exact."""
    chance = random.Random(seed)
    world.define("all", ratio("*"))
    world.define("shop", ratio("service:shop"))
    world.define("pay", ratio("service:(pay OR nobody)"))
    excluded = ""
    for step in range(STEPS):
        world.clock.now_s += chance.choice((1, 61, 3600, DAY_S, 19 * DAY_S)) if step > 3 else 70
        world.clock.monotonic += chance.choice((10, 100))
        died = chance.random() < 0.3
        for _ in range(chance.randint(1, 2)):
            world.send(*(event(world, chance) for _ in range(chance.randint(1, 8))), told=not died)
        if died:
            world.restart()
        if step == 3:  # before retention drops anything: afterwards what is gone keeps what was counted of it
            excluded = "/health"
            world.exclude("shop", 'path:"/health"')
        if chance.random() < 0.5:
            world.expire()
        world.keeper.run_once()
        for key, service in (("all", None), ("shop", "shop"), ("pay", "pay")):
            assert of(world, key) == by_hand(world, service, excluded=excluded if key == "shop" else ""), (seed, step, key)
            minutes = world.counts.minutes(key, ALWAYS)
            assert (minutes.good.sum(), minutes.total.sum(), int((minutes.total > 0).sum())) == (
                of(world, key).good,
                of(world, key).total,
                of(world, key).minutes,
            )
    assert read_drops(world.store.engine).drops


def event(world: World, chance: random.Random) -> Event:
    """A span of about now, or a late one."""
    age_s = chance.choice((0, 5, 70, 4000, 2 * DAY_S, 12 * DAY_S, 25 * DAY_S))
    return Event(
        chance.choice(SERVICES),
        (world.clock.now_s - age_s) * SECOND + chance.randrange(SECOND),
        chance.random() < 0.3,
        chance.choice(("/", "/health", "/buy")),
    )
