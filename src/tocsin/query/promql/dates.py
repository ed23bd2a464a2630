"""
Functions of instants (`hour`, `month`, `days_in_month` ...), in UTC, by the proleptic Gregorian calendar.

Source: Prometheus documentation, 'Query functions'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from tocsin.model.labels import Labels
from tocsin.query.promql.context import Context
from tocsin.query.promql.grid import Floats, Grid, Steps
from tocsin.query.promql.syntax import Call

Seconds = NDArray[np.datetime64]

_DAY_S = 86_400
# Beyond this the calendar's arithmetic would overflow; so far away no answer has a meaning.
_FARTHEST_S = 9.0e15


def _year(at: Seconds) -> NDArray[np.int64]:
    return at.astype("datetime64[Y]").astype(np.int64) + 1970


def _month(at: Seconds) -> NDArray[np.int64]:
    return at.astype("datetime64[M]").astype(np.int64) % 12 + 1


def _day(at: Seconds) -> NDArray[np.int64]:
    return at.astype("datetime64[D]").astype(np.int64)


def _day_of_month(at: Seconds) -> NDArray[np.int64]:
    return _day(at) - at.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + 1


def _day_of_year(at: Seconds) -> NDArray[np.int64]:
    return _day(at) - at.astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64) + 1


def _days_in_month(at: Seconds) -> NDArray[np.int64]:
    month = at.astype("datetime64[M]")
    return (month + np.timedelta64(1, "M")).astype("datetime64[D]").astype(np.int64) - month.astype("datetime64[D]").astype(np.int64)


DATE_FUNCTIONS: Mapping[str, Callable[[Seconds], NDArray[np.int64]]] = {
    "day_of_month": _day_of_month,
    "day_of_week": lambda at: (_day(at) + 4) % 7,
    "day_of_year": _day_of_year,
    "days_in_month": _days_in_month,
    "hour": lambda at: at.astype(np.int64) % _DAY_S // 3600,
    "minute": lambda at: at.astype(np.int64) % 3600 // 60,
    "month": _month,
    "year": _year,
}


def date_function(context: Context, call: Call, steps: Steps) -> Grid:
    """Any of `DATE_FUNCTIONS`, of a vector of instants or of the evaluation's own."""
    of = DATE_FUNCTIONS[call.function]
    if not call.arguments:
        return Grid(
            [Labels()], _parts(of, (steps.times_ms // 1000).astype(np.float64)).reshape(1, -1), np.ones((1, steps.count), dtype=np.bool_)
        )
    grid = context.vector(call.arguments[0], steps)
    return context.nameless(grid.floats_only(_parts(of, grid.values)))


def _parts(of: Callable[[Seconds], NDArray[np.int64]], seconds: Floats) -> Floats:
    known = np.isfinite(seconds) & (np.abs(seconds) < _FARTHEST_S)
    whole = np.trunc(np.where(known, seconds, 0.0)).astype(np.int64).astype("datetime64[s]")
    return np.where(known, of(whole).astype(np.float64), np.nan)
