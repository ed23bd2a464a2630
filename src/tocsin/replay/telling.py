"""
Who would have been told: alerts of a replay go through the dispatcher that runs live, on a clock of their own, and end with a person.

    changes in order of time -> group, inhibit, silence, route -> notifications -> chain of escalation -> who is on call at that instant

Every receiver has one channel here: what counts is that somebody is told, not over how many ways. A page begins with the first
notification of a group and lasts until all its alerts have ended; what comes in between joins it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tocsin.alert.dispatch.dispatcher import Dispatcher
from tocsin.alert.routing.config import AlertingConfig
from tocsin.alert.routing.receivers import ChannelInfo
from tocsin.errors import TocsinError
from tocsin.model.alert import SEVERITY, Alert, Quiet, Silence, fingerprint
from tocsin.model.instant import Instant
from tocsin.model.notification import Notification
from tocsin.model.severity import SeverityLevel, worst
from tocsin.oncall.definition import Chain, Target, TargetKind
from tocsin.oncall.roster import Roster
from tocsin.replay.evidence import NOBODY, Firing, Page, Told, Waiting
from tocsin.replay.rule_replay import Change, ChangeKind

CHANNEL = ChannelInfo("replay/0", send_resolved=True)
ALERTS_MAX = 1_000_000
OBJECTIVE = "objective"
SERVICE = "service"
_QUIET = {Quiet.SILENCED: Told.SILENCED, Quiet.INHIBITED: Told.INHIBITED, Quiet.MUTED: Told.MUTED}

_KEPT_QUIET = frozenset({Told.UNTOLD, *_QUIET.values()})


@dataclass(slots=True)
class _Open:
    """An alert that fires, or a page that lasts."""

    firing: Firing
    told: Told = Told.UNTOLD


@dataclass(slots=True)
class _OpenPage:
    """A page that lasts, with the ends of its alerts by fingerprint; None while one fires."""

    page: Page
    ends: dict[str, Instant | None] = field(default_factory=dict)


@dataclass(slots=True)
class Telling:
    """
    The way from an alert to a person. One thread.

    Args:
        config: Routes, inhibition, time intervals.
        silences: That people had made.
        roster: Chains and schedules; None: pages go to nobody in particular.
    """

    config: AlertingConfig
    silences: Sequence[Silence] = ()
    roster: Roster | None = None
    firings: list[Firing] = field(default_factory=list)
    waitings: list[Waiting] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    notifications: Counter[str] = field(default_factory=Counter)
    _dispatcher: Dispatcher = field(init=False)
    _open: dict[str, _Open] = field(default_factory=dict)
    _open_pages: dict[str, _OpenPage] = field(default_factory=dict)
    _last_ends: dict[str, Instant] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._dispatcher = Dispatcher(self.config, channels_of=lambda _: [CHANNEL], start_delay_s=0.0, alerts_max=ALERTS_MAX)
        self._dispatcher.set_silences(self.silences)

    def take(self, changes: Sequence[Change], until: Instant) -> None:
        """
        Let alerts begin and end, and tell whoever is to be told before `until`.

        Args:
            changes: In order of time, all before `until`.
            until: Nanoseconds since 1970.
        """
        for change in changes:
            self._flush_before(change.at)
            self._take(change)
        self._flush_before(until)

    def finish(self) -> None:
        """Close the books: what still fires has no end."""
        for one in self._open.values():
            self.firings.append(replace(one.firing, told=one.told))
        for open_page in self._open_pages.values():
            self._close(open_page)
        self._open.clear()
        self._open_pages.clear()
        self.firings.sort(key=lambda firing: firing.start)
        self.pages.sort(key=lambda page: page.at)

    def _take(self, change: Change) -> None:
        alert, rule = change.alert, change.rule
        key = fingerprint(alert.labels)
        if change.kind is ChangeKind.CALMED:
            self.waitings.append(Waiting(rule.name, alert.labels, alert.active_at, change.at))
            return
        if change.kind is ChangeKind.FIRED:
            self._open[key] = _Open(Firing(rule.name, alert.labels, change.at, None, alert.active_at))
        elif (one := self._open.pop(key, None)) is not None:
            self.firings.append(replace(one.firing, end=change.at, told=one.told))
            self._last_ends[key] = change.at
        self._dispatcher.put([_alert(change)], change.at)

    def _note_quiet(self, at: Instant) -> None:
        """Why alerts that nobody heard of are not told at this flush; they may be told at a later one."""
        for key, one in self._open.items():
            if one.told in _KEPT_QUIET and (quiet := self._dispatcher.status(key, at).quiet) is not None:
                one.told = _QUIET[quiet]

    def _flush_before(self, at: Instant) -> None:
        while (due := self._dispatcher.next_at()) is not None and due < at:
            for flush in self._dispatcher.plan(due):
                self._dispatcher.commit(flush)
                for notification in flush.notifications:
                    self._hear(notification)
            self._note_quiet(due)
            after = self._dispatcher.next_at()
            assert after is None or after > due, "a dispatcher that was asked has done what was due"

    def _hear(self, notification: Notification) -> None:
        self.notifications[notification.receiver] += 1
        open_page = self._open_pages.get(notification.group_key)
        if open_page is None and notification.firing and self._wakes(notification):
            open_page = self._open_pages[notification.group_key] = _OpenPage(self._page(notification))
        told = Told.NOTIFIED if open_page is None else Told.PAGED
        for alert in notification.firing:
            one = self._open.get(alert.fingerprint)
            if one is not None and one.told is not Told.PAGED:
                one.told = told
        if open_page is None:
            return
        more = self._page(notification)
        open_page.page = open_page.page.joined_by(more)
        open_page.ends |= {alert.fingerprint: None for alert in notification.firing}
        open_page.ends |= {alert.fingerprint: alert.ends_at for alert in notification.resolved}
        if not notification.firing:
            self._close(self._open_pages.pop(notification.group_key))

    def _close(self, open_page: _OpenPage) -> None:
        ends = [self._end_of(key, end) for key, end in open_page.ends.items()]
        known = [end for end in ends if end is not None]
        until = max(known) if known and len(known) == len(ends) else None
        self.pages.append(replace(open_page.page, until=until))

    def _end_of(self, key: str, end: Instant | None) -> Instant | None:
        """When an alert of a page ended, although its group was not told yet."""
        if end is not None or key in self._open:
            return end
        return self._last_ends.get(key)

    def _wakes(self, notification: Notification) -> bool:
        level = _level(notification.firing)
        chain = self._chain(notification.receiver)
        if chain is not None:
            return level is not None and level.severity in chain.severities
        return level is not None and level.pages

    def _chain(self, receiver: str) -> Chain | None:
        return self.roster.plan.chain_of(receiver) if self.roster is not None else None

    def _page(self, notification: Notification) -> Page:
        alerts = notification.firing
        person = self._person(notification.receiver, notification.created_at)
        zone = self.roster.plan.people[person].zone if self.roster is not None and person in self.roster.plan.people else ""
        return Page(
            at=notification.created_at,
            person=person,
            rules=tuple(dict.fromkeys(alert.name for alert in alerts)),
            services=_values(alerts, SERVICE),
            objectives=_values(alerts, OBJECTIVE),
            group=notification.group_key,
            receiver=notification.receiver,
            time_zone=zone,
        )

    def _person(self, receiver: str, at: Instant) -> str:
        """Who is called first."""
        chain = self._chain(receiver)
        if chain is None or self.roster is None or not chain.steps:
            return NOBODY
        for target in chain.steps[0].notify:
            person = self._named(target, at)
            if person:
                return person
        return NOBODY

    def _named(self, target: Target, at: Instant) -> str:
        assert self.roster is not None
        if target.kind is TargetKind.PERSON:
            return target.name
        try:
            return self.roster.who(target.name, at).person
        except TocsinError:  # a schedule that is gone: nobody is called
            return NOBODY


def _alert(change: Change) -> Alert:
    alert = change.alert
    return Alert(
        labels=alert.labels,
        annotations=alert.annotations,
        starts_at=alert.active_at if alert.fired_at is None else alert.fired_at,
        ends_at=alert.resolved_at,
        updated_at=change.at,
        value=alert.value,
        source="rule",
        rule=f"{change.group.name}/{change.rule.name}",
    )


def _level(alerts: Sequence[Alert]) -> SeverityLevel | None:
    return worst([alert.labels.get(SEVERITY) for alert in alerts])


def _values(alerts: Sequence[Alert], label: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for alert in alerts if (value := alert.labels.get(label))))
