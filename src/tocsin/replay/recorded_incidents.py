"""Incidents that people worked on, as a replay judges by them."""

from __future__ import annotations

from collections.abc import Iterable

from tocsin.model.incident import Incident
from tocsin.replay.evidence import KnownIncident


def known_incidents(incidents: Iterable[Incident]) -> tuple[KnownIncident, ...]:
    """
    When each was felt: from its first bad minute (else its first alert, else when it was opened) until service was restored.

    Returns:
        By their start.
    """
    return tuple(sorted((_known(one) for one in incidents), key=lambda one: (one.start, one.name)))


def _known(incident: Incident) -> KnownIncident:
    starts = [at for at in (incident.first_bad_at, incident.alerted_at) if at is not None]
    ends = [at for at in (incident.watch_since, incident.resolved_at, incident.closed_at) if at is not None]
    start = min([*starts, incident.opened_at])
    end = max(start, ends[0]) if ends else None
    services = (incident.service,) if incident.service else ()
    return KnownIncident(f"INC-{incident.number}: {incident.title}", start, end, services)
