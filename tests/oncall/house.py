"""A relational state with an escalator on a clock that a test moves, and a group of alerts to tell it about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.oncall.plans import MINUTE, at, chain, layer, named, on_schedule, person, schedule
from tests.state.prepared import open_state

from tocsin.model.alert import Alert
from tocsin.model.instant import Instant
from tocsin.model.labels import Labels
from tocsin.model.notification import Notification, NotificationReason
from tocsin.model.oncall import Page
from tocsin.oncall.definition import OncallPlan
from tocsin.oncall.escalation import Destination
from tocsin.oncall.escalator import Escalator
from tocsin.oncall.roster import Roster

NOON = at("2026-01-06T11:00:00Z")  # Tuesday, twelve in Berlin; ana is on call, bob is second
FALLBACK = Destination("fallback", "webhook/0")


class HandClock:
    """A clock that only a test moves."""

    def __init__(self, now: Instant = NOON) -> None:
        self.now = now

    def now_ns(self) -> int:
        """What the test set."""
        return self.now

    def monotonic_s(self) -> float:
        """The same as seconds."""
        return self.now / 1e9

    def advance(self, minutes: float) -> None:
        """Move on."""
        self.now += round(minutes * MINUTE)


def shop_plan(**given: Any) -> OncallPlan:
    """Ana and cem take weeks, bob is second, dan is the boss; the chain calls them in three steps."""
    people = [person(name) for name in ("ana", "bob", "cem", "dan")]
    schedules = [schedule(layer("weekly", "ana", "cem")), schedule(layer("weekly", "bob", "cem"), name="secondary")]
    steps = ((on_schedule("primary"),), (on_schedule("secondary"),), (named("dan"), on_schedule("primary")))
    chains = [chain(*given.pop("steps", steps), **given)]
    return OncallPlan({one.name: one for one in people}, {one.name: one for one in schedules}, {one.name: one for one in chains})


def told(*alerts: Alert, reason: NotificationReason = NotificationReason.FIRST, key: str = "n1", **given: Any) -> Notification:
    """What the chain is told of the checkout's group."""
    start = Notification(key, "group-1", "page", "chain/shop", reason, NOON, Labels({"service": "checkout"}), alerts or (firing(),))
    return replace(start, **given)


def firing(name: str = "CheckoutBurns", severity: str = "page") -> Alert:
    """An alert that goes on."""
    return Alert(Labels({"alertname": name, "severity": severity}), starts_at=NOON - MINUTE)


def ended(now: Instant, key: str = "end") -> Notification:
    """All of the group's alerts have ended."""
    over = replace(firing(), ends_at=now)
    return told(over, reason=NotificationReason.ALL_RESOLVED, key=key, created_at=now)


class House:
    """
    Everything that a page goes through, but the sending.

    Args:
        folder: Where the state lies.
        plan: Who is called.
    """

    def __init__(self, folder: Path, plan: OncallPlan | None = None) -> None:
        self.folder = folder
        self.clock = HandClock()
        self.plan = plan or shop_plan()
        self.restart()

    def restart(self) -> None:
        """Forget everything but what is on the disk."""
        self.state = open_state(self.folder)
        self.escalator = Escalator(
            self.state.oncall.pages,
            lambda: Roster(self.plan, self.state.oncall.overrides.list()),
            clock=self.clock,
            fallback=lambda: (FALLBACK,),
        )

    def tell(self, notification: Notification | None = None) -> Page | None:
        """Tell the chain."""
        return self.escalator.start(notification or told())

    def after(self, minutes: float) -> list[str]:
        """Whom the escalator calls after some time, as channels."""
        self.clock.advance(minutes)
        before = self.sent()
        self.escalator.advance()
        return self.sent()[len(before) :]

    def sent(self) -> list[str]:
        """Channels of everything in the outbox, in order."""
        return [notification.channel for notification in self.notifications()]

    def notifications(self) -> Sequence[Notification]:
        """Everything in the outbox, in order."""
        return [entry.notification for entry in self.state.alerting.outbox.after(0, 1000)]

    def page(self) -> Page:
        """The one page."""
        (page,) = self.state.oncall.pages.list()
        return page
