"""Overrides, swaps, pages and feeds on each database: kept, decided once, never half."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from tests.state.builders import MINUTE, NOW, Open

from tocsin.errors import Conflict, InvalidInput, NotFound, TocsinError
from tocsin.model.alert import Alert
from tocsin.model.labels import Labels
from tocsin.model.notification import Notification, NotificationReason
from tocsin.model.oncall import Call, Feed, FeedSubject, Override, Page, PageKind, PageState, Swap, SwapState
from tocsin.state.audit import AuditAction
from tocsin.state.oncall_pages import PageChange
from tocsin.state.state import State

OVERRIDE = Override("o1", "primary", NOW, NOW + 60 * MINUTE, "bob", "ana", "ana", "dentist", NOW - MINUTE)
SWAP = Swap("s1", "primary", NOW, NOW + 60 * MINUTE, "ana", "bob", "wedding", NOW - MINUTE)
TOLD = Notification(
    "n1", "group-1", "page", "chain/shop", NotificationReason.FIRST, NOW, Labels({"service": "shop"}), (Alert(Labels({"alertname": "A"})),)
)
PAGE = Page("pg-1", "shop", "group-1", PageKind.PAGE, PageState.CALLING, "page", NOW, 0, 0, 2, NOW + 5 * MINUTE, TOLD)
CALL = Call("c1", "pg-1", "shop", "ana", "primary", "person/ana/slack/0", NOW, 0, 0, "first_notification", wakes=True, at_night=False)
SENT = replace(TOLD, key="c1", channel=CALL.channel)


def begin(_page: Page | None, _calls: Sequence[Call]) -> PageChange:
    """Begins the page with its first call."""
    return PageChange(PAGE, (CALL,), (SENT,))


def test_overrides_are_kept_and_withdrawn(state: State) -> None:
    """In the order in which they were entered; one that is withdrawn is kept for the audit."""
    later = replace(OVERRIDE, id="o0", created=NOW, end=NOW + 10 * MINUTE)
    for each in (later, OVERRIDE):
        state.oncall.overrides.add(each)
    assert state.oncall.overrides.list() == [OVERRIDE, later]
    assert state.oncall.overrides.list(ending_after=NOW + 10 * MINUTE) == [OVERRIDE]
    withdrawn = state.oncall.overrides.withdraw("o1", "bob", "it was put off", NOW)
    assert withdrawn.withdrawn is not None
    assert state.oncall.overrides.list() == [later]
    assert state.oncall.overrides.list(include_withdrawn=True) == [withdrawn, later]
    actions = [AuditAction.OVERRIDE_WITHDRAWN, AuditAction.OVERRIDE_ADDED, AuditAction.OVERRIDE_ADDED]
    assert [entry.action for entry in state.audit.list()] == actions


@pytest.mark.parametrize(
    ("change", "error"),
    [({"author": " "}, InvalidInput), ({"reason": ""}, InvalidInput), ({"end": NOW}, InvalidInput), ({}, Conflict)],
)
def test_an_override_that_can_not_be_is_refused(state: State, change: dict[str, str], error: type[TocsinError]) -> None:
    """Unsigned, without a length, or with an id that is taken: nothing is kept of it."""
    state.oncall.overrides.add(OVERRIDE)
    with pytest.raises(error):
        state.oncall.overrides.add(replace(OVERRIDE, **{"person": "cem", **change}))  # type: ignore[arg-type]  # any field
    assert state.oncall.overrides.list() == [OVERRIDE]


def test_an_accepted_swap_and_its_override_are_one(state: State) -> None:
    """Where the override can't be kept, the swap stays asked."""
    state.oncall.swaps.ask(SWAP)
    state.oncall.overrides.add(OVERRIDE)
    with pytest.raises(Conflict):
        state.oncall.swaps.decide("s1", SwapState.ACCEPTED, by="bob", at=NOW, override=OVERRIDE)
    assert state.oncall.swaps.get("s1") == SWAP
    decided = state.oncall.swaps.decide("s1", SwapState.ACCEPTED, by="bob", at=NOW, override=replace(OVERRIDE, id="o2", swap="s1"))
    assert decided == state.oncall.swaps.get("s1") == replace(SWAP, state=SwapState.ACCEPTED, decided_by="bob", decided_at=NOW)
    assert [one.swap for one in state.oncall.overrides.list()] == ["", "s1"]
    assert state.oncall.swaps.list(state=SwapState.ASKED) == []
    with pytest.raises(NotFound):
        state.oncall.swaps.get("s9")
    with pytest.raises(Conflict):
        state.oncall.swaps.ask(SWAP)


def test_of_several_who_accept_at_once_one_does(state: State) -> None:
    """The others are told who."""
    state.oncall.swaps.ask(replace(SWAP, offered_to=""))

    def accept(name: str) -> bool:
        override = replace(OVERRIDE, id=f"o-{name}", person=name)
        try:
            state.oncall.swaps.decide("s1", SwapState.ACCEPTED, by=name, at=NOW, override=override)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(accept, ["bob", "cem", "dan", "eve"]))
    assert taken.count(True) == 1
    assert len(state.oncall.overrides.list()) == 1


