"""
What may become of an incident, as pure functions: each takes it as it is and gives it as it shall be, with what its timeline says.

    opened -> acknowledged -> mitigated -> diagnosed -> watched (the clock begins again when an alert fires) -> resolved -> closed

A resolved incident takes no more alerts: what fires then is another incident.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tocsin.errors import Conflict, InvalidInput
from tocsin.incident.signature import signature_of
from tocsin.model.alert import SEVERITY, Alert, AlertEvent, AlertEventKind
from tocsin.model.incident import (
    STEPS,
    Entry,
    EntryKind,
    Incident,
    IncidentAlert,
    IncidentGroup,
    IncidentSource,
    IncidentState,
    JoinReason,
    Role,
    Step,
    StepRecord,
)
from tocsin.model.instant import NANOSECONDS, Instant, format_instant
from tocsin.model.severity import LEVELS, Severity, worst
from tocsin.state.alert_json import storable
from tocsin.state.incidents import Change

RUNBOOK_ANNOTATIONS = ("runbook", "runbook_url")
TITLE_LENGTH_MAX = 200
STEP_WORDS = {
    Step.ACKNOWLEDGE: "acknowledged by nobody any more",
    Step.MITIGATE: "mitigating",
    Step.DIAGNOSE: "mitigated, diagnosing",
    Step.VERIFY: "fixed, watching",
    Step.POSTMORTEM: "resolved, the postmortem is to be written",
}


@dataclass(frozen=True, slots=True)
class Paged:
    """
    The alerts of one service that a notification tells of.

    Args:
        service: Whose; empty where alerts name none.
        group_key: Their group.
        alerts: Firing and just resolved ones.
        at: When it was decided to tell.
    """

    service: str
    group_key: str
    alerts: tuple[Alert, ...]
    at: Instant

    @property
    def firing(self) -> tuple[Alert, ...]:
        """Those that had not ended."""
        return tuple(alert for alert in self.alerts if not alert.resolved(self.at))


def opened_by_page(paged: Paged, guards_known: int, acknowledged: tuple[str, Instant] | None = None) -> Change:
    """
    The incident that a page opens.

    Args:
        paged: With at least one firing alert.
        guards_known: How many guards know the signature of its first alert.
        acknowledged: Who answered the page and when, where somebody was faster than we; an answer to an older page does not count.
    """
    first = first_of(paged.firing)
    level = worst([alert.labels.get(SEVERITY) for alert in paged.firing])
    alerts = _told(paged)
    incident = Incident(
        number=0,
        title=_title(first, len(paged.firing)),
        service=paged.service,
        severity=level.severity if level is not None else Severity.P1,
        signature=signature_of(first.labels),
        source=IncidentSource.PAGE,
        opened_at=paged.at,
        alerted_at=min(alert.starts_at for alert in paged.firing),
        guards_known=guards_known,
        runbook=next((text for alert in paged.firing if (text := runbook_of(alert))), ""),
        steps=(StepRecord(Step.ACKNOWLEDGE, paged.at),),
        groups=(IncidentGroup(paged.group_key, paged.at, JoinReason.OPENED),),
        alerts=alerts,
    )
    known = f"; {guards_known} {'guard knows' if guards_known == 1 else 'guards know'} this failure" if guards_known else ""
    entries = [Entry(paged.at, EntryKind.OPENED, f"opened by a page: {incident.title}{known}")]
    if acknowledged is None or acknowledged[1] < paged.at:  # nobody answers a page before it was decided: that was an older one
        return Change(incident, tuple(entries))
    answered = enter(incident, Step.MITIGATE, *acknowledged)
    return Change(answered.incident, (*entries, *answered.entries))


def first_of(alerts: Sequence[Alert]) -> Alert:
    """The alert that stands for several: the worst, of those the earliest."""
    ranks = {level.severity: rank for rank, level in enumerate(LEVELS)}

    def rank(alert: Alert) -> tuple[int, Instant, str]:
        level = worst([alert.labels.get(SEVERITY)])
        return (ranks[level.severity] if level else len(ranks), alert.starts_at, alert.fingerprint)

    return min(alerts, key=rank)


def runbook_of(alert: Alert) -> str:
    """Path or URL of an alert's runbook; empty without one."""
    return storable(next((text for name in RUNBOOK_ANNOTATIONS if (text := alert.annotations.get(name, "").strip())), ""))


