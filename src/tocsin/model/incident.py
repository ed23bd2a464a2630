"""
Incidents: what happened to those who use a service, how people answered, and what was learnt.

    INC-7  P1  checkout  acknowledged 02:04:10, mitigated 02:15, watched until 03:05, postmortem written, guarded

An incident goes through five steps; each is entered, and ends when the next one is. From the moment it is resolved it takes no more alerts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from tocsin.model.instant import Instant
from tocsin.model.severity import Severity

ID_PREFIX = "INC-"


class IncidentState(Enum):
    """How far it is; the value is its name in JSON."""

    OPEN = "open"
    RESOLVED = "resolved"  # the watching ended well; what is left is to learn from it
    CLOSED = "closed"


class Step(Enum):
    """What people do, in this order; the value is its name in JSON."""

    ACKNOWLEDGE = "acknowledge"
    MITIGATE = "mitigate"
    DIAGNOSE = "diagnose"
    VERIFY = "verify"  # the fix is in, and is watched
    POSTMORTEM = "postmortem"


STEPS = tuple(Step)


class Role(Enum):
    """Who does what during an incident; the value is its name in JSON."""

    LEAD = "lead"  # decides; the commander
    COMMUNICATIONS = "communications"  # tells those affected
    SCRIBE = "scribe"  # writes down what happens


class IncidentSource(Enum):
    """Who opened it."""

    PAGE = "page"
    HAND = "hand"


class JoinReason(Enum):
    """Why a group of alerts belongs to an incident; the value is its name in JSON."""

    OPENED = "opened_it"
    SAME_SERVICE = "same_service"
    BY_HAND = "by_hand"


class EntryKind(Enum):
    """What an entry of a timeline tells; the value is its name in JSON."""

    OPENED = "opened"
    JOINED = "joined"
    STEP = "step"
    SEVERITY = "severity"
    ROLE = "role"
    NOTE = "note"
    UPDATE = "update"
    COMMAND = "command"
    RUNBOOK = "runbook"
    EVIDENCE = "evidence"
    WATCH = "watch"
    RESOLVED = "resolved"
    GUARD = "guard"
    ACTION = "action"
    POSTMORTEM = "postmortem"
    CLOSED = "closed"
    ALERT = "alert"  # those from here on are what other rooms know
    PAGE = "page"
    DEPLOYMENT = "deployment"
    BUDGET = "budget"


class UpdateStatus(Enum):
    """What those affected are told; the value is its name in JSON."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"


class EvidenceKind(Enum):
    """What sort of question was asked; the value is its name in JSON."""

    TRACE = "trace"
    LOGS = "logs"
    QUERY = "query"
    SLO = "slo"
    EXPLAIN = "explain"


class EvidenceState(Enum):
    """Whether an answer is kept; the value is its name in JSON."""

    PENDING = "pending"  # asked for by itself, and not there yet
    PINNED = "pinned"
    FAILED = "failed"  # asked for by itself, and given up


class GuardKind(Enum):
    """What a guard holds; the value is its name in files and JSON."""

    MUST_FIRE = "must_fire"
    MUST_NOT_FIRE = "must_not_fire"
    QUERY = "query"
    UNIT_TEST = "unit_test"


@dataclass(frozen=True, slots=True)
class StepRecord:
    """
    One step of one incident.

    Args:
        step: Which.
        entered_at: When people began with it; None for one that was skipped.
        entered_by: Who said so.
        ended_at: When the next one began; None while it lasts.
        skipped: Why it was left out; empty for one that was not.
    """

    step: Step
    entered_at: Instant | None
    entered_by: str = ""
    ended_at: Instant | None = None
    skipped: str = ""


@dataclass(frozen=True, slots=True)
class IncidentGroup:
    """A group of alerts that belongs to an incident, since when and why."""

    group_key: str
    joined_at: Instant
    reason: JoinReason