def test_a_page_its_calls_and_the_outbox_are_one(state: State) -> None:
    """What was decided is read back as it was; told again, nothing is asked."""
    assert state.oncall.pages.tell("shop", TOLD, begin) == PAGE
    asked: list[Page | None] = []

    def ask(page: Page | None, _calls: Sequence[Call]) -> PageChange:
        asked.append(page)
        return PageChange(page)

    assert state.oncall.pages.tell("shop", TOLD, ask) == PAGE
    assert asked == []
    state.oncall.pages.tell("shop", replace(TOLD, key="n2"), ask)
    assert asked == [PAGE]
    assert list(state.oncall.pages.calls(page="pg-1")) == [CALL]
    assert [one.notification for one in state.alerting.outbox.after(0)] == [SENT]
    assert state.oncall.pages.get("pg-1") == PAGE


def test_a_decision_that_fails_leaves_nothing(state: State) -> None:
    """The same notification may be told again."""

    def fail(_page: Page | None, _calls: Sequence[Call]) -> PageChange:
        raise InvalidInput("no")

    with pytest.raises(InvalidInput):
        state.oncall.pages.tell("shop", TOLD, fail)
    assert state.oncall.pages.tell("shop", TOLD, begin) == PAGE


def test_many_who_tell_at_once_begin_one_page(open_state: Open) -> None:
    """Of one group; also through several connections of several processes."""
    states = [open_state() for _ in range(3)]

    def tell(number: int) -> None:
        def decide(page: Page | None, _calls: Sequence[Call]) -> PageChange:
            return PageChange(page) if page is not None else PageChange(replace(PAGE, id=f"pg-{number}"))

        states[number % 3].oncall.pages.tell("shop", replace(TOLD, key=f"n{number}"), decide)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(tell, range(12)))
    assert len(states[0].oncall.pages.list()) == 1


def test_pages_are_found_by_what_is_due_and_by_group(state: State) -> None:
    """A page that is over is found by its id alone, and its group may have another."""
    pages = state.oncall.pages
    pages.tell("shop", TOLD, begin)
    assert (pages.due(NOW), list(pages.due(NOW + 5 * MINUTE)), pages.next_due()) == ([], ["pg-1"], NOW + 5 * MINUTE)
    assert [one.id for one in pages.open_of("group-1")] == ["pg-1"]
    closed = replace(PAGE, state=PageState.RESOLVED, due_at=None, closed_at=NOW + MINUTE)
    pages.change("pg-1", lambda _page, _calls: PageChange(closed))
    assert (pages.open_of("group-1"), pages.open_of("pg-1"), pages.next_due()) == ([], [closed], None)
    again = replace(PAGE, id="pg-2", opened_at=NOW + 2 * MINUTE)
    pages.tell("shop", replace(TOLD, key="n2"), lambda page, _calls: PageChange(page or again))
    assert [one.id for one in pages.list()] == ["pg-2", "pg-1"]
    assert [one.id for one in pages.list(only_open=True)] == ["pg-2"]
    assert [one.id for one in pages.list(end=NOW + 2 * MINUTE)] == ["pg-1"]
    with pytest.raises(NotFound):
        pages.get("pg-9")
    with pytest.raises(NotFound):
        pages.change("pg-9", lambda page, _calls: PageChange(page))


def test_old_pages_go_with_their_calls_and_open_ones_stay(state: State) -> None:
    """However old an open one is."""
    pages = state.oncall.pages
    pages.tell("shop", TOLD, begin)
    assert pages.expire(NOW + 1000 * 1440 * MINUTE, days=400) == 1  # what was told
    pages.change("pg-1", lambda _page, _calls: PageChange(replace(PAGE, state=PageState.RESOLVED, due_at=None, closed_at=NOW)))
    assert pages.expire(NOW + 399 * 1440 * MINUTE, days=400) == 0
    assert pages.expire(NOW + 401 * 1440 * MINUTE, days=400) == 2
    assert (pages.list(), pages.calls()) == ([], [])


def test_a_calendar_has_one_address(state: State) -> None:
    """A new one takes the place of the old; revoked, there is none."""
    first = Feed("d1", FeedSubject.SCHEDULE, "primary", "ana", NOW)
    second = replace(first, digest="d2", created=NOW + MINUTE)
    other = replace(first, digest="d3", subject=FeedSubject.PERSON, name="ana")
    for feed in (first, other, second):
        state.oncall.feeds.rotate(feed)
    assert (state.oncall.feeds.find("d1"), state.oncall.feeds.find("d2")) == (None, second)
    assert state.oncall.feeds.list() == [other, second]
    state.oncall.feeds.revoke(FeedSubject.SCHEDULE, "primary", "ana", NOW)
    assert state.oncall.feeds.find("d2") is None
    with pytest.raises(NotFound):
        state.oncall.feeds.revoke(FeedSubject.SCHEDULE, "primary", "ana", NOW)
    assert [entry.action for entry in state.audit.list(2)] == [AuditAction.CALENDAR_REVOKED, AuditAction.CALENDAR_ROTATED]
