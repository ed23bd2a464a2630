"""The clocks of steps: targets, lateness, the next business day."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from tests.incident.house import MINUTE, START

from tocsin.incident.clocks import Punctuality, StepState, end_of_next_business_day, views_of
from tocsin.incident.options import IncidentOptions
from tocsin.model.incident import Incident, IncidentSource, Step, StepRecord
from tocsin.model.instant import format_instant, parse_instant
from tocsin.model.severity import Severity

OPENED = Incident(1, "t", "s", Severity.P1, "", IncidentSource.PAGE, START, steps=(StepRecord(Step.ACKNOWLEDGE, START),))


@pytest.mark.parametrize(
    ("at", "zone", "ends"),
    [
        ("2026-03-04T02:00:00Z", "UTC", "2026-03-06T00:00:00"),  # Wednesday night: until Thursday is over
        ("2026-03-06T23:00:00Z", "UTC", "2026-03-10T00:00:00"),  # Friday: until Monday is over
        ("2026-03-07T12:00:00Z", "UTC", "2026-03-10T00:00:00"),
        ("2026-03-08T23:30:00Z", "UTC", "2026-03-10T00:00:00"),
        ("2026-03-08T23:30:00Z", "Europe/Berlin", "2026-03-10T23:00:00"),  # it is Monday there already
        ("2026-03-27T12:00:00Z", "Europe/Berlin", "2026-03-30T22:00:00"),  # their clocks change on that Sunday
    ],
)
def test_the_next_business_day(at: str, zone: str, ends: str) -> None:
    """It is the first day after that is no Saturday or Sunday, and ends with its own midnight."""
    assert format_instant(end_of_next_business_day(parse_instant(at), ZoneInfo(zone)))[:19] == ends


def test_a_step_is_late_when_its_target_has_passed() -> None:
    """While it lasts and after it ended; targets count from the opening."""
    options = IncidentOptions()
    first, second, *_ = views_of(OPENED, options, START + 2 * MINUTE)
    assert (first.state, first.punctuality, first.due_at) == (StepState.ACTIVE, Punctuality.IN_TIME, START + 2 * MINUTE)
    assert (second.state, second.due_at) == (StepState.WAITING, START + 15 * MINUTE)
    first, *_ = views_of(OPENED, options, START + 3 * MINUTE)
    assert (first.punctuality, first.late_s) == (Punctuality.LATE, 60.0)
    done = replace(OPENED, steps=(StepRecord(Step.ACKNOWLEDGE, START, "", START + MINUTE), StepRecord(Step.MITIGATE, START + MINUTE)))
    first, second, *_ = views_of(done, options, START + 16 * MINUTE)
    assert (first.punctuality, second.punctuality, second.late_s) == (Punctuality.IN_TIME, Punctuality.LATE, 60.0)


def test_what_has_no_clock_is_never_late() -> None:
    """Skipped steps, the watching before it begins, and the postmortem before the end."""
    skipped = replace(OPENED, steps=(StepRecord(Step.ACKNOWLEDGE, None, "ana", None, "no need"),))
    views = {view.step: view for view in views_of(skipped, IncidentOptions(), START + 10_000 * MINUTE)}
    assert {step for step, view in views.items() if view.punctuality is Punctuality.NO_TARGET} == {
        Step.ACKNOWLEDGE,
        Step.VERIFY,
        Step.POSTMORTEM,
    }
    assert views[Step.ACKNOWLEDGE].due_at is None


@pytest.mark.parametrize(("name", "value"), [("time_zone", "Mars/Olympus"), ("time_zone", "../etc"), ("postmortem_severities", ("P9",))])
def test_options_that_can_not_be_are_refused(name: str, value: object) -> None:
    """With what was expected."""
    with pytest.raises(ValueError, match="expected"):
        IncidentOptions.model_validate({name: value})
