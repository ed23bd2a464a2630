"""Functions over ranges, as stories: counters that restart, gaps, single samples, native histograms among floats."""

from __future__ import annotations

import pytest
from tests.query.promql.scripts import ask, holds

from tocsin.errors import InvalidInput


def test_rate_of_a_steady_counter() -> None:
    """A counter that grows by 30 a minute has a rate of a half, wherever the window lies."""
    holds("""
        load 1m
          boxes_total 0+30x30

        eval range from 10m to 10m40s step 20s rate(boxes_total[5m])
          {} 0.5 0.5 0.5

        eval instant at 10m increase(boxes_total[5m])
          {} 150
    """)


def test_rate_counts_what_came_after_a_restart() -> None:
    """A counter that falls was restarted: what it had counted before is added."""
    holds("""
        load 1m
          boxes_total 60 80 100 10 30 50

        eval instant at 5m increase(boxes_total[6m])
          {} 108

        eval instant at 5m delta(boxes_total[6m])
          {} -12

        eval instant at 5m resets(boxes_total[6m])
          {} 1
    """)


def test_counter_is_not_stretched_below_zero() -> None:
    """A series that began near zero in the window is followed back to zero only."""
    holds("""
        load 1m
          boxes_total _ _ _ 1 31 61

        eval instant at 5m increase(boxes_total[5m])
          {} 61
    """)


def test_long_gaps_at_the_edges_count_half_a_distance() -> None:
    """A series that began or ended well inside the window goes on for half the distance of its samples only."""
    holds("""
        load 1m
          level _ _ _ 100 104 108 _ _ _ _

        eval instant at 9m delta(level[9m])
          {} 12
    """)


def test_two_samples_are_needed() -> None:
    """Differences of one sample don't exist; what can be said of one sample is said."""
    holds("""
        load 1m
          level 3

        eval instant at 30s rate(level[1m])

        eval instant at 30s irate(level[1m])

        eval instant at 30s deriv(level[1m])

        eval instant at 30s predict_linear(level[1m], 10)

        eval instant at 30s double_exponential_smoothing(level[1m], 0.5, 0.5)

        eval instant at 30s stddev_over_time(level[1m])
          {} 0

        eval instant at 30s changes(level[1m])
          {} 0

        eval instant at 30s last_over_time(level[1m])
          level 3
    """)


def test_last_two_samples() -> None:
    """`irate` and `idelta` look at the last two samples only, `irate` across a restart."""
    holds("""
        load 10s
          boxes_total 0 50 70 20

        eval instant at 20s irate(boxes_total[1m])
          {} 2

        eval instant at 30s irate(boxes_total[1m])
          {} 2

        eval instant at 30s idelta(boxes_total[1m])
          {} -50
    """)


def test_infinite_and_unknown_values() -> None:
    """NaN is left out of minimum and maximum unless it is alone; infinities add up to NaN where they cancel."""
    holds("""
        load 1m
          odd NaN 4 NaN 2
          lost NaN NaN NaN NaN
          wild Inf -Inf 1 1

        eval instant at 3m min_over_time(odd[5m])
          {} 2

        eval instant at 3m max_over_time(lost[5m])
          {} NaN

        eval instant at 3m sum_over_time(wild[5m])
          {} NaN

        eval instant at 3m changes(odd[5m])
          {} 3

        eval instant at 3m ts_of_min_over_time(odd[5m])
          {} 180

        eval instant at 3m quantile_over_time(0, odd[5m])
          {} NaN
    """)


def test_sums_keep_small_parts() -> None:
    """Sums and averages are compensated: small numbers beside huge ones are not lost, and an overflow is averaged away."""
    holds("""
        load 1m
          mixed 1e100 3 -1e100 2
          huge 1.5e308 1.5e308 1.5e308

        eval instant at 3m sum_over_time(mixed[5m])
          {} 5

        eval instant at 3m avg_over_time(mixed[5m])
          {} 1.25

        eval instant at 2m sum_over_time(huge[5m])
          {} Inf

        eval instant at 2m avg_over_time(huge[5m])
          {} 1.5e308
    """)


def test_lines() -> None:
    """`deriv` is the slope, `predict_linear` goes on along it from the instant of evaluation; a flat series has slope 0."""
    holds("""
        load 1m
          level 5+6x10
          flat 7x10
          wild Infx10

        eval instant at 10m deriv(level[10m])
          {} 0.1

        eval instant at 10m predict_linear(level[10m], 600)
          {} 125

        eval range from 10m to 11m step 1m predict_linear(level[5m] @ 600, 0)
          {} 65 71

        eval instant at 10m deriv(flat[10m])
          {} 0

        eval instant at 10m deriv(wild[10m])
          {} NaN
    """)


