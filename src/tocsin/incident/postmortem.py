"""
The postmortem of an incident: blameless, in one template, with what is known filled in, to be completed by people.

    # Incident Postmortem: checkout burns its budget 15 times too fast (INC-7)
    ## Summary          date, duration, impact in budget, root cause
    ## Timeline
    ## What Went Well   ## What Could Be Improved   ## Action Items   ## Lessons Learned
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tocsin.incident.impact import BudgetImpact
from tocsin.model.incident import ActionItem, Entry, EntryKind, Evidence, Incident, PublicUpdate
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.slo.words import minute_words

ENTRIES_MAX = 200
TO_WRITE = "_to be written_"
QUIET_KINDS = frozenset({EntryKind.POSTMORTEM, EntryKind.ACTION, EntryKind.GUARD})
BLAMELESS = (
    "<!-- Blameless: write what people saw and what they could know then, and why it made sense. Names say who can be asked, not whose"
    " fault it was. -->"
)


@dataclass(frozen=True, slots=True)
class PostmortemFacts:
    """
    What is known of an incident.

    Args:
        incident: The incident.
        entries: Its timeline, sorted.
        impacts: What it cost objectives, the dearest first.
        actions: Action items that were written down already.
        updates: What those affected were told.
        evidence: What is pinned to it.
        now: The present, for one that lasts.
    """

    incident: Incident
    entries: Sequence[Entry]
    now: Instant
    impacts: Sequence[BudgetImpact] = ()
    actions: Sequence[ActionItem] = ()
    updates: Sequence[PublicUpdate] = ()
    evidence: Sequence[Evidence] = field(default_factory=tuple)


def draft(facts: PostmortemFacts) -> str:
    """The template with everything filled in that is known; the rest says that it is to be written."""
    incident = facts.incident
    sections = [
        f"# Incident Postmortem: {_line(incident.title)} ({incident.id})",
        BLAMELESS,
        "## Summary",
        _summary(facts),
        "## Timeline",
        _timeline(facts.entries),
        "## What Went Well",
        f"- {TO_WRITE}",
        "## What Could Be Improved",
        _slow_steps(incident),
        "## Action Items",
        _actions(facts.actions),
        "## Lessons Learned",
        f"- {TO_WRITE}: technical insights for future design\n- {TO_WRITE}: operational insights for future response",
    ]
    if facts.evidence:
        sections += ["## Evidence", "\n".join(f"- {one.kind.value} {one.number}: {_line(one.title)}" for one in facts.evidence)]
    return "\n\n".join(sections) + "\n"


def duration_words(nanoseconds: int) -> str:
    """`47 minutes`, `2 hours 5 minutes`, `1 day 3 hours`, `40 seconds`."""
    seconds = max(0, nanoseconds) // NANOSECONDS
    if seconds < 60:
        return _counted(seconds, "second")
    minutes = round(seconds / 60)
    parts = [(minutes // 1440, "day"), (minutes % 1440 // 60, "hour"), (minutes % 60, "minute")]
    shown = [_counted(count, name) for count, name in parts if count]
    return " ".join(shown[:2])


def _summary(facts: PostmortemFacts) -> str:
    incident = facts.incident
    end = incident.ended_at
    length = duration_words((end if end is not None else facts.now) - incident.started_at)
    began = _moment(incident.started_at)
    lasted = f"{length} ({began} to {_moment(end)} UTC)" if end is not None else f"{length} so far (since {began} UTC)"
    detected = ""
    if incident.first_bad_at is not None and incident.alerted_at is not None:
        detected = f"\n- **Detected after:** {duration_words(incident.alerted_at - incident.first_bad_at)}"
    answered = ""
    if incident.acknowledged_at is not None:
        answered = f"\n- **Acknowledged after:** {duration_words(incident.acknowledged_at - incident.opened_at)}"
    service = f", {_line(incident.service)}" if incident.service else ""
    repeat = "\n- **Repeat:** a guard knew this failure when it came" if incident.guards_known else ""
    return (
        f"- **Date:** {_moment(incident.started_at)[:10]}\n- **Severity:** {incident.severity.value}{service}\n- **Duration:** {lasted}"
        f"{detected}{answered}\n- **Impact:** {_impact(facts.impacts)}{repeat}\n- **Root cause:** {TO_WRITE}"
    )


def _impact(impacts: Sequence[BudgetImpact]) -> str:
    if not impacts:
        return f"{TO_WRITE} (no objective of the service tells it)"
    return "; ".join(impact_words(impact) for impact in impacts)


def impact_words(impact: BudgetImpact) -> str:
    """`1,204 of 50,000 events bad in checkout-availability, 31.2 % of its budget`."""
    share = "" if impact.share is None else f", {impact.share * 100:.1f} % of its budget"
    return f"{impact.bad:,.0f} of {impact.total:,.0f} {impact.unit} bad in {_line(impact.title)}{share}"


def _timeline(entries: Sequence[Entry]) -> str:
    shown = [entry for entry in entries if entry.kind not in QUIET_KINDS]
    lines = [
        f"- **{_moment(entry.at)}:** {_line(entry.text)}{f' ({_line(entry.who)})' if entry.who else ''}" for entry in shown[:ENTRIES_MAX]
    ]
    if len(shown) > ENTRIES_MAX:
        lines.append(f"- {len(shown) - ENTRIES_MAX} further entries are in the incident's timeline")
    return "\n".join(lines) or f"- {TO_WRITE}"


def _slow_steps(incident: Incident) -> str:
    skipped = [f"- The step {record.step.value} was left out: {_line(record.skipped)}" for record in incident.steps if record.skipped]
    return "\n".join([*skipped, f"- {TO_WRITE}"])


def _actions(actions: Sequence[ActionItem]) -> str:
    lines = [f"- [{'x' if item.done_at is not None else ' '}] {_line(item.text)} ({_line(item.owner)}, {item.due})" for item in actions]
    return "\n".join(lines) or f"- [ ] {TO_WRITE} (owner, deadline)"


def _moment(instant: Instant) -> str:
    return minute_words(instant).removesuffix(" UTC")


def _counted(count: int, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def _line(text: str) -> str:
    """A text on one line that Markdown shows as it is: titles and alerts bring words of strangers."""
    return re.sub(r"([\\`*_\[\]<])", r"\\\1", " ".join(text.split()))
