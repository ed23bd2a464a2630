"""
Series with values, as test scripts write them: `up{job="api"} 1 2+3x2 _ stale {{schema:1 sum:4 count:4 buckets:[1 2 1]}}`.

`a+bxn` is n+1 values from a in steps of b, `axn` is a n+1 times, `_` is no value, `_xn` none n times, `stale` ends the series.
Source: Prometheus documentation, 'Unit testing for rules', series.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from tocsin.errors import InvalidInput
from tocsin.model.labels import Labels
from tocsin.model.native_histogram import CUSTOM_BUCKETS_SCHEMA, Buckets, NativeHistogram, ResetHint
from tocsin.model.series import STALE_NAN, MatchOperator
from tocsin.query.promql.histogram_arithmetic import add, subtract
from tocsin.query.promql.numerals import parse_duration_ms
from tocsin.query.promql.selector_parser import parse_selector
from tocsin.query.promql.token_stream import TokenStream

# A script may write `1x1000000`; more would only be a slip of the pen.
REPEATS_MAX = 10_000_000

_NUMBER = r"[+-]?(?:[iI]nf|[nN]a[nN]|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
_DURATION = r"[+-]?(?:\d+(?:ms|[smhdwy]))+"
_HISTOGRAM = r"\{\{[^{}]*\}\}"
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_BRACES = re.compile(r"""\{(?:[^{}"'`]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)*\}""")
_ITEM = re.compile(
    rf"(?:(?P<missing>_)|(?P<stale>stale)|(?P<histogram>{_HISTOGRAM})(?:(?P<sign>[+-])(?P<histogram_step>{_HISTOGRAM}))?"
    rf"|(?P<duration>{_DURATION})(?P<duration_step>{_DURATION}|[+-]0)?"
    rf"|(?P<number>{_NUMBER})(?:(?P<number_duration_step>[+-](?:\d+(?:ms|[smhdwy]))+)|(?P<number_step>[+-](?:{_NUMBER})))?)"
    r"(?:x(?P<times>\d{1,9}))?(?=\s|$)"
)
_FIELD = re.compile(r"\s*([a-z_]+):(\[[^\]]*\]|[^\s\[\]]+)\s*")
_FIELDS = {
    "schema", "sum", "count", "z_bucket", "z_bucket_w", "buckets", "offset", "n_buckets", "n_offset", "custom_values", "counter_reset_hint",
}  # fmt: skip
_HINTS = {"unknown": ResetHint.UNKNOWN, "reset": ResetHint.RESET, "not_reset": ResetHint.NOT_RESET, "gauge": ResetHint.GAUGE}

Point: TypeAlias = "float | NativeHistogram | None"


@dataclass(frozen=True, slots=True)
class WrittenSeries:
    """
    One line of a script.

    Args:
        labels: What identifies the series.
        points: One for each step; None where it has no value, the stale NaN where it ends.
        start_timestamps: Whether the line gives start timestamps (`series@st`), milliseconds from each sample, rather than values.
        hints_written: Indexes of the points whose `counter_reset_hint` is written out; others may have any.
    """

    labels: Labels
    points: Sequence[Point]
    start_timestamps: bool = False
    hints_written: frozenset[int] = frozenset()


def parse_series(line: str) -> WrittenSeries:
    """
    A line with a series and its values.

    Raises:
        InvalidInput: It is none; says what is wrong.
    """
    name = _NAME.match(line)
    at = name.end() if name is not None else 0
    braces = _BRACES.match(line, at) or _BRACES.match(line, at + len(line[at:]) - len(line[at:].lstrip()))
    if braces is not None and line.startswith("{{", braces.start()):
        braces = None
    end = braces.end() if braces is not None else at
    if not end:
        raise InvalidInput(f'expected a series with values, such as up{{job="api"}} 1 2 3, found "{line[:200]}"')
    labels = parse_labels(name.group() if name is not None else "", braces.group() if braces is not None else "")
    start_timestamps = line.startswith("@st", end)
    values = line[end + 3 if start_timestamps else end :]
    points, hints = _points(values)
    return WrittenSeries(labels, points, start_timestamps, hints)


def parse_labels(name: str, braces: str) -> Labels:
    """Labels of a series: its name, and `{job="api"}` or nothing."""
    stream = TokenStream(braces or "{}")
    selector = parse_selector(stream, name, 0)
    if any(matcher.operator is not MatchOperator.EQUAL for matcher in selector.matchers):
        raise InvalidInput(f'a series is written with "=" only, found {braces}')
    return Labels((matcher.name, matcher.value) for matcher in selector.matchers)


def parse_points(text: str) -> list[Point]:
    """Values alone: `1 2+3x2 _ stale`."""
    return _points(text)[0]


def _points(text: str) -> tuple[list[Point], frozenset[int]]:
    points: list[Point] = []
    hints: set[int] = set()
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        found = _ITEM.match(text, at)
        if found is None:
            raise InvalidInput(f'expected values such as 1 2+3x2 _ stale {{{{sum:1 count:1}}}}, found "{text[at : at + 200]}"')
        if int(found["times"] or 0) > REPEATS_MAX:
            raise InvalidInput(f"{found['times']} repetitions are more than {REPEATS_MAX}")
        new = list(_expanded(found))
        if found["histogram"] and "counter_reset_hint" in found["histogram"]:
            hints.update(range(len(points), len(points) + len(new)))
        points += new
        at = found.end()
    return points, frozenset(hints)


def _expanded(found: re.Match[str]) -> Iterator[Point]:
    times = int(found["times"] or 0)
    if found["missing"]:
        yield from [None] * max(times, 1)
    elif found["stale"]:
        yield from [STALE_NAN] * (times + 1)
    elif found["histogram"]:
        yield from _histograms(found, times)
    else:
        yield from _numbers(found, times)


def _numbers(found: re.Match[str], times: int) -> Iterator[float]:
    first = _length(found["duration"]) if found["duration"] else float(found["number"])
    step = 0.0
    for written in (found["duration_step"], found["number_duration_step"]):
        step = _length(written) if written else step
    if found["number_step"]:
        # `1--2x3` goes up: the sign that joins, and the sign of the number.
        sign, rest = found["number_step"][0], found["number_step"][1:]
        step = float(rest) * (-1 if sign == "-" else 1)
    value = first
    for _ in range(times + 1):
        yield value
        value += step


def _length(text: str) -> float:
    if text.strip("+-") == "0":
        return 0.0
    ms = parse_duration_ms(text.lstrip("+-"))
    return float(-ms if text.startswith("-") else ms)


def _histograms(found: re.Match[str], times: int) -> Iterator[NativeHistogram]:
    histogram = parse_histogram(found["histogram"])
    step = parse_histogram(found["histogram_step"]) if found["histogram_step"] else None
    combine = subtract if found["sign"] == "-" else add
    hint = histogram.reset
    for _ in range(times + 1):
        yield histogram
        if step is not None:
            combined, _remarks = combine(histogram, step)
            if combined is None:
                raise InvalidInput(f"{found.group()}: the histograms cannot be combined, because their buckets differ")
            histogram = replace(combined, reset=hint)


def parse_histogram(text: str) -> NativeHistogram:
    """
    A histogram: `{{schema:1 sum:4 count:4 buckets:[1 2 1]}}`.

    Raises:
        InvalidInput: A field that histograms don't have, or a value that is no number.
    """
    inside = text.strip()[2:-2]
    fields: dict[str, str] = {}
    at = 0
    while at < len(inside.rstrip()):
        found = _FIELD.match(inside, at)
        if found is None or found[1] not in _FIELDS:
            raise InvalidInput(f'expected fields such as sum:1 count:2 buckets:[1 1] of a histogram, found "{inside[at : at + 100]}"')
        fields[found[1]] = found[2]
        at = found.end()
    hint = fields.get("counter_reset_hint", "unknown")
    if hint not in _HINTS:
        raise InvalidInput(f"expected counter_reset_hint to be one of {', '.join(_HINTS)}, found {hint}")
    try:
        return _built(fields, _HINTS[hint])
    except ValueError as error:
        raise InvalidInput(f"{text}: {error}") from error


def _built(fields: dict[str, str], hint: ResetHint) -> NativeHistogram:
    custom_values = tuple(_list(fields.get("custom_values", "")))
    schema = int(fields.get("schema", "0"))
    if custom_values and "schema" not in fields:
        schema = CUSTOM_BUCKETS_SCHEMA
    return NativeHistogram(
        schema=schema,
        count=float(fields.get("count", "0")),
        sum=float(fields.get("sum", "0")),
        zero_threshold=float(fields.get("z_bucket_w", "0")),
        zero_count=float(fields.get("z_bucket", "0")),
        positive=Buckets(int(fields.get("offset", "0")), np.array(_list(fields.get("buckets", "")), dtype=np.float64)),
        negative=Buckets(int(fields.get("n_offset", "0")), np.array(_list(fields.get("n_buckets", "")), dtype=np.float64)),
        custom_values=custom_values,
        reset=hint,
    )


def _list(text: str) -> list[float]:
    return [float(number) for number in text.strip("[]").replace(",", " ").split()]