def test_smoothing_factors_have_bounds() -> None:
    """Factors of `double_exponential_smoothing` lie between 0 and 1; what is wrong is named."""
    script = "load 1m\n  level 1 2 3\n"
    with pytest.raises(InvalidInput, match="invalid smoothing factor"):
        ask(script, "double_exponential_smoothing(level[5m], 1.5, 0.5)", at_s=120)
    with pytest.raises(InvalidInput, match="got: -1"):
        ask(script, "double_exponential_smoothing(level[5m], 0.5, -1)", at_s=120)


def test_spread() -> None:
    """Deviation, variance, median deviation and quantiles of the same four numbers."""
    holds("""
        load 1m
          level 2 4 4 10

        eval instant at 3m stdvar_over_time(level[5m])
          {} 9

        eval instant at 3m stddev_over_time(level[5m])
          {} 3

        eval instant at 3m mad_over_time(level[5m])
          {} 1

        eval instant at 3m quantile_over_time(0.75, level[5m])
          {} 5.5

        eval instant at 3m quantile_over_time(2, level[5m])
          expect warn msg: PromQL warning: quantile value should be between 0 and 1, got 2
          {} Inf
    """)


def test_absent_over_time() -> None:
    """Where no sample is in the window, 1 stands under the labels that were asked for by equality."""
    holds("""
        load 1m
          here{site="x"} 1 _ _ _ _

        eval range from 0m to 4m step 2m absent_over_time(here{site="x", zone!~"a.*"}[1m])
          {site="x"} _ 1 1

        eval instant at 0m absent_over_time(nowhere{site="x", site="y", rack="7"}[1m])
          {rack="7"} 1
    """)


def test_histograms_among_floats() -> None:
    """Functions for floats say that they left histograms out, sums refuse a mixture, counts take both."""
    holds("""
        load 1m
          mixed_total 1 {{count:4 sum:4}} 5 {{count:6 sum:8}}

        eval instant at 3m max_over_time(mixed_total[5m])
          expect info msg: PromQL info: ignored histograms in a range containing both floats and histograms for metric name "mixed_total"
          {} 5

        eval instant at 3m sum_over_time(mixed_total[5m])
          expect warn msg: PromQL warning: encountered a mix of histograms and floats for metric name "mixed_total"

        eval instant at 3m rate(mixed_total[5m])
          expect warn msg: PromQL warning: encountered a mix of histograms and floats for metric name "mixed_total"

        eval instant at 3m count_over_time(mixed_total[5m])
          {} 4

        eval instant at 3m changes(mixed_total[5m])
          {} 3

        eval instant at 3m resets(mixed_total[5m])
          {} 3

        eval instant at 3m ts_of_last_over_time(mixed_total[5m])
          {} 180

        eval instant at 3m last_over_time(mixed_total[5m])
          mixed_total {{count:6 sum:8}}
    """)


def test_rate_of_what_is_no_counter() -> None:
    """A rate of a metric that is not named as a counter is remarked, once, with its place in the query."""
    answer = ask("load 1m\n  level{a='1'} 1 2 3\n  level{a='2'} 1 2 3\n", "sum(rate(level[5m]))", at_s=120)
    assert answer.annotations.infos == (
        'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "level" (1:10)',
    )
    assert ask("load 1m\n  level_total 1 2 3\n", "rate(level_total[5m])", at_s=120).annotations.infos == ()


def test_anchored_ranges() -> None:
    """`anchored` begins with the sample before the window: differences are whole numbers, and nothing is stretched."""
    holds("""
        load 1m
          boxes_total 2 5 9 1 4

        eval instant at 3m30s increase(boxes_total[2m] anchored)
          {} 5

        eval instant at 3m30s changes(boxes_total[2m] anchored)
          {} 2

        eval instant at 3m30s resets(boxes_total[2m] anchored)
          {} 1

        eval instant at 3m30s delta(boxes_total[2m] anchored)
          {} -4

        eval instant at 20m increase(boxes_total[1m] anchored)
    """)


def test_smoothed_ranges() -> None:
    """`smoothed` interpolates at both edges, a counter from zero across a restart."""
    holds("""
        load 1m
          boxes_total 0 6 12 6 12

        eval instant at 1m30s increase(boxes_total[1m] smoothed)
          {} 6

        eval instant at 1m30s rate(boxes_total[1m] smoothed)
          {} 0.1

        eval instant at 2m30s increase(boxes_total[1m] smoothed)
          {} 6

        eval instant at 2m30s delta(boxes_total[1m] smoothed)
          {} 0
    """)
