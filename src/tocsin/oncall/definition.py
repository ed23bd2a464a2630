"""
People, schedules and chains of escalation as plain records: what files become, and what everything else in this room works on.

    Schedule("primary", "Europe/Berlin", (Layer("weekly", ("ana", "bob"), length=1 week, start=2026-01-05 09:00),))

Times of schedules are wall times: a hand-over at nine is at nine whatever the clocks were changed by since.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeVar

from tocsin.errors import NotFound
from tocsin.model.severity import Severity
from tocsin.model.spelling import did_you_mean

DAY_MINUTES = 1440
ALL_DAYS = frozenset(range(7))
Named = TypeVar("Named")


@dataclass(frozen=True, slots=True)
class Hours:
    """
    A piece of the week.

    Args:
        days: On which it begins, 0 is Monday.
        start_minute: When, minutes after midnight, 0 to 1439.
        lasting_minutes: How long by the clock on the wall, up to a week; past midnight it belongs to the day on which it began.
    """

    days: frozenset[int]
    start_minute: int
    lasting_minutes: int


@dataclass(frozen=True, slots=True)
class Layer:
    """
    A rotation.

    Args:
        name: Unique in its schedule.
        users: Whose turns follow each other, then from the first again; names of people.
        length: Of a turn, by the clock on the wall.
        start: Wall time from which on the layer holds; the first user's turn.
        anchor: Wall time of the hand-over at or before `start`; all others follow from it.
        until: Wall time from which on it no longer holds; None: for ever.
        restrictions: Only at these hours; at all hours when there are none.
    """

    name: str
    users: tuple[str, ...]
    length: timedelta
    start: datetime
    anchor: datetime
    until: datetime | None = None
    restrictions: tuple[Hours, ...] = ()


@dataclass(frozen=True, slots=True)
class Schedule:
    """
    Who is on call when.

    Args:
        name: Names it.
        zone: IANA name of the zone whose wall times it uses.
        layers: A later one goes before an earlier one wherever it names somebody.
        title: For people.
        place: File and line.
    """

    name: str
    zone: str
    layers: tuple[Layer, ...]
    title: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """
    One way to reach a person.

    Args:
        kind: `slack`, `email`, `webhook`, `pagerduty` or `opsgenie`.
        number: Which of the person's channels of this kind, from 0.
        settings: As Alertmanager calls them for this kind; secrets stand in `files` and `variables`.
        files: Settings whose value is read from a file: name to path.
        variables: Settings whose value is read from the environment: name to variable.
        when: Only at these hours of the person; at any hour when there are none.
    """

    kind: str
    number: int
    settings: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    when: tuple[Hours, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """
    Somebody who can be called.

    Args:
        name: Names them.
        zone: IANA name of where they sleep.
        contacts: How they are reached; the first whose hours allow it is tried first.
        title: Their name for people.
        role: What they are.
        email: Their address; calendars show it.
        place: File and line.
    """

    name: str
    zone: str
    contacts: tuple[Contact, ...]
    title: str = ""
    role: str = ""
    email: str = ""
    place: str = ""

    def channel_of(self, contact: Contact) -> str:
        """`person/ana/slack/0`: what the outbox calls one of their channels."""
        return f"person/{self.name}/{contact.kind}/{contact.number}"


class TargetKind(Enum):
    """What a step names."""

    SCHEDULE = "schedule"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a step calls: who is on call in a schedule, or a person."""

    kind: TargetKind
    name: str


@dataclass(frozen=True, slots=True)
class Step:
    """Whom to call, and how long to wait for one of them to acknowledge, seconds."""

    notify: tuple[Target, ...]
    acknowledge_within_s: float


@dataclass(frozen=True, slots=True)
class Chain:
    """
    A chain of escalation.

    Args:
        name: Names it.
        receiver: The receiver of the routing configuration that it serves.
        steps: One after the other until somebody acknowledges.
        repeat: How often it begins again after its last step.
        severities: Those that call until somebody answers; others are only said to the first step, without waking anybody.
        acknowledgement_lasts_s: After which it begins again if alerts still fire, seconds; None: never.
        title: For people.
        place: File and line.
    """

    name: str
    receiver: str
    steps: tuple[Step, ...]
    repeat: int = 0
    severities: frozenset[Severity] = frozenset({Severity.P1})
    acknowledgement_lasts_s: float | None = None
    title: str = ""
    place: str = ""

    @property
    def channel(self) -> str:
        """What the outbox calls it: a notification on this channel begins a page."""
        return f"chain/{self.name}"


@dataclass(frozen=True, slots=True)
class OncallPlan:
    """
    Everything that a set of files says; names are unique per kind.

    Args:
        people, schedules, chains: By name, in the order of the files.
        remarks: What `tocsin oncall check` says: allowed, and probably not meant.
    """

    people: Mapping[str, Person] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    chains: Mapping[str, Chain] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def person(self, name: str) -> Person:
        """
        The person of a name.

        Raises:
            NotFound: Nobody is called so.
        """
        return _named("person", name, self.people)

    def schedule(self, name: str) -> Schedule:
        """
        The schedule of a name.

        Raises:
            NotFound: None is called so.
        """
        return _named("schedule", name, self.schedules)

    def chain(self, name: str) -> Chain:
        """
        The chain of a name.

        Raises:
            NotFound: None is called so.
        """
        return _named("escalation chain", name, self.chains)

    def chain_of(self, receiver: str) -> Chain | None:
        """The chain that serves a receiver; None when none does."""
        return next((chain for chain in self.chains.values() if chain.receiver == receiver), None)


def _named(what: str, name: str, known: Mapping[str, Named]) -> Named:
    found = known.get(name)
    if found is None:
        there = f"; there are {', '.join(list(known)[:10])}" if known else "; the option oncall.files names the files that define them"
        raise NotFound(f"no {what} is called {name!r}{did_you_mean(name, known) or there}")
    return found
