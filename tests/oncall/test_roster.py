"""Shifts: hand-overs at wall times, layers, restrictions, gaps, overrides; and that they tile time whatever is put together."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.oncall.plans import HOUR, at, layer, override, roster, schedule, wall

from tocsin.errors import InvalidInput, NotFound
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.model.oncall import Origin, Override, Shift
from tocsin.oncall.definition import Hours, Layer, Schedule
from tocsin.oncall.roster import Roster
from tocsin.oncall.rotation import turns
from tocsin.oncall.wall_time import instant_of, wall_of

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
OFFICE = Hours(frozenset(range(5)), 9 * 60, 8 * 60)


def lengths(found: list[Shift]) -> list[float]:
    """Hours of each shift."""
    return [(shift.end - shift.start) / HOUR for shift in found]


@pytest.mark.parametrize(
    ("zone", "start", "expected"),
    [
        ("Europe/Berlin", wall("2026-03-23 09:00"), [167, 168]),
        ("Europe/Berlin", wall("2026-10-19 09:00"), [169, 168]),
        ("America/New_York", wall("2026-03-02 09:00"), [167, 168]),
        ("Australia/Lord_Howe", wall("2026-03-30 09:00"), [168.5, 168]),
        ("Asia/Kathmandu", wall("2026-03-23 09:00"), [168, 168]),
    ],
)
def test_a_week_that_spans_a_change_of_the_clocks_is_longer_or_shorter(zone: str, start: datetime, expected: list[float]) -> None:
    """Hand-overs stay at nine on the wall: the week has 167, 169, or on Lord Howe 168.5 hours."""
    plan = schedule(layer("weekly", "ana", "bob", start=start), zone=zone)
    found = turns(plan, plan.layers[0], instant_of(start, zone), instant_of(start + timedelta(days=14), zone))
    assert lengths(found) == expected
    assert [wall_of(shift.start, zone).hour for shift in found] == [9, 9]


def test_a_handover_in_the_skipped_hour_is_the_first_instant_after() -> None:
    """Half past two does not exist in Berlin on 29 March 2026: it is three, summer time."""
    assert instant_of(wall("2026-03-29 02:30"), "Europe/Berlin") == at("2026-03-29T01:00:00Z")
    assert instant_of(wall("2026-10-04 02:10"), "Australia/Lord_Howe") == at("2026-10-03T15:30:00Z")
    assert instant_of(wall("2011-12-30 12:00"), "Pacific/Apia") == at("2011-12-30T10:00:00Z")  # a whole day was skipped


def test_a_handover_in_the_doubled_hour_is_at_its_first() -> None:
    """Half past two exists twice in Berlin on 25 October 2026: the first is summer time."""
    assert instant_of(wall("2026-10-25 02:30"), "Europe/Berlin") == at("2026-10-25T00:30:00Z")
    assert instant_of(wall("2026-10-25 03:00"), "Europe/Berlin") == at("2026-10-25T02:00:00Z")


def test_hourly_turns_through_the_changes() -> None:
    """A turn that lies in the skipped hour is left out; that of the doubled hour lasts two."""
    hourly = layer("hourly", "ana", "bob", "cem", start=wall("2026-03-29"), length=timedelta(hours=1))
    found = roster(schedule(hourly)).shifts("primary", at("2026-03-28T23:00:00Z"), at("2026-03-29T03:00:00Z"))
    assert [(shift.person, hours) for shift, hours in zip(found, lengths(found), strict=True)] == [
        ("ana", 1), ("bob", 1), ("ana", 1), ("bob", 1),
    ]  # fmt: skip
    autumn = layer("hourly", "ana", "bob", start=wall("2026-10-25"), length=timedelta(hours=1))
    found = roster(schedule(autumn)).shifts("primary", at("2026-10-24T22:00:00Z"), at("2026-10-25T03:00:00Z"))
    assert lengths(found) == [1, 1, 2, 1]


def test_users_follow_each_other_from_the_start() -> None:
    """Before the layer starts nobody is on call; then the first user, the second, and the first again."""
    found = roster(schedule(layer("weekly", "ana", "bob"))).shifts("primary", at("2026-01-01T00:00:00Z"), at("2026-01-27T00:00:00Z"))
    assert [shift.person for shift in found] == ["", "ana", "bob", "ana", "bob"][: len(found)]
    assert found[0].is_gap
    assert found[0].end == at("2026-01-05T08:00:00Z")


def test_a_layer_may_end_and_start_between_two_handovers() -> None:
    """Its first turn is shorter when it starts in the middle of one, and it ends when it says so."""
    short = layer("weekly", "ana", "bob", start=wall("2026-01-08 12:00"), anchor=wall("2026-01-05 09:00"), until=wall("2026-01-14"))
    found = roster(schedule(short)).shifts("primary", at("2026-01-05T00:00:00Z"), at("2026-01-20T00:00:00Z"))
    assert [(shift.person, str(wall_of(shift.start, "Europe/Berlin"))) for shift in found] == [
        ("", "2026-01-05 01:00:00"),
        ("ana", "2026-01-08 12:00:00"),
        ("bob", "2026-01-12 09:00:00"),
        ("", "2026-01-14 00:00:00"),
    ]


def test_a_later_layer_lies_over_an_earlier_one_at_its_hours() -> None:
    """By day cem, else the weekly rotation."""
    plan = schedule(layer("weekly", "ana", "bob"), layer("office", "cem", restrictions=(OFFICE,)))
    found = roster(plan).shifts("primary", at("2026-01-05T08:00:00Z"), at("2026-01-07T08:00:00Z"))
    assert [(shift.person, shift.source) for shift in found] == [("cem", "office"), ("ana", "weekly")] * 2


def test_hours_past_midnight_belong_to_the_day_on_which_they_began() -> None:
    """A night of Friday ends on Saturday morning, and Saturday has none of its own."""
    nights = Hours(frozenset({4}), 22 * 60, 9 * 60)
    found = roster(schedule(layer("nights", "ana", restrictions=(nights,)))).shifts(
        "primary", at("2026-01-09T12:00:00Z"), at("2026-01-12T12:00:00Z")
    )
    assert [(shift.person, str(wall_of(shift.start, "Europe/Berlin"))) for shift in found] == [
        ("", "2026-01-09 13:00:00"),
        ("ana", "2026-01-09 22:00:00"),
        ("", "2026-01-10 07:00:00"),
    ]


def test_an_override_takes_a_time_or_only_what_one_person_has() -> None:
    """Without `replaces` gaps are taken too; with it only that person's shifts."""
    plan = schedule(layer("office", "ana", "bob", restrictions=(OFFICE,), length=timedelta(days=1), start=wall("2026-01-05")))
    start, end = at("2026-01-05T00:00:00Z"), at("2026-01-07T00:00:00Z")
    takes_all = roster(plan, override("cem", start, end)).shifts("primary", start, end)
    assert [(shift.person, shift.origin) for shift in takes_all] == [("cem", Origin.OVERRIDE)]
    takes_bob = roster(plan, override("cem", start, end, replaces="bob")).shifts("primary", start, end)
    assert [shift.person for shift in takes_bob] == ["", "ana", "", "cem", ""]


