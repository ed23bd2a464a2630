"""Stories of pages: who is called when, what stops it, and what a restart changes: nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.oncall.house import NOON, House, ended, firing, shop_plan, told
from tests.oncall.plans import MINUTE, at, named, on_schedule, override, person, wall

from tocsin.errors import Conflict, InvalidInput, NotFound, StoreError
from tocsin.model.notification import Notification, NotificationReason
from tocsin.model.oncall import PageKind, PageState
from tocsin.oncall.definition import ALL_DAYS, Contact, Hours, OncallPlan
from tocsin.state.alert_outbox import Outbox
from tocsin.state.audit import AuditAction

ANA, BOB, CEM, DAN = (f"person/{name}/slack/0" for name in ("ana", "bob", "cem", "dan"))
OFFICE = (Hours(ALL_DAYS, 9 * 60, 8 * 60),)
NEVER = wall("2026-01-05T10:00")
Story = Callable[..., House]


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """Makes the house of a story; closed with the test."""
    houses: list[House] = []

    def begin(plan: OncallPlan | None = None) -> House:
        houses.append(House(tmp_path / str(len(houses)), plan))
        return houses[-1]

    yield begin
    for house in houses:
        house.state.close()


def test_a_page_climbs_until_somebody_acknowledges(story: Story) -> None:
    """The person on call, five minutes later the second, five later the boss; then bob takes it and nobody else is called."""
    house = story()
    page = house.tell()
    assert page is not None
    assert (page.kind, page.state, page.severity) == (PageKind.PAGE, PageState.CALLING, "page")
    assert house.sent() == [ANA]
    assert house.after(4.9) == []
    assert house.after(0.1) == [BOB]
    assert house.after(5) == [DAN, ANA]
    (taken,) = house.escalator.acknowledge(page.id, "bob")
    assert (taken.state, taken.acknowledged_by, taken.due_at) == (PageState.ACKNOWLEDGED, "bob", None)
    assert house.after(600) == []
    assert house.state.audit.list()[0].action is AuditAction.PAGE_ACKNOWLEDGED


def test_the_texts_say_what_step_it_is_and_how_to_acknowledge(story: Story) -> None:
    """Each call says who did not answer, and the command that stops it."""
    house = story()
    page = house.tell()
    house.after(5)
    assert page is not None
    first, second = house.notifications()
    assert first.note == f"Step 1 of 3. Acknowledge with `tocsin oncall ack {page.id}`."
    assert second.note.startswith("ana did not acknowledge in time. Step 2 of 3.")
    assert (first.reason, second.reason) == (NotificationReason.FIRST, NotificationReason.ESCALATION)
    assert (first.group_key, first.receiver, first.alerts) == ("group-1", "page", told().alerts)


def test_others_who_were_called_hear_that_somebody_took_it(story: Story) -> None:
    """Not the one who did."""
    house = story()
    house.tell()
    house.after(5)
    house.escalator.acknowledge("group-1", "bob")
    assert [(one.channel, one.reason) for one in house.notifications()[2:]] == [(ANA, NotificationReason.ACKNOWLEDGED)]


def test_the_end_is_told_to_those_who_were_called(story: Story) -> None:
    """Also to who acknowledged; and the next fire of the same group is another page."""
    house = story()
    first = house.tell()
    house.after(5)
    house.escalator.acknowledge("group-1", "bob")
    house.clock.advance(30)
    house.tell(ended(house.clock.now))
    assert house.page().closed_at == house.clock.now
    assert {one.channel for one in house.notifications() if one.reason is NotificationReason.ALL_RESOLVED} == {ANA, BOB}
    assert house.after(600) == []
    again = house.tell(told(key="n9"))
    assert again is not None
    assert first is not None
    assert again.id != first.id
    assert house.sent()[-1] == ANA


def test_a_chain_repeats_and_then_says_aloud_that_nobody_answered(story: Story, caplog: pytest.LogCaptureFixture) -> None:
    """Two steps, begun again once, then the fallback receiver and the log."""
    house = story(shop_plan(steps=((named("ana"),), (named("bob"),)), repeat=1))
    house.tell()
    assert [house.after(5) for _ in range(3)] == [[BOB], [ANA], [BOB]]
    with caplog.at_level(logging.ERROR):
        assert house.after(5) == ["webhook/0"]
    assert "NOBODY ANSWERED" in caplog.text
    last = house.notifications()[-1]
    assert (last.receiver, last.reason) == ("fallback", NotificationReason.FALLBACK)
    assert last.note.startswith("NOBODY ANSWERED page")
    assert house.page().state is PageState.EXHAUSTED
    assert house.escalator.statistics().exhausted == 1
    assert house.after(600) == []


def test_an_exhausted_page_begins_again_when_the_group_is_repeated(story: Story) -> None:
    """The routing's repeat interval says how often."""
    house = story(shop_plan(steps=((named("ana"),),)))
    house.tell()
    house.after(5)
    house.tell(told(key="n2", reason=NotificationReason.REPEAT))
    assert house.sent() == [ANA, "webhook/0", ANA]
    assert house.after(5) == ["webhook/0"]
    house.escalator.acknowledge("group-1", "ana")
    assert house.page().state is PageState.ACKNOWLEDGED


