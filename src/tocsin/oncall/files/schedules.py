"""
Schedules.

    apiVersion: tocsin/v1
    kind: Schedule
    metadata: {name: payments-primary}
    spec:
      timeZone: Europe/Berlin
      layers:
        - {name: weekly, users: [ana, bob, cem], length: 1w, start: 2026-01-05, handover: monday 09:00}
        - name: office
          users: [dan]
          length: 1w
          start: 2026-01-05
          restrictions: [{days: weekdays, from: "09:00", to: "17:00"}]

A later layer goes before an earlier one wherever it names somebody. A layer holds from `start` on, until `until` if there is one.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tocsin.oncall.definition import Layer, Schedule
from tocsin.oncall.files.week import (
    DEFAULT_LENGTH,
    DEFAULT_START,
    read_day_and_time,
    read_hours,
    read_length,
    read_wall_time,
    read_zone,
)
from tocsin.slo.files.objects import Catalog, FileObject
from tocsin.slo.files.parts import Fields, Part, Sort

LAYER_FIELDS = ("name", "users", "length", "start", "handover", "until", "restrictions")
DAY, WEEK = timedelta(days=1), timedelta(days=7)
LONG_TURN = timedelta(days=14)  # from there on people burn out


def read_schedule(item: FileObject, catalog: Catalog) -> Schedule:
    """An object of kind Schedule; its users must be people in the catalog."""
    fields = item.spec.fields("a Schedule", ("timeZone", "layers"))
    zone = fields.needed("timeZone", "whose wall times are meant, as in timeZone: Europe/Berlin")
    parts = fields.elements("layers", "layers") if fields.needed("layers", "the rotations, the last one goes first") is not None else []
    layers = tuple(_layer(part, number, catalog) for number, part in enumerate(parts, 1))
    if "layers" in fields and not layers:
        fields.found["layers"].wrong("a schedule needs a layer, or nobody is ever on call")
    names = [layer.name for layer in layers]
    for number, name in enumerate(names):
        if name in names[:number]:
            parts[number].wrong(f"another layer of this schedule is called {name!r}; shifts say by name which layer made them")
    return Schedule(item.metadata.name, read_zone(zone) if zone is not None else "UTC", layers, item.metadata.title, str(item.place))


def _layer(part: Part, number: int, catalog: Catalog) -> Layer:
    fields = part.fields("a layer", LAYER_FIELDS)
    length_part = fields.needed("length", "how long a turn lasts, as in length: 1w")
    length = read_length(length_part) if length_part is not None else DEFAULT_LENGTH
    start, anchor = _begin(fields, length)
    until_part = fields.optional("until")
    until = read_wall_time(until_part)[0] if until_part is not None else None
    if until_part is not None and until is not None and until <= start:
        until_part.wrong(f"'until' ({until:%Y-%m-%d %H:%M}) is not after 'start' ({start:%Y-%m-%d %H:%M})")
    restrictions = fields.optional("restrictions")
    hours = read_hours(restrictions.items if restrictions.sort is Sort.LIST else [restrictions]) if restrictions is not None else ()
    users = _users(fields, catalog)
    if length >= LONG_TURN and len(users) > 1:
        (length_part or part).remark(f"turns of {length.days} days wear people out; a week is what most bear")
    if len(set(users)) == 1 and not hours and until is None:
        part.remark(f"a rotation of {users[0]!r} alone never hands over; give another person, or hours (restrictions)")
    return Layer(fields.text("name") or f"layer-{number}", users or ("",), length, start, anchor, until, hours)


def _users(fields: Fields, catalog: Catalog) -> tuple[str, ...]:
    parts = fields.elements("users", "people") if fields.needed("users", "the people whose turns follow each other") is not None else []
    if "users" in fields and not parts:
        fields.found["users"].wrong("a layer needs somebody, or it never names anybody; take it out instead")
    for part in parts:
        catalog.find("Person", part)
    return tuple(part.text() for part in parts)


def _begin(fields: Fields, length: timedelta) -> tuple[datetime, datetime]:
    """When the layer begins, and its hand-over at or before that."""
    start_part = fields.needed("start", "from when on, local date and time, as in start: 2026-01-05 09:00")
    start, has_time = read_wall_time(start_part) if start_part is not None else (DEFAULT_START, True)
    handover = fields.optional("handover")
    if handover is None:
        return start, start
    day, minute = read_day_and_time(handover)
    if day is not None and length % WEEK:
        handover.wrong("a hand-over on a day of the week needs turns of whole weeks; write the time alone, or length: 1w")
    elif day is None and length % DAY:
        handover.wrong("a hand-over at a time of day needs turns of whole days; leave it out, turns then follow each other from 'start'")
    if not has_time and (day is None or day == start.weekday()):
        start += timedelta(minutes=minute)  # `start: 2026-01-05, handover: monday 09:00` begins at nine, not at midnight
    anchor = start.replace(hour=0, minute=0) + timedelta(minutes=minute)
    if day is not None:
        anchor += timedelta(days=(day - anchor.weekday()) % 7)
    while anchor > start:
        anchor -= DAY if day is None else WEEK
    return start, anchor
