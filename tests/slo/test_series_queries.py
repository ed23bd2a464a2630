"""PromQL of indicators: the form in which counters can be counted minute by minute, and why some have none."""

from __future__ import annotations

import pytest

from tocsin.query.promql.parser import parse
from tocsin.slo.counting.counter_queries import canonical_counter
from tocsin.slo.files.lints import Looks, looks, looks_like_latency
from tocsin.slo.files.series_queries import counter_form


@pytest.mark.parametrize(
    ("query", "form"),
    [
        ("sum(a)", "sum(a)"),
        ("sum by (job) (rate(a{x='1'}[5m]))", 'sum by (job) (a{x="1"})'),
        ("-(irate(a[5m]))", "-(a)"),
        ("sum(increase(a[5m]) or b_free * 0)", ""),
        ("2 * sum(rate(a[5m])) / 3", "2 * sum(a) / 3"),
        ("sum(rate(a[5m] offset 1h)) - sum(rate(b[1h]))", "sum(a offset 1h) - sum(b)"),
        ("label_replace(rate(a[5m]), 'x', '$1', 'y', '(.*)')", 'label_replace(a, "x", "$1", "y", "(.*)")'),
        ("sum(rate(a_total[5m]) * on (pod) group_left () kube_pod_info)", "sum(a_total * on (pod) group_left () kube_pod_info)"),
        ("kube_pod_info * on (pod) rate(a_total[5m])", "kube_pod_info * on (pod) a_total"),
        ("sum(rate(a[5m]) unless on (pod) maintenance == 1)", "sum(a unless on (pod) maintenance == 1)"),
    ],
)
def test_what_is_linear_has_a_form(query: str, form: str) -> None:
    """Rates are off, everything else stays; whoever counts takes the same expression for canonical."""
    found = counter_form(parse(query))
    assert found.text == form
    assert not form or canonical_counter(form) == form


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("avg(rate(a[5m]))", "avg() does not add up over minutes"),
        ("rate(a[5m]) / rate(b[5m])", "the operator '/'"),
        ("sum(a) > 5", "the operator '>'"),
        ("a + 1", "the operator '+'"),
        ("a and rate(b[5m]) > 0", "the operator 'and'"),
        ("rate(a[5m]) * rate(b[5m])", "the operator '*'"),
        ("rate(a[5m]) + increase(b[5m])", "mixes events per second"),
        ("increase(a[5m]) - increase(b[1h])", "mixes increases over 1h and 5m"),
        ("rate(a[5m]) + b", "some of its counters have a rate()"),
        ("rate(a[5m] @ 100)", "fixed to one instant"),
        ("sum_over_time(a[5m])", "sum_over_time()"),
        ("rate(a[5m:1m])", "rate()"),
        ("max_over_time(rate(a[5m])[1h:])", "max_over_time()"),
        ("vector(0)", "no counter in it"),
        ("a or vector(1)", "vector()"),
        ("7", "7 does not add up"),
    ],
)
def test_what_is_not_linear_has_a_reason(query: str, reason: str) -> None:
    """It names the piece."""
    found = counter_form(parse(query))
    assert found.text == ""
    assert reason in found.reason


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('sum(a{code=~"5.."})', Looks.FAILURE),
        ('sum(a{code!~"5.."})', Looks.SUCCESS),
        ('sum(a{code!="200"})', Looks.FAILURE),
        ('sum(a{code="200"})', Looks.SUCCESS),
        ("http_errors_total", Looks.FAILURE),
        ("error:true", Looks.FAILURE),
        ("-error:true", Looks.SUCCESS),
        ("NOT error:true", Looks.SUCCESS),
        ("error:false", Looks.SUCCESS),
        ("-error:false", Looks.FAILURE),
        ("status:2xx", Looks.SUCCESS),
        ("correct:true", Looks.UNCLEAR),
        ("error:false http.status_code:5*", Looks.UNCLEAR),
        ("sum(requests)", Looks.UNCLEAR),
    ],
)
def test_queries_are_guessed_only_where_words_say_it(query: str, expected: Looks) -> None:
    """What says both, or nothing, is left alone."""
    assert looks(query) is expected


def test_latency_is_guessed_from_names() -> None:
    """Of the indicator or its metrics."""
    assert looks_like_latency("checkout-latency", "x")
    assert looks_like_latency("", "histogram_quantile(0.9, http_request_duration_seconds_bucket)")
    assert looks_like_latency("", "kafka_consumergroup_lag{}")
    assert not looks_like_latency("flags", "items_per_order")
