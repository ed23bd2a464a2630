"""
The turns of a layer: whose they are, and from when to when.

Hand-overs are wall times: every `length` from the layer's anchor. A week that spans a change of daylight saving has 167 or 169 hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from tocsin.model.instant import Instant
from tocsin.model.oncall import Origin, Shift
from tocsin.oncall.definition import Layer, Schedule
from tocsin.oncall.wall_time import instant_of, wall_of, windows


def turns(schedule: Schedule, layer: Layer, start: Instant, end: Instant) -> list[Shift]:
    """
    The turns of a layer that lie, if only in part, in [start, end): whole, in order, cut to the layer's hours where it has some.

    Args:
        schedule: Whose layer it is.
        layer: The layer.
        start: Nanoseconds since 1970.
        end: The same.
    """
    whole = list(_rotation(schedule, layer, start, end))
    if not layer.restrictions or not whole:
        return whole
    open_hours = windows(layer.restrictions, schedule.zone, whole[0].start, whole[-1].end)
    cut = (
        replace(turn, start=max(turn.start, begin), end=min(turn.end, until))
        for turn in whole
        for begin, until in open_hours
        if begin < turn.end and until > turn.start
    )
    return [turn for turn in cut if turn.start < end and turn.end > start]


def _rotation(schedule: Schedule, layer: Layer, start: Instant, end: Instant) -> Iterator[Shift]:
    zone = schedule.zone
    begins = instant_of(layer.start, zone)
    ends = instant_of(layer.until, zone) if layer.until is not None else None
    first = max(start, begins)
    if ends is not None and first >= ends:
        return
    number = _number_at(layer, zone, first)
    while True:
        turn_start = max(begins, _handover(layer, zone, number))
        turn_end = _handover(layer, zone, number + 1)
        turn_end = turn_end if ends is None else min(turn_end, ends)
        if turn_start >= end or (ends is not None and turn_start >= ends):
            return
        if turn_end > max(turn_start, start):  # a turn that lies in a skipped hour has no length
            person = layer.users[number % len(layer.users)]
            yield Shift(schedule.name, turn_start, turn_end, person, Origin.LAYER, layer.name)
        number += 1


def _handover(layer: Layer, zone: str, number: int) -> Instant:
    return instant_of(layer.anchor + number * layer.length, zone)


def _number_at(layer: Layer, zone: str, at: Instant) -> int:
    """Which turn an instant lies in, from 0."""
    number = max(0, (wall_of(at, zone) - layer.anchor) // layer.length)
    # The clock on the wall shows some times twice, so the guess may be a turn or two off.
    while number > 0 and _handover(layer, zone, number) > at:
        number -= 1
    while _handover(layer, zone, number + 1) <= at:
        number += 1
    return number


def whole_length(layer: Layer) -> timedelta:
    """How long it takes until everybody had a turn."""
    return layer.length * len(layer.users)
