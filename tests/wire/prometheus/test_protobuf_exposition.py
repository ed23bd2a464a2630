"""Prometheus' protobuf exposition: every kind of metric, native histograms, what is refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wire.prometheus.fake_target import NOW_MS, PROTOBUF, FakeTarget
from tests.wire.prometheus.metric_family import (
    COUNTER,
    GAUGE,
    GAUGE_HISTOGRAM,
    HISTOGRAM,
    SUMMARY,
    UNTYPED,
    bucket,
    double,
    exemplar,
    family,
    labels,
    metric,
    packed_deltas,
    part,
    signed,
    spans,
    varint,
    whole,
)

from tocsin.errors import ParseError
from tocsin.model.native_histogram import ResetHint
from tocsin.wire.prometheus.scraped import ReadOptions

NATIVE = (
    whole(1, 12) + double(2, 8.5) + signed(5, 2) + double(6, 0.01) + whole(7, 1)
    + spans(12, (-1, 2), (2, 1)) + packed_deltas(13, [4, -1, 0]) + spans(9, (3, 1)) + packed_deltas(10, [1])
)  # fmt: skip
CLASSIC = whole(1, 9) + double(2, 4.5) + bucket(0.5, 4) + bucket(2_000_000, 7)


@pytest.mark.parametrize(
    ("body", "samples"),
    [
        (b"", []),
        (b"\0", []),
        (family("lamps", GAUGE), []),
        (family("calls", COUNTER, metric(3, double(1, 7), {"a": "1"})), [('calls{a="1"}', 7)]),
        (
            family("lamps", GAUGE, metric(2, double(1, -2.5)), metric(2, double(1, 1), {"a": ""}, timestamp_ms=5)),
            [("lamps", -2.5), ("lamps", 1)],
        ),
        (family("odd.name", UNTYPED, metric(5, double(1, math.inf))), [("odd.name", math.inf)]),
        (family("zero", COUNTER, metric(3, b"")), [("zero", 0)]),
        (
            family("wait", SUMMARY, metric(4, whole(1, 9) + double(2, 4.5) + part(3, double(1, 0.5) + double(2, 0.1)))),
            [("wait_count", 9), ("wait_sum", 4.5), ('wait{quantile="0.5"}', 0.1)],
        ),
        (
            family("wait", HISTOGRAM, metric(7, CLASSIC)),
            [
                ("wait_count", 9),
                ("wait_sum", 4.5),
                ('wait_bucket{le="0.5"}', 4),
                ('wait_bucket{le="2e+06"}', 7),
                ('wait_bucket{le="+Inf"}', 9),
            ],
        ),
        (
            family("wait", GAUGE_HISTOGRAM, metric(7, whole(1, 9) + bucket(math.inf, 9))),
            [("wait_count", 9), ("wait_sum", 0), ('wait_bucket{le="+Inf"}', 9)],
        ),
        (family("wait", HISTOGRAM, metric(7, double(4, 2.5))), [("wait_count", 2.5), ("wait_sum", 0), ('wait_bucket{le="+Inf"}', 2.5)]),
    ],
)
def test_metrics_that_are_read(body: bytes, samples: list[tuple[str, float]]) -> None:
    """Values, summaries and classic histograms; the bucket up to infinity is added where it is left out."""
    target = FakeTarget(PROTOBUF)
    for _ in range(2):
        assert target.samples(body) == samples


def test_a_native_histogram() -> None:
    """Spans become dense buckets; it is one sample, and its classic buckets are left alone unless they are asked for."""
    scraped = FakeTarget(PROTOBUF).scrape(
        family("wait", HISTOGRAM, metric(7, NATIVE + bucket(1, 3), {"a": "1"}, timestamp_ms=1_790_000_000_001))
    )
    (sample,) = scraped.histograms
    found = sample.histogram
    assert (sample.timestamp_ms, len(scraped.values), scraped.samples_scraped) == (1_790_000_000_001, 0, 1)
    assert (found.schema, found.count, found.sum, found.zero_threshold, found.zero_count) == (2, 12, 8.5, 0.01, 1)
    assert (found.positive.offset, found.positive.counts.tolist()) == (-1, [4, 3, 0, 0, 3])
    assert (found.negative.offset, found.negative.counts.tolist()) == (3, [1])
    assert found.reset is ResetHint.UNKNOWN


@pytest.mark.parametrize(
    ("options", "histograms", "samples"),
    [
        (ReadOptions(), 1, 0),
        (ReadOptions(native_histograms=False), 0, 4),
        (ReadOptions(always_scrape_classic_histograms=True), 1, 4),
        (ReadOptions(native_histograms=False, always_scrape_classic_histograms=True), 0, 4),
    ],
)
def test_histograms_of_both_kinds(options: ReadOptions, histograms: int, samples: int) -> None:
    """Which kind is taken is a setting: native ones where they are wanted, the classic ones too where that is wanted."""
    scraped = FakeTarget(PROTOBUF, options).scrape(family("wait", HISTOGRAM, metric(7, NATIVE + bucket(1, 3))))
    assert (len(scraped.histograms), len(scraped.values), scraped.samples_scraped) == (histograms, samples, histograms + samples)


@pytest.mark.parametrize(
    ("content", "schema", "count"),
    [
        (signed(5, 3) + spans(12, (0, 0)), 3, 0),
        (double(6, 0.5), 0, 0),
        (signed(5, 3) + double(4, 3.5) + spans(12, (0, 1)) + double(14, 3.5), 3, 3.5),
    ],
)
def test_native_histograms_that_are_nearly_empty(content: bytes, schema: int, count: float) -> None:
    """A span without buckets or a width of the zero bucket makes a histogram native, and counts may be fractions."""
    (sample,) = FakeTarget(PROTOBUF).scrape(family("wait", HISTOGRAM, metric(7, content))).histograms
    assert (sample.histogram.schema, sample.histogram.count) == (schema, count)


def test_a_gauge_histogram_has_no_resets() -> None:
    """Its hint says so."""
    (sample,) = FakeTarget(PROTOBUF).scrape(family("wait", GAUGE_HISTOGRAM, metric(7, NATIVE))).histograms
    assert sample.histogram.reset is ResetHint.GAUGE


def test_exemplars() -> None:
    """Of counters, of buckets, and of native histograms, which have several, told apart by their times; each is told once."""
    one, two = (
        exemplar({"trace_id": "ab" * 16}, 0.4, seconds=1_790_000_000, nanos=7_000_000),
        exemplar({"n": "2"}, 0.9, seconds=1_790_000_001),
    )
    body = (
        family("calls", COUNTER, metric(3, double(1, 7) + part(2, exemplar({"n": "1"}, 5))))
        + family("wait", HISTOGRAM, metric(7, whole(1, 4) + bucket(0.5, 4, with_exemplar=one)))
        + family("size", HISTOGRAM, metric(7, NATIVE + part(16, one) + part(16, two) + part(16, exemplar({"n": "3"}, 1))))
    )
    target = FakeTarget(PROTOBUF)
    found = {(item.metric, item.value, item.timestamp_ms, item.trace_id.hex()) for item in target.scrape(body).exemplars}
    assert found == {
        ("calls", 5, NOW_MS, ""),
        ("wait_bucket", 0.4, 1_790_000_000_007, "ab" * 16),
        ("size", 0.4, 1_790_000_000_007, "ab" * 16),
        ("size", 0.9, 1_790_000_001_000, ""),
    }
    assert not target.scrape(body).exemplars


def test_metadata_reach_whoever_is_asked() -> None:
    """Type, help and unit of a family, for all of its series."""
    target = FakeTarget(PROTOBUF)
    target.scrape(family("wait_seconds", HISTOGRAM, metric(7, CLASSIC), help_text="How long.", unit="seconds"))
    found = target.metadata["wait_seconds_bucket"]
    assert found is not None
    assert (found.metric, found.type, found.help, found.unit) == ("wait_seconds", "histogram", "How long.", "seconds")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xff\xff\xff", "cut off or damaged"),
        (family("lamps", GAUGE, metric(2, double(1, 3)))[:-2], "cut off or damaged"),
        (varint(3) + b"\x0b\0\0", "cut off or damaged"),
        (family("lamps", 9, metric(2, double(1, 3))), "no type that is known"),
        (family("lamps", GAUGE, metric(3, double(1, 3))), "no value of its family's type"),
        (family("", GAUGE, metric(2, double(1, 3))), "no name"),
        (family(b"\xff", GAUGE, metric(2, double(1, 3))), "UTF-8"),
        (family("lamps", GAUGE, metric(2, double(1, 3), {"": "1"})), "label has no name"),
        (family("lamps", GAUGE, part(4, labels({"a": "1"}) * 2 + part(2, double(1, 3)))), "'a' must not come twice"),
        (family("wait", HISTOGRAM, metric(7, CLASSIC, {"le": "1"})), "'le' must not come twice"),
        (family("lamps", GAUGE, metric(2, double(1, 3), {"__name__": "x"})), "'__name__' must not come twice"),
        (family("lamps", GAUGE, metric(2, double(1, 3)), unit="volts"), "must be the ending"),
        (family("wait", HISTOGRAM, metric(7, NATIVE + whole(1, 13))), "13"),
        (family("calls", COUNTER, metric(3, double(1, 7) + part(2, exemplar({}, 5, seconds=2**62)))), "64 bits"),
        (family("wait", HISTOGRAM, metric(7, signed(5, 2) + spans(12, (0, 1), (2**30, 1)) + packed_deltas(13, [0, 0]))), "at most"),
        (family("wait", HISTOGRAM, metric(7, signed(5, 2) + spans(12, (0, 5)) + packed_deltas(13, [1]))), "claim 5 buckets"),
        (family("wait", HISTOGRAM, metric(7, signed(5, 9) + spans(12, (0, 1)) + packed_deltas(13, [0]))), "schema"),
    ],
)
def test_answers_that_are_refused(body: bytes, reason: str) -> None:
    """As a whole, with the place and the reason; nobody is asked about the families before."""
    target = FakeTarget(PROTOBUF)
    with pytest.raises(ParseError) as caught:
        target.scrape(family("good", GAUGE, metric(2, double(1, 3))) + body)
    assert reason in str(caught.value)
    assert not target.asked


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_bytes_are_read_or_refused(data: st.DataObject) -> None:
    """Random bytes, and good answers with some bytes changed or cut off: samples or a ParseError."""
    good = family("wait", HISTOGRAM, metric(7, NATIVE + bucket(1, 3), {"a": "1"})) + family("calls", COUNTER, metric(3, double(1, 7)))
    body = bytearray(good[: data.draw(st.integers(0, len(good)))] if data.draw(st.booleans()) else data.draw(st.binary(max_size=80)))
    for _ in range(data.draw(st.integers(0, 3)) if body else 0):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    target = FakeTarget(PROTOBUF)
    try:
        target.scrape(bytes(body))
    except ParseError as error:
        assert error.position in range(len(body) + 1)  # noqa: PT017 - either outcome is right
    assert target.samples(family("lamps", GAUGE, metric(2, double(1, 3)))) == [("lamps", 3.0)]
