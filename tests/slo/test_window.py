"""Where windows lie: rolling, and periods of the calendar in local time."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.slo.stories import seconds

from tocsin.errors import InvalidInput
from tocsin.model.instant import EPOCH
from tocsin.slo.definition import CalendarWindow, RollingWindow
from tocsin.slo.window import window_at

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns")
SOME_INSTANT_S = st.integers(seconds("1960-01-01 00:00"), seconds("2100-01-01 00:00"))


def calendar(count: int, unit: str, start: str = "2026-01-01 00:00:00", zone: str = "UTC") -> CalendarWindow:
    """A calendar window, in UTC unless said otherwise."""
    return CalendarWindow(count, unit, start, zone)


def placed(window: CalendarWindow, at: str) -> tuple[str, str]:
    """Local start and end of the period that an instant lies in."""
    found, zone = window_at(window, seconds(at)), ZoneInfo(window.time_zone)
    start, end = ((EPOCH + timedelta(seconds=edge_s)).astimezone(zone) for edge_s in (found.start_s, found.end_s))
    return f"{start:%Y-%m-%d %H:%M}", f"{end:%Y-%m-%d %H:%M}"


def test_a_rolling_window_ends_with_the_last_whole_minute() -> None:
    """At 12:00:45 the window of 30 days is the 43,200 minutes to 12:00, all of them past."""
    found = window_at(RollingWindow(30 * 86_400), seconds("2026-11-20 12:00:45"))
    assert (found.start_s, found.end_s) == (seconds("2026-10-21 12:00"), seconds("2026-11-20 12:00"))
    assert found.elapsed_end_s == found.end_s
    assert found.minutes == 43_200


def test_a_month_is_as_long_as_it_is() -> None:
    """Of November 2026 15 days have passed at the start of the 16th; it has 30."""
    found = window_at(calendar(1, "M"), seconds("2026-11-16 00:00:30"))
    assert (found.start_s, found.end_s) == (seconds("2026-11-01 00:00"), seconds("2026-12-01 00:00"))
    assert found.elapsed_end_s == seconds("2026-11-16 00:00")
    assert window_at(calendar(1, "M"), seconds("2028-02-10 00:00")).minutes == 29 * 1440


@pytest.mark.parametrize(
    ("window", "at", "expected"),
    [
        (calendar(1, "Q"), "2026-11-20 00:00", ("2026-10-01 00:00", "2027-01-01 00:00")),
        (calendar(1, "Y", "2024-02-29 00:00:00"), "2026-11-20 00:00", ("2026-02-28 00:00", "2027-02-28 00:00")),
        (calendar(1, "Y", "2024-02-29 00:00:00"), "2028-06-01 00:00", ("2028-02-29 00:00", "2029-02-28 00:00")),
        (calendar(2, "w", "2026-01-05 09:00:00"), "2026-11-20 00:00", ("2026-11-09 09:00", "2026-11-23 09:00")),
        (calendar(1, "M", "2026-01-31 00:00:00"), "2026-02-28 00:00", ("2026-02-28 00:00", "2026-03-31 00:00")),
        (calendar(1, "M", "2026-01-31 00:00:00"), "2026-02-27 23:59", ("2026-01-31 00:00", "2026-02-28 00:00")),
        (calendar(1, "M", "2026-01-31 00:00:00"), "2026-05-01 00:00", ("2026-04-30 00:00", "2026-05-31 00:00")),
        (calendar(3, "d"), "2026-01-09 23:59", ("2026-01-07 00:00", "2026-01-10 00:00")),
        (calendar(1, "d", "2026-01-01", "Asia/Kathmandu"), "2026-11-20 18:15", ("2026-11-21 00:00", "2026-11-22 00:00")),
    ],
)
def test_periods_follow_one_another_from_the_start(window: CalendarWindow, at: str, expected: tuple[str, str]) -> None:
    """Quarters, years, weeks and days are counted in local time; the 31st, or 29 February, becomes the last day of shorter months."""
    assert placed(window, at) == expected


def test_periods_extend_backwards() -> None:
    """Before the start that a file names there are periods too."""
    assert placed(calendar(1, "M"), "2024-02-29 12:00") == ("2024-02-01 00:00", "2024-03-01 00:00")
    assert placed(calendar(2, "w", "2026-01-05 00:00:00"), "2026-01-04 23:59") == ("2025-12-22 00:00", "2026-01-05 00:00")
    assert placed(calendar(5, "Y"), "1931-06-01 00:00") == ("1931-01-01 00:00", "1936-01-01 00:00")


@pytest.mark.parametrize(("at", "hours"), [("2026-03-29 12:00", 23), ("2026-10-25 12:00", 25), ("2026-10-26 12:00", 24)])
def test_a_day_has_as_many_hours_as_the_clock_gives_it(at: str, hours: int) -> None:
    """In Berlin the day of spring forward has 23 hours and that of fall back 25."""
    assert window_at(calendar(1, "d", zone="Europe/Berlin"), seconds(at)).minutes == hours * 60


def test_a_start_that_the_clock_skips_is_where_it_jumps_to() -> None:
    """Days that start at 02:30 start an hour later by the clock where 02:30 does not exist; where it comes twice, with the first."""
    window = calendar(1, "d", "2026-01-01 02:30:00", "Europe/Berlin")
    assert window_at(window, seconds("2026-03-29 12:00")).start_s == seconds("2026-03-29 01:30")
    assert window_at(window, seconds("2026-10-25 12:00")).start_s == seconds("2026-10-25 00:30")


def test_a_day_that_a_country_skipped_is_no_period() -> None:
    """Samoa had no 30 December 2011: the 29th is followed by the 31st."""
    window = calendar(1, "d", zone="Pacific/Apia")
    assert placed(window, "2011-12-30 09:59") == ("2011-12-29 00:00", "2011-12-31 00:00")
    assert placed(window, "2011-12-30 10:00") == ("2011-12-31 00:00", "2012-01-01 00:00")


@given(
    at_s=SOME_INSTANT_S,
    window=st.builds(
        CalendarWindow,
        st.integers(1, 40),
        st.sampled_from("dwMQY"),
        st.integers(seconds("1990-01-01 00:00"), seconds("2050-01-01 00:00")).map(lambda at_s: f"{EPOCH + timedelta(seconds=at_s):%F %T}"),
        st.sampled_from(ZONES),
    ),
)
@example(at_s=seconds("2011-12-30 10:00"), window=CalendarWindow(1, "d", "2011-12-30 00:00:00", "Pacific/Apia"))
def test_periods_leave_no_gap_and_do_not_overlap(at_s: int, window: CalendarWindow) -> None:
    """Whatever the period: it holds the instant, starts and ends on whole minutes, and ends where the next begins."""
    found = window_at(window, at_s)
    assert found.start_s <= at_s < found.end_s
    assert {edge_s % 60 for edge_s in (found.start_s, found.end_s, found.elapsed_end_s)} == {0}
    assert window_at(window, found.end_s).start_s == found.end_s
    assert window_at(window, found.start_s - 1).end_s == found.start_s
    assert window_at(window, found.end_s - 1) == type(found)(found.start_s, found.end_s, found.end_s - 60)


@given(at_s=SOME_INSTANT_S, count=st.integers(1, 9), zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]))
def test_days_are_those_of_the_local_date(at_s: int, count: int, zone: str) -> None:
    """Days from a midnight are found by counting dates, with no arithmetic on seconds (where no clock was ever changed at midnight)."""
    local = (EPOCH + timedelta(seconds=at_s)).astimezone(ZoneInfo(zone)).date()
    first = local - timedelta(days=(local - date(2026, 1, 1)).days % count)
    start = (EPOCH + timedelta(seconds=window_at(calendar(count, "d", zone=zone), at_s).start_s)).astimezone(ZoneInfo(zone))
    assert (start.date(), start.hour, start.minute) == (first, 0, 0)


@pytest.mark.parametrize(
    "window",
    [
        calendar(1, "M", zone="Mars/Olympus"),
        calendar(1, "fortnight"),
        calendar(0, "d"),
        calendar(1, "M", start="soon"),
        calendar(9000, "Y"),
        calendar(10**9, "w"),
    ],
)
def test_what_is_no_window_is_refused(window: CalendarWindow) -> None:
    """A time zone, unit, start or length that makes no period says what to write instead."""
    with pytest.raises(InvalidInput, match="2026-01-01 00:00:00, an IANA time zone"):
        window_at(window, seconds("2026-11-20 12:00"))
