"""Functions of vectors: mathematics, dates, labels, scalars, classic histograms."""

from __future__ import annotations

import calendar
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.query.promql.scripts import ask, engine_over, holds

from tocsin.errors import InvalidInput
from tocsin.query.promql.label_functions import natural_key
from tocsin.query.promql.syntax import ValueType

NUMBERS = """
    load 1m
      number{n="a"} -2.5
      number{n="b"} 0
      number{n="c"} 4
      number{n="d"} NaN
      number{n="e"} Inf
      number{n="h"} {{count:3 sum:3}}
"""


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("abs(number)", (2.5, 0, 4, math.nan, math.inf)),
        ("ceil(number)", (-2, 0, 4, math.nan, math.inf)),
        ("floor(number)", (-3, 0, 4, math.nan, math.inf)),
        ("round(number)", (-2, 0, 4, math.nan, math.inf)),
        ("round(number, 4)", (-4, 0, 4, math.nan, math.inf)),
        ("sgn(number)", (-1, 0, 1, math.nan, 1)),
        ("sqrt(number)", (math.nan, 0, 2, math.nan, math.inf)),
        ("ln(number)", (math.nan, -math.inf, math.log(4), math.nan, math.inf)),
        ("log2(number)", (math.nan, -math.inf, 2, math.nan, math.inf)),
        ("log10(number)", (math.nan, -math.inf, math.log10(4), math.nan, math.inf)),
        ("exp(number)", (math.exp(-2.5), 1, math.exp(4), math.nan, math.inf)),
        ("cos(number)", (math.cos(-2.5), 1, math.cos(4), math.nan, math.nan)),
        ("atan(number)", (math.atan(-2.5), 0, math.atan(4), math.nan, math.pi / 2)),
        ("acosh(number)", (math.nan, math.nan, math.acosh(4), math.nan, math.inf)),
        ("deg(number)", (math.degrees(-2.5), 0, math.degrees(4), math.nan, math.inf)),
        ("clamp(number, -1, 3)", (-1, 0, 3, math.nan, 3)),
        ("clamp(number, 0, NaN)", (math.nan,) * 5),
        ("clamp_min(number, 1)", (1, 1, 4, math.nan, math.inf)),
        ("clamp_max(number, 1)", (-2.5, 0, 1, math.nan, 1)),
        ("-number", (2.5, 0, -4, math.nan, -math.inf)),
    ],
)
def test_mathematics(expression: str, expected: tuple[float, ...]) -> None:
    """Every float becomes what IEEE 754 says; native histograms are left out silently, and the name goes."""
    answer = ask(NUMBERS.replace('number{n="h"} {{count:3 sum:3}}', "") if expression == "-number" else NUMBERS, expression, at_s=0)
    got = {one.labels.get("n"): float(one.values[0]) for one in answer.series}
    assert got == pytest.approx(dict(zip("abcde", expected, strict=True)), nan_ok=True)
    assert not any(one.labels.metric for one in answer.series)
    assert answer.annotations.warnings == answer.annotations.infos == ()


def test_clamp_to_nothing() -> None:
    """Bounds that cross leave nothing, at the steps at which they cross."""
    holds("""
        load 1m
          number 5 5 5
          low 1 9 1

        eval range from 0m to 2m step 1m clamp(number, scalar(low), 6)
          {} 5 _ 5
    """)


@settings(max_examples=80, deadline=None)
@given(st.integers(-60_000_000_000, 200_000_000_000))
def test_dates(seconds: int) -> None:
    """Parts of dates are those of the Gregorian calendar in UTC, far back and far ahead."""
    at = datetime.fromtimestamp(seconds, tz=UTC)
    engine = engine_over("load 1m\n  nothing 1\n")
    expected = {
        "year": at.year,
        "month": at.month,
        "day_of_month": at.day,
        "day_of_week": at.isoweekday() % 7,
        "hour": at.hour,
        "minute": at.minute,
        "day_of_year": at.timetuple().tm_yday,
        "days_in_month": calendar.monthrange(at.year, at.month)[1],
    }
    got = {name: float(engine.instant(f"{name}(vector({seconds}))", time_ms=0).series[0].values[0]) for name in expected}
    engine.close()
    assert got == expected


def test_dates_of_the_evaluation() -> None:
    """Without an argument the date is that of the evaluation, at every step; what is no instant has no date."""
    holds("""
        eval range from 0s to 7200s step 3600s hour()
          {} 0 1 2

        eval instant at 86400s day_of_month()
          {} 2

        eval instant at 0s year(vector(NaN))
          {} NaN
    """)


LABELS = """
    load 1m
      door{path="/api/v2", host="x-7"} 1
      door{path="/", host="x-8"} 2
"""


def test_label_replace() -> None:
    """The whole value must match; groups by number or name; an empty replacement removes the label; the rest stays."""
    holds(
        LABELS
        + r"""
    eval instant at 0m label_replace(door, "v", "$1", "path", "/api/v(.*)")
      door{path="/api/v2", host="x-7", v="2"} 1
      door{path="/", host="x-8"} 2

    eval instant at 0m label_replace(door, "host", "${num}-${nothing}$$", "host", "x-(?P<num>\\d)")
      door{path="/api/v2", host="7-$"} 1
      door{path="/", host="8-$"} 2

    eval instant at 0m label_replace(door, "host", "", "host", ".*")
      door{path="/api/v2"} 1
      door{path="/"} 2

    eval instant at 0m label_replace(door, "new", "always", "missing", "")
      door{path="/api/v2", host="x-7", new="always"} 1
      door{path="/", host="x-8", new="always"} 2
    """
    )
    with pytest.raises(InvalidInput, match="same labelset"):
        ask(LABELS, 'label_replace(label_replace(door, "host", "", "", ""), "path", "", "", "")', at_s=0)
    with pytest.raises(InvalidInput, match="invalid regular expression in label_replace"):
        ask(LABELS, 'label_replace(door, "a", "", "b", "(")', at_s=0)