def told_again(incident: Incident, paged: Paged) -> Change | None:
    """What a notification changes about an open incident: a group that joins, alerts that began or ended; None when nothing."""
    joined = paged.group_key not in incident.group_keys
    if joined and not paged.firing:
        return None
    told = _merged(incident.alerts, _told(paged))
    groups, entries = incident.groups, []
    if joined:
        groups = (*groups, IncidentGroup(paged.group_key, paged.at, JoinReason.SAME_SERVICE))
        about = f"the same service {paged.service}" if paged.service else "the same group"
        entries.append(Entry(paged.at, EntryKind.JOINED, f"{_title(first_of(paged.firing), len(paged.firing))} joined: {about}"))
    changed = replace(incident, alerts=told, groups=groups, runbook=incident.runbook or _any_runbook(paged))
    starts = [alert.starts_at for alert in paged.firing]
    if starts and (incident.alerted_at is None or min(starts) < incident.alerted_at):
        changed = replace(changed, alerted_at=min(starts))
    return None if changed == incident else Change(changed, tuple(entries))


def enter(incident: Incident, step: Step, by: str, at: Instant, reason: str = "") -> Change:
    """
    Begin with a step; the one before ends.

    Args:
        incident: Open.
        step: Which; one before the present one when people have to go back.
        by: Who says so.
        at: When.
        reason: Why steps between are left out, or why people go back; needed only then.

    Raises:
        Conflict: The incident is over, or is at that step already.
        InvalidInput: Steps are left out, or people go back, without a reason; or the postmortem is to begin while nothing is resolved.
    """
    _hold_open(incident)
    if step is incident.step:
        raise Conflict(f"{incident.id} is at the step {step.value} already")
    if step is Step.POSTMORTEM:
        raise InvalidInput(f"the postmortem of {incident.id} begins when it is resolved: when its watching ended, or somebody resolves it")
    now, wanted = STEPS.index(incident.step), STEPS.index(step)
    passed = [one for one in STEPS[:wanted] if incident.entered(one) is None]
    if (passed or wanted < now) and not reason.strip():
        lack = f"leaves out {', '.join(one.value for one in passed)}" if passed else f"goes back from {incident.step.value}"
        raise InvalidInput(f"entering {step.value} {lack}; say why with a reason")
    kept = [_ended(record, at) for record in incident.steps if STEPS.index(record.step) < wanted]
    skipped = [StepRecord(one, None, by, None, reason) for one in passed]
    steps = sorted([*kept, *skipped, StepRecord(step, at, by)], key=lambda record: STEPS.index(record.step))
    changed = replace(incident, step=step, steps=tuple(steps))
    changed = _with_milestones(changed, step, by, at)
    left_out = f" (left out {', '.join(one.value for one in passed)})" if passed else ""
    words = f"{STEP_WORDS[step]}{left_out}"
    if wanted < now:
        words = f"back from {incident.step.value} to {step.value}"
    return Change(changed, (Entry(at, EntryKind.STEP, f"{words}{f': {reason}' if reason else ''}", by),))


def acknowledge(incident: Incident, by: str, at: Instant) -> Change | None:
    """Somebody answered: the first step ends and mitigating begins; None when somebody did before."""
    if incident.state is not IncidentState.OPEN or incident.step is not Step.ACKNOWLEDGE:
        return None
    change = enter(incident, Step.MITIGATE, by, at)
    return replace(change, entries=(Entry(at, EntryKind.STEP, "acknowledged, mitigating", by),))


def set_severity(incident: Incident, severity: Severity, by: str, reason: str, at: Instant) -> Change | None:
    """How bad it is was judged anew; None when it is that bad already."""
    _hold_not_closed(incident)
    if severity is incident.severity:
        return None
    text = f"{incident.severity.value} to {severity.value}: {reason}"
    return Change(replace(incident, severity=severity), (Entry(at, EntryKind.SEVERITY, text, by),))


def set_role(incident: Incident, role: Role, name: str, by: str, at: Instant) -> Change:
    """Somebody takes a role; an empty name gives it back."""
    _hold_not_closed(incident)
    text = f"{name} is {role.value}" if name else f"nobody is {role.value}"
    if role is Role.LEAD:
        changed = replace(incident, lead=name)
    elif role is Role.COMMUNICATIONS:
        changed = replace(incident, communications=name)
    else:
        changed = replace(incident, scribe=name)
    return Change(changed, (Entry(at, EntryKind.ROLE, text, by),))


@dataclass(frozen=True, slots=True)
class Watch:
    """
    How the watching of a fix stands.

    Args:
        since: Since when all alerts are quiet; None while one fires.
        firing: Names of those that fire.
        restarted: Whether an alert fired again since the last look.
        done: Whether it was quiet long enough.
    """

    since: Instant | None
    firing: tuple[str, ...]
    restarted: bool
    done: bool