@dataclass(frozen=True, slots=True)
class IncidentAlert:
    """
    An alert of an incident, as it was last told.

    Args:
        fingerprint: Names it.
        group_key: The group that it came with.
        labels: Identify it.
        annotations: Texts for people.
        starts_at: Since when it fires.
        ends_at: When it ended; None while it fires.
        value: What its condition gave; None where nobody said.
        rule: `group/name` of the rule; may be empty.
    """

    fingerprint: str
    group_key: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: Instant
    ends_at: Instant | None = None
    value: float | None = None
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """
    One incident.

    Args:
        number: Names it: 7 is `INC-7`; 0 for one that was not kept yet.
        title: For people who work on it.
        service: What it is about; empty where alerts name no service.
        severity: How bad it is now.
        signature: What would be the same failure again; empty where nobody knows. See `incident.signature`.
        source: Who opened it: a page or a person.
        opened_at, opened_by: When and who; `opened_by` is empty for pages.
        state: How far it is.
        step: What people do now.
        alerted_at: When its earliest alert began; None without one.
        first_bad_at: The first bad minute of the objectives before that; None where it is not known.
        acknowledged_at, acknowledged_by: Who answered and when; None and empty while nobody did.
        mitigated_at: When the damage was stopped, that is when people went on to diagnose; None while it is not.
        watch_since: Since when its alerts are quiet while the fix is watched; once resolved, since when service was restored.
        resolved_at: When the watching ended; None before.
        closed_at, closed_by: The end; None and empty before.
        no_guard_reason: Why it was closed without a guard; empty when it has one.
        no_postmortem_reason: Why it was closed without a postmortem; empty when it has one, or needs none.
        public_title: What those affected read; empty while nothing was published.
        lead, communications, scribe: Names; may be empty.
        guards_known: How many guards knew its signature when it was opened: above 0 it is a repeat.
        runbook: Path or URL out of its alerts; may be empty.
        steps, groups, alerts: What belongs to it.
    """

    number: int
    title: str
    service: str
    severity: Severity
    signature: str
    source: IncidentSource
    opened_at: Instant
    opened_by: str = ""
    state: IncidentState = IncidentState.OPEN
    step: Step = Step.ACKNOWLEDGE
    alerted_at: Instant | None = None
    first_bad_at: Instant | None = None
    acknowledged_at: Instant | None = None
    acknowledged_by: str = ""
    mitigated_at: Instant | None = None
    watch_since: Instant | None = None
    resolved_at: Instant | None = None
    closed_at: Instant | None = None
    closed_by: str = ""
    no_guard_reason: str = ""
    no_postmortem_reason: str = ""
    public_title: str = ""
    lead: str = ""
    communications: str = ""
    scribe: str = ""
    guards_known: int = 0
    runbook: str = ""
    steps: tuple[StepRecord, ...] = ()
    groups: tuple[IncidentGroup, ...] = ()
    alerts: tuple[IncidentAlert, ...] = ()

    @property
    def id(self) -> str:
        """`INC-7`."""
        return f"{ID_PREFIX}{self.number}"

    @property
    def started_at(self) -> Instant:
        """When it began for those who use the service, as far as anybody knows."""
        return min(instant for instant in (self.first_bad_at, self.alerted_at, self.opened_at) if instant is not None)

    @property
    def restored_at(self) -> Instant | None:
        """When service was restored: where the quiet began that was watched to its end; None before that."""
        return self.watch_since if self.resolved_at is not None else None

    @property
    def ended_at(self) -> Instant | None:
        """When it was over for those who use the service; None while it lasts."""
        return self.restored_at if self.restored_at is not None else self.closed_at

    @property
    def group_keys(self) -> tuple[str, ...]:
        """The groups of alerts that belong to it."""
        return tuple(group.group_key for group in self.groups)

    def entered(self, step: Step) -> StepRecord | None:
        """What is known of a step; None when it was neither entered nor skipped."""
        return next((record for record in self.steps if record.step is step), None)


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One line of a timeline.

    Args:
        at: When.
        kind: What sort of thing.
        text: One sentence.
        who: A person's name; empty for machines.
        link: Where more stands; may be empty.
    """

    at: Instant
    kind: EntryKind
    text: str
    who: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class PublicUpdate:
    """What those affected were told: public words only."""

    at: Instant
    status: UpdateStatus
    text: str
    author: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    A question with its answer, kept as long as the incident, whatever retention drops.

    Args:
        number: Names it.
        incident: Number of the incident.
        kind: What sort of question.
        question: The question's own words: `{"trace_id": ...}`, `{"query": ..., "start": ..., "end": ...}`.
        title: For people.
        state: Whether the answer is there.
        pinned_at, pinned_by: When and who; `pinned_by` is empty for what was pinned by itself.
        answer: JSON; empty while there is none.
        cut: What was left out so that it fits; empty when nothing was.
        attempts: How often it was asked.
        detail: Why there is no answer; empty when there is.
    """

    number: int
    incident: int
    kind: EvidenceKind
    question: Mapping[str, str]
    title: str
    state: EvidenceState
    pinned_at: Instant
    pinned_by: str = ""
    answer: str = ""
    cut: str = ""
    attempts: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Tick:
    """A step of a runbook that somebody did; `step` counts from 1."""

    runbook: str
    step: int
    at: Instant
    by: str


@dataclass(frozen=True, slots=True)
class PostmortemVersion:
    """A postmortem as somebody wrote it; `version` counts from 1, older ones are kept."""

    version: int
    at: Instant
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class ActionItem:
    """
    Something to do so that it does not happen again.

    Args:
        number: Names it.
        incident: Number of the incident.
        text: What.
        owner: Who.
        due: The last day, `2026-12-01`.
        created_at, created_by: When and who wrote it down.
        done_at, done_by: When and who did it; None and empty before.
    """

    number: int
    incident: int
    text: str
    owner: str
    due: str
    created_at: Instant
    created_by: str = ""
    done_at: Instant | None = None
    done_by: str = ""


@dataclass(frozen=True, slots=True)
class Guard:
    """
    What keeps a failure from coming back unnoticed.

    Args:
        number: Names it; 0 for one that was not kept yet.
        incident: Number of the incident that it came from.
        kind: What it holds.
        name: For people, unique.
        path: File with its content, as whoever runs guards reads it.
        signature: The failure that it knows; see `incident.signature`.
        created_at, created_by: When and who.
    """

    number: int
    incident: int
    kind: GuardKind
    name: str
    path: str
    signature: str
    created_at: Instant
    created_by: str = ""


@dataclass(frozen=True, slots=True)
class FoundEvidence:
    """Evidence without its answer, for lists: `size_bytes` of it are kept."""

    evidence: Evidence
    size_bytes: int = field(default=0)