def test_a_step_for_which_nobody_is_on_call_is_passed_over(story: Story) -> None:
    """At once, and the next call says so."""
    plan = shop_plan()
    empty = replace(plan.schedules["primary"], layers=(replace(plan.schedules["primary"].layers[0], until=NEVER),))
    house = story(replace(plan, schedules={**plan.schedules, "primary": empty}))
    house.tell()
    assert house.sent() == [BOB]
    assert "Nobody is on call for step 1." in house.notifications()[0].note


def test_a_chain_that_reaches_nobody_is_exhausted_at_once(story: Story, caplog: pytest.LogCaptureFixture) -> None:
    """Rather than silent."""
    house = story(shop_plan(steps=((on_schedule("primary"),),), repeat=3))
    house.plan = replace(house.plan, schedules={})
    with caplog.at_level(logging.ERROR):
        house.tell()
    assert house.sent() == ["webhook/0"]
    assert "Nobody is on call for step 1." in house.notifications()[0].note


def test_an_override_decides_who_is_called(story: Story) -> None:
    """As it stands when the step is due."""
    house = story()
    house.state.oncall.overrides.add(override("cem", NOON - MINUTE, NOON + 600 * MINUTE))
    house.tell()
    assert house.sent() == [CEM]


@pytest.mark.parametrize("times", [1, 2, 3])
def test_the_same_notification_begins_one_page(story: Story, times: int) -> None:
    """However often it is delivered, also after the page is over."""
    house = story()
    for _ in range(times):
        house.tell()
    assert house.sent() == [ANA]
    house.tell(ended(house.clock.now))
    house.tell()
    assert house.page().state is PageState.RESOLVED


def test_a_group_has_one_open_page(story: Story) -> None:
    """New alerts in it change what later calls say, and call nobody by themselves."""
    house = story()
    house.tell()
    house.tell(told(firing(), firing("CartBurns"), key="n2", reason=NotificationReason.NEW_ALERTS))
    assert house.sent() == [ANA]
    assert house.after(5) == [BOB]
    assert [alert.name for alert in house.notifications()[-1].alerts] == ["CheckoutBurns", "CartBurns"]


def test_whoever_acknowledged_hears_of_more_alerts(story: Story) -> None:
    """Without being called again."""
    house = story()
    house.tell()
    house.escalator.acknowledge("group-1", "ana")
    house.tell(told(firing(), firing("CartBurns"), key="n2", reason=NotificationReason.NEW_ALERTS))
    house.tell(told(firing(), firing("CartBurns"), key="n3", reason=NotificationReason.REPEAT))
    assert [(one.channel, one.reason) for one in house.notifications()[1:]] == [(ANA, NotificationReason.NEW_ALERTS)]
    assert house.page().state is PageState.ACKNOWLEDGED


def test_an_acknowledgement_may_run_out(story: Story) -> None:
    """After an hour the chain begins again while alerts still fire."""
    house = story(shop_plan(acknowledgement_lasts_s=3600))
    house.tell()
    house.escalator.acknowledge("group-1", "ana")
    assert house.after(59) == []
    assert house.after(1) == [ANA]
    assert house.notifications()[-1].note.startswith("ana acknowledged at 2026-01-06T11:00:00Z, and alerts still fire.")
    assert house.after(5) == [BOB]


def test_the_first_who_acknowledges_has_it(story: Story) -> None:
    """The second is told who; what is over can't be taken; nobody is not somebody."""
    house = story()
    page = house.tell()
    assert page is not None
    house.escalator.acknowledge(page.id, "ana")
    assert [one.acknowledged_by for one in house.escalator.acknowledge(page.id, "bob")] == ["ana"]
    house.tell(ended(house.clock.now))
    with pytest.raises(Conflict, match="is over"):
        house.escalator.acknowledge(page.id, "bob")
    with pytest.raises(NotFound, match="no group with an open page"):
        house.escalator.acknowledge("group-1", "bob")
    with pytest.raises(InvalidInput, match="who takes"):
        house.escalator.acknowledge(page.id, " ")


