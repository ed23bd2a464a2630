"""
The page for those affected: how each public service stands, what is being done, and what was in the last weeks.

    index.html     for people, one file without scripts
    status.json    the same for programs

It shows public words only: names of services and objectives out of the options, titles and updates that somebody wrote for those affected.
An incident that nobody told them of is not on it. Nothing of alerts, labels, hosts or people gets here.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Protocol

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import TypeAdapter

from tocsin.errors import StoreError, TocsinError
from tocsin.incident.options import PublicService, StatusPageOptions
from tocsin.incident.postmortem import duration_words
from tocsin.model.incident import Incident, IncidentState, PublicUpdate
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.model.severity import Severity
from tocsin.slo.answers import Budget
from tocsin.slo.words import minute_words
from tocsin.state.incidents import Incidents

TEMPLATES = Path(__file__).parent / "templates"
HTML_FILE = "index.html"
JSON_FILE = "status.json"
DAY_NS = 86_400 * NANOSECONDS
SHOWN_NS = 5 * NANOSECONDS
REFRESH_NS = 60 * NANOSECONDS  # how old its 'as of' may get while nothing changes
INCIDENTS_MAX = 500
FAST_WINDOWS_S = (300, 3600)
UNTITLED = "Incident"


class ServiceState(Enum):
    """How a service stands for those who use it, the worst last; the value is its name in JSON."""

    OPERATIONAL = "operational"
    DEGRADED = "degraded"
    OUTAGE = "outage"


ORDER = tuple(ServiceState)
WORDS = {
    ServiceState.OPERATIONAL: "works",
    ServiceState.DEGRADED: "is impaired",
    ServiceState.OUTAGE: "does not work",
}
HEADLINES = {
    ServiceState.OPERATIONAL: "Everything works",
    ServiceState.DEGRADED: "Something is impaired",
    ServiceState.OUTAGE: "Something does not work",
}


@dataclass(frozen=True, slots=True)
class PublicObjective:
    """A promise and how it is kept: `target` and `measured` are shares of good events; `measured` is None where nothing was observed."""

    name: str
    target: float
    measured: float | None


@dataclass(frozen=True, slots=True)
class PublicServiceState:
    """A line of the page."""

    name: str
    state: ServiceState
    objectives: tuple[PublicObjective, ...]


@dataclass(frozen=True, slots=True)
class PublicWord:
    """An update without its author."""

    at: Instant
    status: str
    text: str


@dataclass(frozen=True, slots=True)
class PublicIncident:
    """An incident as those affected know it; `services` are public names, `ended_at` is None while it lasts, updates newest first."""

    id: str
    title: str
    state: str
    services: tuple[str, ...]
    started_at: Instant
    ended_at: Instant | None
    updates: tuple[PublicWord, ...]


@dataclass(frozen=True, slots=True)
class StatusDocument:
    """Everything on the page."""

    title: str
    updated_at: Instant
    state: ServiceState
    services: tuple[PublicServiceState, ...]
    incidents: tuple[PublicIncident, ...]
    past: tuple[PublicIncident, ...]
    days: int


class BudgetDesk(Protocol):
    """How objectives stand; `slo.desk.SloDesk` is one."""

    def budget(self, key: str) -> Budget:
        """One of them, now."""
        ...


class StatusPage:
    """
    Makes the page. Safe to use from several threads.

    Args:
        kept: Incidents and what was told of them.
        options: Its lines, and where it is written.
        slos: How objectives stand; None without any.
    """

    def __init__(self, kept: Incidents, options: StatusPageOptions, slos: BudgetDesk | None = None) -> None:
        self._kept = kept
        self._options = options
        self._slos = slos
        loader = FileSystemLoader(TEMPLATES)
        self._environment = Environment(
            loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
        )
        self._written: StatusDocument | None = None
        self._lock = threading.Lock()
        self._shown: StatusDocument | None = None

    def shown(self, now: Instant) -> StatusDocument:
        """What is on it, at most a few seconds old: however many people look at once, it is put together once."""
        with self._lock:
            if self._shown is None or not 0 <= now - self._shown.updated_at < SHOWN_NS:
                self._shown = self.document(now)
            return self._shown

    def document(self, now: Instant) -> StatusDocument:
        """What is on it now."""
        recent = self._kept.list(start=now - (self._options.days + 30) * DAY_NS, limit=INCIDENTS_MAX)
        open_ones = self._kept.list(state=IncidentState.OPEN, limit=INCIDENTS_MAX)
        incidents = {incident.number: incident for incident in (*recent, *open_ones)}
        return document_of(self._options, list(incidents.values()), self._kept.story.updates(incidents), self._budgets(), now)

    def html(self, document: StatusDocument) -> str:
        """The page for people."""
        return self._environment.get_template("status.html").render(
            page=document, headlines=HEADLINES, words=WORDS, moment=minute_words, lasted=_lasted, share=_share
        )

    def json(self, document: StatusDocument) -> bytes:
        """The page for programs."""
        return orjson.dumps(TypeAdapter(StatusDocument).dump_python(document, mode="json"), option=orjson.OPT_INDENT_2)

    def write(self, now: Instant) -> bool:
        """
        Write both files when something on them changed, or a minute has passed; each is replaced as a whole.

        Returns:
            Whether they were written; never without a directory.

        Raises:
            StoreError: The directory can't be written.
        """
        if not self._options.directory:
            return False
        document = self.document(now)
        before = self._written
        if before is not None and replace(before, updated_at=now) == document and now - before.updated_at < REFRESH_NS:
            return False
        folder = Path(self._options.directory)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _replace(folder / JSON_FILE, self.json(document))
            _replace(folder / HTML_FILE, self.html(document).encode())
        except OSError as error:
            raise StoreError(f"the status page can't be written to {folder}: {error.strerror}; see incident.status_page") from error
        self._written = document
        return True

    def _budgets(self) -> dict[str, Budget]:
        found: dict[str, Budget] = {}
        keys = [key for service in self._options.services for key in service.objectives]
        for key in keys if self._slos is not None else ():
            assert self._slos is not None, "there are no keys without them"
            try:
                found[key] = self._slos.budget(key)
            except TocsinError:  # an objective that is gone, or can't be read now, leaves its line out; incidents are still told
                continue
        return found


def document_of(
    options: StatusPageOptions,
    incidents: Sequence[Incident],
    updates: Mapping[int, Sequence[PublicUpdate]],
    budgets: Mapping[str, Budget],
    now: Instant,
) -> StatusDocument:
    """
    The page out of what is known.

    Args:
        options: Its lines.
        incidents: Any; those without an update are left out.
        updates: What those affected were told, by the incident's number, the newest first.
        budgets: Objectives by key; those that the options don't name are left out.
        now: The present.
    """
    told = [incident for incident in incidents if updates.get(incident.number)]
    told.sort(key=lambda incident: incident.started_at, reverse=True)
    present = [incident for incident in told if incident.state is IncidentState.OPEN]
    since = now - options.days * DAY_NS
    past = [one for one in told if one.state is not IncidentState.OPEN and (one.ended_at or one.started_at) >= since]
    services = tuple(_service(service, present, budgets, options) for service in options.services)
    states = [service.state for service in services] + [_state_of(incident) for incident in present]
    return StatusDocument(
        title=options.title,
        updated_at=now,
        state=_worst(states),
        services=services,
        incidents=tuple(_public(incident, updates[incident.number], options) for incident in present),
        past=tuple(_public(incident, updates[incident.number], options) for incident in past),
        days=options.days,
    )


def _service(
    service: PublicService, present: Sequence[Incident], budgets: Mapping[str, Budget], options: StatusPageOptions
) -> PublicServiceState:
    states = [_state_of(incident) for incident in present if incident.service in service.services]
    shown = [(name, budgets[key]) for key, name in service.objectives.items() if key in budgets]
    states += [ServiceState.DEGRADED for _, budget in shown if _burns(budget, options.degraded_burn)]
    objectives = tuple(PublicObjective(name, budget.target, budget.figures.sli) for name, budget in shown)
    return PublicServiceState(service.name, _worst(states), objectives)


def _state_of(incident: Incident) -> ServiceState:
    return ServiceState.OUTAGE if incident.severity is Severity.P1 else ServiceState.DEGRADED


def _burns(budget: Budget, limit: float) -> bool:
    rates = {burn.window_s: burn.rate for burn in budget.burn_rates}
    return all((rates.get(window_s) or 0.0) >= limit for window_s in FAST_WINDOWS_S)


def _worst(states: Sequence[ServiceState]) -> ServiceState:
    return max(states, key=ORDER.index, default=ServiceState.OPERATIONAL)


def _public(incident: Incident, updates: Sequence[PublicUpdate], options: StatusPageOptions) -> PublicIncident:
    names = tuple(service.name for service in options.services if incident.service in service.services)
    return PublicIncident(
        id=incident.id,
        title=incident.public_title or UNTITLED,
        state=updates[0].status.value if incident.state is IncidentState.OPEN else "resolved",
        services=names,
        started_at=incident.started_at,
        ended_at=incident.ended_at,
        updates=tuple(PublicWord(update.at, update.status.value, update.text) for update in updates),
    )


def _replace(path: Path, content: bytes) -> None:
    """Who reads meanwhile gets the old file or the new one, never half of one."""
    partial = path.with_name(f".{path.name}.new")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _lasted(incident: PublicIncident, now: Instant) -> str:
    return duration_words((incident.ended_at if incident.ended_at is not None else now) - incident.started_at)


def _share(ratio: float | None) -> str:
    return "no data" if ratio is None else f"{ratio * 100:.5g} %"
