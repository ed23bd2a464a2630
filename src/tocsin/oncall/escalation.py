"""
What becomes of a page, decided without side effects: whom to call next, when to go on, when to stop.

    firing, P1     -> step 1 is called -> not acknowledged in time -> step 2 ... -> repeat -> EXHAUSTED, which the fallback is told
    acknowledged   -> nobody is called any more; those who were called hear of it
    firing, P2..P4 -> the first step hears of it once, when their hours allow it
    all resolved   -> closed; those who were called hear of it

A call's key follows from its page, turn, step and channel, so the same decision taken twice puts one notification into the outbox.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from tocsin.errors import Conflict
from tocsin.model.alert import SEVERITY
from tocsin.model.instant import NANOSECONDS, Instant, format_instant
from tocsin.model.notification import Notification, NotificationReason
from tocsin.model.oncall import NOTICE_STEP, Call, Page, PageKind, PageState
from tocsin.model.severity import Severity, level_of, worst
from tocsin.oncall.definition import Chain, Contact, Person, Step, TargetKind
from tocsin.oncall.reach import Night, gentle, gentle_from, waking
from tocsin.oncall.roster import Roster
from tocsin.state.audit import AuditAction, AuditEntry
from tocsin.state.oncall_pages import PageChange

FALLBACK = NotificationReason.FALLBACK.value


@dataclass(frozen=True, slots=True)
class Destination:
    """A channel of a receiver of the routing configuration, `slack/0` of `fallback`: told when everybody was called in vain."""

    receiver: str
    channel: str


@dataclass(frozen=True, slots=True)
class Called:
    """Somebody whom a step names now, and the schedule that named them; empty when the step itself did."""

    person: Person
    schedule: str


@dataclass(frozen=True, slots=True)
class Escalation:
    """
    Decides for one chain at one instant.

    Args:
        name: The chain's name.
        chain: What it says now; None when the files no longer have it.
        roster: Who is on call.
        at: The instant.
        night: When people sleep.
        fallback: Who is told when nobody answered.
    """

    name: str
    chain: Chain | None
    roster: Roster
    at: Instant
    night: Night = field(default_factory=Night)
    fallback: Sequence[Destination] = ()

    def told(self, notification: Notification, page: Page | None, calls: Sequence[Call]) -> PageChange:
        """What a notification makes of the group's open page; None when there is none."""
        if notification.status == "resolved":
            return self._closed(page, calls, notification) if page is not None else PageChange(None)
        severity = _severity(notification)
        kind = self._kind(notification)
        if page is None:
            opened = Page(
                id=page_id(self.name, notification),
                chain=self.name,
                group_key=notification.group_key,
                kind=kind,
                state=PageState.CALLING,
                severity=severity,
                opened_at=self.at,
                step=0,
                turn=0,
                repeats_left=self._repeat,
                due_at=None,
                notification=notification,
            )
            return self._begin(opened, calls, NotificationReason.FIRST)
        known = replace(page, notification=notification, severity=severity)
        if page.kind is PageKind.MESSAGE and kind is PageKind.PAGE:
            woken = replace(known, kind=kind, acknowledged_by="", acknowledged_at=None)
            return self._begin(self._again(woken), calls, NotificationReason.NEW_ALERTS)
        return self._told_more(known, calls)

    def due(self, page: Page, calls: Sequence[Call]) -> PageChange:
        """The next step of a page whose time has come; the page as it is when it has not."""
        if page.due_at is None or page.due_at > self.at or not page.is_open:
            return PageChange(page)
        if page.kind is PageKind.MESSAGE:
            return self._say(page, calls, NotificationReason.FIRST)
        if page.state is PageState.ACKNOWLEDGED:
            note = f"{page.acknowledged_by} acknowledged at {format_instant(page.acknowledged_at or 0)[:19]}Z, and alerts still fire."
            again = self._again(replace(page, acknowledged_by="", acknowledged_at=None))
            return self._call(again, 0, NotificationReason.REPEAT, note)
        return self._call(page, page.step + 1, NotificationReason.ESCALATION, _unanswered(page, calls))

    def acknowledged(self, page: Page, calls: Sequence[Call], by: str) -> PageChange:
        """
        A page that somebody takes; the first who does has it.

        Raises:
            Conflict: All of its alerts have ended.
        """
        if not page.is_open:
            raise Conflict(f"page {page.id} is over: its alerts ended at {format_instant(page.closed_at or 0)}")
        if page.state is PageState.ACKNOWLEDGED:
            return PageChange(page)
        lasts_s = self.chain.acknowledgement_lasts_s if self.chain is not None and page.kind is PageKind.PAGE else None
        due_at = self.at + round(lasts_s * NANOSECONDS) if lasts_s is not None else None
        taken = replace(page, state=PageState.ACKNOWLEDGED, acknowledged_by=by, acknowledged_at=self.at, due_at=due_at)
        others = [call for call in calls if call.person != by]
        audit = AuditEntry(self.at, by, AuditAction.PAGE_ACKNOWLEDGED, page.id, f"of chain {page.chain}")
        notices = self._notices(taken, others, NotificationReason.ACKNOWLEDGED, f"{by} acknowledged page {page.id}.")
        return replace(notices, audit=audit)

    def next_channel(self, page: Page, calls: Sequence[Call], failed: Call) -> PageChange:
        """
        What stands in the place of a call that could not be delivered: the person's next channel, or else the next step at once.

        The call is in the change, its notification is not: delivery makes that of the one that failed. Asked again, the answer is the same.
        """
        person = self.roster.plan.people.get(failed.person)
        same = sorted((call for call in calls if _same_round(call, failed)), key=lambda call: (call.at, call.reason == FALLBACK))
        later = same[same.index(failed) + 1 :]
        if person is None or not page.is_open or failed.step == NOTICE_STEP:
            return PageChange(page)
        if later:
            return PageChange(page, tuple(later[:1]))
        tried = {call.channel for call in same}
        left = [contact for contact in self._ways(person, wakes=failed.wakes) if person.channel_of(contact) not in tried]
        if left:
            this = _Round(failed.step, failed.turn, NotificationReason.FALLBACK, failed.wakes)
            return PageChange(page, (self._one(page, Called(person, failed.schedule), left[0], this, "")[0],))
        waits = page.state is PageState.CALLING and page.kind is PageKind.PAGE and failed.wakes
        if waits and _same_step(failed, page) and self._nobody_else(page, calls, failed):
            return PageChange(replace(page, due_at=self.at))
        return PageChange(page)

    def _told_more(self, page: Page, calls: Sequence[Call]) -> PageChange:
        """A page that goes on, and its group was told again."""
        reason = page.notification.reason
        if page.state is PageState.EXHAUSTED:
            return self._begin(self._again(page), calls, reason, "Nobody answered before, and alerts still fire.")
        if page.kind is PageKind.MESSAGE and page.state is PageState.SAID:
            return self._say(replace(page, turn=page.turn + 1), calls, reason)
        if page.state is PageState.ACKNOWLEDGED and reason is NotificationReason.NEW_ALERTS:
            own = [call for call in calls if call.person == page.acknowledged_by] or calls
            note = f"More alerts in the page {page.id} that {page.acknowledged_by} acknowledged."
            return self._notices(page, own, reason, note)
        return PageChange(page)

    def _begin(self, page: Page, calls: Sequence[Call], reason: NotificationReason, why: str = "") -> PageChange:
        if page.kind is PageKind.MESSAGE:
            return self._say(page, calls, reason)
        return self._call(page, 0, reason, why)

    def _again(self, page: Page) -> Page:
        """The page, to be called from the first step on."""
        return replace(page, state=PageState.CALLING, step=0, turn=page.turn + 1, repeats_left=self._repeat)

    def _call(self, page: Page, step: int, reason: NotificationReason, why: str) -> PageChange:
        """Call a step, or the first after it that names somebody; EXHAUSTED when there is none left."""
        skipped: dict[str, None] = {}
        for number, then in self._steps_from(page, step):
            called = list(self._people(number))
            if not called:
                skipped[f"Nobody is on call for step {number + 1}."] = None
                continue
            within = round(self._steps[number].acknowledge_within_s * NANOSECONDS)
            note = " ".join(text for text in (why, *skipped, f"Step {number + 1} of {len(self._steps)}. {self._how(page)}") if text)
            this = _Round(number, then.turn, reason, wakes=True)
            calling = replace(then, state=PageState.CALLING, step=number, due_at=self.at + within)
            return _change(calling, [self._one(calling, one, waking(one.person, self.at)[0], this, note) for one in called])
        return self._exhausted(page, " ".join([why, *skipped]).strip())

    def _steps_from(self, page: Page, step: int) -> Iterator[tuple[int, Page]]:
        """The steps that are left, each with the page as it is then."""
        while self._steps:
            for number in range(step, len(self._steps)):
                yield number, page
            if page.repeats_left == 0:
                return
            page, step = replace(page, turn=page.turn + 1, repeats_left=page.repeats_left - 1), 0

    def _exhausted(self, page: Page, why: str) -> PageChange:
        gone = "" if self.chain is not None else f"The chain {self.name} is no longer defined."
        note = " ".join(text for text in (f"NOBODY ANSWERED page {page.id} of chain {self.name}.", gone, why) if text)
        page = replace(page, state=PageState.EXHAUSTED, due_at=None)
        notifications = tuple(
            replace(
                page.notification,
                key=_key(page.id, "exhausted", str(page.turn), target.receiver, target.channel),
                receiver=target.receiver,
                channel=target.channel,
                reason=NotificationReason.FALLBACK,
                created_at=self.at,
                note=note,
            )
            for target in self.fallback
            if target.channel != f"chain/{self.name}"
        )
        return PageChange(page, (), notifications)

    def _say(self, page: Page, calls: Sequence[Call], reason: NotificationReason) -> PageChange:
        """Tell the first step that names somebody what does not wake; those who may not be told now are told when they may."""
        step = next((number for number in range(len(self._steps)) if any(self._people(number))), None)
        if step is None:
            return self._exhausted(page, "Nobody is on call for any of its steps.")
        said = {call.person for call in calls if call.turn == page.turn and call.step != NOTICE_STEP}
        waiting, pairs = [], []
        for one in self._people(step):
            ways = self._ways(one.person, wakes=False)
            if one.person.name in said:
                continue
            if ways:
                pairs.append(self._one(page, one, ways[0], _Round(step, page.turn, reason, wakes=False), "A message, not a page."))
            else:
                waiting.append(gentle_from(one.person, self.at, self.night))
        state = PageState.CALLING if waiting else PageState.SAID
        return _change(replace(page, state=state, step=step, due_at=min(waiting, default=None)), pairs)

    def _closed(self, page: Page, calls: Sequence[Call], notification: Notification) -> PageChange:
        closed = replace(page, state=PageState.RESOLVED, due_at=None, closed_at=self.at, notification=notification)
        hearing = [call for call in calls if call.wakes or self._may_hear(call)]
        return self._notices(closed, hearing, NotificationReason.ALL_RESOLVED, f"Page {page.id} is over.")

    def _may_hear(self, call: Call) -> bool:
        person = self.roster.plan.people.get(call.person)
        return person is not None and bool(self._ways(person, wakes=False))

    def _notices(self, page: Page, calls: Iterable[Call], reason: NotificationReason, note: str) -> PageChange:
        """What everybody hears who was called, on the channels on which they were."""
        pairs = []
        for channel, call in {call.channel: call for call in calls}.items():
            person = self.roster.plan.people.get(call.person)
            contact = next((one for one in person.contacts if person.channel_of(one) == channel), None) if person is not None else None
            if person is not None and contact is not None:
                this = _Round(NOTICE_STEP, page.turn, reason, wakes=False)
                pairs.append(self._one(page, Called(person, call.schedule), contact, this, note))
        return _change(page, pairs)

    def _ways(self, person: Person, *, wakes: bool) -> tuple[Contact, ...]:
        return waking(person, self.at) if wakes else gentle(person, self.at, self.night)

    def _one(self, page: Page, called: Called, contact: Contact, this: _Round, note: str) -> tuple[Call, Notification]:
        """One call and what it says."""
        person, channel = called.person, called.person.channel_of(contact)
        told = page.notification.key if this.step == NOTICE_STEP else ""
        key = _key(page.id, str(this.turn), str(this.step), channel, this.reason.value, told)
        call = Call(
            key=key,
            page=page.id,
            chain=page.chain,
            person=person.name,
            schedule=called.schedule,
            channel=channel,
            at=self.at,
            step=this.step,
            turn=this.turn,
            reason=this.reason.value,
            wakes=this.wakes,
            at_night=self.night.at(person, self.at),
        )
        return call, replace(page.notification, key=key, channel=channel, reason=this.reason, created_at=self.at, note=note)

    def _people(self, step: int) -> Iterator[Called]:
        """Whom a step names now, each once."""
        seen = set()
        for target in self._steps[step].notify:
            schedule = target.name if target.kind is TargetKind.SCHEDULE else ""
            name = target.name
            if schedule:
                name = self.roster.who(schedule, self.at).person if schedule in self.roster.plan.schedules else ""
            person = self.roster.plan.people.get(name)
            if person is not None and name not in seen:
                seen.add(name)
                yield Called(person, schedule)

    def _nobody_else(self, page: Page, calls: Sequence[Call], failed: Call) -> bool:
        """Whether a step called this person alone: nobody else can answer it."""
        return all(call.person == failed.person for call in calls if _same_step(call, page) and call.wakes)

    def _kind(self, notification: Notification) -> PageKind:
        levels = [level_of(alert.labels.get(SEVERITY)) for alert in notification.firing]
        severities = self.chain.severities if self.chain is not None else frozenset({Severity.P1})
        # A word that means no severity pages: whoever routed it to a chain wanted somebody to be called.
        wakes = any(level is None or level.severity in severities for level in levels)
        return PageKind.PAGE if wakes else PageKind.MESSAGE

    def _how(self, page: Page) -> str:
        return f"Acknowledge with `tocsin oncall ack {page.id}`."

    @property
    def _steps(self) -> tuple[Step, ...]:
        return self.chain.steps if self.chain is not None else ()

    @property
    def _repeat(self) -> int:
        return self.chain.repeat if self.chain is not None else 0


