"""The desk: one door to everything about who is called, and the thread that keeps it going."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from icalendar import Calendar
from tests.oncall.desks import PLAN, DeskHouse
from tests.oncall.house import NOON, told
from tests.oncall.plans import HOUR, at, days

from tocsin.clock import SeededEntropy
from tocsin.errors import NotFound, StoreError
from tocsin.model.oncall import FeedSubject, PageState
from tocsin.oncall.desk import OncallDesk
from tocsin.oncall.watch import OncallWatch
from tocsin.state.oncall_pages import Pages


@pytest.fixture
def house(tmp_path: Path) -> Iterator[DeskHouse]:
    """A desk of its own."""
    found = DeskHouse(tmp_path)
    yield found
    found.close()


def test_who_names_everybody_and_who_is_next(house: DeskHouse) -> None:
    """On all schedules or one, now or then."""
    primary, office = house.desk.who()
    assert (primary.shift.person, primary.next and primary.next.person) == ("ana", "bob")
    assert office.shift.is_gap
    assert office.next is not None
    assert (office.next.person, office.next.start) == ("bob", at("2026-01-06T13:00:00Z"))
    (then,) = house.desk.who("primary", NOON + days(7))
    assert then.shift.person == "bob"
    with pytest.raises(NotFound, match="did you mean 'primary'"):
        house.desk.who("prmary")


def test_shifts_are_listed_by_time(house: DeskHouse) -> None:
    """Of all schedules; of one person without gaps."""
    found = house.desk.shifts(None, NOON, NOON + days(1), person="bob")
    assert [(shift.schedule, shift.start) for shift in found] == [("office", at("2026-01-06T13:00:00Z"))]
    assert len(house.desk.shifts("office", NOON, NOON + days(1))) == 3
    with pytest.raises(NotFound):
        house.desk.shifts(None, NOON, NOON + days(1), person="eve")


def test_a_page_has_its_story(house: DeskHouse) -> None:
    """Whom it called when; and taken, by whom."""
    page = house.desk.escalator.start(told())
    assert page is not None
    house.clock.advance(5)
    assert house.desk.advance() == 1
    story = house.desk.page(page.id)
    assert [call.person for call in story.calls] == ["ana", "bob"]
    assert (story.page.step, story.page.steps, story.page.called, story.page.firing) == (2, 2, ("ana", "bob"), 1)
    assert story.page.group_labels == {"service": "checkout"}
    (taken,) = house.desk.acknowledge("group-1", "bob")
    assert taken.state is PageState.ACKNOWLEDGED
    assert [one.id for one in house.desk.pages(only_open=True)] == [page.id]
    assert house.desk.statistics().escalator.acknowledged == 1


def test_the_load_is_that_of_the_last_four_weeks(house: DeskHouse) -> None:
    """Against the budget that the options give."""
    house.desk.escalator.start(told())
    house.clock.advance(1)
    found = house.desk.load()
    assert (found.pages, found.pages_per_week, found.end - found.start) == (1, 2.0, days(28))
    assert (found.people[0].person, found.people[0].pages, found.people[0].budget) == ("ana", 1, 8.0)


def test_problems_are_mistakes_gaps_and_people_out_of_reach(house: DeskHouse) -> None:
    """A schedule that no chain calls may have gaps."""
    found = house.desk.problems()
    assert found.mistakes == ()
    assert found.gaps == ()
    assert any("the Schedule 'office' is never called" in remark for remark in found.remarks)
    assert [sentence.split(" ")[0] for sentence in found.unreachable] == ["person/ana/slack/0", "person/ana/email/0", "person/bob/email/0"]
    house.file.write_text(PLAN.replace("schedule: primary", "schedule: office") + "\nnonsense: 1")
    house.desk.plan.refresh()
    assert "has no field 'nonsense'" in house.desk.problems().mistakes[0]
    house.file.write_text(PLAN.replace("schedule: primary", "schedule: office"))
    house.desk.plan.refresh()
    assert [(gap.start - NOON) / HOUR for gap in house.desk.problems().gaps] == [0, 6]


def test_a_chain_that_no_route_leads_to_is_a_problem(house: DeskHouse) -> None:
    """With the receiver that was probably meant."""
    desk = OncallDesk(
        house.desk.plan, house.state.oncall, house.desk.escalator, house.desk.channels, house.options,
        clock=house.clock, entropy=SeededEntropy(1), receivers=lambda: {"pages"},
    )  # fmt: skip
    assert "serves the receiver 'page'" in desk.problems().unreachable[0]
    assert "did you mean 'pages'?" in desk.problems().unreachable[0]


def test_calendars_are_read_by_a_secret_address(house: DeskHouse) -> None:
    """A new address ends the old one; no address is kept anywhere."""
    old = house.desk.rotate_calendar(FeedSubject.SCHEDULE, "primary", "ana")
    new = house.desk.rotate_calendar(FeedSubject.SCHEDULE, "primary", "ana")
    tokens = [path.rpartition("/")[2].removesuffix(".ics") for path in (old.path, new.path)]
    with pytest.raises(NotFound, match="no such calendar"):
        house.desk.calendar_of(tokens[0])
    events = Calendar.from_ical(house.desk.calendar_of(tokens[1])).walk("VEVENT")
    assert len(events) == 13 + 1  # ninety days ahead, and the shift of now
    assert not any(token in str(house.desk.feeds()) for token in tokens)
    house.desk.revoke_calendar(FeedSubject.SCHEDULE, "primary", "ana")
    with pytest.raises(NotFound):
        house.desk.calendar_of(tokens[1])
    with pytest.raises(NotFound, match="no person is called 'eve'"):
        house.desk.rotate_calendar(FeedSubject.PERSON, "eve", "ana")


def test_a_person_has_a_calendar_of_all_their_shifts(house: DeskHouse) -> None:
    """Of every schedule."""
    text = str(house.desk.calendar(FeedSubject.PERSON, "bob"), "utf-8")
    assert "bob on call: Payments" in text
    assert "bob on call: office" in text
    assert "Ana" not in text


def watch_of(house: DeskHouse) -> OncallWatch:
    """The thread's work, done by hand."""
    return OncallWatch(house.desk, house.state.oncall, house.options, house.clock)


