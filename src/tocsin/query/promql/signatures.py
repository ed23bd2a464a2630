"""
Every function and aggregation of PromQL: what it takes, what it gives, and whether it is experimental.

Source: Prometheus documentation, 'Query functions' and 'Operators', as of 3.15 and the development after it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.query.promql.syntax import ValueType

SCALAR, VECTOR, MATRIX, STRING = ValueType.SCALAR, ValueType.VECTOR, ValueType.MATRIX, ValueType.STRING


@dataclass(frozen=True, slots=True)
class Signature:
    """
    A function.

    Args:
        name: As it is called.
        arguments: Types of the arguments; the last one repeats where more are allowed than listed.
        returns: Type of the result.
        optional: How many arguments at the end may be left out.
        repeats_max: How often the last argument may come beyond those listed; None for any number.
        experimental: Whether the option `promql.experimental_functions` must be on.
    """

    name: str
    arguments: tuple[ValueType, ...]
    returns: ValueType = VECTOR
    optional: int = 0
    repeats_max: int | None = 0
    experimental: bool = False

    @property
    def arguments_min(self) -> int:
        """How many arguments it takes at least."""
        return len(self.arguments) - self.optional

    @property
    def arguments_max(self) -> int | None:
        """How many arguments it takes at most; None without limit."""
        return None if self.repeats_max is None else len(self.arguments) + self.repeats_max

    def argument_type(self, index: int) -> ValueType:
        """The type of the argument at an index, counted from 0."""
        return self.arguments[min(index, len(self.arguments) - 1)]


_OF_VECTOR = (
    "abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor histogram_avg histogram_count histogram_stddev "
    "histogram_stdvar histogram_sum ln log10 log2 rad sgn sin sinh sort sort_desc sqrt tan tanh timestamp"
)
_OF_TIMES = "day_of_month day_of_week day_of_year days_in_month hour minute month year"
_OF_RANGE = (
    "absent_over_time avg_over_time changes count_over_time delta deriv first_over_time idelta increase irate last_over_time max_over_time "
    "min_over_time present_over_time rate resets stddev_over_time stdvar_over_time sum_over_time"
)
_OF_RANGE_EXPERIMENTAL = "mad_over_time ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time"
_OF_QUERY_EXPERIMENTAL = "end range start step"

_OTHERS = (
    Signature("clamp", (VECTOR, SCALAR, SCALAR)),
    Signature("clamp_max", (VECTOR, SCALAR)),
    Signature("clamp_min", (VECTOR, SCALAR)),
    Signature("double_exponential_smoothing", (MATRIX, SCALAR, SCALAR), experimental=True),
    Signature("histogram_fraction", (SCALAR, SCALAR, VECTOR)),
    Signature("histogram_quantile", (SCALAR, VECTOR)),
    Signature("histogram_quantiles", (VECTOR, STRING, SCALAR, SCALAR), optional=1, repeats_max=8, experimental=True),
    Signature("info", (VECTOR, VECTOR), optional=1, experimental=True),
    Signature("label_join", (VECTOR, STRING, STRING, STRING), optional=1, repeats_max=None),
    Signature("label_replace", (VECTOR, STRING, STRING, STRING, STRING)),
    Signature("max_of", (SCALAR, SCALAR), SCALAR, experimental=True),
    Signature("min_of", (SCALAR, SCALAR), SCALAR, experimental=True),
    Signature("pi", (), SCALAR),
    Signature("predict_linear", (MATRIX, SCALAR)),
    Signature("quantile_over_time", (SCALAR, MATRIX)),
    Signature("round", (VECTOR, SCALAR), optional=1),
    Signature("scalar", (VECTOR,), SCALAR),
    Signature("sort_by_label", (VECTOR, STRING), optional=1, repeats_max=None, experimental=True),
    Signature("sort_by_label_desc", (VECTOR, STRING), optional=1, repeats_max=None, experimental=True),
    Signature("start_timestamp", (VECTOR,), experimental=True),
    Signature("time", (), SCALAR),
    Signature("vector", (SCALAR,)),
)

FUNCTIONS: dict[str, Signature] = {
    signature.name: signature
    for signature in (
        *(Signature(name, (VECTOR,)) for name in _OF_VECTOR.split()),
        *(Signature(name, (VECTOR,), optional=1) for name in _OF_TIMES.split()),
        *(Signature(name, (MATRIX,)) for name in _OF_RANGE.split()),
        *(Signature(name, (MATRIX,), experimental=True) for name in _OF_RANGE_EXPERIMENTAL.split()),
        *(Signature(name, (), SCALAR, experimental=True) for name in _OF_QUERY_EXPERIMENTAL.split()),
        *_OTHERS,
    )
}

# Aggregations with the type of their parameter; None takes no parameter.
AGGREGATIONS: dict[str, ValueType | None] = {
    "avg": None,
    "bottomk": SCALAR,
    "count": None,
    "count_values": STRING,
    "group": None,
    "limit_ratio": SCALAR,
    "limitk": SCALAR,
    "max": None,
    "min": None,
    "quantile": SCALAR,
    "stddev": None,
    "stdvar": None,
    "sum": None,
    "topk": SCALAR,
}
EXPERIMENTAL_AGGREGATIONS = frozenset({"limitk", "limit_ratio"})

# What a range at whose edges samples are added or interpolated may be given to.
ANCHORED_FUNCTIONS = ("changes", "delta", "increase", "rate", "resets")
SMOOTHED_FUNCTIONS = ("delta", "increase", "rate")
