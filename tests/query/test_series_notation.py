"""Series as test scripts write them: values, repetitions, histograms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tocsin.errors import InvalidInput
from tocsin.model.labels import Labels
from tocsin.model.native_histogram import CUSTOM_BUCKETS_SCHEMA, NativeHistogram, ResetHint
from tocsin.model.series import STALE_NAN_BITS
from tocsin.query.series.notation import parse_histogram, parse_points, parse_series


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("", []),
        ("7", [7.0]),
        ("1 -2\t+3.5", [1.0, -2.0, 3.5]),
        ("4x2", [4.0, 4.0, 4.0]),
        ("1+2x3", [1.0, 3.0, 5.0, 7.0]),
        ("1-2x2", [1.0, -1.0, -3.0]),
        ("-5+1e1x1", [-5.0, 5.0]),
        ("0x0", [0.0]),
        ("1+0x1", [1.0, 1.0]),
        ("3--1x2", [3.0, 4.0, 5.0]),
        ("_ 1 _x2 2", [None, 1.0, None, None, 2.0]),
        ("Inf -inf +Infx1", [math.inf, -math.inf, math.inf, math.inf]),
        (".5e-1", [0.05]),
        ("-30s-1mx2", [-30_000.0, -90_000.0, -150_000.0]),
        ("1m30s 0-1mx1 -59999msx1", [90_000.0, 0.0, -60_000.0, -59_999.0, -59_999.0]),
    ],
)
def test_values(text: str, points: list[float | None]) -> None:
    """Values, gaps, steps and repetitions: n repetitions make n+1 values, n repeated gaps make n."""
    assert parse_points(text) == points


def test_nan_and_stale_differ() -> None:
    """NaN is a value, `stale` is the marker with its own bits."""
    nan, stale = parse_points("NaN stale")
    assert isinstance(nan, float)
    assert math.isnan(nan)
    assert np.float64(nan).view(np.uint64) != STALE_NAN_BITS
    assert isinstance(stale, float)
    assert np.float64(stale).view(np.uint64) == STALE_NAN_BITS


@pytest.mark.parametrize(
    "text", ["1,2", "x3", "1x", "1+x2", "__", "{{sum:1}", "{{sum}}", "{{total:1}}", "{{sum:one}}", "1x99999999", "stalemate"]
)
def test_wrong_values_are_refused(text: str) -> None:
    """What is no value is named rather than skipped."""
    with pytest.raises(InvalidInput):
        parse_points(text)


@pytest.mark.parametrize(
    ("line", "labels"),
    [
        ("up 1", {"__name__": "up"}),
        ('up{job="a", le="+Inf",} 1', {"__name__": "up", "job": "a", "le": "+Inf"}),
        ('{job="{b} \\"c\\""} 1', {"job": '{b} "c"'}),
        ("{} 1", {}),
        ('{"odd name", "odd.label"="x"} 1', {"__name__": "odd name", "odd.label": "x"}),
        ("a:b:c{}\t1", {"__name__": "a:b:c"}),
        ('up {job="a"} 1', {"__name__": "up", "job": "a"}),
        ("{} {{count:1}}", {}),
        ("up {{count:1}}", {"__name__": "up"}),
    ],
)
def test_series_have_labels(line: str, labels: dict[str, str]) -> None:
    """A series is written with its name, its labels, or both; names that need it are quoted."""
    found = parse_series(line)
    assert found.labels == Labels(labels)
    assert len(found.points) == 1


@pytest.mark.parametrize("line", ["", "1 2 3", '{job=~"a"} 1', '{job="a" 1', "up{job} 1", "- 1"])
def test_what_is_no_series_is_refused(line: str) -> None:
    """A line without a series, or with a matcher that is no equality, is refused."""
    with pytest.raises(InvalidInput):
        parse_series(line)


def test_start_timestamps_are_marked() -> None:
    """`@st` behind a series makes its values start timestamps."""
    found = parse_series('x{a="b"}@st _ -1mx1')
    assert found.start_timestamps
    assert found.points == [None, -60_000.0, -60_000.0]


def test_histograms_have_all_fields() -> None:
    """Every field of a histogram is read; what is not written is empty."""
    found = parse_histogram(
        "{{schema:2 sum:-1.5 count:12 z_bucket:3 z_bucket_w:0.01 buckets:[1 2 3] offset:-2"
        " n_buckets:[4] n_offset:5 counter_reset_hint:gauge}}"
    )
    assert (found.schema, found.sum, found.count, found.zero_count, found.zero_threshold) == (2, -1.5, 12, 3, 0.01)
    assert (found.positive.offset, found.positive.counts.tolist()) == (-2, [1, 2, 3])
    assert (found.negative.offset, found.negative.counts.tolist()) == (5, [4])
    assert found.reset is ResetHint.GAUGE
    empty = parse_histogram("{{}}")
    assert (empty.schema, empty.count, len(empty.positive.counts), empty.reset) == (0, 0, 0, ResetHint.UNKNOWN)
    custom = parse_histogram("{{schema:-53 sum:1 count:3 custom_values:[0.5 10] buckets:[1 2]}}")
    assert (custom.schema, custom.custom_values) == (CUSTOM_BUCKETS_SCHEMA, (0.5, 10.0))


def test_histograms_are_added_step_by_step() -> None:
    """A histogram grows or shrinks by another one, bucket by bucket, and keeps the hint that it was written with."""
    points = parse_points("{{sum:1 count:2 buckets:[2]}}+{{sum:3 count:1 buckets:[0 1]}}x2 {{count:5}}-{{count:2}}x1 {{count:1}}x1")
    assert all(isinstance(point, NativeHistogram) for point in points)
    histograms = [point for point in points if isinstance(point, NativeHistogram)]
    assert [one.count for one in histograms] == [2, 3, 4, 5, 3, 1, 1]
    assert histograms[2].positive.counts.tolist() == [2, 2]
    assert {one.reset for one in histograms} == {ResetHint.UNKNOWN}


def test_written_hints_are_remembered() -> None:
    """Only points whose hint is written are compared by it."""
    found = parse_series("x _ {{count:1 counter_reset_hint:reset}}x1 {{count:1}} 4")
    assert found.hints_written == {1, 2}
