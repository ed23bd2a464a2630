"""Incidents that people worked on, as a replay judges by them."""

from __future__ import annotations

from collections.abc import Iterable

from tocsin.model.incident import Incident
from tocsin.replay.evidence import KnownIncident


def known_incidents(incidents: Iterable[Incident]) -> tuple[KnownIncident, ...]:
    """Each from when it began for those who use the service until it was over for them; by their start."""
    known = (
        KnownIncident(f"{one.id}: {one.title}", one.started_at, one.ended_at, (one.service,) if one.service else ()) for one in incidents
    )
    return tuple(sorted(known, key=lambda one: (one.start, one.name)))
