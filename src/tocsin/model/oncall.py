"""
Who is called, as records that are kept: overrides, swaps, pages, calls, calendar feeds.

    Override("ov-1", "primary", 09:00, 17:00, person="bob", replaces="ana", author="ana", reason="dentist")

Schedules themselves are code, in files; what people change about them for a while, and what was done to reach them, is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tocsin.model.budget import Withdrawal
from tocsin.model.instant import Instant
from tocsin.model.notification import Notification

CHAIN_CHANNEL = "chain"
PERSON_CHANNEL = "person"
NOTICE_STEP = -1


class Origin(Enum):
    """Why this person is on call: what decided it last."""

    LAYER = "layer"
    OVERRIDE = "override"
    SWAP = "swap"
    NOBODY = "nobody"  # a gap: no layer and no override names anybody


@dataclass(frozen=True, slots=True)
class Shift:
    """
    One person's time on call without a break, or a time in which nobody is.

    Args:
        schedule: Its name.
        start, end: [start, end).
        person: Who; empty when nobody is.
        origin: What decided it.
        source: Name of the layer, or id of the override; empty when nobody is.
    """

    schedule: str
    start: Instant
    end: Instant
    person: str
    origin: Origin
    source: str = ""

    @property
    def is_gap(self) -> bool:
        """Whether nobody is on call."""
        return self.origin is Origin.NOBODY


@dataclass(frozen=True, slots=True)
class Override:
    """
    Somebody else is on call than the layers say. Of several that overlap, the one that was entered last holds.

    Args:
        id: Names it.
        schedule: Where.
        start, end: [start, end).
        person: Who takes over.
        replaces: Only what this person would have; empty for all of the time, gaps too.
        author: Who decided it.
        reason: Why.
        created: When it was entered.
        swap: Id of the swap that made it; empty when nobody asked for one.
        withdrawn: Who took it back; None while it holds.
    """

    id: str
    schedule: str
    start: Instant
    end: Instant
    person: str
    replaces: str
    author: str
    reason: str
    created: Instant
    swap: str = ""
    withdrawn: Withdrawal | None = None


class SwapState(Enum):
    """How far a swap has come; the last three are its ends."""

    ASKED = "asked"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Swap:
    """
    A shift that somebody offers to somebody else.

    Args:
        id: Names it.
        schedule: Where.
        start, end: What is offered, [start, end).
        asked_by: Who gives it away.
        offered_to: Who is asked; empty for anybody.
        reason: Why.
        created: When it was asked.
        state: How far it has come.
        decided_by: Who accepted, declined or withdrew it; empty before.
        decided_at: When; None before.
        comment: What they said to it.
    """

    id: str
    schedule: str
    start: Instant
    end: Instant
    asked_by: str
    offered_to: str
    reason: str
    created: Instant
    state: SwapState = SwapState.ASKED
    decided_by: str = ""
    decided_at: Instant | None = None
    comment: str = ""


class PageKind(Enum):
    """Whether it wakes."""

    PAGE = "page"  # escalates until somebody acknowledges it
    MESSAGE = "message"  # said once, when the person's hours allow it


class PageState(Enum):
    """How far a page has come; only the last is its end."""

    CALLING = "calling"
    ACKNOWLEDGED = "acknowledged"
    EXHAUSTED = "exhausted"  # everybody was called as often as the chain says, and nobody answered
    SAID = "said"  # a message that waits for no answer
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Page:
    """
    One group of alerts that a chain calls people for, from its first alert until all of them have ended.

    Args:
        id: Names it.
        chain: The chain of escalation.
        group_key: The group of alerts; it has one open page per chain at most.
        kind: Whether it wakes.
        state: How far it has come.
        severity: Value of the worst label `severity` of its firing alerts; may be empty.
        opened_at: When it began.
        step: Which step of the chain is being called, from 0.
        turn: How often the whole chain was gone through before, or begun again.
        repeats_left: How often it will begin again by itself.
        due_at: When the next step is called; None when nothing is waited for.
        notification: What the chain was told last.
        acknowledged_by: Who; empty when nobody did.
        acknowledged_at: When; None.
        closed_at: When the last of its alerts ended; None while it is open.
    """

    id: str
    chain: str
    group_key: str
    kind: PageKind
    state: PageState
    severity: str
    opened_at: Instant
    step: int
    turn: int
    repeats_left: int
    due_at: Instant | None
    notification: Notification
    acknowledged_by: str = ""
    acknowledged_at: Instant | None = None
    closed_at: Instant | None = None

    @property
    def is_open(self) -> bool:
        """Whether one of its alerts may still fire."""
        return self.state is not PageState.RESOLVED


@dataclass(frozen=True, slots=True)
class Call:
    """
    One notification to one person about one page.

    Args:
        key: Of the notification in the outbox.
        page: Id of the page.
        chain: The chain of escalation.
        person: Who was called.
        schedule: The schedule that named them; empty when the chain itself did.
        channel: On which channel, `person/ana/slack/0`.
        at: When it was decided.
        step: The page's then; `NOTICE_STEP` for what only tells those who were called how it goes on.
        turn: The page's then.
        reason: A `NotificationReason`'s value.
        wakes: Whether it demands an answer: counted as load.
        at_night: Whether it was night where the person is.
    """

    key: str
    page: str
    chain: str
    person: str
    schedule: str
    channel: str
    at: Instant
    step: int
    turn: int
    reason: str
    wakes: bool
    at_night: bool


class FeedSubject(Enum):
    """What a calendar shows."""

    SCHEDULE = "schedule"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Feed:
    """
    A calendar that programs subscribe to by a secret address.

    Args:
        digest: Hash of the secret in its address; the secret itself is kept nowhere.
        subject: What it shows.
        name: Of which schedule or person.
        author: Who made it.
        created: When.
        revoked: Since when it no longer answers; None while it does.
    """

    digest: str
    subject: FeedSubject
    name: str
    author: str
    created: Instant
    revoked: Instant | None = None
