"""
What people change about schedules: overrides, and swaps that they ask each other for.

Checked against what the files define and who is on call, kept in the relational state with who did it and why. A change that would change
nothing is refused, with what was probably meant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tocsin.clock import Clock, Entropy
from tocsin.errors import Conflict, InvalidInput
from tocsin.model.instant import Instant, format_instant
from tocsin.model.oncall import Override, Shift, Swap, SwapState
from tocsin.oncall.roster import DAY, RANGE_DAYS_MAX, Roster
from tocsin.state.oncall import Oncall

ID_BYTES = 5
SEARCH_DAYS = 200  # ahead, for the next shift of somebody


class Changes:
    """
    Takes, lists and takes back changes. Safe to use from several threads.

    Args:
        state: Where they are kept.
        roster: Plan and overrides as they are now.
        clock: When they are made.
        entropy: For their ids.
    """

    def __init__(self, state: Oncall, roster: Callable[[], Roster], *, clock: Clock, entropy: Entropy) -> None:
        self._state = state
        self._roster = roster
        self._clock = clock
        self._entropy = entropy

    def override(
        self, schedule: str, *, person: str, start: Instant, end: Instant, author: str, reason: str, replaces: str = ""
    ) -> Override:
        """
        Put somebody on call.

        Args:
            schedule: Where.
            person: Who takes over.
            start: From when on.
            end: Until before when.
            author: Who decides it.
            reason: Why.
            replaces: Only what this person has in that time; empty for all of it.

        Raises:
            NotFound: There is no such schedule or person.
            InvalidInput: The time is over or too long, the person who is replaced is not on call in it, or nobody signs.
        """
        roster = self._roster()
        for name in filter(None, (person, replaces)):
            roster.plan.person(name)
        self._check_range(start, end)
        if replaces and not _shifts_of(roster, schedule, replaces, start, end):
            raise InvalidInput(f"{replaces} is not on call on {schedule} in that time, {self._next_words(roster, schedule, replaces)}")
        roster.plan.schedule(schedule)
        override = Override(
            f"ov-{self._entropy.token_hex(ID_BYTES)}", schedule, start, end, person, replaces, author, reason, self._clock.now_ns()
        )
        self._state.overrides.add(override)
        return override

    def withdraw_override(self, identity: str, *, author: str, reason: str) -> Override:
        """Take an override back, as `Overrides.withdraw` does."""
        return self._state.overrides.withdraw(identity, author, reason, self._clock.now_ns())

    def overrides(self, *, past: bool = False) -> Sequence[Override]:
        """Overrides in force that are not over; with `past` all that ever were."""
        if past:
            return self._state.overrides.list(include_withdrawn=True)
        return self._state.overrides.list(ending_after=self._clock.now_ns())

    def ask(
        self, schedule: str, person: str, *, reason: str, start: Instant | None = None, end: Instant | None = None, to: str = ""
    ) -> Swap:
        """
        Offer a shift to somebody, or to anybody.

        Args:
            schedule: Where.
            person: Whose shift it is.
            reason: Why.
            start: In the shift; by default that of the person's present or next one.
            end: Until before when; by default until the shift ends.
            to: Who is asked; empty for anybody.

        Raises:
            NotFound: There is no such schedule or person.
            InvalidInput: The person is not on call then, asks themselves, or gives no reason.
        """
        roster, now = self._roster(), self._clock.now_ns()
        for name in filter(None, (person, to)):
            roster.plan.person(name)
        if to == person:
            raise InvalidInput(f"{person} can't ask {person}; name somebody else, or nobody to ask everybody")
        begin = max(start, now) if start is not None else now
        if end is not None:
            self._check_range(begin, end)
        until = end if end is not None else begin + (1 if start is not None else SEARCH_DAYS * DAY)
        own = _shifts_of(roster, schedule, person, begin, until)
        if not own:
            when = f"between {format_instant(begin)} and {format_instant(until)}" if end is not None else f"at {format_instant(begin)}"
            raise InvalidInput(f"{person} is not on call on {schedule} {when}, {self._next_words(roster, schedule, person)}")
        swap = Swap(
            f"sw-{self._entropy.token_hex(ID_BYTES)}",
            schedule,
            max(begin, own[0].start),
            end if end is not None else own[0].end,
            person,
            to,
            reason,
            now,
        )
        self._state.swaps.ask(swap)
        return swap

    def accept(self, identity: str, by: str, *, comment: str = "") -> Swap:
        """
        Take a shift that was offered: from now on it is an override.

        Raises:
            NotFound: There is no such swap or person.
            Conflict: It was decided before, is over, or the one who asked is no longer on call then.
            InvalidInput: Somebody else was asked.
        """
        roster, now, swap = self._roster(), self._clock.now_ns(), self._state.swaps.get(identity)
        roster.plan.person(by)
        if swap.offered_to not in {"", by}:
            raise InvalidInput(f"swap {identity} was offered to {swap.offered_to}, not to {by}; ask {swap.asked_by} to offer it to all")
        if by == swap.asked_by:
            raise InvalidInput(f"{by} offered this shift; to keep it withdraw the swap")
        start = max(swap.start, now)
        if start >= swap.end:
            raise Conflict(f"the shift of swap {identity} ended at {format_instant(swap.end)}")
        if swap.state is SwapState.ASKED and not _shifts_of(roster, swap.schedule, swap.asked_by, start, swap.end):
            raise Conflict(f"{swap.asked_by} is no longer on call in the time of swap {identity}: an override or the files changed that")
        override = Override(f"ov-{identity}", swap.schedule, start, swap.end, by, swap.asked_by, by, swap.reason, now, swap=identity)
        return self._state.swaps.decide(identity, SwapState.ACCEPTED, by=by, at=now, comment=comment, override=override)

    def decline(self, identity: str, by: str, *, comment: str = "") -> Swap:
        """
        Say no to a shift that was offered to oneself.

        Raises:
            NotFound: There is no such swap.
            Conflict: It was decided before.
            InvalidInput: Somebody else was asked, or everybody.
        """
        swap = self._state.swaps.get(identity)
        if swap.offered_to != by:
            asked = swap.offered_to or "everybody, so nobody needs to decline it"
            raise InvalidInput(f"swap {identity} was offered to {asked}")
        return self._state.swaps.decide(identity, SwapState.DECLINED, by=by, at=self._clock.now_ns(), comment=comment)

    def withdraw_swap(self, identity: str, by: str, *, comment: str = "") -> Swap:
        """
        Take an offer back; only who made it may.

        Raises:
            NotFound: There is no such swap.
            Conflict: It was decided before; an accepted one is undone by withdrawing its override.
            InvalidInput: Somebody else made it.
        """
        swap = self._state.swaps.get(identity)
        if swap.asked_by != by:
            raise InvalidInput(f"swap {identity} was asked by {swap.asked_by}; only they can withdraw it")
        return self._state.swaps.decide(identity, SwapState.WITHDRAWN, by=by, at=self._clock.now_ns(), comment=comment)

    def swaps(self, *, state: SwapState | None = None) -> Sequence[Swap]:
        """Swaps, the newest first."""
        return self._state.swaps.list(state=state)

    def _check_range(self, start: Instant, end: Instant) -> None:
        if end <= start:
            raise InvalidInput(f"the time ends at {format_instant(end)}, not after it starts at {format_instant(start)}")
        if end <= self._clock.now_ns():
            raise InvalidInput(f"the time ended at {format_instant(end)}: who was called then can't be changed any more")
        if end - start > RANGE_DAYS_MAX * DAY:
            raise InvalidInput(f"the time is longer than {RANGE_DAYS_MAX} days; change the schedule's file instead")

    def _next_words(self, roster: Roster, schedule: str, person: str) -> str:
        now = self._clock.now_ns()
        following = _shifts_of(roster, schedule, person, now, now + SEARCH_DAYS * DAY)
        if not following:
            return f"nor in the next {SEARCH_DAYS} days"
        return f"but from {format_instant(following[0].start)[:16]}Z until {format_instant(following[0].end)[:16]}Z"


def _shifts_of(roster: Roster, schedule: str, person: str, start: Instant, end: Instant) -> list[Shift]:
    """Whole shifts of a person that touch a time."""
    return [shift for shift in roster.shifts(schedule, start, end, whole=True) if shift.person == person]
