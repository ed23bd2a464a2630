"""OpenMetrics text: stricter than Prometheus text, with units, exemplars and an end."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wire.prometheus.fake_target import NOW_MS, OPENMETRICS, FakeTarget

from tocsin.errors import ParseError
from tocsin.model.labels import Labels

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    ("body", "samples"),
    [
        ("# EOF\n", []),
        ("lamps 3\n# EOF", [("lamps", 3)]),
        ('lamps{room="hall",lit="yes",} 3\n# EOF\n', [('lamps{lit="yes", room="hall"}', 3)]),
        ('{"lamp.count",room="hall"} 3\n# EOF\n', [('lamp.count{room="hall"}', 3)]),
        ("# TYPE calls counter\n# HELP calls \ncalls_total 7\ncalls_created 1.5\n# EOF\n", [("calls_total", 7), ("calls_created", 1.5)]),
        ("# TYPE wait_seconds gauge\n# UNIT wait_seconds seconds\nwait_seconds 0.5\n# EOF\n", [("wait_seconds", 0.5)]),
        ('# TYPE wait histogram\nwait_bucket{le="1"} 2\n# EOF\n', [('wait_bucket{le="1.0"}', 2)]),
        ('# TYPE wait gaugehistogram\nwait_bucket{le="1"} 2\n# EOF\n', [('wait_bucket{le="1"}', 2)]),
        ("# TYPE state stateset\n# TYPE build info\n# TYPE odd unknown\nodd 1\n# EOF\n", [("odd", 1)]),
    ],
)
def test_answers_that_are_read(body: str, samples: list[tuple[str, float]]) -> None:
    """The types that Prometheus text lacks, units, `_created` kept as a sample."""
    assert FakeTarget(OPENMETRICS).samples(body) == samples


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("lamps 3\n", "'# EOF' was expected"),
        ("lamps 3", "line feed"),
        ("lamps 3\n# EOF\n\n", "nothing may follow"),
        ("lamps 3\n# EOFF\n", "nothing may follow"),
        ("lamps 3\n\n# EOF\n", "blank line"),
        (" lamps 3\n# EOF\n", "metric name or '{'"),
        ("lamps  3\n# EOF\n", "value was expected"),
        ("lamps\t3\n# EOF\n", "value was expected"),
        ("lamps 3 \n# EOF\n", "finite number of seconds"),
        ('lamps{a = "1"} 3\n# EOF\n', "'='"),
        ('lamps{a="1", b="2"} 3\n# EOF\n', "label's name"),
        ('lamps{a="1"b="2"} 3\n# EOF\n', "','"),
        ('lamps{a="1\n2"} 3\n# EOF\n', "double quotes"),
        ("# a remark\nlamps 3\n# EOF\n", "may follow '#'"),
        ("# HELPFUL words\n# EOF\n", "may follow '#'"),
        ("# TYPE lamps untyped\n# EOF\n", "'untyped'"),
        ("# TYPE lamps\n# EOF\n", "a text was expected"),
        ("# UNIT lamps volts\n# EOF\n", "must be the ending"),
        ("# UNIT volts volts\n# EOF\n", "must be the ending"),
        ("lamps 3 NaN\n# EOF\n", "finite number of seconds"),
        ("lamps 3 1e300\n# EOF\n", "64 bits"),
        ("lamps 3 1 2\n# EOF\n", "end of the line"),
        ('lamps 3 # {a="b"}\n# EOF\n', "exemplar's labels"),
        ('lamps 3 # {a="b"} x\n# EOF\n', "exemplar's value"),
        ('lamps 3 # {a="b"} 1 NaN\n# EOF\n', "finite number of seconds"),
        ('lamps 3 # {a="b" } 1\n# EOF\n', "',' or '}'"),
        ('lamps 3 # {a="b} 1\n# EOF\n', "do not end"),
        ('lamps 3 # {a="b"} 1 2 3\n# EOF\n', "exemplar's labels"),
    ],
)
def test_answers_that_are_refused(body: str, reason: str) -> None:
    """One space where one belongs, nothing that the format does not know, and no answer that was cut off."""
    target = FakeTarget(OPENMETRICS)
    with pytest.raises(ParseError, match="line") as caught:
        target.scrape(body)
    assert reason in str(caught.value)
    assert not target.asked


@pytest.mark.parametrize(
    ("written", "milliseconds"),
    [
        ("1790000000", 1_790_000_000_000),
        ("1790000000.25", 1_790_000_000_250),
        ("1.79e9", 1_790_000_000_000),
        ("1790000000.0009", 1_790_000_000_000),
    ],
)
def test_times_are_seconds(written: str, milliseconds: int) -> None:
    """With decimals, of which those below a millisecond are cut off."""
    scraped = FakeTarget(OPENMETRICS).scrape(f"lamps 3 {written}\n# EOF\n")
    assert scraped.timestamps_ms.tolist() == [milliseconds]
    assert scraped.explicit.tolist() == [True]


def test_exemplars() -> None:
    """An exemplar has its own time or that of its sample; its trace is told apart from its other labels."""
    target = FakeTarget(OPENMETRICS)
    body = f'calls_total 7 # {{trace_id="{TRACE}",path="/x"}} 0.5 1790000001.5\nwait 1 1790000002 # {{}} 2\n# EOF\n'
    first, second = target.scrape(body).exemplars
    assert (first.metric, first.value, first.timestamp_ms, first.trace_id.hex()) == ("calls_total", 0.5, 1_790_000_001_500, TRACE)
    assert first.labels == Labels({"path": "/x"})
    assert (second.value, second.timestamp_ms, second.labels) == (2, 1_790_000_002_000, Labels())


def test_an_exemplar_is_told_once() -> None:
    """The one that a series had last time is not new, another one is."""
    target = FakeTarget(OPENMETRICS)
    bodies = [f'calls_total {count} # {{trace_id="{trace}"}} 0.5\n# EOF\n' for count, trace in ((1, "a"), (2, "a"), (3, "b"))]
    assert [len(target.scrape(body).exemplars) for body in bodies] == [1, 0, 1]


def test_exemplars_that_are_too_long_are_left_out() -> None:
    """128 characters in names and values are taken, one more is counted; the sample is taken anyway."""
    target = FakeTarget(OPENMETRICS)
    scraped = target.scrape("".join(f'lamps{{n="{size}"}} 1 # {{a="{"ü" * size}"}} 1\n' for size in (127, 128)) + "# EOF\n")
    assert (len(scraped.values), len(scraped.exemplars), scraped.exemplars_too_long) == (2, 1, 1)


def test_units_reach_whoever_is_asked() -> None:
    """Type, help and unit of a counter's family, for its `_total`."""
    target = FakeTarget(OPENMETRICS)
    target.scrape('# TYPE wait_seconds counter\n# UNIT wait_seconds seconds\n# HELP wait_seconds A \\"b\\".\nwait_seconds_total 4\n# EOF\n')
    found = target.metadata["wait_seconds_total"]
    assert found is not None
    assert (found.metric, found.type, found.help, found.unit) == ("wait_seconds", "counter", 'A "b".', "seconds")


def test_one_text_in_two_formats_is_judged_twice() -> None:
    """What Prometheus text allows between labels, OpenMetrics does not, even where the series is known."""
    target = FakeTarget()
    target.scrape('lamps{a="1" b="2"} 3\n')
    with pytest.raises(ParseError):
        target.reader.read(b'lamps{a="1" b="2"} 3\n# EOF\n', OPENMETRICS, timestamp_ms=NOW_MS)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | st.text('ab{}="\\\n 1.#,', max_size=60).map(lambda text: f"{text}\n# EOF\n".encode()))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """Samples or a ParseError."""
    target = FakeTarget(OPENMETRICS)
    try:
        target.scrape(body)
    except ParseError as error:
        assert error.position is not None  # noqa: PT017 - either outcome is right
    assert target.samples("lamps 3\n# EOF\n") == [("lamps", 3.0)]
