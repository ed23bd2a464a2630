"""
What the clock on the wall shows, and the instants that it means, through changes of daylight saving.

    Europe/Berlin, 2026-03-29: 02:30 does not exist      -> 03:00, the first instant after what was skipped
    Europe/Berlin, 2026-10-25: 02:30 exists twice        -> the first of the two

So wall times in their order are instants in their order, and what is at nine stays at nine.
"""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from tocsin.model.instant import EPOCH, NANOSECONDS, Instant
from tocsin.oncall.definition import Hours

YEAR_MIN, YEAR_MAX = 1900, 2200  # wall times of which arithmetic stays within what instants and datetimes can hold
_SECOND = timedelta(seconds=1)


@lru_cache(maxsize=512)
def zone_of(name: str) -> zoneinfo.ZoneInfo:
    """The zone of an IANA name that was checked when its file was read."""
    return zoneinfo.ZoneInfo(name)


@lru_cache(maxsize=65_536)
def instant_of(wall: datetime, zone: str) -> Instant:
    """
    The instant at which the clock on the wall shows a time.

    Args:
        wall: Without a zone.
        zone: IANA name.

    Returns:
        Nanoseconds since 1970: the first of two, or for a time that is skipped the first instant after what is skipped.
    """
    rules = zone_of(zone)
    before = _as_utc(wall.replace(fold=0), rules)
    if before.astimezone(rules).replace(tzinfo=None, fold=0) == wall:
        return _nanoseconds(before)
    # Read by the rules after the change the skipped time lies before the change, and by those before it, after.
    return _nanoseconds(_change_between(_as_utc(wall.replace(fold=1), rules), before, rules))


def wall_of(at: Instant, zone: str) -> datetime:
    """What the clock on the wall shows at an instant, without a zone; microseconds are cut off."""
    return (EPOCH + timedelta(microseconds=at // 1000)).astimezone(zone_of(zone)).replace(tzinfo=None, fold=0)


def windows(hours: tuple[Hours, ...], zone: str, start: Instant, end: Instant) -> list[tuple[Instant, Instant]]:
    """
    When pieces of the week are, as instants.

    Args:
        hours: The pieces; they may overlap.
        zone: Whose wall times they are.
        start: Those that lie, if only in part, in [start, end).
        end: See `start`.

    Returns:
        Whole, merged where they touch, in order.
    """
    day = wall_of(start, zone).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=8)  # the longest lasts a week
    last = wall_of(end, zone)
    found = []
    while day <= last:
        for piece in hours:
            if day.weekday() in piece.days:
                begin = day + timedelta(minutes=piece.start_minute)
                found.append((instant_of(begin, zone), instant_of(begin + timedelta(minutes=piece.lasting_minutes), zone)))
        day += timedelta(days=1)
    return [(begin, until) for begin, until in _merged(found) if begin < end and until > start]


def holds(hours: tuple[Hours, ...], zone: str, at: Instant) -> bool:
    """Whether an instant lies in one of the pieces; always when there are none."""
    return not hours or bool(windows(hours, zone, at, at + 1))


def next_opening(hours: tuple[Hours, ...], zone: str, at: Instant) -> Instant:
    """The first instant from `at` on that lies in one of the pieces; `at` itself when there are none."""
    if not hours:
        return at
    begin, _ = windows(hours, zone, at, at + 15 * 86_400 * NANOSECONDS)[0]  # every piece comes once a week
    return max(at, begin)


def _merged(found: list[tuple[Instant, Instant]]) -> list[tuple[Instant, Instant]]:
    merged: list[tuple[Instant, Instant]] = []
    for begin, until in sorted(found):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], until))
        elif begin < until:
            merged.append((begin, until))
    return merged


def _as_utc(wall: datetime, rules: zoneinfo.ZoneInfo) -> datetime:
    return wall.replace(tzinfo=rules).astimezone(UTC)


def _change_between(low: datetime, high: datetime, rules: zoneinfo.ZoneInfo) -> datetime:
    """The first second at which the zone's offset is that of `high`; `low` has another."""
    after = high.astimezone(rules).utcoffset()
    while high - low > _SECOND:
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        if middle.astimezone(rules).utcoffset() == after:
            high = middle
        else:
            low = middle
    return high


def _nanoseconds(moment: datetime) -> Instant:
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * NANOSECONDS + since.microseconds * 1000