def heard(incident: Incident, events: Iterable[AlertEvent], now: Instant) -> Incident:
    """
    The incident with ends and new beginnings of its alerts out of their history: not every channel is told when an alert ends.

    Args:
        incident: Its own alerts say what notifications told.
        events: Alerts that began or ended, of any fingerprint; those of others are passed over.
        now: The present; what is said of later does not count yet.
    """
    ends = {alert.fingerprint: alert.ends_at for alert in incident.alerts}
    for event in sorted(events, key=lambda event: event.at):
        if event.fingerprint not in ends or event.at > now:
            continue
        end = ends[event.fingerprint]
        if event.kind is AlertEventKind.RESOLVED:
            ends[event.fingerprint] = event.at if end is None else max(end, event.at)
        elif end is not None and event.at > end:
            ends[event.fingerprint] = None
    alerts = tuple(replace(alert, ends_at=ends[alert.fingerprint]) for alert in incident.alerts)
    return replace(incident, alerts=alerts)


def kept_up(incident: Incident, events: Iterable[AlertEvent], now: Instant, watch_s: float) -> Change | None:
    """What the history of alerts changes about an open incident, its watching included; None when nothing."""
    if incident.state is not IncidentState.OPEN:
        return None
    known = heard(incident, events, now)
    if incident.step is Step.VERIFY and (change := watched(known, watch(known, now, watch_s), now)) is not None:
        return change
    return Change(known) if known != incident else None


def watch(incident: Incident, now: Instant, watch_s: float) -> Watch:
    """Judge the watching of an incident at the step verify by its alerts, which must be quiet for `watch_s` seconds in a row."""
    record = incident.entered(Step.VERIFY)
    assert record is not None, "only what is watched is judged"
    assert record.entered_at is not None, "a step that was entered says when"
    ends = [alert.ends_at for alert in incident.alerts if alert.ends_at is not None and alert.ends_at <= now]
    firing = {alert.labels.get("alertname", alert.fingerprint) for alert in incident.alerts if alert.ends_at is None or alert.ends_at > now}
    since = None if firing else max([record.entered_at, *ends])
    before = incident.watch_since
    restarted = before is not None and (since is None or since > before)
    done = since is not None and now - since >= round(watch_s * NANOSECONDS)
    return Watch(since, tuple(sorted(firing)), restarted, done)


def watched(incident: Incident, seen: Watch, now: Instant) -> Change | None:
    """What a look at the alerts of a watched incident changes: the clock begins, begins again, or has run out; None when nothing."""
    if seen.done and seen.since is not None:
        quiet = Entry(now, EntryKind.RESOLVED, f"resolved: all alerts are quiet since {format_instant(seen.since)[:19]}Z")
        return Change(_resolved(replace(incident, watch_since=seen.since), now), (quiet,))
    if seen.since == incident.watch_since:
        return None
    entries: tuple[Entry, ...] = ()
    if seen.restarted:
        again = f"{', '.join(seen.firing)} fired again" if seen.firing else "an alert fired again and ended"
        entries = (Entry(now, EntryKind.WATCH, f"the watching begins anew: {again}"),)
    elif seen.since is not None:
        entries = (Entry(now, EntryKind.WATCH, f"all alerts are quiet since {format_instant(seen.since)[:19]}Z; the watching begins"),)
    return Change(replace(incident, watch_since=seen.since), entries)


def resolve(incident: Incident, by: str, reason: str, at: Instant) -> Change:
    """
    Somebody says that it is over, without the watching.

    Raises:
        Conflict: It is over already.
    """
    _hold_open(incident)
    steps = tuple(incident.entered(step) or StepRecord(step, None, by, None, reason) for step in STEPS[:-1])
    changed = _resolved(replace(incident, steps=steps, watch_since=incident.watch_since or at), at)
    return Change(changed, (Entry(at, EntryKind.RESOLVED, f"resolved by hand: {reason}", by),))


def close(incident: Incident, guards: int, postmortems: int, by: str, at: Instant, given: Closing, *, needs_postmortem: bool) -> Change:
    """
    End it for good.

    Args:
        incident: Resolved.
        guards: How many came from it.
        postmortems: Versions of its postmortem.
        by: Who closes it.
        at: When.
        given: Reasons for what is missing.
        needs_postmortem: Whether its severity asks for one.

    Raises:
        Conflict: It is not resolved, or closed before.
        InvalidInput: There is neither a guard nor a reason why not, or the same for the postmortem; says all that is missing at once.
    """
    if incident.state is IncidentState.CLOSED:
        raise Conflict(f"{incident.id} was closed at {format_instant(incident.closed_at or 0)[:19]}Z by {incident.closed_by}")
    if incident.state is IncidentState.OPEN:
        raise Conflict(f"{incident.id} is at the step {incident.step.value}; it can be closed once it is resolved")
    missing = []
    if not guards and not given.no_guard.strip():
        missing.append("a guard that notices the same failure again, or a reason why there can be none")
    if needs_postmortem and not postmortems and not given.no_postmortem.strip():
        missing.append(f"a postmortem, which a {incident.severity.value} has, or a reason why it needs none")
    if missing:
        raise InvalidInput(f"{incident.id} can't be closed yet, it lacks {'; and '.join(missing)}")
    without_guard = given.no_guard.strip() if not guards else ""
    without_postmortem = given.no_postmortem.strip() if not postmortems else ""
    reasons = [
        *([f"no guard: {without_guard}"] if without_guard else [f"{guards} {'guard' if guards == 1 else 'guards'}"] if guards else []),
        *([f"no postmortem: {without_postmortem}"] if without_postmortem else []),
    ]
    changed = replace(
        incident,
        state=IncidentState.CLOSED,
        steps=tuple(_ended(record, at) for record in incident.steps),
        closed_at=at,
        closed_by=by,
        no_guard_reason=without_guard,
        no_postmortem_reason=without_postmortem,
    )
    return Change(changed, (Entry(at, EntryKind.CLOSED, f"closed ({'; '.join(reasons)})", by),))


