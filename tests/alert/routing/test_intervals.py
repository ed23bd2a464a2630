"""Time intervals: days, months and hours in every zone, through changes of the clock."""

from __future__ import annotations

import pytest

from tocsin.alert.routing.intervals import TimeInterval, TimeSpec
from tocsin.model.instant import parse_instant


@pytest.mark.parametrize(
    ("spec", "holds", "others"),
    [
        (TimeSpec(), ["2026-11-20T12:00Z"], []),
        (TimeSpec(times=((540, 1020),)), ["2026-11-20T09:00Z", "2026-11-20T16:59:59.9Z"], ["2026-11-20T08:59:59Z", "2026-11-20T17:00Z"]),
        (TimeSpec(times=((1320, 1440), (0, 60))), ["2026-11-20T23:59:59Z", "2026-11-20T00:59Z"], ["2026-11-20T01:00Z"]),
        (TimeSpec(weekdays=((1, 5),)), ["2026-11-20T00:00Z", "2026-11-16T00:00Z"], ["2026-11-21T00:00Z", "2026-11-22T23:59Z"]),
        (TimeSpec(weekdays=((0, 0), (6, 6))), ["2026-11-21T00:00Z", "2026-11-22T23:59Z"], ["2026-11-23T00:00Z"]),
        (TimeSpec(days_of_month=((1, 5), (-3, -1))), ["2026-02-05", "2026-02-26", "2024-02-29"], ["2026-02-06", "2024-02-26"]),
        (TimeSpec(days_of_month=((1, 31),)), ["2026-02-28", "2026-01-31"], []),
        (TimeSpec(days_of_month=((31, 31),)), ["2026-01-31"], ["2026-02-28", "2026-04-30"]),
        (TimeSpec(days_of_month=((-31, -29),)), ["2026-01-01", "2026-01-03"], ["2026-01-04"]),
        (TimeSpec(months=((1, 3), (12, 12))), ["2026-01-01", "2026-12-31"], ["2026-04-01", "2026-11-30"]),
        (TimeSpec(years=((2020, 2022), (2030, 2030))), ["2021-06-01", "2030-01-01"], ["2023-01-01", "2029-12-31"]),
        (TimeSpec(times=((540, 1020),), weekdays=((1, 1),)), ["2026-11-16T09:00Z"], ["2026-11-16T08:00Z", "2026-11-17T09:00Z"]),
        # Sydney is eleven hours ahead in November: Monday nine o'clock there is Sunday evening in UTC.
        (TimeSpec(times=((540, 1020),), weekdays=((1, 5),), location="Australia/Sydney"), ["2026-11-15T22:00Z"], ["2026-11-16T06:00Z"]),
        # Berlin's clocks go from two to three on 2026-03-29, and from three back to two on 2026-10-25.
        (TimeSpec(times=((120, 180),), location="Europe/Berlin"), ["2026-10-25T00:30Z", "2026-10-25T01:30Z"], ["2026-10-25T02:00Z"]),
        (TimeSpec(times=((120, 180),), location="Europe/Berlin"), [], ["2026-03-29T00:59Z", "2026-03-29T01:00Z"]),
    ],
)  # fmt: skip
def test_when_a_time_holds(spec: TimeSpec, holds: list[str], others: list[str]) -> None:
    """Starts are inside; ends of times are outside, all other ends inside."""
    for text in holds:
        assert spec.holds(parse_instant(text)), text
    for text in others:
        assert not spec.holds(parse_instant(text)), text


def test_one_of_several_is_enough() -> None:
    """An interval holds while one of its times does; one without times never."""
    interval = TimeInterval("off", (TimeSpec(months=((1, 1),)), TimeSpec(weekdays=((6, 6),))))
    assert interval.holds(parse_instant("2026-01-01"))
    assert interval.holds(parse_instant("2026-11-21"))
    assert not interval.holds(parse_instant("2026-11-20"))
    assert not TimeInterval("never").holds(parse_instant("2026-11-20"))
