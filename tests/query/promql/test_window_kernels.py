"""Windows over flat buffers: the compiled functions against plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.query.promql.window_references import OF_PAIRS, OF_POINTS, OF_VALUES, Points, increase, quantile, window

from tocsin.model.series import STALE_NAN
from tocsin.query.promql.kernels import first_after, instant_rows
from tocsin.query.promql.rate_kernels import rate_rows
from tocsin.query.promql.window_functions import quantile_of
from tocsin.query.promql.window_kernels import WindowFunction, window_rows

STEPS = np.arange(0, 400_000, 37_000, dtype=np.int64)
RANGES = (1000, 50_000, 200_000)
VALUES = st.one_of(st.integers(-5, 5).map(float), st.floats(-1e6, 1e6), st.just(STALE_NAN))


@st.composite
def series(draw: st.DrawFn) -> list[tuple[int, float]]:
    """A series of a few samples at irregular times, some of them stale markers."""
    times = sorted(draw(st.sets(st.integers(0, 400_000), max_size=25)))
    return [(at, draw(VALUES)) for at in times]


def buffers(many: list[list[tuple[int, float]]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Several series as flat buffers."""
    offsets = np.cumsum([0, *map(len, many)]).astype(np.int64)
    flat = [point for one in many for point in one]
    return offsets, np.array([at for at, _ in flat], dtype=np.int64), np.array([value for _, value in flat], dtype=np.float64)


def fresh(points: Points) -> list[tuple[int, float]]:
    """Without stale markers, the only NaN there is here."""
    return [point for point in points if not math.isnan(point[1])]


def computed(
    function: WindowFunction, many: list[list[tuple[int, float]]], range_ms: int, factor: float = 0.3
) -> tuple[np.ndarray, np.ndarray]:
    """What the kernel gives."""
    values, present = np.zeros((len(many), len(STEPS))), np.zeros((len(many), len(STEPS)), dtype=np.bool_)
    factors = np.full(len(STEPS), factor)
    window_rows(int(function), *buffers(many), STEPS, range_ms, STEPS, factors, factors, values, present, 0, len(many))
    return values, present


def plainly(name: str, points: Points) -> float:
    """What plain Python gives."""
    if name in OF_VALUES:
        return OF_VALUES[name]([value for _, value in points])
    return (OF_POINTS | OF_PAIRS)[name](points)


def agrees(got: float, expected: float) -> bool:
    """Equal to nine digits, or nearly zero both."""
    return math.isclose(got, expected, rel_tol=1e-9, abs_tol=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.lists(series(), min_size=1, max_size=3), st.sampled_from(RANGES))
def test_functions_of_one_window(many: list[list[tuple[int, float]]], range_ms: int) -> None:
    """Every function over a window gives what plain Python gives, at every step, stale markers left out."""
    for name in (*OF_VALUES, *OF_POINTS, *OF_PAIRS):
        values, present = computed(WindowFunction[name], many, range_ms)
        for s, points in enumerate(many):
            for t, end in enumerate(STEPS):
                inside = window(fresh(points), int(end), range_ms)
                expected = len(inside) >= (2 if name in OF_PAIRS else 1)
                assert present[s, t] == expected, (name, s, t)
                if expected:
                    loose = 1e-4 if name == "DERIV" else 1e-6
                    assert math.isclose(values[s, t], plainly(name, inside), rel_tol=1e-9, abs_tol=loose), (name, inside)


@settings(max_examples=60, deadline=None)
@given(st.lists(series(), min_size=1, max_size=3), st.sampled_from(RANGES), st.booleans())
def test_rate_and_increase(many: list[list[tuple[int, float]]], range_ms: int, counter: bool) -> None:
    """Increase and delta are stretched to the window's edges as the plain formula has it, resets counted once."""
    many = [[(at, abs(value)) if counter and not math.isnan(value) else (at, value) for at, value in one] for one in many]
    values, present = np.zeros((len(many), len(STEPS))), np.zeros((len(many), len(STEPS)), dtype=np.bool_)
    rate_rows(*buffers(many), STEPS, range_ms, counter, False, values, present, 0, len(many))
    for s, points in enumerate(many):
        for t, end in enumerate(STEPS):
            expected = increase(window(fresh(points), int(end), range_ms), int(end), range_ms, counter=counter)
            assert present[s, t] == (expected is not None)
            if expected is not None:
                assert agrees(values[s, t], expected)


@settings(max_examples=60, deadline=None)
@given(series(), st.sampled_from(RANGES))
def test_instant_selector(points: list[tuple[int, float]], lookback_ms: int) -> None:
    """The newest sample in the lookback is seen with its own instant, unless it is a stale marker."""
    values, present = np.zeros((1, len(STEPS))), np.zeros((1, len(STEPS)), dtype=np.bool_)
    times = np.zeros((1, len(STEPS)), dtype=np.int64)
    instant_rows(*buffers([points]), STEPS, lookback_ms, values, present, times, 0, 1)
    for t, end in enumerate(STEPS):
        inside = window(points, int(end), lookback_ms)
        expected = bool(inside) and not math.isnan(inside[-1][1])
        assert present[0, t] == expected
        if expected:
            assert (times[0, t], values[0, t]) == inside[-1]


@given(st.lists(st.integers(0, 50), max_size=40).map(sorted), st.integers(-1, 51), st.integers(0, 40))
def test_first_after(times: list[int], bound: int, low: int) -> None:
    """Leaping forward finds the same place as looking at every sample."""
    low = min(low, len(times))
    expected = next((i for i in range(low, len(times)) if times[i] > bound), len(times))
    assert first_after(np.array(times, dtype=np.int64), low, len(times), bound) == expected


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.integers(-3, 3).map(float), st.floats(-1e9, 1e9), st.just(math.nan)), min_size=1, max_size=90), st.floats(0, 1)
)
def test_quantile(values: list[float], q: float) -> None:
    """A quantile found by partition is that of the sorted values, with NaN ranked lowest."""
    got, expected = quantile_of(np.array(values), len(values), q), quantile(values, q)
    assert (math.isnan(got) and math.isnan(expected)) or math.isclose(got, expected, rel_tol=1e-12, abs_tol=1e-12)


@pytest.mark.parametrize(("q", "expected"), [(-0.1, -math.inf), (1.1, math.inf), (math.nan, math.nan)])
def test_quantile_out_of_range(q: float, expected: float) -> None:
    """Quantiles out of range are infinite, the quantile NaN is NaN."""
    assert quantile_of(np.array([1.0, 2.0]), 2, q) == pytest.approx(expected, nan_ok=True)


def test_stale_markers_between_far_windows() -> None:
    """Where windows are far apart, a stale marker inside one is left out, and one between them changes nothing."""
    points = [(1000 * i, float(i)) for i in range(400)]
    points[37] = (37_000, STALE_NAN)
    points[50] = (50_000, STALE_NAN)
    values, present = computed(WindowFunction.COUNT, [points], 5000)
    assert present.all(axis=1).tolist() == [True]
    assert values[0, 1] == 4
    assert values[0, 2:].tolist() == [5.0] * (len(STEPS) - 2)
