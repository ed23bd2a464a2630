"""
How a person is reached at an instant: which of their channels, in which order, and when at all.

A page wakes: channels whose hours allow it come first, then the others, because somebody must answer. A message waits for hours that allow
it; a channel without hours is one for the day.
"""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.model.instant import Instant
from tocsin.oncall.definition import ALL_DAYS, DAY_MINUTES, Contact, Hours, Person
from tocsin.oncall.wall_time import holds, next_opening, wall_of


@dataclass(frozen=True, slots=True)
class Night:
    """Hours in which people sleep, where they are: from `start_hour` to before `end_hour`, usually past midnight."""

    start_hour: int = 22
    end_hour: int = 7

    def at(self, person: Person, at: Instant) -> bool:
        """Whether it is night for a person."""
        hour = wall_of(at, person.zone).hour
        if self.start_hour <= self.end_hour:
            return self.start_hour <= hour < self.end_hour
        return hour >= self.start_hour or hour < self.end_hour

    @property
    def day(self) -> tuple[Hours, ...]:
        """The rest of each day."""
        lasting = (self.start_hour - self.end_hour) % 24 * 60 or DAY_MINUTES
        return (Hours(ALL_DAYS, self.end_hour * 60, lasting),)


def waking(person: Person, at: Instant) -> tuple[Contact, ...]:
    """Every channel, in the order in which a page tries them."""
    fitting = [contact for contact in person.contacts if holds(contact.when, person.zone, at)]
    return (*fitting, *(contact for contact in person.contacts if contact not in fitting))


def gentle(person: Person, at: Instant, night: Night) -> tuple[Contact, ...]:
    """The channels that a message may use now, in order; none when it has to wait."""
    return tuple(contact for contact in person.contacts if holds(contact.when or night.day, person.zone, at))


def gentle_from(person: Person, at: Instant, night: Night) -> Instant:
    """The first instant from `at` on at which a message may reach a person; they have a channel."""
    return min(next_opening(contact.when or night.day, person.zone, at) for contact in person.contacts)