def test_label_join() -> None:
    """Values are joined in the order asked for, missing ones as empty."""
    holds(
        LABELS
        + """
    eval instant at 0m label_join(door, "both", "|", "host", "nothing", "path")
      door{path="/api/v2", host="x-7", both="x-7||/api/v2"} 1
      door{path="/", host="x-8", both="x-8||/"} 2
    """
    )


def test_orders() -> None:
    """`sort` puts NaN last both ways; labels are sorted as people count, then by all labels."""
    script = "load 1m\n  p{n='a10', k='1'} 3\n  p{n='a2', k='2'} NaN\n  p{n='a2', k='1'} 1\n"
    ordered = {
        query: [(one.labels.get("n"), one.labels.get("k")) for one in ask(script, query, at_s=0).series]
        for query in ("sort(p)", "sort_desc(p)", 'sort_by_label(p, "n")', 'sort_by_label_desc(p, "n")')
    }
    assert ordered == {
        "sort(p)": [("a2", "1"), ("a10", "1"), ("a2", "2")],
        "sort_desc(p)": [("a10", "1"), ("a2", "1"), ("a2", "2")],
        'sort_by_label(p, "n")': [("a2", "1"), ("a2", "2"), ("a10", "1")],
        'sort_by_label_desc(p, "n")': [("a10", "1"), ("a2", "2"), ("a2", "1")],
    }


@pytest.mark.parametrize(("first", "second"), [("a2", "a10"), ("2", "10"), ("x1y2", "x1y10"), ("1", "a"), ("", "0"), ("a", "a0")])
def test_natural_order(first: str, second: str) -> None:
    """Numbers inside of texts are compared as numbers."""
    assert natural_key(first) < natural_key(second)


def test_scalars_and_vectors() -> None:
    """`scalar` of anything but one float is NaN; `vector` has no labels; `time` is the step's own."""
    holds(
        NUMBERS
        + """
    eval instant at 0m scalar(number{n="c"})
      4

    eval instant at 0m scalar(number)
      NaN

    eval instant at 0m scalar(number{n="h"})
      NaN

    eval range from 1m to 3m step 1m vector(time() / 60)
      {} 1 2 3

    eval range from 1m to 3m step 1m vector(end() - start() + range() - step())
      {} 180 180 180

    eval instant at 1m max_of(2, min_of(5, 3)) + pi() * 0
      3
    """
    )
    assert ask(NUMBERS, "time()", at_s=7.25).scalar == 7.25
    assert ask(NUMBERS, '"text"', at_s=0).text == "text"
    assert ask(NUMBERS, '"text"', at_s=0).type is ValueType.STRING


def test_absent() -> None:
    """1 where nothing is, under the labels that were asked for exactly."""
    holds(
        NUMBERS
        + """
    eval instant at 0m absent(number)

    eval instant at 0m absent(nothing{a="1", b!="2", c=~"3"})
      {a="1"} 1

    eval instant at 0m absent(sum(nothing{a="1"}))
      {} 1

    eval range from 0m to 10m step 5m absent(number{n="a"})
      {n="a"} _ 1 1
    """
    )


def test_classic_quantiles() -> None:
    """Buckets are put together by their other labels; a bucket without a bound is remarked."""
    holds("""
        load 1m
          took_bucket{le="1", job="a"} 2
          took_bucket{le="2", job="a"} 6
          took_bucket{le="+Inf", job="a"} 8
          took_bucket{le="often", job="a"} 8
          took_bucket{le="1", job="b"} 5
          took_bucket{le="+Inf", job="b"} 5

        eval instant at 0m histogram_quantile(0.5, took_bucket)
          expect warn msg: PromQL warning: bucket label "le" is missing or has a malformed value of "often" for metric name "took_bucket"
          {job="a"} 1.5
          {job="b"} 0.5

        eval instant at 0m histogram_fraction(0, 1, took_bucket{le!="often"})
          {job="a"} 0.25
          {job="b"} 1

        eval instant at 0m histogram_quantiles(took_bucket{le!="often", job="a"}, "q", 0.25, 1)
          {job="a", q="0.25"} 1
          {job="a", q="1.0"} 2
    """)


def test_native_quantiles() -> None:
    """Native histograms are taken one by one, beside classic ones; both under the same labels are refused."""
    holds("""
        load 1m
          took{job="n"} {{schema:0 count:4 sum:5 buckets:[2 2]}}
          both{job="n"} {{schema:0 count:4 sum:5 buckets:[2 2]}}
          both{job="n", le="1"} 3
          both{job="n", le="+Inf"} 3

        eval instant at 0m histogram_count(took)
          {job="n"} 4

        eval instant at 0m histogram_sum(took) / histogram_avg(took)
          {job="n"} 4

        eval instant at 0m histogram_quantile(1, took)
          {job="n"} 2

        eval instant at 0m histogram_quantile(0.5, both)
          expect warn msg: PromQL warning: vector contains a mix of classic and native histograms for metric name "both"
    """)
