"""Any story of a page: what always holds, whatever happens in whatever order."""

from __future__ import annotations

import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.oncall.house import House, ended, firing, shop_plan, told

from tocsin.errors import TocsinError
from tocsin.model.notification import NotificationReason
from tocsin.model.oncall import NOTICE_STEP, Page, PageState

EVENTS = st.one_of(
    st.tuples(st.just("wait"), st.integers(0, 400)),
    st.tuples(st.just("tell"), st.sampled_from(["page", "ticket"])),
    st.tuples(st.just("repeat"), st.sampled_from(["page", "ticket"])),
    st.tuples(st.just("acknowledge"), st.sampled_from(["ana", "bob"])),
    st.tuples(st.just("end"), st.just("")),
    st.tuples(st.just("restart"), st.just("")),
    st.tuples(st.just("fail"), st.just("")),
)


def happen(house: House, number: int, what: str, value: object) -> None:
    """One event of the story."""
    now = house.clock.now
    if what == "wait":
        house.clock.advance(int(str(value)))
        house.escalator.advance()
    elif what in {"tell", "repeat"}:
        reason = NotificationReason.NEW_ALERTS if what == "tell" else NotificationReason.REPEAT
        house.tell(told(firing(severity=str(value)), key=f"n{number}", reason=reason, created_at=now))
    elif what == "acknowledge":
        try:
            house.escalator.acknowledge("group-1", str(value))
        except TocsinError:  # nothing is open
            return
    elif what == "end":
        house.tell(ended(now, key=f"n{number}"))
    elif what == "restart":
        house.state.close()
        house.restart()
    elif house.notifications():
        house.escalator.next_channel(house.notifications()[-1])


def check_calls(house: House, page: Page) -> None:
    """What holds of the calls of one page."""
    calls = [call for call in house.state.oncall.pages.calls(page=page.id) if call.wakes]
    steps = sorted({(call.turn, call.step): call.at for call in reversed(calls)}.items())
    assert all(earlier[1] <= later[1] for earlier, later in pairwise(steps)), "steps are called in their order"
    for person, times in Counter((call.person, call.turn, call.step, call.channel) for call in calls).items():
        assert times == 1, f"{person} was called twice for the same"
    if page.state is PageState.CALLING:
        assert page.due_at is not None, "a page that waits for an answer goes on"
    if page.state in {PageState.RESOLVED, PageState.EXHAUSTED, PageState.SAID}:
        assert page.due_at is None
    if page.acknowledged_at is not None and page.state is PageState.ACKNOWLEDGED:
        assert all(call.at <= page.acknowledged_at for call in calls), "whoever acknowledged is left in peace"
    if page.closed_at is not None:
        everything = house.state.oncall.pages.calls(page=page.id)
        assert all(call.at <= page.closed_at for call in everything)
        assert all(call.step != NOTICE_STEP or not call.wakes for call in everything)


@settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.lists(EVENTS, min_size=1, max_size=14), st.integers(0, 2))
def test_what_always_holds(story: list[tuple[str, object]], repeat: int) -> None:
    """One open page at most; steps in order; nobody called twice for the same; nobody after an acknowledgement or the end."""
    with tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder), shop_plan(repeat=repeat))
        for number, (what, value) in enumerate(story):
            happen(house, number, what, value)
            pages = house.state.oncall.pages.list()
            assert sum(page.is_open for page in pages) <= 1
            for page in pages:
                check_calls(house, page)
        keys = [notification.key for notification in house.notifications()]
        assert len(keys) == len(set(keys))
        house.state.close()
