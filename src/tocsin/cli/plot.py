"""
Numbers over time as characters.

A line of blocks per series, `▁▂▄▇█`, or one series as an area of several lines. No value is a space, never a zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

BLOCKS = "▁▂▃▄▅▆▇█"
TOP = len(BLOCKS)


def columns(points: Sequence[tuple[float, float]], *, start: float, end: float, width: int) -> list[float | None]:
    """
    The mean of what falls into each of `width` equal parts of [start, end]; None where nothing does.

    Args:
        points: Instant and value, instants in the unit of `start` and `end`; values that are not finite count as nothing.
        start: Left end.
        end: Right end, not before `start`.
        width: Parts, >= 1.
    """
    sums, counts = [0.0] * width, [0] * width
    span = max(end - start, 1e-9)
    for instant, value in points:
        if math.isfinite(value):
            place = min(width - 1, max(0, int((instant - start) / span * width)))
            sums[place] += value
            counts[place] += 1
    return [total / count if count else None for total, count in zip(sums, counts, strict=True)]


def fitting(series: Sequence[Sequence[tuple[float, float]]], most: int) -> int:
    """
    How many columns to draw, at most `most`: one per usual distance between two points, or neighbours would stand apart.

    Args:
        series: Points of each, instants ascending; at least one has points.
        most: Columns there is room for, >= 1.
    """
    instants = [[instant for instant, _ in points] for points in series if points]
    gaps = [later - earlier for places in instants for earlier, later in pairwise(places)]
    if not gaps:
        return most
    span = max(places[-1] for places in instants) - min(places[0] for places in instants)
    return min(most, round(span / median(gaps)) + 1)


def sparkline(values: Sequence[float | None]) -> str:
    """The values as one line, the lowest as the lowest block; a constant is in the middle."""
    return area(values, height=1)[0]


def area(values: Sequence[float | None], *, height: int) -> list[str]:
    """The values as `height` lines, from the top to the bottom, scaled from the lowest to the highest."""
    known = [value for value in values if value is not None]
    if not known:
        return [" " * len(values)] * height
    low, high = min(known), max(known)
    levels = [None if value is None else _level(value, low, high, height) for value in values]
    return ["".join(_block(level, line) for level in levels) for line in range(height - 1, -1, -1)]


def _level(value: float, low: float, high: float, height: int) -> int:
    """How many eighths of a line it reaches, at least one."""
    span = high / 2 - low / 2  # halves: the difference of two may overflow
    if span == 0:
        return TOP * height // 2
    return 1 + round((value / 2 - low / 2) / span * (TOP * height - 1))


def _block(level: int | None, line: int) -> str:
    if level is None or level <= line * TOP:
        return " "
    return BLOCKS[min(level - line * TOP, TOP) - 1]