def test_what_is_not_urgent_is_said_once(story: Story) -> None:
    """A ticket's severity tells the first step, waits for no answer, and climbs nowhere."""
    house = story()
    page = house.tell(told(firing(severity="ticket")))
    assert page is not None
    assert (page.kind, page.state, page.due_at) == (PageKind.MESSAGE, PageState.SAID, None)
    assert house.sent() == [ANA]
    assert house.after(600) == []
    assert not house.state.oncall.pages.calls()[0].wakes


def test_what_is_not_urgent_waits_for_the_morning(story: Story) -> None:
    """Told at three at night, it is said at seven where the person is."""
    house = story()
    house.clock.now = at("2026-01-07T02:00:00Z")
    page = house.tell(told(firing(severity="ticket")))
    assert page is not None
    assert page.due_at == at("2026-01-07T06:00:00Z")
    assert house.sent() == []
    assert house.after(239) == []
    assert house.after(1) == [ANA]
    assert house.page().state is PageState.SAID


def test_what_is_over_before_the_morning_is_never_said(story: Story) -> None:
    """It would only be noise."""
    house = story()
    house.clock.now = at("2026-01-07T02:00:00Z")
    house.tell(told(firing(severity="ticket")))
    house.tell(ended(house.clock.now))
    assert house.after(600) == []
    assert house.sent() == []


def test_a_message_that_becomes_urgent_pages(story: Story) -> None:
    """Also when somebody acknowledged the message."""
    house = story()
    house.tell(told(firing(severity="ticket")))
    house.escalator.acknowledge("group-1", "ana")
    page = house.tell(told(firing(severity="ticket"), firing("Down"), key="n2", reason=NotificationReason.NEW_ALERTS))
    assert page is not None
    assert (page.kind, page.state, page.acknowledged_by, page.severity) == (PageKind.PAGE, PageState.CALLING, "", "page")
    assert house.sent() == [ANA, ANA]
    assert house.after(5) == [BOB]


def test_a_message_without_anybody_to_tell_never_wakes(story: Story) -> None:
    """The fallback hears of it; when the group is repeated and somebody is on call, it is still a message."""
    house = story(shop_plan(steps=((on_schedule("primary"),),)))
    plan, house.plan = house.plan, replace(house.plan, schedules={})
    house.tell(told(firing(severity="ticket")))
    assert house.sent() == ["webhook/0"]
    house.plan = plan
    house.clock.now = at("2026-01-07T02:00:00Z")
    house.tell(told(firing(severity="ticket"), key="n2", reason=NotificationReason.REPEAT))
    assert house.sent() == ["webhook/0"]
    assert house.after(240) == [ANA]


def test_a_notice_that_fails_goes_nowhere_else(story: Story) -> None:
    """That somebody acknowledged is no reason to try every channel."""
    house = story()
    house.tell()
    house.after(5)
    house.escalator.acknowledge("group-1", "bob")
    assert house.escalator.next_channel(house.notifications()[-1]) is None
    assert len(house.state.oncall.pages.calls()) == 3


def test_a_word_that_means_no_severity_pages(story: Story) -> None:
    """Whoever routed it to a chain wanted somebody to be called."""
    for alerts in ((firing(severity="sev-1"),), (firing(severity="ticket"), firing("Other", severity=""))):
        page = story().tell(told(*alerts))
        assert page is not None
        assert page.kind is PageKind.PAGE


def test_a_page_tries_channels_whose_hours_allow_it_first(story: Story) -> None:
    """By day Slack, at night the pager; and at no hour nobody."""
    ana = person("ana", Contact("slack", 0, when=OFFICE), Contact("pagerduty", 0))
    plan = shop_plan()
    house = story(replace(plan, people={**plan.people, "ana": ana}))
    house.tell()
    house.tell(ended(house.clock.now))
    house.clock.now = at("2026-01-07T02:00:00Z")
    house.tell(told(key="night"))
    assert house.sent()[0] == "person/ana/slack/0"
    assert house.sent()[-1] == "person/ana/pagerduty/0"
    assert house.state.oncall.pages.calls()[-1].at_night


def test_what_a_channel_does_not_take_goes_to_the_next(story: Story) -> None:
    """Slack fails, then mail; when mail fails too, the next step is called at once. Asked twice, the answer is the same."""
    house = story()
    house.tell()
    (failed,) = house.notifications()
    mail = ("page", "person/ana/email/0")
    assert [house.escalator.next_channel(failed) for _ in range(2)] == [mail, mail]
    assert house.after(1) == []
    assert [call.channel for call in house.state.oncall.pages.calls()] == [ANA, mail[1]]
    assert house.escalator.next_channel(replace(failed, channel=mail[1], key="made by delivery")) is None
    assert house.after(0) == [BOB]


