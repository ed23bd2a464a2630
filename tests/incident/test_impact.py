"""What incidents cost: shares of budgets, and the first bad minute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api.fake_slos import budget

from tocsin.incident.impact import Impacts, first_of_last_stretch, minutes_between
from tocsin.model.instant import NANOSECONDS
from tocsin.slo.definition import (
    Definitions,
    EventCount,
    EventRatio,
    EventSignal,
    Objective,
    RollingWindow,
    Timeslices,
)
from tocsin.slo.minutes import MINUTE_S, MinuteCounts, MinuteRange, Sums

COUNT = EventCount(EventSignal.SPANS, "")
OBJECTIVE = Objective("a", "a", "checkout", 0.99, EventRatio(COUNT, COUNT), RollingWindow(30 * 86_400), title="checkout works")
MINUTE = MINUTE_S * NANOSECONDS
START = 1_790_000_040 // 300 * 300 * NANOSECONDS


class Counts:
    """A hundred events in each minute; as many bad ones as `bad` says of the minute, counted from START."""

    def __init__(self, bad: Callable[[int], float]) -> None:
        self._bad = bad

    def minutes(self, objective: str, within: MinuteRange) -> MinuteCounts:
        """Every minute of a range."""
        first = (within.start_s - START // NANOSECONDS) // MINUTE_S
        count = (within.end_s - within.start_s) // MINUTE_S
        total = np.full(count, 100.0)
        bad = np.array([self._bad(first + index) for index in range(count)])
        return MinuteCounts(within.start_s, total - bad, total, np.zeros(count), np.zeros(count))

    def sums(self, *_: Any) -> dict[str, list[Sums]]:
        """Not asked here."""
        return {}

    def progress(self) -> dict[str, Any]:
        """Not asked here."""
        return {}


class Slos:
    """Every budget may have 400 bad events."""

    def budget(self, key: str, *, at: int | None = None) -> Any:
        """That one."""
        found = budget(key)
        return replace(found, figures=replace(found.figures, allowed=400.0))


def impacts(bad: Callable[[int], float], objective: Objective = OBJECTIVE) -> Impacts:
    """Over one objective of checkout."""
    definitions = Definitions({objective.key: objective}, {}, ())
    return Impacts(lambda: definitions, Counts(bad), Slos(), lookback_s=3600)


def test_the_share_of_a_budget_that_an_incident_spent() -> None:
    """Bad events of its minutes over what the whole window allows; begun minutes count whole; other services cost nothing."""
    measured = impacts(lambda minute: 20 if 0 <= minute < 10 else 0)
    (impact,) = measured.of(["checkout"], START + MINUTE // 2, START + 9 * MINUTE + 1)
    assert (impact.bad, impact.total, impact.allowed, impact.share, impact.unit) == (200, 1000, 400, 0.5, "events")
    assert measured.of(["search"], START, START + MINUTE) == []
    assert measured.objectives("checkout") == ["a"]


def test_slices_are_measured_as_slices() -> None:
    """Of five minutes each, the whole ones that the incident touches."""
    sliced = replace(OBJECTIVE, budgeting=Timeslices(slice_s=300, slice_target=0.95))
    (impact,) = impacts(lambda minute: 20 if 0 <= minute < 6 else 0, sliced).of(["checkout"], START + MINUTE, START + 6 * MINUTE)
    assert (impact.bad, impact.total, impact.unit) == (1.0, 2.0, "slices")


@pytest.mark.parametrize(
    ("bad", "first"),
    [
        (lambda minute: 20 if minute >= -3 else 0, -3),
        (lambda minute: 1 if minute >= -3 else 0, None),  # one in a hundred is what the objective allows
        (lambda minute: 20 if minute >= -3 and minute != -2 else 0, -3),
        (lambda minute: 20 if minute >= -3 or -20 <= minute < -13 else 0, -3),
        (lambda minute: 20 if minute == -10 else 0, None),
    ],
)
def test_the_first_bad_minute(bad: Callable[[int], float], first: int | None) -> None:
    """Where the bad stretch begins in which the alert began; a few good minutes do not end it, an old one is another matter."""
    found = impacts(bad).first_bad(["checkout"], START)
    assert found == (None if first is None else START + first * MINUTE)


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 8))
def test_a_stretch_has_no_long_gap(bad: list[bool], gap_max: int) -> None:
    """From its first cell on no gap is longer than allowed, and just before it one is, or nothing bad at all."""
    first = first_of_last_stretch(np.array(bad, dtype=np.bool_), gap_max=gap_max)
    if first is None:
        assert not any(bad[max(0, len(bad) - 1 - gap_max) :])
        return
    assert bad[first]
    gaps = "".join("x" if one else " " for one in bad[first:]).split("x")
    assert all(len(gap) <= gap_max for gap in gaps)
    assert not any(bad[max(0, first - gap_max - 1) : first])


def test_minutes_of_a_range() -> None:
    """Begun ones are whole; an instant lies in one."""
    assert minutes_between(START + 1, START + 1) == MinuteRange(START // NANOSECONDS, START // NANOSECONDS + 60)
    assert minutes_between(START, START + MINUTE) == MinuteRange(START // NANOSECONDS, START // NANOSECONDS + 60)
