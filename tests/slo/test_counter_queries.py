"""Queries of counters as queries of the events of a minute."""

from __future__ import annotations

import pytest

from tocsin.errors import ParseError
from tocsin.query.promql.parser import parse
from tocsin.slo.counting.counter_queries import Term, canonical_counter, per_minute, reach_of

MINUTE = "[1m] anchored"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("sum(a_total)", f"sum(increase(a_total{MINUTE}))"),
        ('sum by (job) (a{code=~"5.."})', f'sum by (job) (increase(a{{code=~"5.."}}{MINUTE}))'),
        ("sum(rate(a_total[5m]))", f"sum(increase(a_total{MINUTE}))"),
        ("increase(a_total[30d] offset 5m)", f"increase(a_total{MINUTE} offset 5m)"),
        ("rate(a_total[5m] smoothed)", f"increase(a_total{MINUTE})"),
        ("topk(3, a)", f"topk(3, increase(a{MINUTE}))"),
        ("histogram_count(h)", f"histogram_count(increase(h{MINUTE}))"),
        ("a_total or vector(0)", f"increase(a_total{MINUTE}) or vector(0)"),
        ("(a_total)", f"increase(a_total{MINUTE})"),
        ("sum(a_total + b)", f"sum(increase(a_total{MINUTE}) + increase(b{MINUTE}))"),
        ("a_total / 60", f"increase(a_total{MINUTE}) / 60"),
        ("a_total and on () maintenance == 0", f"increase(a_total{MINUTE}) and on () maintenance == 0"),
        ("a_total unless b_total > 3", f"increase(a_total{MINUTE}) unless b_total > 3"),
        ("a_total * on (pod) group_left () kube_pod_info", f"increase(a_total{MINUTE}) * on (pod) group_left () kube_pod_info"),
        ('up * {__name__="a_total"}', f'up * increase({{__name__="a_total"}}{MINUTE})'),
        ("sum_over_time(a_total[5m])", "sum_over_time(a_total[5m])"),
        ("increase(a_total[5m:1m])", "increase(a_total[5m:1m])"),
    ],
)
def test_what_is_counted(written: str, meant: str) -> None:
    """Counters become increases of a minute; numbers, joined facts, conditions and subqueries stay."""
    assert per_minute(written) == (Term(meant),)
    parse(meant)


def test_sums_are_taken_apart() -> None:
    """What PromQL would add only where both sides are there is counted side by side; what is taken off stays so."""
    assert per_minute("sum(a_total) - (sum(b_total) - sum(c_total))") == (
        Term(f"sum(increase(a_total{MINUTE}))"),
        Term(f"sum(increase(b_total{MINUTE}))", -1),
        Term(f"sum(increase(c_total{MINUTE}))", 1),
    )
    assert len(per_minute("a_total + 1")) == 1
    assert len(per_minute("a_total + on (x) group_left () b_total")) == 1


def test_the_counter_within_rates() -> None:
    """Rates that stand around counters are taken away, in whatever they stand."""
    written = 'sum by (job) (rate(a_total{code="500"}[5m])) + irate(b[1m])'
    assert canonical_counter(written) == 'sum by (job) (a_total{code="500"}) + b'
    assert per_minute(written) == per_minute(canonical_counter(written))


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        ("a", 300),
        ("a offset 1m", 360),
        ("a offset -1m", 300),
        ("rate(a[5m])", 300),
        ("increase(a[1m] anchored)", 360),
        ("max_over_time(a[1h:1m])", 3900),
        ("max_over_time(a[1h:1m] offset 30m)", 5700),
        ("avg_over_time(a[30m * 2]) / b", 3600),
        ("vector(1)", 0),
        ("rate(a[1500ms])", 2),
    ],
)
def test_how_far_back_samples_matter(query: str, seconds: int) -> None:
    """Ranges, offsets and the lookback add up along a branch; the longest branch counts."""
    assert reach_of(query, 300) == seconds


def test_nonsense_is_refused() -> None:
    """A text that is no PromQL says where it went wrong."""
    with pytest.raises(ParseError):
        per_minute("sum(a")