@dataclass(frozen=True, slots=True)
class Closing:
    """Why an incident is closed without what belongs to it; empty texts where nothing is missing."""

    no_guard: str = ""
    no_postmortem: str = ""


def _resolved(incident: Incident, at: Instant) -> Incident:
    steps = (*(_ended(record, at) for record in incident.steps if record.step is not Step.POSTMORTEM), StepRecord(Step.POSTMORTEM, at))
    return replace(incident, state=IncidentState.RESOLVED, step=Step.POSTMORTEM, resolved_at=at, steps=steps)


def _with_milestones(incident: Incident, step: Step, by: str, at: Instant) -> Incident:
    wanted = STEPS.index(step)
    if incident.acknowledged_at is None and wanted > STEPS.index(Step.ACKNOWLEDGE):
        incident = replace(incident, acknowledged_at=at, acknowledged_by=by)
    if wanted <= STEPS.index(Step.MITIGATE):
        incident = replace(incident, mitigated_at=None)
    elif incident.mitigated_at is None:
        incident = replace(incident, mitigated_at=at)
    quiet = all(alert.ends_at is not None and alert.ends_at <= at for alert in incident.alerts)
    return replace(incident, watch_since=at if step is Step.VERIFY and quiet else None)


def _ended(record: StepRecord, at: Instant) -> StepRecord:
    return record if record.ended_at is not None or record.skipped else replace(record, ended_at=at)


def _hold_open(incident: Incident) -> None:
    if incident.state is not IncidentState.OPEN:
        raise Conflict(f"{incident.id} is {incident.state.value}: its steps are over; what happens now belongs to another incident")


def _hold_not_closed(incident: Incident) -> None:
    if incident.state is IncidentState.CLOSED:
        raise Conflict(f"{incident.id} is closed; what it says stays as it is")


def _told(paged: Paged) -> tuple[IncidentAlert, ...]:
    return tuple(
        IncidentAlert(
            fingerprint=alert.fingerprint,
            group_key=paged.group_key,
            # Telemetry may hold what neither a database nor JSON keeps; the incident must be opened all the same.
            labels={storable(name): storable(value) for name, value in alert.labels},
            annotations={storable(name): storable(value) for name, value in alert.annotations.items()},
            starts_at=alert.starts_at,
            # An end in the future is a promise of whoever sent the alert to say it again; until then it fires.
            ends_at=alert.ends_at if alert.resolved(paged.at) else None,
            value=alert.value if alert.value is not None and math.isfinite(alert.value) else None,  # JSON has no other
            rule=storable(alert.rule),
        )
        for alert in paged.alerts
    )


def _merged(known: Sequence[IncidentAlert], told: Sequence[IncidentAlert]) -> tuple[IncidentAlert, ...]:
    """What is known of alerts with what was told now; one that began again keeps where it began first."""
    found = {alert.fingerprint: alert for alert in known}
    for alert in told:
        before = found.get(alert.fingerprint)
        if before is None and alert.ends_at is not None:
            continue  # it was over before anybody was told, so it is none of this incident's
        found[alert.fingerprint] = alert if before is None else replace(alert, starts_at=min(alert.starts_at, before.starts_at))
    return tuple(sorted(found.values(), key=lambda alert: (alert.starts_at, alert.fingerprint)))


def _any_runbook(paged: Paged) -> str:
    return next((text for alert in paged.firing if (text := runbook_of(alert))), "")


def _title(alert: Alert, count: int) -> str:
    text = storable((alert.annotations.get("summary", "").strip() or alert.name.strip() or "an alert without a name").splitlines()[0])
    more = f" (and {count - 1} more)" if count > 1 else ""
    return f"{text[: TITLE_LENGTH_MAX - len(more)]}{more}"
