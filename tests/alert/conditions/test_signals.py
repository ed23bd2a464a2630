"""Conditions over golden signals."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from tocsin.alert.conditions.signals import SignalsEvaluator, plain_errors
from tocsin.alert.definition import Comparison, SignalBreach
from tocsin.clock import ReplayClock
from tocsin.model.instant import NANOSECONDS
from tocsin.model.signals import Flag, RequestSignals, Signal, SignalsWall, Unit
from tocsin.query.signals.options import ImplicitErrorOptions, SignalsOptions, ThresholdOptions
from tocsin.store.read_range import Within

AT = 1_763_640_000 * NANOSECONDS


def signal(name: str, value: float | None, unit: Unit, flag: Flag = Flag.OK, reason: str = "") -> Signal:
    """A figure."""
    return Signal(
        name, name.replace("_", " "), value, unit, f"{value:g} {unit.value}" if value is not None else "-", None, None, flag, reason
    )


def service(name: str | None, *, p99_ms: float | None = 100, errors: float = 0.0, full: Flag = Flag.OK) -> RequestSignals:
    """Signals of a service."""
    latency = [signal("latency_p95", p99_ms, Unit.MILLISECONDS), signal("latency_p99", p99_ms, Unit.MILLISECONDS)]
    return RequestSignals(
        name,
        None,
        None,
        Flag.OK,
        1,
        latency,
        (),
        signal("traffic", 2.0, Unit.PER_SECOND),
        signal("error_rate", errors, Unit.RATIO),
        None,
        None,
        signal("saturation", 0.95, Unit.RATIO, full, "saturation 95.0 % is above 90.0 %"),
        None,
        None,
    )


class Wall:
    """A wall that counts who looks at it."""

    def __init__(self, *services: RequestSignals) -> None:
        self.services = services
        self.asked: list[Within] = []

    def wall(self, within: Within, service: str | None = None) -> SignalsWall:
        """All of it."""
        assert service is None
        self.asked.append(within)

        class Answer:
            services = self.services

        return cast("SignalsWall", Answer)


LATENCY = SignalBreach("latency", "", 300, threshold=1.0)


def evaluator(walls: Wall, figures: Wall | None = None) -> SignalsEvaluator:
    """On a clock that stands still."""
    return SignalsEvaluator(walls, figures=figures, clock=ReplayClock(0, speed=0))


def test_slow_services() -> None:
    """Seconds in the rule, milliseconds on the wall; a service without requests is neither."""
    wall = Wall(service("a", p99_ms=1500), service("b"), service("c", p99_ms=None))
    (element,) = evaluator(wall).at(LATENCY, AT)
    assert (dict(element.labels), element.value) == ({"service": "a"}, 1.5)
    assert element.note == "latency p99 1500 ms over 5 min, > 1,000 ms"
    assert wall.asked == [Within(AT - 300 * NANOSECONDS, AT)]


@pytest.mark.parametrize(
    ("condition", "services"),
    [
        (SignalBreach("errors", "", 300, threshold=0.05), ["a"]),
        (SignalBreach("errors", "b", 300, threshold=0.05), []),
        (SignalBreach("traffic", "b", 300, Comparison.BELOW, 3.0), ["b"]),
        (SignalBreach("latency", "", 300, Comparison.AT_MOST, 0.1, percentile=0.95), ["a", "b"]),
    ],
)
def test_of_one_service_or_all(condition: SignalBreach, services: list[str]) -> None:
    """Each service is one alert, unless the condition names one."""
    wall = Wall(service("a", errors=0.2), service("b"))
    assert [element.labels.get("service") for element in evaluator(wall).at(condition, AT)] == services


def test_without_a_threshold_the_wall_decides() -> None:
    """What it flags as breached holds, with its reason."""
    wall = Wall(service("a", full=Flag.WARN), service("b", full=Flag.BREACH))
    figures = Wall()
    (element,) = evaluator(wall, figures).at(SignalBreach("saturation", "", 300), AT)
    assert (dict(element.labels), element.note) == ({"service": "b"}, "saturation 95.0 % is above 90.0 %")
    assert figures.asked == []


def test_conditions_over_one_window_share_one_look() -> None:
    """A hundred rules at an instant are one answer of the figures without baselines, and none of the wall."""
    wall, figures = Wall(), Wall(service("a", p99_ms=1500))
    asked = evaluator(wall, figures)
    for place in range(100):
        asked.at(replace(LATENCY, threshold=place / 100), AT)
    assert (len(wall.asked), len(figures.asked)) == (0, 1)
    assert len(asked.over(LATENCY, [AT, AT + NANOSECONDS])) == 2
    assert len(figures.asked) == 2


def test_a_silent_service_has_no_traffic() -> None:
    """One that the wall knows from other days, and one that a rule names although nobody ever heard of it."""
    quiet = replace(service("a"), traffic=signal("traffic", None, Unit.PER_SECOND))
    below = SignalBreach("traffic", "", 300, Comparison.BELOW, 1.0)
    (element,) = evaluator(Wall(quiet, service("b")), Wall()).at(below, AT)
    assert (dict(element.labels), element.value, element.note) == ({"service": "a"}, 0.0, "not a single request over 5 min")
    (element,) = evaluator(Wall()).at(replace(below, service="gone"), AT)
    assert dict(element.labels) == {"service": "gone"}
    assert evaluator(Wall(quiet)).at(replace(below, comparison=Comparison.ABOVE), AT) == []


def test_plain_errors() -> None:
    """Where the wall counts wrong answers or slow ones, failures alone don't tell its share."""
    assert plain_errors(SignalsOptions())
    assert not plain_errors(SignalsOptions(thresholds=ThresholdOptions(latency_policy_ms=5)))
    assert not plain_errors(SignalsOptions(implicit_errors=(ImplicitErrorOptions(query="x:1"),)))
