"""The load that pages are: counted once for each person, nights apart, against a budget per week."""

from __future__ import annotations

from typing import Any

import pytest
from tests.oncall.house import NOON, shop_plan
from tests.oncall.plans import HOUR, MINUTE, at, days

from tocsin.model.oncall import Call
from tocsin.oncall.load import load
from tocsin.oncall.reach import Night
from tocsin.oncall.roster import Roster

START, END = at("2026-01-05T08:00:00Z"), at("2026-01-19T08:00:00Z")


def call(page: str, person: str, moment: int, **given: Any) -> Call:
    """A call of the first step."""
    start = {
        "key": f"{page}{person}{moment}", "page": page, "chain": "shop", "person": person, "schedule": "primary",
        "channel": f"person/{person}/slack/0", "at": moment, "step": 0, "turn": 0, "reason": "first_notification", "wakes": True,
        "at_night": False,
    }  # fmt: skip
    return Call(**{**start, **given})


CALLS = [
    call("p1", "ana", NOON),
    call("p1", "bob", NOON + 5 * MINUTE, step=1, schedule="secondary"),
    call("p1", "ana", NOON + 10 * MINUTE, turn=1),
    call("p2", "ana", NOON + 12 * HOUR, at_night=True),
    call("p3", "ana", NOON + days(1)),
    call("m1", "ana", NOON + days(2), wakes=False),
    call("p4", "cem", NOON + days(7)),
    call("p5", "dan", NOON, schedule=""),
    call("old", "ana", START - 1),
]


def test_pages_count_once_for_each_person() -> None:
    """However often they were called for it; messages do not count."""
    found = load(Roster(shop_plan()), CALLS, START, END, pages_per_week=1)
    people = {one.person: one for one in found.people}
    assert found.pages == 5
    assert [one.person for one in found.people] == ["ana", "bob", "cem", "dan"]
    assert (people["ana"].pages, people["ana"].nights, people["ana"].unanswered) == (3, 1, 1)
    assert (people["ana"].budget, people["ana"].is_over, people["bob"].is_over) == (2, True, False)
    assert people["ana"].on_call_s == 7 * 86_400
    assert people["cem"].on_call_s == 14 * 86_400  # of both schedules
    assert people["dan"].on_call_s == 0


def test_shifts_have_their_own_count() -> None:
    """Only pages that came because of that schedule, against the budget of a week."""
    found = load(Roster(shop_plan()), CALLS, START, END, pages_per_week=2)
    shifts = {(one.schedule, one.person): one for one in found.shifts}
    assert (shifts["primary", "ana"].pages, shifts["primary", "ana"].nights, shifts["primary", "ana"].is_over) == (3, 1, True)
    assert (shifts["secondary", "bob"].pages, shifts["secondary", "bob"].budget) == (1, 2)
    assert shifts["secondary", "cem"].pages == 0


@pytest.mark.parametrize(
    ("moment", "is_night"),
    [
        ("2026-01-06T20:59:00Z", False),
        ("2026-01-06T21:00:00Z", True),
        ("2026-01-07T05:59:00Z", True),
        ("2026-01-07T06:00:00Z", False),
        ("2026-07-07T05:00:00Z", False),
    ],
)
def test_night_is_night_where_the_person_is(moment: str, is_night: bool) -> None:
    """From 22 to 7 on the clocks of Berlin, in winter and summer."""
    assert Night().at(shop_plan().people["ana"], at(moment)) is is_night


def test_night_may_lie_within_a_day() -> None:
    """From one to six, for those who work late."""
    ana = shop_plan().people["ana"]
    assert [Night(1, 6).at(ana, at(f"2026-01-07T{hour:02d}:00:00Z")) for hour in (0, 4, 5, 23)] == [True, True, False, False]
    assert Night(1, 6).day[0].lasting_minutes == 19 * 60