def test_of_two_who_were_called_one_may_be_out_of_reach(story: Story) -> None:
    """The other one can still answer, so the step goes on as long as it takes."""
    house = story(shop_plan(steps=((named("ana"), named("bob")), (named("dan"),))))
    house.tell()
    failed = house.notifications()[0]
    house.escalator.next_channel(failed)
    assert house.escalator.next_channel(replace(failed, channel="person/ana/email/0")) is None
    assert house.after(4) == []
    assert house.after(1) == [DAN]


def test_a_failing_channel_wakes_nobody_when_the_page_is_over(story: Story) -> None:
    """Nor does the notice of that go to other channels, and what was no call is nobody's."""
    house = story()
    house.tell()
    (failed,) = house.notifications()
    house.tell(ended(house.clock.now))
    assert house.escalator.next_channel(failed) is None
    assert house.escalator.next_channel(told(group_key="unknown")) is None


def test_unknown_chains_are_refused(story: Story) -> None:
    """With the name that was probably meant; other channels are no chains."""
    house = story()
    with pytest.raises(NotFound, match="did you mean 'shop'"):
        house.tell(told(channel="chain/shpo"))
    with pytest.raises(InvalidInput, match="chain/"):
        house.tell(told(channel="slack/0"))


def test_a_chain_that_vanishes_while_it_calls_is_exhausted(story: Story) -> None:
    """The files were changed in the middle of a page: the fallback hears of it."""
    house = story()
    house.tell()
    house.plan = replace(house.plan, chains={})
    assert house.after(5) == ["webhook/0"]
    assert "no longer defined" in house.notifications()[-1].note


def test_a_restart_at_any_point_neither_repeats_nor_forgets(story: Story) -> None:
    """The same story, with a new process before every event, calls the same people at the same times."""
    calm, restless = story(), story()
    for house in (calm, restless):
        for minutes in (0, 2, 3, 5, 0, 5, 0):
            if house is restless:
                house.state.close()
                house.restart()
            house.tell()
            house.after(minutes)
        house.escalator.acknowledge("group-1", "dan")
        house.tell(ended(house.clock.now))
    assert calm.sent() == restless.sent()
    assert [one.key for one in calm.notifications()] == [one.key for one in restless.notifications()]


def test_a_crash_between_page_and_outbox_leaves_neither(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page, calls and outbox are one transaction: told again after the crash, all of it happens once."""
    house = story()

    def failing(*_: object) -> int:
        raise StoreError("the power went")

    with monkeypatch.context() as broken:
        broken.setattr(Outbox, "enqueue_within", failing)
        with pytest.raises(StoreError):
            house.tell()
    assert house.state.oncall.pages.list() == []
    assert house.escalator.statistics().pages == 0
    house.tell()
    with monkeypatch.context() as broken:
        broken.setattr(Outbox, "enqueue_within", failing)
        with pytest.raises(StoreError):
            house.after(5)
    assert house.after(0) == [BOB]
    assert house.sent() == [ANA, BOB]


def test_two_chains_may_call_for_one_group(story: Story) -> None:
    """Acknowledging the group takes both pages."""
    house = story()
    house.plan = replace(house.plan, chains={**house.plan.chains, "web": replace(house.plan.chains["shop"], name="web")})
    house.tell()
    house.tell(told(channel="chain/web", key="n2"))
    assert {page.chain for page in house.escalator.acknowledge("group-1", "ana")} == {"shop", "web"}


def test_statistics_count_what_happened(story: Story) -> None:
    """Pages, messages, calls, steps, ends."""
    house = story()
    house.tell()
    house.after(5)
    house.escalator.acknowledge("group-1", "ana")
    house.tell(told(firing(severity="ticket"), key="n2", group_key="group-2"))
    house.tell(ended(house.clock.now))
    house.escalator.look()
    numbers = house.escalator.statistics()
    assert (numbers.pages, numbers.messages, numbers.escalations, numbers.acknowledged, numbers.resolved) == (1, 1, 1, 1, 1)
    assert numbers.open_pages == 0


def test_any_text_of_a_label_may_stand_in_a_group(story: Story) -> None:
    """Zero bytes and half characters are found again."""
    house = story()
    odd: Notification = told(group_key='{a="\x00\ud800"}')
    page = house.tell(odd)
    assert page is not None
    assert house.page().group_key == odd.group_key
    assert house.escalator.acknowledge(odd.group_key, "ana")[0].id == page.id
