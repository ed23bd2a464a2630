"""
Several hundred queries over the series of `test_differential`, made by putting functions, operators and selectors together.

What Prometheus itself leaves open (the order of equal values in `topk`) is not asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

RANGES = ("1m", "5m", "17m")
RANGE_FUNCTIONS = (
    "rate", "increase", "delta", "irate", "idelta", "deriv", "resets", "changes", "sum_over_time", "avg_over_time", "min_over_time",
    "max_over_time", "count_over_time", "last_over_time", "present_over_time", "stddev_over_time", "stdvar_over_time", "absent_over_time",
)  # fmt: skip
MATH = (
    "abs", "ceil", "floor", "exp", "ln", "log2", "log10", "sqrt", "sgn", "round", "sin", "cos", "tan", "asin", "acos", "atan", "sinh",
    "cosh", "tanh", "asinh", "acosh", "atanh", "deg", "rad",
)  # fmt: skip
DATES = ("minute", "hour", "day_of_week", "day_of_month", "day_of_year", "days_in_month", "month", "year")
AGGREGATIONS = ("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar")
OPERATORS = ("+", "-", "*", "/", "%", "^", "atan2", "==", "!=", ">", "<", ">=", "<=")
SERIES = ("requests_total", "temperature", "flapping_total", "gappy", "odd_values")


def queries() -> Iterator[str]:
    """All of them, each once."""
    return iter(dict.fromkeys([*_ranges(), *_instants(), *_aggregations(), *_binaries(), *_times(), *_labels(), *_histograms()]))


def _ranges() -> Iterator[str]:
    for function, name, width in product(RANGE_FUNCTIONS, SERIES, RANGES):
        yield f"{function}({name}[{width}])"
    for name in SERIES:
        yield f"quantile_over_time(0.3, {name}[10m])"
        yield f"predict_linear({name}[10m], 600)"


def _instants() -> Iterator[str]:
    for name in SERIES:
        yield name
        yield f"-{name}"
        yield f"timestamp({name})"
        yield f"clamp({name}, 10, 50)"
        yield f"clamp_min({name}, 20) - clamp_max({name}, 30)"
        yield f"absent({name})"
        yield f"round({name}, 7)"
    for function in MATH:
        yield f"{function}(temperature)"
        yield f"{function}(odd_values)"
    for function in DATES:
        yield f"{function}(vector(time()))"
        yield f"{function}(temperature * 86400 * 3)"
    yield from (
        "absent(nothing{job='x', path=~'.+'})",
        "scalar(temperature{place='attic'})",
        "vector(1)",
        "time()",
        "pi()",
        "1 + 2 ^ 3 ^ 0.5",
    )
    yield from (
        '{__name__=~"temp.*|gappy"}',
        'requests_total{path!~"/a.*", job="api"}',
        'requests_total{code=~"5.."}',
        'temperature{missing=""}',
    )


def _aggregations() -> Iterator[str]:
    for function, name in product(AGGREGATIONS, SERIES):
        yield f"{function}({name})"
        yield f"{function} by (job) ({name})"
        yield f"{function} without (path, code) (rate({name}[5m]))"
    for name in SERIES:
        yield f"quantile(0.9, {name})"
        yield f"quantile by (job) (0.25, rate({name}[5m]))"
    yield from ('count_values("value", round(temperature / 10))', "topk(2, requests_total)", "bottomk by (job) (1, requests_total)")
    yield from ("sum(topk(3, requests_total))", "count(limitk(3, requests_total)) or vector(0)")


def _binaries() -> Iterator[str]:
    for operator in OPERATORS:
        yield f"temperature {operator} 20.5"
        yield f"3 {operator} temperature"
        yield f"requests_total {operator} requests_total offset 5m"
        yield f"odd_values {operator} odd_values"
        yield f"sum by (path) (requests_total) {operator} on (path) group_right count by (path, code) (requests_total)"
    for operator in OPERATORS[7:]:
        yield f"temperature {operator} bool 20"
        yield f"requests_total {operator} bool ignoring(code) group_left sum without (code) (requests_total)"
    for operator in ("and", "or", "unless"):
        yield f"requests_total {operator} requests_total{{code='500'}}"
        yield f"requests_total {operator} on (path) requests_total{{code='500'}} > 20"
        yield f"requests_total {operator} ignoring (code) temperature"
    yield from (
        "requests_total / ignoring(code) group_left sum without (code) (requests_total)",
        "requests_total * on (job) group_left (place) temperature{place='attic'}",
    )


def _times() -> Iterator[str]:
    for name in SERIES:
        yield f"{name} offset 7m"
        yield f"{name} offset -3m"
        yield f"rate({name}[5m] offset 10m)"
        yield f"max_over_time(rate({name}[3m])[20m:90s])"
        yield f"avg_over_time({name}[20m:])"
        yield f"sum_over_time(({name} > 10)[15m:1m] offset 2m)"
        yield f"{name} @ start()"
        yield f"rate({name}[5m] @ end())"
        yield f"delta({name}[10m:1m] @ end() offset 1m)"


def _labels() -> Iterator[str]:
    yield from (
        'label_replace(requests_total, "short", "$1", "path", "/(.).*")',
        'label_replace(requests_total, "job", "", "job", ".*")',
        'label_replace(requests_total, "x", "fixed", "missing", "")',
        'label_join(requests_total, "all", "-", "job", "path", "code")',
        'sum by (short) (label_replace(rate(requests_total[5m]), "short", "${letter}", "path", "/(?P<letter>.).*"))',
        "sort_desc(requests_total)",
        "sort(temperature)",
    )


def _histograms() -> Iterator[str]:
    for quantile in (-1, 0, 0.1, 0.5, 0.9, 0.99, 1, 2):
        yield f"histogram_quantile({quantile}, latency_seconds_bucket)"
        yield f"histogram_quantile({quantile}, sum by (le) (rate(latency_seconds_bucket[5m])))"
    yield "histogram_quantile(0.9, requests_total)"
    yield "histogram_fraction(0.05, 0.25, rate(latency_seconds_bucket[10m]))"
