"""Functions over windows as one would first write them: slow, plain Python, for comparison with the compiled ones."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

Points = Sequence[tuple[int, float]]


def window(points: Points, end_ms: int, range_ms: int) -> list[tuple[int, float]]:
    """The samples in (end - range, end]."""
    return [(at, value) for at, value in points if end_ms - range_ms < at <= end_ms]


def increase(points: Points, end_ms: int, range_ms: int, *, counter: bool) -> float | None:
    """`increase` or `delta` of a window's samples."""
    if len(points) < 2:
        return None
    values = [value for _, value in points]
    difference = values[-1] - values[0]
    if counter:
        difference += sum(before for before, after in pairwise(values) if after < before)
    covered = (points[-1][0] - points[0][0]) / 1000
    distance = covered / (len(points) - 1)
    before_s = (points[0][0] - (end_ms - range_ms)) / 1000
    after_s = (end_ms - points[-1][0]) / 1000
    if before_s >= distance * 1.1:
        before_s = distance / 2
    if after_s >= distance * 1.1:
        after_s = distance / 2
    if counter and difference > 0 and values[0] >= 0:
        before_s = min(before_s, covered * values[0] / difference)
    return difference * (covered + before_s + after_s) / covered


def quantile(values: Sequence[float], q: float) -> float:
    """The interpolated quantile, NaN ranked lowest."""
    ordered = sorted(values, key=lambda value: (not math.isnan(value), value))
    rank = q * (len(ordered) - 1)
    low = math.floor(rank)
    high = min(len(ordered) - 1, low + 1)
    return ordered[low] * (1 - (rank - low)) + ordered[high] * (rank - low)


def slope(points: Points) -> float:
    """The slope per second of the line of least squares."""
    if len({value for _, value in points}) == 1:
        return 0.0
    return statistics.linear_regression([(at - points[0][0]) / 1000 for at, _ in points], [value for _, value in points]).slope


def irate(points: Points) -> float:
    """The rate between the last two samples."""
    (before_ms, before), (after_ms, after) = points[-2:]
    return (after if after < before else after - before) / ((after_ms - before_ms) / 1000)


def mad(values: Sequence[float]) -> float:
    """The median distance from the median."""
    median = quantile(values, 0.5)
    return quantile([abs(value - median) for value in values], 0.5)


# Of samples without NaN; at least one, for those from `irate` on at least two.
OF_VALUES: Mapping[str, Callable[[Sequence[float]], float]] = {
    "COUNT": lambda values: float(len(values)),
    "PRESENT": lambda values: 1.0,
    "FIRST": lambda values: values[0],
    "LAST": lambda values: values[-1],
    "SUM": math.fsum,
    "AVERAGE": statistics.fmean,
    "MIN": min,
    "MAX": max,
    "STDVAR": statistics.pvariance,
    "STDDEV": statistics.pstdev,
    "CHANGES": lambda values: float(sum(a != b for a, b in pairwise(values))),
    "RESETS": lambda values: float(sum(b < a for a, b in pairwise(values))),
    "QUANTILE": lambda values: quantile(values, 0.3),
    "MAD": mad,
}
OF_POINTS: dict[str, Callable[[Points], float]] = {
    "TIME_OF_FIRST": lambda points: points[0][0] / 1000,
    "TIME_OF_LAST": lambda points: points[-1][0] / 1000,
    "TIME_OF_MIN": lambda points: max(at for at, value in points if value == min(v for _, v in points)) / 1000,
    "TIME_OF_MAX": lambda points: max(at for at, value in points if value == max(v for _, v in points)) / 1000,
}
OF_PAIRS: dict[str, Callable[[Points], float]] = {
    "IRATE": irate,
    "IDELTA": lambda points: points[-1][1] - points[-2][1],
    "DERIV": slope,
}
