"""
Lab 5: continuous improvement, the flywheel.

Four weeks of a shop. Each page opens an incident; each incident leaves a guard behind, or is known by one already. Everything goes the way
that it goes at night: a notification in the outbox, an incident opened by it, steps, a guard, the end. The table is what
`tocsin incident weekly` shows.

      week  incidents  new  repeats_prevented  total_guards
        1        3       3          0               3
    ...

Takeaway: a failure that left a guard can come back, but not as news. The slope of `new` is the score.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tocsin.clock import RealClock
from tocsin.incident.desk import IncidentDesk
from tocsin.incident.opener import Opener
from tocsin.incident.options import IncidentOptions
from tocsin.incident.weekly import Week
from tocsin.model.alert import Alert
from tocsin.model.incident import GuardKind, Step
from tocsin.model.instant import NANOSECONDS, Instant, parse_instant
from tocsin.model.labels import Labels
from tocsin.model.notification import Notification, NotificationReason
from tocsin.state.options import StateOptions
from tocsin.state.state import State

START = parse_instant("2026-03-02T09:00:00Z")  # a Monday
HOUR = 3600 * NANOSECONDS
DAY = 24 * HOUR
WEEK = 7 * DAY
WHO = "ada"

# What failed, week by week: (alert, service). What failed before and left a guard is no news when it fails again.
WEEKS: Sequence[Sequence[tuple[str, str]]] = (
    (("CheckoutBurns", "gateway"), ("AnswersFail", "assistant"), ("ChargesSlow", "payments")),
    (("CheckoutBurns", "gateway"), ("OrdersPoolFull", "orders")),
    (("AnswersFail", "assistant"), ("OrdersPoolFull", "orders")),
    (("CheckoutBurns", "gateway"),),
)


class _Clock(RealClock):
    """A clock that the lab sets."""

    def __init__(self) -> None:
        self.now = START

    def now_ns(self) -> int:
        return self.now


def main(say: Callable[[str], None] = print) -> None:
    """Run the lab; `say` takes each line that it shows."""
    logging.getLogger("tocsin.incident").setLevel(logging.ERROR)  # each opening is news at night, and here said below
    clock = _Clock()
    with tempfile.TemporaryDirectory(prefix="tocsin-lab-") as folder, State.open(Path(folder), StateOptions()) as state:
        desk = IncidentDesk(state.incidents, clock=clock, options=IncidentOptions(watch_s=0))
        opener = Opener(state.incidents, state.alerting.outbox)
        say("==== FLYWHEEL: every incident becomes a guard ====")
        for number, failures in enumerate(WEEKS):
            for day, (alert, service) in enumerate(failures):
                clock.now = START + number * WEEK + day * DAY
                live_through(desk, opener, state, clock, (alert, service), say)
        show(desk.lessons.weekly(START, START + len(WEEKS) * WEEK - DAY), say)


def live_through(
    desk: IncidentDesk, opener: Opener, state: State, clock: _Clock, failure: tuple[str, str], say: Callable[[str], None]
) -> None:
    """One failure from its page to its guard."""
    alert, service = failure
    state.alerting.enqueue([page(alert, service, clock.now, firing=True)])
    (incident,) = opener.follow()
    known = desk.lessons.guards(signature=incident.signature)
    say(f"  {incident.id}  {alert} of {service}: {f'a repeat, guarded by {known[0].name}' if known else 'new'}")
    clock.now += HOUR // 30
    desk.acknowledge(incident.id, by=WHO)  # which leads on to mitigating
    for step in (Step.DIAGNOSE, Step.VERIFY):
        clock.now += HOUR // 6
        desk.enter(incident.id, step, by=WHO)
    state.alerting.enqueue([page(alert, service, clock.now, firing=False)])
    opener.follow()
    desk.resolve(incident.id, by=WHO, reason="the rule is quiet again")
    if not known:
        desk.lessons.add_guard(incident.id, GuardKind.MUST_FIRE, f"{service}-{alert}", f"guards/{alert}", by=WHO)
    desk.close(incident.id, by=WHO, no_guard="its guard stands" if known else "", no_postmortem="a lab has no time to write")


def page(alert: str, service: str, at: Instant, *, firing: bool) -> Notification:
    """What the dispatcher would have written into the outbox."""
    labels = Labels({"alertname": alert, "service": service, "severity": "page"})
    told = Alert(labels, starts_at=at - HOUR // 60, ends_at=None if firing else at, updated_at=at, source="rule")
    reason = NotificationReason.FIRST if firing else NotificationReason.ALL_RESOLVED
    return Notification(f"{service}/{at}", f'{{}}:{{service="{service}"}}', "page", "desk/0", reason, at, labels, (told,))


def show(weeks: Sequence[Week], say: Callable[[str], None]) -> None:
    """The table."""
    say("  week  incidents  new  repeats_prevented  total_guards")
    for week in weeks:
        say(f"  {week.week:>3}{week.incidents:>9}{week.new:>8}{week.repeats_prevented:>11}{week.total_guards:>16}")
