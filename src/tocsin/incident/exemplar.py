"""The trace that shows what an alert is about: the one that it names, else that of the commonest failure, else the slowest."""

from __future__ import annotations

from tocsin.alert.page.source import Telemetry
from tocsin.incident.evidence import annotated_trace
from tocsin.model.incident import Incident
from tocsin.model.instant import NANOSECONDS

BEFORE_NS = 5 * 60 * NANOSECONDS
AFTER_NS = 10 * 60 * NANOSECONDS


class Exemplars:
    """Finds exemplar traces in what is stored around the beginning of an incident. Safe to use from several threads."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def of(self, incident: Incident) -> str | None:
        """
        The trace of an incident's alerts; None while none is stored.

        Raises:
            TocsinError: It can't be asked now.
        """
        named = annotated_trace(incident)
        if named or not incident.service:
            return named
        begun = incident.alerted_at if incident.alerted_at is not None else incident.opened_at
        start, end = incident.started_at - BEFORE_NS, begun + AFTER_NS
        failures = self._telemetry.errors(service=incident.service, start=start, end=end, limit=5)
        shown = next((failure.exemplar_trace_id for failure in failures if failure.exemplar_trace_id), None)
        if shown:
            return shown
        slowest = self._telemetry.traces(service=incident.service, start=start, end=end, order="slowest", limit=1).traces
        return slowest[0].trace_id if slowest else None
