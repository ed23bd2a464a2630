"""Incidents over a real relational state and a clock that only the test moves: pages are put into the outbox as the pipeline would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.state.prepared import open_state

from tocsin.errors import NotFound
from tocsin.incident.answers import IncidentView
from tocsin.incident.desk import IncidentDesk, IncidentParts
from tocsin.incident.impact import BudgetImpact
from tocsin.incident.keeper import Keeper
from tocsin.incident.opener import Opener
from tocsin.incident.options import IncidentOptions
from tocsin.incident.timeline_sources import sources_of
from tocsin.model.alert import Alert, AlertEvent, AlertEventKind
from tocsin.model.deployment import Deployment, DeploymentSource, DeploymentStatus
from tocsin.model.incident import EvidenceKind
from tocsin.model.instant import Instant, parse_instant
from tocsin.model.labels import Labels
from tocsin.model.notification import Notification, NotificationReason
from tocsin.state.alert_records import AlertChange

START = parse_instant("2026-03-04T02:00:00Z")  # a Wednesday
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


class VirtualClock:
    """Stands still until it is told to go on."""

    def __init__(self, now: Instant = START) -> None:
        self.now = now

    def now_ns(self) -> int:
        """Where it stands."""
        return self.now

    def monotonic_s(self) -> float:
        """The same in seconds."""
        return self.now / SECOND

    def advance(self, *, minutes: float = 0, seconds: float = 0, hours: float = 0) -> None:
        """Go on."""
        self.now += round((hours * 3600 + minutes * 60 + seconds) * SECOND)


class Deploys:
    """One deployment a few minutes before everything began."""

    def between(self, start: Instant, end: Instant, *, service: str | None = None) -> list[Deployment]:
        """It, when it lies in [start, end)."""
        one = Deployment(
            "d1", "checkout", "2.3.1", START - 4 * MINUTE, DeploymentSource.MARK, DeploymentStatus.SUCCEEDED, "production", "bob",
            previous_version="2.3.0",
        )  # fmt: skip
        return [one] if start <= one.at < end else []


class Impact:
    """Every incident cost a third of one budget; the first bad minute lies three minutes before the alert."""

    def of(self, services: Sequence[str], start: Instant, end: Instant) -> list[BudgetImpact]:
        """The same for each."""
        self.asked = (list(services), start, end)
        return [BudgetImpact("checkout-availability", "checkout works", 1204, 50_000, "events", 3612, 1204 / 3612)]

    def first_bad(self, services: Sequence[str], alerted_at: Instant) -> Instant | None:
        """Three minutes before."""
        return alerted_at - 3 * MINUTE


class House:
    """
    Everything together.

    Args:
        folder: For the database, and for what the options name.
        options: Of incidents.
        pages: Whether groups of pages were acknowledged before anybody looked, by key.
    """

    def __init__(
        self, folder: Path, options: IncidentOptions | None = None, pages: Mapping[str, tuple[str, Instant]] | None = None
    ) -> None:
        self.clock = VirtualClock()
        self.state = open_state(folder)
        self.options = options or IncidentOptions()
        self.traces: dict[str, Any] = {}
        self.acknowledged_pages: list[tuple[tuple[str, ...], str, Instant]] = []
        self.impact = Impact()
        self._pages = dict(pages or {})
        self._told = 0
        self.open()

    def open(self) -> None:
        """Start, or start again: nothing but the database remembers."""
        parts = IncidentParts(
            sources=sources_of(alerting=self.state.alerting, deployments=Deploys()),
            askers={EvidenceKind.TRACE: self._trace, EvidenceKind.LOGS: lambda question, _: {"records": [dict(question)] * 3}},
            impacts=self.impact,
            acknowledge_pages=lambda keys, by, at: self.acknowledged_pages.append((tuple(keys), by, at)),
        )
        self.desk = IncidentDesk(self.state.incidents, clock=self.clock, options=self.options, parts=parts)
        self.opener = Opener(self.state.incidents, self.state.alerting.outbox, acknowledged=self._pages.get)
        self.keeper = Keeper(
            self.desk,
            self.opener,
            clock=self.clock,
            history=self.state.alerting,
            first_bad=self.impact,
        )

    def close(self) -> None:
        """Close the database."""
        self.state.close()

    def page(self, *alerts: Alert, key: str = "", channel: str = "slack/0", reason: NotificationReason = NotificationReason.FIRST) -> None:
        """Commit a notification about a group of alerts, with what the history of alerts says of them."""
        self._told += 1
        first = alerts[0]
        group = Labels({"alertname": first.name, "service": first.labels.get("service")})
        told = Notification(f"key-{self._told}", key or f"{{}}:{group}", "team", channel, reason, self.clock.now, group, alerts)
        events = [_event(alert, self.clock.now) for alert in alerts]
        self.state.alerting.commit(AlertChange(alerts=alerts, events=events, notifications=[told]))

    def only(self) -> IncidentView:
        """The one incident that there is."""
        (summary,) = self.desk.list()
        return self.desk.get(summary.id)

    def texts(self, id: str) -> list[str]:  # noqa: A002 - as the record says
        """Its timeline in words."""
        return [entry.text for entry in self.desk.timeline(id).entries]

    def _trace(self, question: Mapping[str, str], _now: Instant) -> Any:
        if question["trace_id"] not in self.traces:
            raise NotFound(f"no span of trace {question['trace_id']} is stored")
        return self.traces[question["trace_id"]]


def alert(name: str = "CheckoutBurns", service: str = "checkout", severity: str = "page", **given: Any) -> Alert:
    """An alert that began at START, with a summary, a runbook and an exemplar trace."""
    labels = {"alertname": name, "service": service, "severity": severity, "instance": "10.0.0.7", **given.pop("labels", {})}
    annotations = {"summary": f"{name} of {service}", "runbook": "checkout.md", "trace_id": TRACE_ID, **given.pop("annotations", {})}
    return Alert(Labels(labels), annotations, **{"starts_at": START, "value": 14.9, **given})


def _event(one: Alert, now: Instant) -> AlertEvent:
    if one.resolved(now):
        return AlertEvent(one.ends_at or now, AlertEventKind.RESOLVED, one.fingerprint, one.labels, one.annotations)
    return AlertEvent(one.starts_at, AlertEventKind.FIRED, one.fingerprint, one.labels, one.annotations, one.value)
