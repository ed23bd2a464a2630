"""Histograms as arithmetic may leave them: negative, infinite and NaN counts, buckets at the ends of the scale. Nothing breaks or warns."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.model.native_histogram import CUSTOM_BUCKETS_SCHEMA, SCHEMA_MAX, SCHEMA_MIN, Buckets, NativeHistogram, ResetHint
from tocsin.query.promql.histogram_arithmetic import add, average_of, divide, equal, scale, subtract, sum_of
from tocsin.query.promql.histogram_quantile import average, fraction, quantile, standard_deviation
from tocsin.query.promql.histogram_rate import histogram_rate, instant_rate
from tocsin.query.promql.histogram_resets import detect_reset
from tocsin.query.promql.histogram_text import histogram_text, shown_buckets
from tocsin.query.promql.histogram_trim import trim_lower, trim_upper

_COUNT = st.one_of(st.integers(-5, 50).map(float), st.sampled_from((math.inf, -math.inf, math.nan, 1e308, 5e-324)))
_NUMBER = st.floats()


@st.composite
def _buckets(draw: st.DrawFn, schema: int) -> Buckets:
    counts = draw(st.lists(_COUNT, max_size=6))
    if schema == CUSTOM_BUCKETS_SCHEMA:
        return Buckets(0, np.array(counts[:4]))
    last = 1024 << schema if schema >= 0 else 1024 >> -schema
    ends = st.one_of(st.integers(-3, 10), st.integers(last - 6, last - 3), st.integers(-last - 60, -last))
    return Buckets(draw(ends), np.array(counts))


@st.composite
def _histograms(draw: st.DrawFn) -> NativeHistogram:
    schema = draw(st.one_of(st.integers(SCHEMA_MIN, SCHEMA_MAX), st.just(CUSTOM_BUCKETS_SCHEMA)))
    custom = schema == CUSTOM_BUCKETS_SCHEMA
    return NativeHistogram(
        schema,
        draw(_COUNT),
        draw(_NUMBER),
        0.0 if custom else draw(st.sampled_from((0.0, 0.001, 0.7, 8.0, 1e300))),
        0.0 if custom else draw(_COUNT),
        draw(_buckets(schema)),
        Buckets(0, np.zeros(0)) if custom else draw(_buckets(schema)),
        draw(st.sampled_from(((-1.0, 0.0, 2.0), (0.0, 2.0, 7.5), (1.0, 2.0, 3.0)))) if custom else (),
        draw(st.sampled_from(list(ResetHint))),
    )


@settings(deadline=None)
@given(h=_histograms(), number=_NUMBER, other=_NUMBER)
def test_one_histogram(h: NativeHistogram, number: float, other: float) -> None:
    """Estimates, multiples, trims and texts have an answer."""
    for value in (quantile(number, h)[0], fraction(number, other, h)[0], average(h), standard_deviation(h)):
        assert isinstance(value, float)
    for result in (scale(h, number), divide(h, number), trim_upper(h, number), trim_lower(h, number)):
        assert result.schema == h.schema
        assert histogram_text(result).startswith("{count:")
        assert all(bucket.count != 0 for bucket in shown_buckets(result))


@settings(deadline=None)
@given(histograms=st.lists(_histograms(), min_size=2, max_size=4))
def test_several_histograms(histograms: list[NativeHistogram]) -> None:
    """Sums, differences, rates and comparisons have an answer, if only that there is none."""
    a, b = histograms[:2]
    times = np.arange(len(histograms)) * 1000
    results = [add(a, b)[0], subtract(a, b)[0], sum_of(histograms)[0], average_of(histograms)[0], instant_rate(a, b, 0, 1, is_rate=True)[0]]
    results += [histogram_rate(histograms, times, -500, 5000, is_counter=counter, is_rate=True)[0] for counter in (True, False)]
    custom = {h.schema == CUSTOM_BUCKETS_SCHEMA for h in (a, b)}
    assert (results[0] is None) == (len(custom) == 2)
    assert all(equal(result, result) for result in results if result is not None)
    assert isinstance(detect_reset(a, b, trust_hint=False), bool)