def test_the_watch_follows_files_calls_who_is_due_and_drops_what_is_old(house: DeskHouse) -> None:
    """One look after the other."""
    watch = watch_of(house)
    page = house.desk.escalator.start(told())
    assert page is not None
    house.file.write_text(PLAN.replace("Ana Ruiz", "Ana Maria Ruiz"))
    house.clock.advance(5)
    watch.look()
    assert house.desk.plan.current.people["ana"].title == "Ana Maria Ruiz"
    assert [call.person for call in house.desk.page(page.id).calls] == ["ana", "bob"]
    assert house.desk.statistics().escalator.open_pages == 1
    house.desk.escalator.start(replace(told(replace(told().alerts[0], ends_at=house.clock.now)), key="n2", created_at=house.clock.now))
    house.clock.advance(60 * 24 * 500)
    watch.look()
    assert house.desk.pages() == []


def test_nobody_on_call_is_said_aloud_once(house: DeskHouse, caplog: pytest.LogCaptureFixture) -> None:
    """On schedules that a chain calls; and counted as long as it lasts."""
    house.file.write_text(PLAN.replace("schedule: primary", "schedule: office"))
    house.desk.plan.refresh()
    for _ in range(2):
        house.desk.look()
    assert caplog.text.count("NOBODY is on call on the schedule office") == 1
    assert house.desk.statistics().unattended_schedules == 1
    house.clock.advance(180)
    house.desk.look()
    assert house.desk.statistics().unattended_schedules == 0


def test_a_look_that_fails_is_tried_again(house: DeskHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is away for a while: whoever was due is called when it is back."""
    watch = watch_of(house)
    page = house.desk.escalator.start(told())
    assert page is not None
    house.clock.advance(5)

    def failing(*_: object) -> None:
        raise StoreError("away")

    with monkeypatch.context() as broken:
        broken.setattr(Pages, "due", failing)
        watch.look()
    watch.look()
    assert [call.person for call in house.desk.page(page.id).calls] == ["ana", "bob"]


def test_the_watch_starts_and_stops(house: DeskHouse) -> None:
    """Its thread is gone afterwards; stopped twice is stopped."""
    watch = watch_of(house)
    watch.start()
    assert any(thread.name == "oncall" for thread in threading.enumerate())
    watch.stop()
    watch.stop()
    assert not any(thread.name == "oncall" for thread in threading.enumerate())