@dataclass(frozen=True, slots=True)
class _Round:
    """When in the life of its page a call is made, and why."""

    step: int
    turn: int
    reason: NotificationReason
    wakes: bool


def page_id(chain: str, notification: Notification) -> str:
    """The page that a notification begins: the same however often it is told."""
    return f"pg-{_key(chain, notification.key)[:10]}"


def _severity(notification: Notification) -> str:
    words = [alert.labels.get(SEVERITY) for alert in notification.firing]
    level = worst(words)
    return next((word for word in words if level is not None and level_of(word) is level), words[0] if words else "")


def _unanswered(page: Page, calls: Sequence[Call]) -> str:
    names = sorted({call.person for call in calls if _same_step(call, page) and call.wakes})
    return f"{' and '.join(names) or 'Nobody'} did not acknowledge in time."


def _change(page: Page, pairs: Sequence[tuple[Call, Notification]]) -> PageChange:
    return PageChange(page, tuple(call for call, _ in pairs), tuple(notification for _, notification in pairs))


def _same_step(call: Call, page: Page) -> bool:
    return (call.step, call.turn) == (page.step, page.turn)


def _same_round(call: Call, failed: Call) -> bool:
    return (call.person, call.step, call.turn, call.wakes) == (failed.person, failed.step, failed.turn, failed.wakes)


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
