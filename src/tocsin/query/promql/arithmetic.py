"""
What binary operators do with two cells: floats all at once, native histograms one by one.

Source: Prometheus documentation, 'Operators'; special values as in IEEE 754 and C's math library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from tocsin.model.native_histogram import NativeHistogram
from tocsin.query.promql import remarks as say
from tocsin.query.promql.context import Context
from tocsin.query.promql.grid import Floats, Mask, Objects, held
from tocsin.query.promql.histogram_arithmetic import add, divide, equal, scale, subtract
from tocsin.query.promql.histogram_notes import Note, Remark, Remarks
from tocsin.query.promql.histogram_trim import trim_lower, trim_upper
from tocsin.query.promql.syntax import Binary

ARITHMETIC: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
COMPARISONS: Mapping[str, Callable[[Floats, Floats], Mask]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}

TRIMS = frozenset({"</", ">/"})


@dataclass(frozen=True, slots=True)
class Cells:
    """
    One operand, or the result.

    Args:
        values: Floats.
        present: Where there is a sample.
        histograms: Where the sample is a histogram; None without any.
    """

    values: Floats
    present: Mask
    histograms: Objects | None = None


def combine(context: Context, node: Binary, left: Cells, right: Cells, *, metric: str = "") -> Cells:
    """
    The operator between cells of the same shape.

    A comparison without `bool` keeps the left cell where it holds.

    Args:
        context: Of the evaluation.
        node: The operator.
        left: Left operand.
        right: Right operand.
        metric: Name for remarks.
    """
    present = left.present & right.present
    with np.errstate(all="ignore"):
        result = _floats(node, left.values, right.values, present)
    if left.histograms is None and right.histograms is None and node.operator not in TRIMS:
        return result
    return _with_histograms(context, node, left, right, result, present, metric)


def _floats(node: Binary, left: Floats, right: Floats, present: Mask) -> Cells:
    if node.operator in ARITHMETIC:
        return Cells(ARITHMETIC[node.operator](left, right), present)
    if node.operator in TRIMS:
        return Cells(left, np.zeros_like(present))
    holds = COMPARISONS[node.operator](left, right)
    if node.return_bool:
        return Cells(holds.astype(np.float64), present)
    return Cells(left, present & holds)


def _with_histograms(context: Context, node: Binary, left: Cells, right: Cells, result: Cells, present: Mask, metric: str) -> Cells:
    shape = present.shape
    left_held = _held(left, shape)
    right_held = _held(right, shape)
    out = np.full(shape, None, dtype=object)
    kept, values = result.present.copy(), np.array(np.broadcast_to(result.values, shape))
    either = held(left_held) | held(right_held)
    if node.operator in TRIMS:
        either = present  # floats cannot be trimmed, which must be said of them, too
    for cell in map(tuple, np.argwhere(present & either)):
        a = left_held[cell] if left_held[cell] is not None else float(np.broadcast_to(left.values, shape)[cell])
        b = right_held[cell] if right_held[cell] is not None else float(np.broadcast_to(right.values, shape)[cell])
        outcome, remarks = _pair(node, a, b)
        if outcome is _INCOMPATIBLE:
            note = say.incompatible_operands(node.operator, _kind(a), _kind(b))
            context.annotations.add(note, node.span)
            outcome = None
        context.annotations.add_remarks(remarks, node.span, metric=metric, operator=node.operator)
        kept[cell] = outcome is not None
        if isinstance(outcome, NativeHistogram):
            out[cell] = outcome
        elif isinstance(outcome, float):
            values[cell] = outcome
    return Cells(values, kept, out)


def _held(cells: Cells, shape: tuple[int, ...]) -> Objects:
    if cells.histograms is None:
        return np.full(shape, None, dtype=object)
    return np.broadcast_to(cells.histograms, shape)


_INCOMPATIBLE = object()


def _kind(value: float | NativeHistogram) -> str:
    return "histogram" if isinstance(value, NativeHistogram) else "float"


def _pair(node: Binary, left: float | NativeHistogram, right: float | NativeHistogram) -> tuple[object, Remarks]:
    """The outcome of one pair; None: nothing; `_INCOMPATIBLE`: nothing, and it must be said."""
    if isinstance(left, NativeHistogram) and isinstance(right, NativeHistogram):
        return _two_histograms(node, left, right)
    if isinstance(left, NativeHistogram):
        assert isinstance(right, float)
        return _histogram_and_float(node.operator, left, right), ()
    if isinstance(right, NativeHistogram) and node.operator == "*":
        return scale(right, left), ()
    return _INCOMPATIBLE, ()


def _histogram_and_float(operator: str, histogram: NativeHistogram, number: float) -> object:
    match operator:
        case "*":
            return scale(histogram, number)
        case "/":
            return divide(histogram, number)
        case "</":
            return trim_upper(histogram, number)
        case ">/":
            return trim_lower(histogram, number)
        case _:
            return _INCOMPATIBLE


def _two_histograms(node: Binary, left: NativeHistogram, right: NativeHistogram) -> tuple[object, Remarks]:
    if node.operator in {"+", "-"}:
        outcome, remarks = (add if node.operator == "+" else subtract)(left, right)
        return outcome, tuple(Remark(Note.INCOMPATIBLE_LAYOUT) if one.note is Note.MIXED_SCHEMAS else one for one in remarks)
    if node.operator in {"==", "!="}:
        holds = equal(left, right) == (node.operator == "==")
        if node.return_bool:
            return float(holds), ()
        return (left if holds else None), ()
    return _INCOMPATIBLE, ()