def test_of_overlapping_overrides_the_last_entered_holds() -> None:
    """Whatever the order in which they are listed; and one that replaces a person sees what earlier ones made of them."""
    start, end = at("2026-01-05T08:00:00Z"), at("2026-01-06T08:00:00Z")
    first = override("bob", start, end, id="o1", created=1)
    second = override("cem", start + HOUR, end, id="o2", created=2)
    third = override("dan", start, end, id="o3", created=3, replaces="bob")
    found = roster(schedule(layer("weekly", "ana")), third, second, first).shifts("primary", start, end)
    assert [(shift.person, shift.source) for shift in found] == [("dan", "o3"), ("cem", "o2")]


def test_a_swap_is_told_apart_from_an_override() -> None:
    """An override that a swap made says so."""
    start = at("2026-01-05T08:00:00Z")
    found = roster(schedule(layer("weekly", "ana")), override("bob", start, start + HOUR, swap="sw-1")).who("primary", start)
    assert found.origin is Origin.SWAP


def test_on_call_says_who_is_next() -> None:
    """The next shift is that of somebody else: two turns of the same person in a row are passed over."""
    now = at("2026-01-06T12:00:00Z")
    answer = roster(schedule(layer("weekly", "ana", "ana", "bob"))).on_call("primary", now)
    assert (answer.shift.person, answer.shift.start) == ("ana", at("2026-01-05T08:00:00Z"))
    assert answer.next is not None
    assert (answer.next.person, answer.next.start) == ("bob", at("2026-01-19T08:00:00Z"))
    assert roster(schedule(layer("always", "ana"))).on_call("primary", now).next is None


def test_unknown_schedules_and_endless_ranges_are_refused() -> None:
    """With the name that was probably meant, and the limit."""
    known = roster(schedule(layer("weekly", "ana")))
    with pytest.raises(NotFound, match="did you mean 'primary'"):
        known.who("primray", 0)
    with pytest.raises(InvalidInput, match="at most 800 days"):
        known.shifts("primary", 0, 10**18)
    with pytest.raises(InvalidInput, match="ask for"):
        known.shifts("primary", 0, 0)


PEOPLE = ("ana", "bob", "cem", "dan")
MOMENTS = st.datetimes(wall("2026-01-01"), wall("2026-12-31")).map(lambda moment: moment.replace(second=0, microsecond=0))


