"""
Functions over ranges: `rate` and its kin, `..._over_time`, `deriv`, `changes` and the others.

Floats go through the kernels, all series of a batch at once; the few series that hold native histograms are walked again, window by window.
Source: Prometheus documentation, 'Query functions'.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from tocsin.errors import InvalidInput
from tocsin.query.promql import remarks as say
from tocsin.query.promql.context import Context
from tocsin.query.promql.extended_histograms import fill_extended_rows
from tocsin.query.promql.grid import Floats, Grid, Mask, Steps, ready_floats, ready_times, stacked
from tocsin.query.promql.kernels import Times
from tocsin.query.promql.mixed_windows import MixedKind, MixedTask, fill_mixed_rows
from tocsin.query.promql.ranges import Range, RangeBatch, range_of, require_plain
from tocsin.query.promql.rate_kernels import rate_rows
from tocsin.query.promql.selectors import flat_buffers
from tocsin.query.promql.smoothed import anchored_count_rows, extended_rows
from tocsin.query.promql.start_timestamps import INCREASE, INSTANT_RATE, RATE, RESETS, started_rows
from tocsin.query.promql.syntax import Call, RangeExtension
from tocsin.query.promql.window_kernels import WindowFunction, window_rows


@dataclass(frozen=True, slots=True)
class RangeFunction:
    """
    How a function over a range is computed.

    Args:
        window: From each window of floats; None for `rate` and its kin.
        mixed: What it makes of native histograms.
        range_at: Which argument is the range.
        keeps_name: Whether the metric's name stays.
        counter: For `rate` and its kin: a fall is a reset.
        per_second: For `rate` and its kin: by the window's length.
    """

    window: WindowFunction | None
    mixed: MixedKind = MixedKind.FLOATS_ONLY
    range_at: int = 0
    keeps_name: bool = False
    counter: bool = False
    per_second: bool = False


_W, _M = WindowFunction, MixedKind
RANGE_FUNCTIONS: Mapping[str, RangeFunction] = {
    "rate": RangeFunction(None, _M.RATE, counter=True, per_second=True),
    "increase": RangeFunction(None, _M.RATE, counter=True),
    "delta": RangeFunction(None, _M.RATE),
    "irate": RangeFunction(_W.IRATE, _M.LAST_TWO, counter=True, per_second=True),
    "idelta": RangeFunction(_W.IDELTA, _M.LAST_TWO),
    "changes": RangeFunction(_W.CHANGES, _M.CHANGES),
    "resets": RangeFunction(_W.RESETS, _M.RESETS),
    "sum_over_time": RangeFunction(_W.SUM, _M.SUM),
    "avg_over_time": RangeFunction(_W.AVERAGE, _M.AVERAGE),
    "count_over_time": RangeFunction(_W.COUNT, _M.COUNT),
    "present_over_time": RangeFunction(_W.PRESENT, _M.PRESENT),
    "first_over_time": RangeFunction(_W.FIRST, _M.FIRST, keeps_name=True),
    "last_over_time": RangeFunction(_W.LAST, _M.LAST, keeps_name=True),
    "ts_of_first_over_time": RangeFunction(_W.TIME_OF_FIRST, _M.TIME_OF_FIRST),
    "ts_of_last_over_time": RangeFunction(_W.TIME_OF_LAST, _M.TIME_OF_LAST),
    "ts_of_min_over_time": RangeFunction(_W.TIME_OF_MIN),
    "ts_of_max_over_time": RangeFunction(_W.TIME_OF_MAX),
    "min_over_time": RangeFunction(_W.MIN),
    "max_over_time": RangeFunction(_W.MAX),
    "stddev_over_time": RangeFunction(_W.STDDEV),
    "stdvar_over_time": RangeFunction(_W.STDVAR),
    "quantile_over_time": RangeFunction(_W.QUANTILE, range_at=1),
    "mad_over_time": RangeFunction(_W.MAD),
    "deriv": RangeFunction(_W.DERIV),
    "predict_linear": RangeFunction(_W.PREDICT_LINEAR),
    "double_exponential_smoothing": RangeFunction(_W.SMOOTHING),
}

_STARTED = {"rate": RATE, "increase": INCREASE, "irate": INSTANT_RATE, "resets": RESETS}
_EXTENDED = frozenset({"rate", "increase", "delta"})
_COUNTER_ENDINGS = ("_total", "_sum", "_count", "_bucket")


def range_function(context: Context, call: Call, steps: Steps) -> Grid:
    """
    The vector that a function over a range gives at every step.

    Raises:
        InvalidInput: A factor out of range, a modifier that the function knows nothing of.
    """
    grids = list(_range_pieces(context, call, steps))
    grid = stacked(grids, steps.count)
    grid.one_name = all(piece.one_name for piece in grids)
    return grid if RANGE_FUNCTIONS[call.function].keeps_name else context.nameless(grid)


def range_pieces(context: Context, call: Call, steps: Steps) -> Iterator[Grid]:
    """The same, batch by batch; rows of different batches are taken to differ without their names, too."""
    keeps_name = RANGE_FUNCTIONS[call.function].keeps_name
    for piece in _range_pieces(context, call, steps):
        yield piece if keeps_name else context.nameless(piece)


def _range_pieces(context: Context, call: Call, steps: Steps) -> Iterator[Grid]:
    function = RANGE_FUNCTIONS[call.function]
    factors = _factors(context, call, steps)
    argument = range_of(context, call.arguments[function.range_at], steps)
    _check_extension(argument, call.function)
    for batch in argument.batches:
        piece = _reduce(context, call, function, argument, batch, steps, factors)
        piece.one_name = argument.one_name
        _check_factors(context, call, factors, piece)
        if function.counter and function.window is None:
            _remark_names(context, piece, argument)
        yield piece


def window_counts(context: Context, argument: Range, steps: Steps) -> Mask:
    """[T] whether any series has a sample in the window, for `absent_over_time`."""
    found = np.zeros(steps.count, dtype=np.bool_)
    call = Call("present_over_time", (), argument.span)
    function = RANGE_FUNCTIONS["present_over_time"]
    nothing = np.zeros(steps.count)
    held = context.cells_held
    for batch in argument.batches:
        context.cells_held = held
        found |= _reduce(context, call, function, argument, batch, steps, (nothing, nothing)).present.any(axis=0)
    return found


def _reduce(
    context: Context, call: Call, function: RangeFunction, argument: Range, batch: RangeBatch, steps: Steps, factors: tuple[Floats, Floats]
) -> Grid:
    series = batch.series
    shape = (len(series.labels), steps.count)
    context.check_room(shape[0] * shape[1])
    values, present = np.zeros(shape), np.zeros(shape, dtype=np.bool_)
    flat = flat_buffers(series)
    grid = Grid(series.labels, values, present, None, batch.nameless, batch.pending)
    if series.starts_ms is not None and call.function in _STARTED and argument.extension is RangeExtension.NONE:
        overlaps = np.zeros(shape[0], dtype=np.bool_)
        windows = (argument.ends_ms, argument.range_ms)
        work = _bound(started_rows, _STARTED[call.function], *flat, ready_times(series.starts_ms), *windows, values, present, overlaps)
        context.in_halves(work, shape[0], int(series.timestamps_ms.size) + values.size)
        for row in np.flatnonzero(overlaps):
            context.annotations.add(say.overlapping_start(series.labels[int(row)].metric), argument.span)
    else:
        work = _kernel(context, call.function, function, argument, steps, factors, flat, values, present)
        context.in_halves(work, shape[0], int(series.timestamps_ms.size) + values.size)
    if series.histograms:
        fill = fill_mixed_rows if argument.extension is RangeExtension.NONE else fill_extended_rows
        fill(MixedTask(context, call, function.mixed, function.counter, function.per_second, argument), series, grid)
    grid = grid.without_empty_rows()
    context.hold(grid.values.size)
    return grid


def _kernel(
    context: Context,
    name: str,
    function: RangeFunction,
    argument: Range,
    steps: Steps,
    factors: tuple[Floats, Floats],
    flat: tuple[Times, Times, Floats],
    values: Floats,
    present: Mask,
) -> partial[None]:
    windows = (argument.ends_ms, argument.range_ms)
    rate = (function.counter, function.per_second)
    if argument.extension is not RangeExtension.NONE:
        lookback = context.question.lookback_ms
        if name in _EXTENDED:
            smooth = argument.extension is RangeExtension.SMOOTHED
            return _bound(extended_rows, *flat, *windows, lookback, smooth, *rate, values, present)
        return _bound(anchored_count_rows, *flat, *windows, lookback, name == "resets", values, present)
    if function.window is None:
        return _bound(rate_rows, *flat, *windows, *rate, values, present)
    return _bound(window_rows, int(function.window), *flat, *windows, steps.times_ms, *factors, values, present)


def _bound(kernel: object, *arguments: object) -> partial[None]:
    assert callable(kernel)
    return partial(kernel, *arguments)


def _factors(context: Context, call: Call, steps: Steps) -> tuple[Floats, Floats]:
    nothing = np.zeros(steps.count)
    if call.function == "quantile_over_time":
        q = ready_floats(context.scalar(call.arguments[0], steps))
        return q, nothing
    if call.function == "predict_linear":
        return ready_floats(context.scalar(call.arguments[1], steps)), nothing
    if call.function == "double_exponential_smoothing":
        smoothing, trend = (ready_floats(context.scalar(one, steps)) for one in call.arguments[1:])
        return smoothing, trend
    return nothing, nothing


def _check_factors(context: Context, call: Call, factors: tuple[Floats, Floats], piece: Grid) -> None:
    """What is wrong with the factors, once there is a series that they are for."""
    if call.function == "quantile_over_time":
        q = factors[0][piece.present.any(axis=0)]
        for one in np.unique(q[~((q >= 0) & (q <= 1))]):
            context.annotations.add(say.invalid_quantile(float(one)), call.arguments[0].span)
    elif call.function == "double_exponential_smoothing" and piece.height:
        _check_factor(factors[0], "smoothing", "sf")
        _check_factor(factors[1], "trend", "tf")


def _check_factor(factor: Floats, word: str, short: str) -> None:
    wrong = factor[~((factor > 0) & (factor < 1))]
    if wrong.size:
        raise InvalidInput(f"invalid {word} factor. Expected: 0 < {short} < 1, got: {wrong[0]:f}")


def _check_extension(argument: Range, function: str) -> None:
    if function in _EXTENDED or (function in {"changes", "resets"} and argument.extension is RangeExtension.ANCHORED):
        return
    require_plain(argument, function)


def _remark_names(context: Context, grid: Grid, argument: Range) -> None:
    """An info for metrics that are not named as counters, or not labelled as such."""
    if grid.nameless or not grid.height:
        return
    has_floats = grid.float_mask.any(axis=1)
    seen: set[tuple[str, str]] = set()
    for row in np.flatnonzero(has_floats):
        labels = grid.raw[int(row)]
        kind = labels.get("__type__") if context.options.type_and_unit_labels else ""
        if (labels.metric, kind) in seen:
            continue
        seen.add((labels.metric, kind))
        if kind:
            if kind not in {"counter", "histogram"}:
                context.annotations.add(say.non_counter_type(labels.metric, kind), argument.span)
        elif labels.metric and not labels.metric.endswith(_COUNTER_ENDINGS):
            context.annotations.add(say.possible_non_counter(labels.metric), argument.span)
        if grid.one_name and not context.options.type_and_unit_labels:
            return
