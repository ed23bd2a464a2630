"""Verdicts and their words, without a store."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tocsin.model.signals import Baseline, Flag, Limits, Unit, worst
from tocsin.query.signals.judge import Judge, against_limits, baseline_of, level
from tocsin.query.signals.options import LimitsOptions, SignalsOptions, ThresholdOptions, ThresholdOverride
from tocsin.query.signals.words import show

USUAL = Baseline(240.0, 200.0, 300.0, 7, 7)


def judge(requests: int = 1000, usual: float | None = 1000, options: SignalsOptions | None = None) -> Judge:
    """A judge with the defaults."""
    chosen = options or SignalsOptions()
    return Judge(chosen, chosen.thresholds, requests, usual)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, Unit.RATIO, "-"),
        (5000, Unit.MILLISECONDS, "5,000 ms"),
        (230.4, Unit.MILLISECONDS, "230 ms"),
        (12.34, Unit.MILLISECONDS, "12.3 ms"),
        (0.5, Unit.MILLISECONDS, "0.5 ms"),
        (0.0042, Unit.RATIO, "0.42 %"),
        (0, Unit.RATIO, "0.0 %"),
        (1, Unit.RATIO, "100.0 %"),
        (1234, Unit.PER_SECOND, "1.2 k/s"),
        (7, Unit.PER_SECOND, "7 /s"),
        (0, Unit.PER_SECOND, "0 /s"),
        (0.0001, Unit.PER_SECOND, "0.0001 /s"),
        (10, Unit.TIMES, "10.0x"),
        (1_000_000, Unit.NUMBER, "1,000,000"),
    ],
)
def test_values_are_shown_with_their_unit(value: float | None, unit: Unit, text: str) -> None:
    """As people read them: few digits, thousands apart, a dash for nothing."""
    assert show(value, unit) == text


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0, 100))
def test_a_limit_is_exceeded_only_beyond_it(value: float, warn: float, more: float) -> None:
    """At a limit all is well yet; above breach it is a breach, above warn alone a warning."""
    verdict = against_limits("x", value, Unit.NUMBER, Limits(warn, warn + more))
    assert verdict.flag is (Flag.BREACH if value > warn + more else Flag.WARN if value > warn else Flag.OK)
    assert against_limits("x", value, Unit.NUMBER, Limits()).flag is Flag.OK


@given(st.lists(st.floats(0, 1e6), max_size=20))
def test_the_band_holds_the_median(values: list[float]) -> None:
    """Whatever the past days had; with five and more the most extreme ones are no part of the band, without any it says so."""
    found = baseline_of(values, 20)
    assert found is not None
    assert found.days == len(values)
    if not values:
        assert (found.median, found.low, found.high) == (None, None, None)
        return
    assert found.median is not None
    assert found.low is not None
    assert found.high is not None
    assert min(values) <= found.low <= found.median <= found.high <= max(values)
    if len(values) >= 5:
        assert found.high == sorted(values)[-2]


def test_nothing_was_looked_at_is_no_baseline() -> None:
    """Zero days asked for."""
    assert baseline_of([], 0) is None


def test_the_worse_of_limit_and_baseline_gives_the_reason() -> None:
    """A breach of a limit is said rather than the warning of the baseline; below the limits the baseline is."""
    limits = Limits(500, 1000)
    assert judge().latency("p95", 1200, limits, USUAL).reason == "p95 1,200 ms is above 1,000 ms"
    assert judge().latency("p95", 480.0, limits, USUAL).reason == "p95 480 ms is twice the baseline of 240 ms at this hour"
    assert judge().latency("p95", 2400.0, Limits(), USUAL).reason == "p95 2,400 ms is 10.0 times the baseline of 240 ms at this hour"
    assert judge().latency("p95", 250.0, limits, USUAL).flag is Flag.OK


@pytest.mark.parametrize(("days", "usual"), [(2, 1000.0), (7, 19.0), (7, None)])
def test_a_thin_baseline_flags_nothing(days: int, usual: float | None) -> None:
    """Too few days, or hours with hardly any requests, say little."""
    thin = Baseline(1.0, 1.0, 1.0, days, 7)
    assert judge(usual=usual).latency("p95", 480, Limits(500, 1000), thin).flag is Flag.OK
    assert judge(usual=usual).traffic(None, thin).flag is Flag.NO_DATA
    assert judge(usual=usual).traffic(100.0, thin).flag is Flag.OK


@pytest.mark.parametrize(
    ("per_s", "flag", "words"),
    [
        (10, Flag.OK, "10 /s is usual at this hour"),
        (6, Flag.OK, "10 /s is usual"),
        (5, Flag.WARN, "traffic 5 /s is 50 % below the 10 /s that is usual at this hour"),
        (1, Flag.BREACH, "traffic 1 /s is 90 % below"),
        (None, Flag.BREACH, "no requests were observed; 10 /s is usual at this hour"),
        (30, Flag.WARN, "traffic 30 /s is 3.0 times the baseline of 10 /s at this hour"),
    ],
)
def test_traffic_is_held_against_what_is_usual(per_s: float | None, flag: Flag, words: str) -> None:
    """Half of it warns, a tenth of it or nothing at all is a breach, three times as much warns."""
    found = judge().traffic(per_s, Baseline(10.0, 9.0, 11.0, 7, 7))
    assert found.flag is flag
    assert words in found.reason


def test_traffic_may_have_limits_of_its_own() -> None:
    """Whatever is usual: more than a service was built for is a breach."""
    options = SignalsOptions(thresholds=ThresholdOptions(traffic_per_s=LimitsOptions(breach=100)))
    found = judge(options=options).traffic(101.0, None)
    assert (found.flag, found.reason) == (Flag.BREACH, "traffic 101 /s is above 100 /s")


def test_few_requests_are_shown_but_not_judged() -> None:
    """One failure out of one is all of them, and says nothing."""
    found = judge(requests=1, options=SignalsOptions(requests_min=10)).errors(1.0, None, "")
    assert (found.flag, found.shown) == (Flag.NO_DATA, "100.0 %")
    assert found.reason == "only 1 request, fewer than the 10 that a verdict needs"


def test_a_level_without_a_value_says_why() -> None:
    """Nothing known is no data, with what to do about it."""
    found = level("saturation", "saturation", None, Unit.RATIO, Limits(0.8, 0.9), absent="nobody measures it")
    assert (found.value, found.shown, found.flag, found.reason) == (None, "-", Flag.NO_DATA, "nobody measures it")


def test_the_worst_flag_wins_and_no_data_only_alone() -> None:
    """BREACH before WARN before OK before NO_DATA."""
    assert worst([Flag.OK, Flag.NO_DATA]) is Flag.OK
    assert worst([Flag.OK, Flag.BREACH, Flag.WARN]) is Flag.BREACH
    assert worst([]) is Flag.NO_DATA


def test_a_warning_comes_before_the_breach() -> None:
    """Limits the wrong way round are refused with both numbers."""
    with pytest.raises(ValidationError, match="warn is 5, above breach, 1"):
        LimitsOptions(warn=5, breach=1)


def test_an_override_can_take_a_limit_away() -> None:
    """`null` for a limit means never, for that service alone."""
    override = ThresholdOverride(service="batch", latency_p95_ms=LimitsOptions(warn=None, breach=None))
    options = SignalsOptions(overrides=(override,))
    assert options.thresholds_of("batch").latency_p95_ms.limits() == Limits()
    assert options.thresholds_of("other").latency_p95_ms.limits() == Limits(500, 1000)
    assert options.thresholds_of(None) == options.thresholds
