"""The draft of a postmortem: everything that is known is in it, and nothing that strangers wrote is obeyed."""

from __future__ import annotations

import pytest
from tests.conftest import Golden
from tests.incident.house import MINUTE, START

from tocsin.incident.impact import BudgetImpact
from tocsin.incident.postmortem import PostmortemFacts, draft, duration_words
from tocsin.model.incident import (
    ActionItem,
    Entry,
    EntryKind,
    Evidence,
    EvidenceKind,
    EvidenceState,
    Incident,
    IncidentSource,
    Step,
    StepRecord,
)
from tocsin.model.severity import Severity

INCIDENT = Incident(
    7, "checkout burns its *budget*", "checkout", Severity.P1, "s", IncidentSource.PAGE, START, first_bad_at=START - 3 * MINUTE,
    alerted_at=START - MINUTE, acknowledged_at=START + 2 * MINUTE, acknowledged_by="ana", watch_since=START + 44 * MINUTE,
    resolved_at=START + 74 * MINUTE, guards_known=1, steps=(StepRecord(Step.DIAGNOSE, None, "ana", None, "a known failure"),),
)  # fmt: skip
ENTRIES = [
    Entry(START - 4 * MINUTE, EntryKind.DEPLOYMENT, "checkout 2.3.0 -> 2.3.1 deployed in production", "bob"),
    Entry(START, EntryKind.OPENED, "opened by a page"),
    Entry(START + MINUTE, EntryKind.NOTE, "a <script>\nline", "ana"),
    Entry(START + 80 * MINUTE, EntryKind.POSTMORTEM, "a version of the postmortem was written", "ana"),
]


def test_a_draft_with_all_that_is_known(golden: Golden) -> None:
    """The template of the house, filled in."""
    facts = PostmortemFacts(
        incident=INCIDENT,
        entries=ENTRIES,
        now=START + 100 * MINUTE,
        impacts=[BudgetImpact("checkout-availability", "checkout works", 1204, 50_000, "events", 3612, 1 / 3)],
        actions=[ActionItem(1, 7, "alert on slow cards", "bob", "2026-03-10", START)],
        evidence=[Evidence(3, 7, EvidenceKind.TRACE, {}, "exemplar trace", EvidenceState.PINNED, START)],
    )
    golden("incident/postmortem.md", draft(facts))


def test_a_draft_of_an_incident_that_lasts() -> None:
    """It has every section, and says what is not known."""
    lasting = Incident(1, "t", "", Severity.P3, "", IncidentSource.HAND, START)
    text = draft(PostmortemFacts(incident=lasting, entries=[], now=START + 30 * MINUTE))
    sections = ["Summary", "Timeline", "What Went Well", "What Could Be Improved", "Action Items", "Lessons Learned"]
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == sections
    assert "30 minutes so far" in text
    assert "no objective of the service tells it" in text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 seconds"), (1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (2820, "47 minutes"), (7500, "2 hours 5 minutes"),
     (86_400 + 3 * 3600 + 60, "1 day 3 hours"), (-5, "0 seconds")],
)  # fmt: skip
def test_durations_in_words(seconds: int, words: str) -> None:
    """As people say them, two parts at most."""
    assert duration_words(seconds * 10**9) == words
