"""
The one door of this room for `api/` and `app/`: every question and order about incidents as a Python method.

    incidents.open("customers can't pay", service="checkout", severity=Severity.P1, by="ana")
    incidents.enter("INC-7", Step.DIAGNOSE, by="ana")
    incidents.pin("INC-7", EvidenceKind.TRACE, {"trace_id": "4bf9..."}, by="ana")
    incidents.lessons.postmortem("INC-7")

What an order answers has been written down, with what the timeline says of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from tocsin.clock import Clock
from tocsin.errors import Conflict, InvalidInput, NotFound, TocsinError
from tocsin.incident import lifecycle
from tocsin.incident.answers import IncidentStatistics, IncidentSummary, IncidentView, summary_of, view_of
from tocsin.incident.evidence import Asker, Pins, Question
from tocsin.incident.identity import number_of
from tocsin.incident.lessons import LessonsDesk, Measuring
from tocsin.incident.lifecycle import Closing
from tocsin.incident.options import IncidentOptions
from tocsin.incident.runbooks import Render, Runbook, Runbooks, Values
from tocsin.incident.status_page import BudgetDesk, StatusPage
from tocsin.incident.timeline import Timeline, Timelines, TimelineSource
from tocsin.model.incident import (
    Entry,
    EntryKind,
    Evidence,
    EvidenceKind,
    FoundEvidence,
    Incident,
    IncidentGroup,
    IncidentSource,
    IncidentState,
    JoinReason,
    PublicUpdate,
    Role,
    Step,
    StepRecord,
    Tick,
    UpdateStatus,
)
from tocsin.model.instant import Instant, format_instant
from tocsin.model.severity import Severity
from tocsin.state.alert_json import storable
from tocsin.state.incidents import Change, Incidents

LIMIT = 100
TEXT_LENGTH_MAX = 5000
logger = logging.getLogger(__name__)

AcknowledgePages: TypeAlias = Callable[[Sequence[str], str, Instant], object]


@dataclass(frozen=True, slots=True)
class IncidentParts:
    """
    What the desk is given of other rooms.

    Args:
        sources: What timelines know beside what is written down, by name; see `timeline_sources.sources_of`.
        askers: What answers questions of evidence; see `askers.askers_of`.
        impacts: What an incident cost; `impact.Impacts` is one.
        acknowledge_pages: Told when somebody acknowledges an incident: the keys of its groups, who, and when.
        render: Fills in the values of runbooks; simple placeholders by default.
        exemplar_of: The trace of an incident's alerts, as `exemplar.Exemplars.of`; by default what their annotations name.
        slos: How objectives stand, for the status page; None without any.
    """

    sources: Sequence[tuple[str, TimelineSource]] = ()
    askers: Mapping[EvidenceKind, Asker] = field(default_factory=dict)
    impacts: Measuring | None = None
    acknowledge_pages: AcknowledgePages | None = None
    render: Render | None = None
    exemplar_of: Callable[[Incident], str | None] | None = None
    slos: BudgetDesk | None = None


class IncidentDesk:
    """
    Questions and orders about incidents. Safe to use from several threads.

    Args:
        kept: Where they are kept.
        clock: The present.
        options: Clocks, runbooks, evidence.
        parts: What other rooms give.
    """

    def __init__(
        self, kept: Incidents, *, clock: Clock, options: IncidentOptions | None = None, parts: IncidentParts | None = None
    ) -> None:
        self.options = options or IncidentOptions()
        parts = parts or IncidentParts()
        self.kept = kept
        self._clock = clock
        self._acknowledge_pages = parts.acknowledge_pages
        self._runbooks = Runbooks(self.options.runbooks, parts.render)
        self.timelines = Timelines(kept, parts.sources)
        self.pins = Pins(
            kept.evidence,
            parts.askers,
            bytes_max=self.options.evidence_bytes_max,
            attempts_max=self.options.evidence_attempts,
            incident_of=kept.get,
            exemplar_of=parts.exemplar_of,
        )
        self.page = StatusPage(kept, self.options.status_page, parts.slos)
        self.lessons = LessonsDesk(kept, self.timelines, clock=clock, options=self.options, impacts=parts.impacts)

    def list(
        self,
        *,
        state: IncidentState | None = None,
        service: str | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        limit: int = LIMIT,
    ) -> list[IncidentSummary]:
        """The newest incidents, the newest first; `start` and `end` bound when they were opened."""
        now = self._clock.now_ns()
        found = self.kept.list(state=state, service=service, start=start, end=end, limit=limit)
        return [summary_of(incident, self.options, now) for incident in found]

    def get(self, id: str) -> IncidentView:  # noqa: A002 - as the record says
        """
        One incident whole.

        Raises:
            NotFound: There is none with this id; as everywhere here.
        """
        return self._view(self._incident(id))

    def open(
        self,
        title: str,
        *,
        severity: Severity,
        by: str,
        service: str = "",
        started_at: Instant | None = None,
        signature: str = "",
        group_keys: Sequence[str] = (),
    ) -> IncidentView:
        """
        Open one by hand.

        Args:
            title: What is wrong, for people who work on it.
            severity: How bad it is.
            by: Who says so.
            service: What it is about; pages of it join from then on.
            started_at: Since when, as far as is known; now by default.
            signature: What would be the same failure again; empty where nobody knows yet.
            group_keys: Groups of alerts that belong to it.

        Raises:
            Conflict: An incident of this service is open.
            InvalidInput: The title is blank, or it began in the future.
        """
        now = self._clock.now_ns()
        if not title.strip():
            raise InvalidInput("an incident needs a title: what is wrong, in a few words")
        if started_at is not None and started_at > now:
            raise InvalidInput(f"an incident can't have begun in the future, at {format_instant(started_at)}")
        incident = Incident(
            number=0,
            title=title.strip()[: lifecycle.TITLE_LENGTH_MAX],
            service=service.strip(),
            severity=severity,
            signature=signature.strip(),
            source=IncidentSource.HAND,
            opened_at=now,
            opened_by=by,
            first_bad_at=started_at,
            steps=(StepRecord(Step.ACKNOWLEDGE, now, by),),
            groups=tuple(IncidentGroup(key, now, JoinReason.BY_HAND) for key in dict.fromkeys(group_keys)),
        )

        def decide(known: Sequence[Incident], guarded: Mapping[str, int]) -> Sequence[Change]:
            same = next((one for one in known if incident.service and one.service == incident.service), None)
            if same is not None:
                raise Conflict(f"{same.id} of {incident.service} is open ({same.title}); work on that one, or resolve it first")
            whole = replace(incident, guards_known=guarded.get(incident.signature, 0) if incident.signature else 0)
            return [Change(whole, (Entry(now, EntryKind.OPENED, f"opened by hand: {whole.title}", by),))]

        return self._view(self.kept.absorb(decide)[0])

    def acknowledge(self, id: str, *, by: str) -> IncidentView:  # noqa: A002
        """Answer an incident: its pages count as acknowledged, too. Again it changes nothing."""
        now = self._clock.now_ns()
        incident = self.kept.change(number_of(id), lambda one: lifecycle.acknowledge(one, by, now))
        self._tell_pages(incident, by, now)
        return self._view(incident)

    def page_acknowledged(self, group_key: str, by: str, at: Instant) -> Incident | None:
        """
        Somebody acknowledged a page: so is the open incident of its group.

        Returns:
            The incident; None when there is none, when it was acknowledged before, or when the page is older than the incident.
        """
        incident = self.kept.open_with_group(group_key)
        if incident is None or incident.step is not Step.ACKNOWLEDGE:
            return None
        joined_at = next(group.joined_at for group in incident.groups if group.group_key == storable(group_key))
        if at < joined_at:
            return None
        return self.kept.change(incident.number, lambda one: lifecycle.acknowledge(one, by, at))

    def enter(self, id: str, step: Step, *, by: str, reason: str = "") -> IncidentView:  # noqa: A002
        """
        Begin with a step; the one before ends.

        Raises:
            Conflict: It is over, or at that step already.
            InvalidInput: Steps are left out, or people go back, without a reason.
        """
        now = self._clock.now_ns()
        before = self._incident(id)
        incident = self.kept.change(before.number, lambda one: lifecycle.enter(one, step, by, now, reason.strip()))
        if before.acknowledged_at is None:
            self._tell_pages(incident, by, now)
        return self._view(incident)

    def resolve(self, id: str, *, by: str, reason: str) -> IncidentView:  # noqa: A002
        """
        Say that it is over without having watched it, and why.

        Raises:
            Conflict: It is over already.
            InvalidInput: There is no reason.
        """
        if not reason.strip():
            raise InvalidInput("resolving by hand, without the watching, needs a reason")
        return self._changed(id, lambda one, now: lifecycle.resolve(one, by, reason.strip(), now))

    def set_severity(self, id: str, severity: Severity, *, by: str, reason: str) -> IncidentView:  # noqa: A002
        """
        Judge anew how bad it is.

        Raises:
            Conflict: It is closed.
            InvalidInput: There is no reason.
        """
        if not reason.strip():
            raise InvalidInput("another severity needs a reason: who reads the timeline later wants to know what was seen")
        return self._changed(id, lambda one, now: lifecycle.set_severity(one, severity, by, reason.strip(), now))

    def set_role(self, id: str, role: Role, name: str, *, by: str) -> IncidentView:  # noqa: A002
        """Give a role to somebody; an empty name takes it back."""
        return self._changed(id, lambda one, now: lifecycle.set_role(one, role, name.strip(), by, now))

    def note(self, id: str, text: str, *, by: str, at: Instant | None = None) -> IncidentView:  # noqa: A002
        """
        Write down what was seen or thought, at an instant that may have passed; a closed incident takes notes, too.

        Raises:
            InvalidInput: It is blank or too long, or lies in the future.
        """
        return self._wrote(id, EntryKind.NOTE, text, by, at)

    def command(self, id: str, text: str, *, by: str, at: Instant | None = None) -> IncidentView:  # noqa: A002
        """Write down a command that was run; otherwise as a note."""
        return self._wrote(id, EntryKind.COMMAND, text, by, at)

    def update(self, id: str, text: str, *, status: UpdateStatus, by: str, title: str = "") -> IncidentView:  # noqa: A002
        """
        Tell those affected. The words are public: they and the status page's own names are all that is shown there.

        Args:
            id: Of the incident.
            text: What they read.
            status: How it stands.
            by: Who tells; not shown.
            title: What the incident is called in public; given once, kept until given again.

        Raises:
            InvalidInput: The text is blank or too long.
        """
        words = _checked_text(text)

        def told(one: Incident, now: Instant) -> Change:
            changed = replace(one, public_title=title.strip()[: lifecycle.TITLE_LENGTH_MAX] or one.public_title)
            entry = Entry(now, EntryKind.UPDATE, f"told those affected ({status.value}): {words}", by)
            return Change(changed, (entry,), PublicUpdate(now, status, words, by))

        return self._changed(id, told)

    def timeline(self, id: str) -> Timeline:  # noqa: A002
        """Everything that happened, in order; of a closed incident as it was kept."""
        return self.timelines.of(self._incident(id), self._clock.now_ns())

    def pin(self, id: str, kind: EvidenceKind, question: Question, *, by: str, title: str = "") -> Evidence:  # noqa: A002
        """
        Ask a question and keep its answer with the incident.

        Raises:
            InvalidInput: The question lacks something.
            NotFound: There is nothing to keep.
        """
        return self.pins.pin(self._incident(id), kind, question, by, self._clock.now_ns(), title)

    def evidence(self, id: str) -> Sequence[FoundEvidence]:  # noqa: A002
        """What is pinned, without the answers."""
        return self.pins.list(self._incident(id))

    def evidence_answer(self, id: str, number: int) -> Evidence:  # noqa: A002
        """One piece of evidence with its answer."""
        return self.pins.get(self._incident(id), number)

    def runbook(self, id: str) -> Runbook:  # noqa: A002
        """
        The runbook of its alerts with their values filled in.

        Raises:
            NotFound: Its alerts name none, or none that can be read.
        """
        incident = self._incident(id)
        if not incident.runbook:
            raise NotFound(f"the alerts of {incident.id} name no runbook; give their rules one (annotation `runbook`)")
        alert = next((one for one in incident.alerts if incident.runbook in one.annotations.values()), None)
        values = Values(alert.labels, alert.annotations, alert.value) if alert else Values({"service": incident.service}, {})
        return self._runbooks.show(incident.runbook, values, self.kept.story.ticks(incident.number))

    def tick(self, id: str, step: int, *, by: str) -> Runbook:  # noqa: A002
        """
        Tick off a step of the runbook; the timeline says who did it when.

        Raises:
            NotFound: The runbook has no such step.
            Conflict: It was done before, or the incident is closed.
        """
        incident, now = self._incident(id), self._clock.now_ns()
        if incident.state is IncidentState.CLOSED:
            raise Conflict(f"{incident.id} is closed; what its runbook says stays as it is")
        runbook = self.runbook(id)
        wanted = next((one for one in runbook.steps if one.number == step), None)
        if wanted is None:
            raise NotFound(f"{runbook.path} has {len(runbook.steps)} steps, and no step {step}")
        self.kept.story.tick(
            incident.number,
            Tick(incident.runbook, step, now, by),
            Entry(now, EntryKind.RUNBOOK, f"did step {step} of {runbook.path}: {wanted.text}", by),
        )
        return self.runbook(id)

    def close(self, id: str, *, by: str, no_guard: str = "", no_postmortem: str = "") -> IncidentView:  # noqa: A002
        """
        End it for good; its timeline is kept as it is now.

        Args:
            id: A resolved incident.
            by: Who closes it.
            no_guard: Why there can be no guard; needed only without one.
            no_postmortem: Why it needs no postmortem; needed only without one, where its severity asks for one.

        Raises:
            Conflict: It is not resolved, or closed before.
            InvalidInput: A guard, a postmortem or a reason is missing.
        """
        now, given = self._clock.now_ns(), Closing(no_guard, no_postmortem)
        frozen = self.timelines.to_freeze(self._incident(id), now)

        def decide(incident: Incident, guards: int, postmortems: int) -> Change:
            needs = incident.severity.value in self.options.postmortem_severities
            change = lifecycle.close(incident, guards, postmortems, by, now, given, needs_postmortem=needs)
            return replace(change, frozen=frozen)

        return self._view(self.kept.close(number_of(id), decide))

    def statistics(self) -> IncidentStatistics:
        """How many there are in which state; asks the database."""
        counts = self.kept.count_by_state()
        unanswered = sum(1 for one in self.kept.list(state=IncidentState.OPEN) if one.acknowledged_at is None)
        open_count, waiting = counts.get(IncidentState.OPEN, 0), counts.get(IncidentState.RESOLVED, 0)
        return IncidentStatistics(open=open_count, waiting=waiting, unacknowledged=unanswered)

    def _incident(self, id: str) -> Incident:  # noqa: A002
        return self.kept.get(number_of(id))

    def _view(self, incident: Incident) -> IncidentView:
        updates = self.kept.story.updates([incident.number]).get(incident.number, ())
        return view_of(incident, tuple(updates), self.options, self._clock.now_ns())

    def _changed(self, id: str, decide: Callable[[Incident, Instant], Change | None]) -> IncidentView:  # noqa: A002
        now = self._clock.now_ns()
        return self._view(self.kept.change(number_of(id), lambda incident: decide(incident, now)))

    def _wrote(self, id: str, kind: EntryKind, text: str, by: str, at: Instant | None) -> IncidentView:  # noqa: A002
        incident, now = self._incident(id), self._clock.now_ns()
        if at is not None and at > now:
            raise InvalidInput(f"what is written down has happened; {format_instant(at)} lies in the future")
        self.kept.story.add(incident.number, Entry(at if at is not None else now, kind, _checked_text(text), by))
        return self._view(incident)

    def _tell_pages(self, incident: Incident, by: str, at: Instant) -> None:
        if self._acknowledge_pages is None or not incident.groups:
            return
        try:
            self._acknowledge_pages(incident.group_keys, by, at)
        except TocsinError as error:
            # The incident is acknowledged whatever becomes of its pages: at worst somebody is called once more.
            logger.error("%s was acknowledged, its pages could not be: %s", incident.id, error)


def _checked_text(text: str) -> str:
    words = text.strip()
    if not words:
        raise InvalidInput("there is nothing to write down: the text is blank")
    if len(words) > TEXT_LENGTH_MAX:
        raise InvalidInput(f"an entry has at most {TEXT_LENGTH_MAX} characters, this one has {len(words)}; pin longer ones as evidence")
    return words
