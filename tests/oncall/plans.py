"""Schedules, people and chains to test with, what a test does not care about filled in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tocsin.model.instant import NANOSECONDS, Instant, parse_instant
from tocsin.model.oncall import Override
from tocsin.oncall.definition import Chain, Contact, Layer, OncallPlan, Person, Schedule, Step, Target, TargetKind
from tocsin.oncall.roster import Roster

MINUTE = 60 * NANOSECONDS
HOUR = 60 * MINUTE
wall = datetime.fromisoformat  # a local date and time
MONDAY = wall("2026-01-05T09:00")
at = parse_instant


def days(count: float) -> Instant:
    """So many days, nanoseconds."""
    return round(count * 24 * HOUR)


def layer(name: str, *users: str, **given: Any) -> Layer:
    """A weekly rotation from Monday, 5 January 2026, nine o'clock."""
    start = given.get("start", MONDAY)
    return Layer(**{"length": timedelta(days=7), "start": start, "anchor": start, **given}, name=name, users=users)


def schedule(*layers: Layer, name: str = "primary", zone: str = "Europe/Berlin") -> Schedule:
    """A schedule of these layers."""
    return Schedule(name, zone, layers)


def override(person: str, start: Instant, end: Instant, **given: Any) -> Override:
    """Somebody takes a time."""
    return Override(
        **{
            "id": "ov-1", "schedule": "primary", "replaces": "", "author": "ana", "reason": "dentist", "created": 0,
            **given, "person": person, "start": start, "end": end,
        }
    )  # fmt: skip


def roster(found: Schedule, *overrides: Override) -> Roster:
    """The roster of one schedule."""
    return Roster(OncallPlan(schedules={found.name: found}), overrides)


def person(name: str, *contacts: Contact, zone: str = "Europe/Berlin") -> Person:
    """Somebody with Slack and mail, unless other ways are given."""
    ways = contacts or (Contact("slack", 0, {"channel": f"@{name}"}), Contact("email", 0, {"to": f"{name}@example.org"}))
    return Person(name, zone, ways, title=name.title(), email=f"{name}@example.org")


def on_schedule(name: str) -> Target:
    """Whoever is on call there."""
    return Target(TargetKind.SCHEDULE, name)


def named(name: str) -> Target:
    """That person."""
    return Target(TargetKind.PERSON, name)


def chain(*steps: tuple[Target, ...], name: str = "shop", **given: Any) -> Chain:
    """A chain whose steps wait five minutes each."""
    return Chain(**{"receiver": "page", **given, "name": name, "steps": tuple(Step(targets, 300) for targets in steps)})