@st.composite
def hours_of_the_week(draw: st.DrawFn) -> Hours:
    """Any piece of the week."""
    days_on = draw(st.frozensets(st.integers(0, 6), min_size=1))
    return Hours(days_on, draw(st.integers(0, 1439)), draw(st.integers(1, 10_080)))


@st.composite
def layers(draw: st.DrawFn, name: str) -> Layer:
    """Any layer."""
    start = draw(MOMENTS)
    length = draw(st.sampled_from([timedelta(hours=1), timedelta(hours=12), timedelta(days=1), timedelta(days=7), timedelta(days=28)]))
    return Layer(
        name,
        tuple(draw(st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=4))),
        length,
        start,
        start - draw(st.integers(0, 59)) / 60 * length,
        draw(st.one_of(st.none(), st.integers(1, 200).map(lambda count: start + timedelta(days=count)))),
        tuple(draw(st.lists(hours_of_the_week(), max_size=2))),
    )


@st.composite
def rosters(draw: st.DrawFn) -> tuple[Roster, Instant, Instant]:
    """Any schedule with any overrides, and a stretch of time."""
    zone = draw(st.sampled_from(ZONES))
    found = Schedule("primary", zone, tuple(draw(layers(f"layer{number}")) for number in range(draw(st.integers(1, 3)))))
    start = instant_of(draw(MOMENTS), zone)
    end = start + draw(st.integers(1, 60 * 24 * 20)) * 60 * NANOSECONDS
    overrides = [
        Override(f"o{number}", "primary", begin, begin + draw(st.integers(1, 200)) * HOUR, draw(st.sampled_from(PEOPLE)),
                 draw(st.sampled_from(("", *PEOPLE))), "x", "y", draw(st.integers(0, 3)))
        for number in range(draw(st.integers(0, 4)))
        for begin in [start + draw(st.integers(-200, 400)) * HOUR]
    ]  # fmt: skip
    return roster(found, *overrides), start, end


@settings(deadline=None, max_examples=60)
@given(rosters(), st.lists(st.floats(0, 0.999), min_size=1, max_size=5))
def test_shifts_tile_time_and_who_agrees(story: tuple[Roster, Instant, Instant], points: list[float]) -> None:
    """From start to end there is no hole and no overlap; who() at any instant names the person of the shift that it lies in."""
    known, start, end = story
    found = known.shifts("primary", start, end)
    assert (found[0].start, found[-1].end) == (start, end)
    assert all(before.end == after.start for before, after in pairwise(found))
    assert all(shift.start < shift.end for shift in found)
    for point in points:
        moment = start + int((end - start) * point)
        (inside,) = [shift for shift in found if shift.start <= moment < shift.end]
        whole = known.who("primary", moment)
        assert (whole.person, whole.origin, whole.source) == (inside.person, inside.origin, inside.source)
        if not inside.is_gap:
            assert whole.start <= inside.start
            assert whole.end >= inside.end


@settings(deadline=None, max_examples=40)
@given(rosters(), st.integers(1, 300))
def test_whole_shifts_do_not_depend_on_the_range(story: tuple[Roster, Instant, Instant], hours: int) -> None:
    """A shift that two ranges touch is the same in both: its start names it in calendars."""
    known, start, end = story
    narrow = [shift for shift in known.shifts("primary", start, end, whole=True) if not shift.is_gap]
    wide = [shift for shift in known.shifts("primary", start - hours * HOUR, end + hours * HOUR, whole=True) if not shift.is_gap]
    assert set(narrow) <= set(wide)


@settings(deadline=None, max_examples=40)
@given(rosters(), st.floats(0, 0.999))
def test_a_layer_gives_what_the_wall_clock_says(story: tuple[Roster, Instant, Instant], point: float) -> None:
    """Against a count by hand: of the hand-overs up to an instant, the last one names the user."""
    known, start, end = story
    moment = start + int((end - start) * point)
    found = known.plan.schedules["primary"]
    one = found.layers[0]
    alone = turns(found, one, moment, moment + 1)
    if moment < instant_of(one.start, found.zone):
        assert not alone
        return
    number = 0
    while instant_of(one.anchor + (number + 1) * one.length, found.zone) <= moment:
        number += 1
    assert [turn.person for turn in alone] in ([], [one.users[number % len(one.users)]])
    if not one.restrictions and (one.until is None or moment < instant_of(one.until, found.zone)):
        assert alone


@settings(max_examples=40)
@given(st.sampled_from(ZONES), st.lists(MOMENTS, min_size=2, max_size=2))
def test_wall_times_in_order_are_instants_in_order(zone: str, moments: list[datetime]) -> None:
    """However the clocks are changed, a later wall time is never an earlier instant."""
    early, late = sorted(moments)
    assert instant_of(early, zone) <= instant_of(late, zone)
