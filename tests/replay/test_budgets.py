"""What objectives say of a past: shares of a budget, and significant events."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.slo.stories import KEY, instant, maintenance, objective, traffic

from tocsin.model.budget import Exclusion
from tocsin.model.instant import TimeRange
from tocsin.replay.budgets import Budgets
from tocsin.slo.definition import CalendarWindow, Objective, Timeslices
from tocsin.testing.counts import MemoryCounts

MONTH = ("2026-10-01 00:00", "2026-11-20 12:00")
OVER = TimeRange(instant("2026-11-01 00:00"), instant("2026-11-20 12:00"))


def budgets(counts: MemoryCounts, one: Objective | None = None, *exclusions: Exclusion) -> Budgets:
    """Budgets over one objective: 99.9 % over 30 days."""
    known = one or objective()
    return Budgets(lambda: {known.key: known}, counts, lambda: exclusions)


def test_the_share_of_a_budget_that_went() -> None:
    """Ten of the 43.2 minutes of failure that a month allows."""
    asked = budgets(traffic(*MONTH, downtime={"2026-11-20 11:00": 10}))
    spent = asked.spent(KEY, instant("2026-11-20 11:00"), instant("2026-11-20 11:10"))
    assert spent == pytest.approx(10 / 43.2, rel=0.001)
    assert asked.spent(KEY, instant("2026-11-20 11:00"), instant("2026-11-20 11:00")) == 0.0
    assert asked.spent("another", *(OVER.start, OVER.end)) is None


def test_no_events_are_no_share() -> None:
    """Where nothing was counted there is no budget to take a share of."""
    assert budgets(MemoryCounts()).spent(KEY, OVER.start, OVER.end) is None


def test_significant_events_by_their_share() -> None:
    """Outages of 10 and of 1 minute, the first with a pause of five: above a tenth of the budget there is one event."""
    down = {"2026-11-05 10:00": 5, "2026-11-05 10:10": 5, "2026-11-10 10:00": 1}
    asked = budgets(traffic(*MONTH, downtime=down))
    (event,) = asked.significant(OVER, 0.1)
    assert (event.start, event.end) == (instant("2026-11-05 10:00"), instant("2026-11-05 10:15"))
    assert event.objective == KEY
    assert [one.start for one in asked.significant(OVER, 0.01)] == [instant("2026-11-05 10:00"), instant("2026-11-10 10:00")]
    assert asked.significant(OVER, 0.9) == []


def test_what_was_excluded_is_no_event() -> None:
    """A maintenance costs nothing, so it is no incident either."""
    counts = traffic(*MONTH, downtime={"2026-11-05 10:00": 20})
    window = maintenance("2026-11-05 09:55", "2026-11-05 10:30")
    assert budgets(counts, None, window).significant(OVER, 0.1) == []


def test_slices_and_calendar_windows() -> None:
    """Budgets of slices in a month by the calendar are asked in the same way."""
    one = replace(
        objective(), budgeting=Timeslices(slice_s=300, slice_target=0.9), window=CalendarWindow(1, "M", "2026-01-01 00:00:00", "UTC")
    )
    counts = traffic(*MONTH, downtime={"2026-11-05 10:00": 10})
    (event,) = budgets(counts, one).significant(OVER, 0.01)
    assert (event.start, event.end) == (instant("2026-11-05 10:00"), instant("2026-11-05 10:10"))


def test_a_young_objective_has_the_budget_of_a_whole_window() -> None:
    """Counted for a day, ten minutes of failure are ten of the 43.2 that a month of such days allows, not a third of a day's own."""
    young = budgets(traffic("2026-11-19 12:00", "2026-11-20 12:00", downtime={"2026-11-20 11:00": 10}))
    assert young.spent(KEY, instant("2026-11-20 11:00"), instant("2026-11-20 11:10")) == pytest.approx(10 / 43.2, rel=0.001)
