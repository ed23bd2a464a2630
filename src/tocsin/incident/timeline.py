"""
The timeline of an incident: what was written down, merged on reading with what other rooms know of its time.

    02:03:11  alert        CheckoutBurns fires                              <- from the history of alerts
    02:03:40  opened       opened by a page: checkout burns 15 times ...    <- written down
    02:04:10  step         acknowledged, mitigating            ana
    02:05:02  deployment   checkout 2.3.1 -> 2.3.0 rolled back              <- from deployments

When an incident is closed, what others know is copied to it, so that it outlives what they keep.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tocsin.errors import TocsinError
from tocsin.model.incident import Entry, EntryKind, Incident, IncidentState
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.state.incidents import Incidents

BEFORE_NS = 30 * 60 * NANOSECONDS  # a cause lies before its effect
AFTER_NS = 5 * 60 * NANOSECONDS
ENTRIES_MAX = 2000
RANKS = {
    kind: rank for rank, kind in enumerate((EntryKind.DEPLOYMENT, EntryKind.BUDGET, EntryKind.ALERT, EntryKind.OPENED, EntryKind.PAGE))
}
logger = logging.getLogger(__name__)


class TimelineSource(Protocol):
    """What another room knows of a time."""

    def between(self, start: Instant, end: Instant, services: Sequence[str], group_keys: Sequence[str]) -> Sequence[Entry]:
        """Entries in [start, end) about these services, and about these groups of alerts."""
        ...


@dataclass(frozen=True, slots=True)
class Timeline:
    """
    All entries of an incident in the order in which they happened.

    Args:
        entries: Sorted by time.
        problems: What could not be read, in words; what is missing comes when it can be read again.
        cut: How many entries of other rooms are left out, the latest ones.
    """

    entries: tuple[Entry, ...]
    problems: tuple[str, ...] = ()
    cut: int = 0


class Timelines:
    """
    Reads timelines. Safe to use from several threads.

    Args:
        incidents: What was written down.
        sources: What else is known, by name.
    """

    def __init__(self, incidents: Incidents, sources: Sequence[tuple[str, TimelineSource]] = ()) -> None:
        self._incidents = incidents
        self._sources = tuple(sources)

    def of(self, incident: Incident, now: Instant) -> Timeline:
        """The timeline of an incident as it is now; of a closed one as it was kept."""
        stored = self._incidents.story.entries(incident.number)
        if incident.state is IncidentState.CLOSED:
            return Timeline(merged(stored, ()))
        found, problems, cut = self._known(incident, now)
        return Timeline(merged(stored, found), problems, cut)

    def to_freeze(self, incident: Incident, now: Instant) -> tuple[Entry, ...]:
        """What other rooms know of it, to be kept with it when it is closed."""
        found, problems, cut = self._known(incident, now)
        if cut:
            found = [*found, Entry(now, EntryKind.NOTE, f"{cut} further entries of alerts, pages and deployments were left out")]
        return (*found, *(Entry(now, EntryKind.NOTE, problem) for problem in problems))

    def _known(self, incident: Incident, now: Instant) -> tuple[list[Entry], tuple[str, ...], int]:
        start, end = time_of(incident, now)
        services = [incident.service] if incident.service else []
        found: list[Entry] = [] if incident.service else _own_alerts(incident)
        problems = []
        for name, source in self._sources:
            try:
                found += source.between(start, end, services, incident.group_keys)
            except TocsinError as error:  # half a timeline now is better than none
                logger.warning("the timeline of %s lacks %s: %s", incident.id, name, error)
                problems.append(f"{name} can't be read: {error}")
        found.sort(key=_order)
        return found[:ENTRIES_MAX], tuple(problems), max(0, len(found) - ENTRIES_MAX)


def time_of(incident: Incident, now: Instant) -> tuple[Instant, Instant]:
    """From half an hour before it began to a little after it was resolved, or until now: [start, end)."""
    end = now if incident.resolved_at is None else min(now, incident.resolved_at + AFTER_NS)
    return incident.started_at - BEFORE_NS, max(end, incident.started_at) + 1


def merged(stored: Iterable[Entry], found: Iterable[Entry]) -> tuple[Entry, ...]:
    """Both by time; of one instant what others saw comes before what was written down about it."""
    return tuple(sorted([*found, *stored], key=_order))


def _own_alerts(incident: Incident) -> list[Entry]:
    """Beginnings and ends of alerts that name no service, which no source can tell apart from those of others."""
    found = []
    for alert in incident.alerts:
        name = alert.labels.get("alertname", "an alert")
        found.append(Entry(alert.starts_at, EntryKind.ALERT, f"{name} fires"))
        if alert.ends_at is not None:
            found.append(Entry(alert.ends_at, EntryKind.ALERT, f"{name} is resolved"))
    return found


def _order(entry: Entry) -> tuple[Instant, int]:
    return entry.at, RANKS.get(entry.kind, len(RANKS))
