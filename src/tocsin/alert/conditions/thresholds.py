"""When a measured value is beyond a threshold."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping

from tocsin.alert.definition import Comparison

_COMPARE: Mapping[Comparison, Callable[[float, float], bool]] = {
    Comparison.ABOVE: operator.gt,
    Comparison.AT_LEAST: operator.ge,
    Comparison.BELOW: operator.lt,
    Comparison.AT_MOST: operator.le,
}


def held(value: float, comparison: Comparison, threshold: float) -> bool:
    """Whether a value compares so with a threshold; never for NaN."""
    return _COMPARE[comparison](value, threshold)
