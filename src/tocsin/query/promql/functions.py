"""Every function of PromQL by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from tocsin.query.promql.context import Context, Value
from tocsin.query.promql.dates import DATE_FUNCTIONS, date_function
from tocsin.query.promql.grid import Steps
from tocsin.query.promql.histogram_functions import (
    NUMBER_FUNCTIONS,
    histogram_fraction,
    histogram_number,
    histogram_quantile,
    histogram_quantiles,
)
from tocsin.query.promql.info import info_function
from tocsin.query.promql.label_functions import label_join, label_replace, sort_by_label, sort_by_value
from tocsin.query.promql.math_functions import CELL_FUNCTIONS, cell_function, clamp, clamp_max, clamp_min, rounded
from tocsin.query.promql.over_time import RANGE_FUNCTIONS, range_function
from tocsin.query.promql.scalar_functions import (
    absent,
    absent_over_time,
    extreme_function,
    pi_function,
    question_function,
    scalar_function,
    start_timestamp_function,
    time_function,
    timestamp_function,
    vector_function,
)
from tocsin.query.promql.syntax import Call

Function: TypeAlias = "Callable[[Context, Call, Steps], Value]"

FUNCTIONS: Mapping[str, Function] = {
    **dict.fromkeys(CELL_FUNCTIONS, cell_function),
    **dict.fromkeys(DATE_FUNCTIONS, date_function),
    **dict.fromkeys(RANGE_FUNCTIONS, range_function),
    **dict.fromkeys(NUMBER_FUNCTIONS, histogram_number),
    **dict.fromkeys(("start", "end", "range", "step"), question_function),
    **dict.fromkeys(("max_of", "min_of"), extreme_function),
    **dict.fromkeys(("sort", "sort_desc"), sort_by_value),
    **dict.fromkeys(("sort_by_label", "sort_by_label_desc"), sort_by_label),
    "absent": absent,
    "absent_over_time": absent_over_time,
    "clamp": clamp,
    "clamp_max": clamp_max,
    "clamp_min": clamp_min,
    "histogram_fraction": histogram_fraction,
    "histogram_quantile": histogram_quantile,
    "histogram_quantiles": histogram_quantiles,
    "info": info_function,
    "label_join": label_join,
    "label_replace": label_replace,
    "pi": pi_function,
    "round": rounded,
    "scalar": scalar_function,
    "start_timestamp": start_timestamp_function,
    "time": time_function,
    "timestamp": timestamp_function,
    "vector": vector_function,
}
