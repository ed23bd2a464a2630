"""
Alerts become groups, groups become notifications: the machine that the pipeline drives and a replay runs on its own clock.

    events = dispatcher.put(alerts, now)          what began, what ended
    for flush in dispatcher.plan(now):            who is told what; nothing is remembered yet
        keep(flush)                               in a transaction of whoever drives it
        dispatcher.commit(flush)                  now it is

It reads no clock, sends nothing and keeps nothing but memory. A flush that was planned and not committed is planned again, with the same
keys. One thread drives it at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tocsin.alert.dispatch.flushing import ChannelsOf, channel_states, flush
from tocsin.alert.dispatch.groups import Groups, group_key
from tocsin.alert.dispatch.inhibiting import InhibitionIndex
from tocsin.alert.dispatch.kept import Group, Kept
from tocsin.alert.dispatch.silencing import SilenceIndex
from tocsin.alert.dispatch.state import Flush, GroupState, GroupView, Unsaved
from tocsin.alert.dispatch.store import AlertStore
from tocsin.alert.routing.config import AlertingConfig
from tocsin.alert.routing.tree import Route
from tocsin.model.alert import Alert, AlertEvent, AlertStatus, Quiet, Silence
from tocsin.model.instant import NANOSECONDS, Instant

ALERTS_MAX = 100_000
GROUPS_PER_PLAN_MAX = 10_000
STEP_BACK_NS = NANOSECONDS  # a clock that goes back by less is taken to stand still
ORPHAN_S = 900.0  # alerts without an end that nobody says again after a restart: the rule is gone


@dataclass(frozen=True, slots=True)
class DispatcherStatistics:
    """
    What became of alerts.

    Args:
        alerts: Gauge: alerts that are kept: those that fire, and those that ended and are not told yet.
        groups: Gauge: groups of them.
        alerts_refused: Alerts that were not taken because as many as `alert.alerts_max` were kept.
        flushes: Times that a group was looked at.
        notifications: Notifications that came of it.
        clock_steps: Times that the clock went back.
    """

    alerts: int
    groups: int
    alerts_refused: int
    flushes: int
    notifications: int
    clock_steps: int


class Dispatcher:
    """
    Groups alerts and says who is to be told what, and when.

    Args:
        config: Routes, inhibition, time intervals.
        channels_of: The channels of a receiver.
        start_delay_s: How long after a restart nobody is told anything, seconds: meanwhile rules say again what fires, so that what
            inhibits is there before what it inhibits.
        alerts_max: Alerts that are kept at once; further ones are refused and counted.
    """

    def __init__(
        self, config: AlertingConfig, *, channels_of: ChannelsOf, start_delay_s: float = 60.0, alerts_max: int = ALERTS_MAX
    ) -> None:
        self._config = config
        self._channels_of = channels_of
        self._start_delay_ns = _ns(start_delay_s)
        self._now: Instant | None = None
        self._silent_until: Instant | None = None
        self._inhibition = InhibitionIndex(config.inhibit_rules)
        self._silences = SilenceIndex()
        self._groups = Groups()
        self._store = AlertStore(alerts_max=alerts_max, fired=self._fired, ended=self._inhibition.remove)
        self._changed_groups: set[str] = set()
        self._flushes = self._notifications = self._clock_steps = 0

    def load(
        self, group_states: Iterable[GroupState], alerts: Iterable[Alert], silences: Iterable[Silence], *, at: Instant | None = None
    ) -> None:
        """
        Go on where another left; call it once, before anything else.

        Args:
            group_states: As they were kept. Those of routes that the configuration no longer has are dropped: see `unsaved`.
            alerts: As they were kept.
            silences: All that there are.
            at: When: nobody is told anything for `start_delay_s`, and no alert ends by itself meanwhile. None: as if no time had passed.
        """
        states = {state.group_key: state for state in group_states}
        self._silences.replace(silences)
        kept = [self._store.restore(alert) for alert in alerts]
        for one in kept:
            self._restore(one, states)
        self._changed_groups.update(key for key in states if self._groups.by_key(key) is None)
        if at is None:
            return
        known = [at, *(one.alert.updated_at for one in kept), *(state.flushed_at or 0 for state in states.values())]
        self._now = max(known)
        self._follow(at)
        self._silent_until = at + self._start_delay_ns
        for group in self._groups:
            self._postpone(group)
        for one in self._store:
            if not one.ended:
                self._store.put_off(one, at + (_ns(ORPHAN_S) if one.alert.ends_at is None else 2 * self._start_delay_ns))
        self._store.advance(at)

    def put(self, alerts: Sequence[Alert], now: Instant) -> list[AlertEvent]:
        """
        Take alerts as they are said, again and again while they fire, and once when they end.

        Args:
            alerts: One with `ends_at` until then has ended, unless it is said again before.
            now: The present.

        Returns:
            What began and what ended since the last call, also by itself; none of it will be said again.
        """
        now = self._settle(now)
        for alert in alerts:
            self._store.put(alert, now)
        return self._store.take_events()

    def set_silences(self, silences: Iterable[Silence]) -> None:
        """All silences that there are, in place of those before."""
        self._silences.replace(silences)

    def plan(self, now: Instant, *, groups_max: int = GROUPS_PER_PLAN_MAX) -> list[Flush]:
        """
        What becomes of the groups that are due: the longest due first, at most `groups_max`; the others with the next call.

        The same call gives the same again until a flush is committed.
        """
        now = self._settle(now)
        return [
            flush(
                group,
                now,
                channels=self._channels_of(group.route.receiver),
                muted=bool(self._muted_by(group.route, now)),
                quiet_of=self._quiet,
            )
            for group in self._groups.due(now, groups_max)
        ]

    def commit(self, done: Flush) -> None:
        """Remember a flush of `plan`, now that it is kept and its notifications are."""
        group = self._groups.by_key(done.group_key)
        if group is None:
            return
        self._flushes += 1
        self._notifications += len(done.notifications)
        self._changed_groups.discard(done.group_key)
        for key in done.left:
            kept = group.members.get(key)
            if kept is not None and kept.ended:
                del group.members[key]
                kept.groups.remove(group)
                if not kept.groups:
                    self._store.forget(kept)
        if not group.members:
            self._groups.remove(group)
        elif done.state is not None:
            self._groups.change(group, done.state)
        else:  # an alert of it began again after this was planned; whoever kept that the group is gone learns that it is not
            again = GroupState(done.group_key, group.route.id, group.route.receiver, group.state.labels, done.at, done.at)
            self._groups.change(group, self._timed(again, group))
            self._changed_groups.add(done.group_key)

    def unsaved(self) -> Unsaved:
        """Alerts and groups that changed since they were last saved. What `plan` gives is not among it."""
        groups = {key: group.state if (group := self._groups.by_key(key)) is not None else None for key in self._changed_groups}
        return Unsaved(tuple(self._store.changed.values()), frozenset(self._store.forgotten), groups)

    def saved(self, unsaved: Unsaved) -> None:
        """What `unsaved` gave is kept; what changed since is still not."""
        for alert in unsaved.alerts:
            kept = self._store.by_labels(alert.labels)
            if kept is not None and self._store.changed.get(kept.fingerprint) is alert:
                del self._store.changed[kept.fingerprint]
        self._store.forgotten -= unsaved.forgotten
        for key, state in unsaved.groups.items():
            group = self._groups.by_key(key)
            if (group.state if group is not None else None) is state:
                self._changed_groups.discard(key)

    def next_at(self) -> Instant | None:
        """When there is something to do again, at the latest; None: not before an alert comes."""
        return min((at for at in (self._groups.next_at(), self._store.next_at()) if at is not None), default=None)

    def alert(self, fingerprint: str) -> Alert | None:
        """An alert as it stands; None for one that is not kept."""
        kept = self._store.find(fingerprint)
        return kept.alert if kept is not None else None

    def alerts(self) -> list[Alert]:
        """All alerts that are kept."""
        return [kept.alert for kept in self._store]

    def status(self, fingerprint: str, now: Instant) -> AlertStatus:
        """What becomes of an alert; empty for one that is not kept."""
        kept = self._store.find(fingerprint)
        if kept is None:
            return AlertStatus()
        routes = [group.route for group in kept.groups]
        muted = [self._muted_by(route, now) for route in routes]
        return AlertStatus(
            self._silences.holding(kept, now),
            self._inhibition.holding_back(kept),
            tuple(dict.fromkeys(name for names in muted for name in names)) if all(muted) else (),
            tuple(dict.fromkeys(route.receiver for route in routes)),
        )

    def groups(self, now: Instant) -> list[GroupView]:
        """All groups with their alerts, by name; an alert is muted there if its route is."""
        return [self._view(group, now) for group in sorted(self._groups, key=lambda group: group.state.group_key)]

    def receivers(self, alert: Alert) -> tuple[str, ...]:
        """Who would be told of an alert with these labels."""
        return tuple(dict.fromkeys(route.receiver for route in self._config.route.match(alert.labels)))

    def statistics(self) -> DispatcherStatistics:
        """What became of alerts so far."""
        return DispatcherStatistics(
            len(self._store), len(self._groups), self._store.refused, self._flushes, self._notifications, self._clock_steps
        )

    def _settle(self, now: Instant) -> Instant:
        now = self._follow(now)
        self._store.advance(now)
        return now

    def _follow(self, now: Instant) -> Instant:
        """The present, never a moment earlier than before; where the clock went back, what is remembered goes back with it."""
        if self._now is not None and now < self._now:
            back = self._now - now
            if back <= STEP_BACK_NS:
                now = self._now
            else:
                self._clock_steps += 1
                self._groups.shift(back)
                self._changed_groups.update(group.state.group_key for group in self._groups)
                self._store.shift(back, now)
                if self._silent_until is not None:
                    self._silent_until -= back
        self._now = now
        return now

    def _fired(self, kept: Kept, now: Instant) -> None:
        """An alert begins: it joins the groups that it is not in, and holds others back."""
        labels = kept.alert.labels
        kept.sources, kept.targets = self._inhibition.sides(labels)
        for route in self._config.route.match(labels):
            group = self._groups.find(route, route.group_labels(labels))
            if group is None:
                kept.groups.append(self._new_group(route, now, kept))
                continue
            if kept.fingerprint not in group.members:
                group.members[kept.fingerprint] = kept
                kept.groups.append(group)
            self._hasten(group, kept)
        self._inhibition.add(kept)

    def _new_group(self, route: Route, now: Instant, kept: Kept) -> Group:
        labels = route.group_labels(kept.alert.labels)
        key = group_key(route, labels)
        group = Group(route, GroupState(key, route.id, route.receiver, labels, now, now), {kept.fingerprint: kept})
        group.state = self._timed(group.state, group)
        self._groups.add(group)
        self._changed_groups.add(key)
        return group

    def _timed(self, state: GroupState, group: Group) -> GroupState:
        """A new group waits for more alerts, unless one of its alerts has waited as long already."""
        wait = _ns(group.route.group_wait_s)
        old = any(kept.alert.starts_at + wait <= state.began_at for kept in group.members.values())
        return _due_at(state, state.began_at if old else state.began_at + wait, self._silent_until)

    def _hasten(self, group: Group, kept: Kept) -> None:
        state, wait = group.state, _ns(group.route.group_wait_s)
        now = self._now if self._now is not None else state.began_at
        if state.flushed_at is None and kept.alert.starts_at + wait <= now < state.next_flush_at:
            self._groups.change(group, _due_at(state, now, self._silent_until))
            self._changed_groups.add(state.group_key)

    def _postpone(self, group: Group) -> None:
        # A clock that goes back while nobody looks must not put off a group for longer than a group ever waits.
        longest = max(group.route.group_interval_s, group.route.group_wait_s)
        at = min(group.state.next_flush_at, (self._now or 0) + _ns(longest))
        self._groups.change(group, _due_at(group.state, at, self._silent_until))

    def _restore(self, kept: Kept, states: dict[str, GroupState]) -> None:
        labels = kept.alert.labels
        kept.sources, kept.targets = self._inhibition.sides(labels)
        if not kept.ended:
            self._inhibition.add(kept)
        for route in self._config.route.match(labels):
            grouped = route.group_labels(labels)
            state = states.get(group_key(route, grouped))
            if _has_left(kept, state):
                continue
            group = self._groups.find(route, grouped)
            if group is not None:
                group.members[kept.fingerprint] = kept
            elif state is not None:
                own = replace(state, receiver=route.receiver, channels=channel_states(state, route.receiver))
                group = Group(route, own, {kept.fingerprint: kept})
                self._groups.add(group)
            else:
                group = self._new_group(route, kept.alert.updated_at, kept)
            kept.groups.append(group)
        if not kept.groups:
            self._store.forget(kept)

    def _muted_by(self, route: Route, now: Instant) -> tuple[str, ...]:
        """Names of the time intervals that keep a route quiet: those that mute it, or those outside of which it is."""
        intervals = self._config.time_intervals
        muting = tuple(name for name in route.mute_time_intervals if intervals[name].holds(now))
        active = route.active_time_intervals
        if muting or not active or any(intervals[name].holds(now) for name in active):
            return muting
        return active

    def _quiet(self, kept: Kept, now: Instant) -> Quiet | None:
        if self._silences.holding(kept, now):
            return Quiet.SILENCED
        if kept.targets and self._inhibition.holding_back(kept):
            return Quiet.INHIBITED
        return None

    def _view(self, group: Group, now: Instant) -> GroupView:
        muted = self._muted_by(group.route, now)
        alerts = [
            (
                kept.alert,
                AlertStatus(
                    self._silences.holding(kept, now),
                    self._inhibition.holding_back(kept),
                    muted,
                    tuple(dict.fromkeys(other.route.receiver for other in kept.groups)),
                ),
            )
            for kept in group.members.values()
        ]
        return GroupView(group.state, tuple(sorted(alerts, key=lambda pair: pair[0].labels.pairs)))


def _has_left(kept: Kept, state: GroupState | None) -> bool:
    """Whether an alert that ended was looked at with its group since."""
    if state is None:
        return kept.ended
    if state.flushed_at is None or kept.alert.ends_at is None:
        return False
    if kept.ended:
        return kept.alert.updated_at <= state.flushed_at
    return kept.alert.ends_at <= state.flushed_at


def _due_at(state: GroupState, at: Instant, not_before: Instant | None) -> GroupState:
    due = at if not_before is None else max(at, not_before)
    return replace(state, next_flush_at=due)


def _ns(seconds: float) -> int:
    return round(seconds * NANOSECONDS)
