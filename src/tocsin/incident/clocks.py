"""
The clocks of an incident's steps: until when each should have ended, and whether it is late.

    acknowledge   2 minutes after the opening            diagnose   60 minutes after the opening
    mitigate     15 minutes after the opening            verify     30 minutes of quiet after the fix
    postmortem   by the end of the next business day after the incident was resolved

Mitigate first, diagnose second: a step may begin before its turn, the clocks only say what is late.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from tocsin.incident.options import IncidentOptions
from tocsin.model.incident import STEPS, Incident, IncidentState, Step
from tocsin.model.instant import NANOSECONDS, Instant

SATURDAY = 5
TARGETS = {
    Step.ACKNOWLEDGE: "answer the page, open the dashboard, assess how bad it is",
    Step.MITIGATE: "stop the damage before anything else: roll back, switch off, fail over",
    Step.DIAGNOSE: "find the cause: dashboard, traces, logs, what changed",
    Step.VERIFY: "apply the fix and watch it: no alert may fire again",
    Step.POSTMORTEM: "write down without blame what happened, why, and what will be done",
}


class StepState(Enum):
    """How a step stands; the value is its name in JSON."""

    WAITING = "waiting"
    ACTIVE = "active"
    DONE = "done"
    SKIPPED = "skipped"


class Punctuality(Enum):
    """Whether a step is in time; the value is its name in JSON."""

    IN_TIME = "in_time"
    LATE = "late"  # it lasts, or lasted, beyond its target
    NO_TARGET = "no_target"  # skipped, or its clock has not begun


@dataclass(frozen=True, slots=True)
class StepView:
    """
    A step with its clock.

    Args:
        step: Which.
        state: How it stands.
        what: What is to be done.
        due_at: When it should have ended; None while its clock has not begun.
        entered_at, entered_by: When and who; None and empty for one that was not entered.
        ended_at: When it ended; None before.
        skipped: Why it was left out.
        punctuality: Whether it is in time.
        late_s: By how much it is late, seconds; 0 when it is not.
    """

    step: Step
    state: StepState
    what: str
    due_at: Instant | None
    entered_at: Instant | None
    entered_by: str
    ended_at: Instant | None
    skipped: str
    punctuality: Punctuality
    late_s: float


def views_of(incident: Incident, options: IncidentOptions, now: Instant) -> tuple[StepView, ...]:
    """All five steps of an incident, in their order."""
    return tuple(_view(incident, step, options, now) for step in STEPS)


def due_at(incident: Incident, step: Step, options: IncidentOptions) -> Instant | None:
    """When a step should have ended; None while its clock has not begun."""
    after_s = {Step.ACKNOWLEDGE: options.acknowledge_s, Step.MITIGATE: options.mitigate_s, Step.DIAGNOSE: options.diagnose_s}.get(step)
    if after_s is not None:
        return incident.opened_at + round(after_s * NANOSECONDS)
    if step is Step.VERIFY:
        return None if incident.watch_since is None else incident.watch_since + round(options.watch_s * NANOSECONDS)
    return None if incident.resolved_at is None else end_of_next_business_day(incident.resolved_at, ZoneInfo(options.time_zone))


def end_of_next_business_day(instant: Instant, zone: ZoneInfo) -> Instant:
    """The midnight that ends the first day after an instant's which is not a Saturday or Sunday, where `zone` is."""
    day = datetime.fromtimestamp(instant // NANOSECONDS, zone).date() + timedelta(days=1)
    while day.weekday() >= SATURDAY:
        day += timedelta(days=1)
    midnight = datetime.combine(day + timedelta(days=1), time(), zone)
    return int(midnight.timestamp()) * NANOSECONDS


def _view(incident: Incident, step: Step, options: IncidentOptions, now: Instant) -> StepView:
    record, due = incident.entered(step), due_at(incident, step, options)
    if record is None:
        state = StepState.WAITING
    elif record.skipped:
        state = StepState.SKIPPED
    else:
        state = StepState.ACTIVE if record.ended_at is None else StepState.DONE
    late_ns = 0
    counts = due is not None and state is not StepState.SKIPPED and not _is_over(incident, state)
    # Watching lasts as long as its clock says: when it is longer than that, the watcher was not there, which is nobody's delay.
    if counts and due is not None and step is not Step.VERIFY:
        ended = record.ended_at if record is not None and record.ended_at is not None else now
        late_ns = max(0, ended - due)
    punctuality = Punctuality.NO_TARGET if not counts else Punctuality.LATE if late_ns else Punctuality.IN_TIME
    return StepView(
        step=step,
        state=state,
        what=TARGETS[step],
        due_at=None if state is StepState.SKIPPED else due,
        entered_at=record.entered_at if record else None,
        entered_by=record.entered_by if record else "",
        ended_at=record.ended_at if record else None,
        skipped=record.skipped if record else "",
        punctuality=punctuality,
        late_s=late_ns / NANOSECONDS,
    )


def _is_over(incident: Incident, state: StepState) -> bool:
    """Whether a step will never be entered because the incident ended without it."""
    return state is StepState.WAITING and incident.state is IncidentState.CLOSED
