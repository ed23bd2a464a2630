"""What is learnt from incidents: postmortems in versions, action items with owners and dates, guards, and the tables over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from tocsin.clock import Clock
from tocsin.errors import InvalidInput
from tocsin.incident.answers import ActionView, PostmortemView
from tocsin.incident.figures import ResponseFigures, response_figures
from tocsin.incident.identity import id_of, number_of
from tocsin.incident.impact import BudgetImpact
from tocsin.incident.options import IncidentOptions
from tocsin.incident.postmortem import PostmortemFacts, draft
from tocsin.incident.timeline import Timelines
from tocsin.incident.weekly import Week, weekly_table
from tocsin.model.incident import ActionItem, Entry, EntryKind, Guard, GuardKind, Incident, PostmortemVersion
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.state.incidents import Incidents

INCIDENTS_MAX = 100_000
TEXT_LENGTH_MAX = 200_000
WEEK_NS = 7 * 86_400 * NANOSECONDS


class Measuring(Protocol):
    """What tells what an incident cost; `impact.Impacts` is one."""

    def of(self, services: Sequence[str], start: Instant, end: Instant) -> list[BudgetImpact]:
        """What [start, end) cost each objective of these services."""
        ...


class LessonsDesk:
    """
    Questions and orders about what was learnt. Safe to use from several threads.

    Args:
        kept: Where it is kept.
        timelines: For drafts.
        clock: The present.
        options: Time zone, targets.
        impacts: What an incident cost; None where no objectives are.
    """

    def __init__(
        self, kept: Incidents, timelines: Timelines, *, clock: Clock, options: IncidentOptions, impacts: Measuring | None = None
    ) -> None:
        self._kept = kept
        self._timelines = timelines
        self._clock = clock
        self._options = options
        self._impacts = impacts

    def impact(self, id: str) -> list[BudgetImpact]:  # noqa: A002 - as the record says
        """
        What an incident cost its service's objectives, until now while it lasts.

        Raises:
            NotFound: There is none with this id; as everywhere here.
        """
        return self._impact(self._kept.get(number_of(id)))

    def postmortem(self, id: str) -> PostmortemView:  # noqa: A002
        """Its newest version; the draft with what is known while nobody wrote one."""
        incident = self._kept.get(number_of(id))
        versions = self._kept.lessons.postmortems(incident.number)
        if versions:
            return _postmortem_view(incident, versions[0])
        return PostmortemView(incident.id, 0, self._clock.now_ns(), "", self.draft(id))

    def draft(self, id: str) -> str:  # noqa: A002
        """The template with what is known now, whatever was written."""
        incident, now = self._kept.get(number_of(id)), self._clock.now_ns()
        facts = PostmortemFacts(
            incident=incident,
            entries=self._timelines.of(incident, now).entries,
            now=now,
            impacts=self._impact(incident),
            actions=self._kept.lessons.actions(incident.number),
            updates=self._kept.story.updates([incident.number]).get(incident.number, ()),
            evidence=[found.evidence for found in self._kept.evidence.list(incident.number)],
        )
        return draft(facts)

    def postmortem_versions(self, id: str) -> list[PostmortemView]:  # noqa: A002
        """All versions, the newest first."""
        incident = self._kept.get(number_of(id))
        return [_postmortem_view(incident, version) for version in self._kept.lessons.postmortems(incident.number)]

    def write_postmortem(self, id: str, text: str, *, author: str, based_on: int | None = None) -> PostmortemView:  # noqa: A002
        """
        Keep a postmortem as its next version.

        Args:
            id: Of the incident; a closed one's may be improved, too.
            text: Markdown.
            author: Who wrote it.
            based_on: The version that it was made from, so that nobody overwrites what they have not read; None to not care.

        Raises:
            Conflict: Somebody wrote another version meanwhile.
            InvalidInput: It is empty, or too long.
        """
        incident, now = self._kept.get(number_of(id)), self._clock.now_ns()
        if len(text) > TEXT_LENGTH_MAX:
            raise InvalidInput(f"a postmortem has at most {TEXT_LENGTH_MAX} characters, this one has {len(text)}; pin evidence instead")
        entry = Entry(now, EntryKind.POSTMORTEM, "a version of the postmortem was written", author)
        return _postmortem_view(
            incident, self._kept.lessons.write_postmortem(incident.number, author, text, now, based_on=based_on, entry=entry)
        )

    def add_action(self, id: str, text: str, *, owner: str, due: str, by: str) -> ActionView:  # noqa: A002
        """
        Write down what shall be done; `due` is its last day, `2026-12-01`.

        Raises:
            InvalidInput: Text or owner are blank, or `due` is no day.
        """
        incident, now = self._kept.get(number_of(id)), self._clock.now_ns()
        try:
            day = date.fromisoformat(due).isoformat()
        except ValueError as error:
            raise InvalidInput(f"the last day of an action item is written 2026-12-01, found {due!r}") from error
        item = ActionItem(0, incident.number, text.strip(), owner.strip(), day, now, by)
        entry = Entry(now, EntryKind.ACTION, f"to do: {item.text} ({item.owner}, until {day})", by)
        return self._action_view(self._kept.lessons.add_action(item, entry), now)

    def finish_action(self, number: int, *, by: str) -> ActionView:
        """
        Write down that an action item is done.

        Raises:
            NotFound: There is none with this number.
            Conflict: It was done before.
        """
        now = self._clock.now_ns()
        return self._action_view(self._kept.lessons.finish_action(number, by, now), now)

    def actions(self, id: str | None = None, *, include_done: bool = False) -> list[ActionView]:  # noqa: A002
        """Action items of one incident, or of all, those that are due first in front."""
        number = None if id is None else self._kept.get(number_of(id)).number
        now = self._clock.now_ns()
        return [self._action_view(item, now) for item in self._kept.lessons.actions(number, include_done=include_done)]

    def add_guard(
        self,
        id: str,  # noqa: A002
        kind: GuardKind,
        name: str,
        path: str,
        *,
        by: str,
        signature: str | None = None,
    ) -> Guard:
        """
        Keep a guard that came from an incident.

        Args:
            id: Of the incident.
            kind: What it holds.
            name: For people; unique.
            path: File with its content.
            by: Who made it.
            signature: The failure that it knows; by default the incident's.

        Raises:
            Conflict: The name is taken.
        """
        incident, now = self._kept.get(number_of(id)), self._clock.now_ns()
        known = incident.signature if signature is None else signature.strip()
        guard = Guard(0, incident.number, kind, name.strip(), path.strip(), known, now, by)
        entry = Entry(now, EntryKind.GUARD, f"guarded by {guard.name} ({kind.value.replace('_', ' ')})", by)
        return self._kept.lessons.add_guard(guard, entry)

    def guards(self, id: str | None = None, *, signature: str | None = None) -> list[Guard]:  # noqa: A002
        """Guards that came from one incident, or that know a signature, or all, the oldest first."""
        return self._kept.lessons.guards(None if id is None else self._kept.get(number_of(id)).number, signature=signature)

    def weekly(self, start: Instant, end: Instant) -> list[Week]:
        """The weeks that [start, end) touches: incidents, new ones, prevented repeats, guards."""
        # A week is told whole, also where the range begins or ends within it.
        found = self._kept.list(start=start - WEEK_NS, end=end + WEEK_NS, limit=INCIDENTS_MAX)
        return weekly_table(found, self._kept.lessons.guards(), start, end)

    def figures(self, start: Instant, end: Instant, *, service: str | None = None) -> list[ResponseFigures]:
        """Times to detect, acknowledge and restore of incidents that were opened in [start, end)."""
        found = self._kept.list(service=service, start=start, end=end, limit=INCIDENTS_MAX)
        return response_figures(found, acknowledge_s=self._options.acknowledge_s, now=self._clock.now_ns())

    def _impact(self, incident: Incident) -> list[BudgetImpact]:
        if self._impacts is None or not incident.service:
            return []
        end = incident.ended_at if incident.ended_at is not None else self._clock.now_ns()
        return self._impacts.of([incident.service], incident.started_at, max(end, incident.started_at))

    def _action_view(self, item: ActionItem, now: Instant) -> ActionView:
        today = datetime.fromtimestamp(now // NANOSECONDS, ZoneInfo(self._options.time_zone)).date().isoformat()
        return ActionView(id_of(item.incident), item, item.done_at is None and item.due < today)


def _postmortem_view(incident: Incident, version: PostmortemVersion) -> PostmortemView:
    return PostmortemView(incident.id, version.version, version.at, version.author, version.text)
