"""
The alerts that are kept: each once, whoever says it and however often; what began, what ended, and what has to be saved.

An alert ends when that is said, or by itself when its end passes and nobody has said it again. It is forgotten when no group holds it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import replace

from tocsin.alert.dispatch.kept import Kept, began, merged
from tocsin.model.alert import Alert, AlertEvent, AlertEventKind, fingerprint
from tocsin.model.instant import Instant
from tocsin.model.labels import Labels

# An end that lies so near is one that a sender puts off as long as the alert fires; a later one was meant.
PUT_OFF_NS = 3600 * 1_000_000_000


class AlertStore:
    """
    Keeps alerts.

    Args:
        alerts_max: Alerts that are kept at once; further ones are refused and counted.
        fired: Called with an alert that begins to fire, before its event.
        ended: Called with an alert that has ended.
    """

    def __init__(self, *, alerts_max: int, fired: Callable[[Kept, Instant], None], ended: Callable[[Kept], None]) -> None:
        self._alerts_max = alerts_max
        self._fired = fired
        self._ended = ended
        self._kept: dict[str, Kept] = {}
        self._by_labels: dict[Labels, Kept] = {}
        self._wakings: list[tuple[Instant, str]] = []
        self._events: list[AlertEvent] = []
        self.changed: dict[str, Alert] = {}
        self.forgotten: set[str] = set()
        self.refused = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Kept]:
        return iter(self._kept.values())

    def find(self, key: str) -> Kept | None:
        """The alert with a fingerprint."""
        return self._kept.get(key)

    def by_labels(self, labels: Labels) -> Kept | None:
        """The alert with these labels."""
        return self._by_labels.get(labels)

    def restore(self, alert: Alert) -> Kept:
        """Keep an alert that was kept before a restart; says nothing about it."""
        known = alert.ends_at is not None and alert.ends_at <= alert.updated_at
        kept = self._keep(alert)
        kept.ended = known
        self._wake(kept)
        return kept

    def put(self, alert: Alert, now: Instant) -> None:
        """Take one alert as it is said."""
        kept = self._by_labels.get(alert.labels)
        if kept is None:
            if not alert.resolved(now):  # the end of what nobody heard of is no news
                self._begin(alert, now)
            return
        if kept.ended and alert.resolved(now):
            return
        before = kept.alert
        kept.alert = merged(before, alert, now, ended=kept.ended)
        if _differs(kept.alert, before):
            self.changed[kept.fingerprint] = kept.alert
        if kept.ended:
            kept.ended = False
            self._fire(kept, now)
        elif kept.alert.resolved(now):
            self._end(kept, now)
        self._wake(kept)

    def advance(self, now: Instant) -> None:
        """End the alerts whose ends have passed."""
        while self._wakings and self._wakings[0][0] <= now:
            at, key = heapq.heappop(self._wakings)
            kept = self._kept.get(key)
            if kept is None or kept.wakes_at != at:
                continue
            kept.wakes_at = None
            if not kept.ended and kept.alert.resolved(now):
                self._end(kept, now)
            self._wake(kept)

    def next_at(self) -> Instant | None:
        """Not later than when the next alert ends by itself."""
        return self._wakings[0][0] if self._wakings else None

    def forget(self, kept: Kept) -> None:
        """Keep an alert no longer."""
        del self._kept[kept.fingerprint]
        del self._by_labels[kept.alert.labels]
        self.changed.pop(kept.fingerprint, None)
        self.forgotten.add(kept.fingerprint)

    def take_events(self) -> list[AlertEvent]:
        """What began and ended since the last call."""
        events, self._events = self._events, []
        return events

    def shift(self, back_ns: int, now: Instant) -> None:
        """The clock went back: what has ended stays so, and ends that are put off lie no further ahead than before."""
        self._wakings = []
        for kept in self:
            alert = kept.alert
            if kept.ended and not alert.resolved(now):
                kept.alert = replace(alert, ends_at=now, updated_at=now)
            elif not kept.ended and alert.ends_at is not None and alert.ends_at - alert.updated_at <= PUT_OFF_NS:
                kept.alert = replace(alert, ends_at=alert.ends_at - back_ns, updated_at=alert.updated_at - back_ns)
            if kept.alert is not alert:
                self.changed[kept.fingerprint] = kept.alert
            kept.wakes_at = None
            self._wake(kept)

    def put_off(self, kept: Kept, until: Instant) -> None:
        """An alert that fires does not end by itself before an instant; whoever says it may have had no chance to."""
        if kept.alert.ends_at is None or kept.alert.ends_at < until:
            kept.alert = replace(kept.alert, ends_at=until)
            self.changed[kept.fingerprint] = kept.alert
            self._wake(kept)

    def _begin(self, alert: Alert, now: Instant) -> None:
        if len(self._kept) >= self._alerts_max:
            self.refused += 1
            return
        kept = self._keep(began(alert, now))
        self.changed[kept.fingerprint] = kept.alert
        self.forgotten.discard(kept.fingerprint)
        self._fire(kept, now)
        self._wake(kept)

    def _keep(self, alert: Alert) -> Kept:
        kept = Kept(fingerprint(alert.labels), alert)
        self._kept[kept.fingerprint] = kept
        self._by_labels[alert.labels] = kept
        return kept

    def _fire(self, kept: Kept, now: Instant) -> None:
        self._fired(kept, now)
        self._say(kept, AlertEventKind.FIRED, now)

    def _end(self, kept: Kept, now: Instant) -> None:
        # A group counts an alert among those that ended since its last flush by when that became known, so it is known after that flush.
        flushed = [group.state.flushed_at + 1 for group in kept.groups if group.state.flushed_at is not None]
        kept.alert = replace(kept.alert, updated_at=max([now, *flushed]))
        kept.ended = True
        self.changed[kept.fingerprint] = kept.alert
        self._ended(kept)
        self._say(kept, AlertEventKind.RESOLVED, now)

    def _say(self, kept: Kept, kind: AlertEventKind, now: Instant) -> None:
        alert = kept.alert
        self._events.append(AlertEvent(now, kind, kept.fingerprint, alert.labels, alert.annotations, alert.value))

    def _wake(self, kept: Kept) -> None:
        """Look at an alert again when it may have ended; one waking each, however often its end is put off."""
        ends_at = kept.alert.ends_at
        if ends_at is None or kept.ended:
            return
        if kept.wakes_at is None or ends_at < kept.wakes_at:
            kept.wakes_at = ends_at
            heapq.heappush(self._wakings, (ends_at, kept.fingerprint))


def _differs(one: Alert, other: Alert) -> bool:
    """Whether more is new of an alert than that it was said again."""
    return (one.ends_at, one.starts_at, one.value, one.annotations, one.generator_url, one.rule, one.source) != (
        other.ends_at, other.starts_at, other.value, other.annotations, other.generator_url, other.rule, other.source,
    )  # fmt: skip
