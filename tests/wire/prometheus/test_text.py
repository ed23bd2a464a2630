"""Prometheus text: what is read, what is refused, and where; random answers come back, random bytes never crash."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wire.prometheus.fake_target import NOW_MS, FakeTarget

from tocsin.errors import ParseError


@pytest.mark.parametrize(
    ("body", "samples"),
    [
        ("", []),
        ("\n \t\n", []),
        ("lamps 3\n", [("lamps", 3)]),
        ("lamps 3", [("lamps", 3)]),
        ("\t lamps\t3 \n", [("lamps", 3)]),
        ("lamps{} 3\n", [("lamps", 3)]),
        ('lamps {room = "hall" , lit="yes",} 3\n', [('lamps{lit="yes", room="hall"}', 3)]),
        ('lamps{room="hall" lit="yes"}3\n', [('lamps{lit="yes", room="hall"}', 3)]),
        ('lamps{room="a\\"b\\\\c\\nd\\te"} 1\n', [('lamps{room="a\\"b\\\\c\\nd\\\\te"}', 1)]),
        ('lamps{room="two\nlines"} 1\n', [('lamps{room="two\\nlines"}', 1)]),
        ('lamps{room="}{ #"} 1\n', [('lamps{room="}{ #"}', 1)]),
        ('lamps{room=""} 1\n', [("lamps", 1)]),
        ('{"lamp.count",room="hall"} 2\n', [('lamp.count{room="hall"}', 2)]),
        ('{ room="hall" , "lamp.count" } 2\n', [('lamp.count{room="hall"}', 2)]),
        ('lamps{"room.no"="7"} 2\n', [('lamps{room.no="7"}', 2)]),
        ('lamps{ort="Flur Süd"} 2\n', [('lamps{ort="Flur Süd"}', 2)]),
        (":job:lamps 2\n", [(":job:lamps", 2)]),
        ("# a remark\n#nothing\n# HELPFUL words\n# TYPES too\nlamps 1\n#", [("lamps", 1)]),
        ("# HELP lamps Lamps \\\\ that\\nburn.\n# TYPE lamps gauge\nlamps 1\n", [("lamps", 1)]),
        ('# TYPE "lamp.count" counter\n{"lamp.count"} 1\n', [("lamp.count", 1)]),
    ],
)
def test_answers_that_are_read(body: str, samples: list[tuple[str, float]]) -> None:
    """Blanks, quotes, escapes, names in quotes, comments: as the format has them."""
    assert FakeTarget().samples(body) == samples


@pytest.mark.parametrize(
    ("body", "line", "reason"),
    [
        ("lamps 3\r\n", 1, "no number"),
        ("ok 1\n9lamps 3\n", 2, "metric name or '{'"),
        ("lämps 3\n", 1, "stands in quotes"),
        ("lamp.5 3\n", 1, "stands in quotes"),
        ("lamps\n", 1, "a value was expected"),
        ('lamps{room="hall"}\n', 1, "a value was expected"),
        ('lamps{room="hall"} {x="y"} 1\n', 1, "a value was expected"),
        ('lamps{room="hall 3\nlamps 2\n', 1, "do not end"),
        ('lamps{room="hall"\n,x="y"} 3\n', 1, "do not end"),
        ("lamps{room='hall'} 3\n", 1, "double quotes"),
        ("lamps{room} 3\n", 1, "'='"),
        ("lamps{,} 3\n", 1, "label's name"),
        ('lamps{a="1",,b="2"} 3\n', 1, "label's name"),
        ('lamps{a:b="1"} 3\n', 1, "'='"),
        ('lamps{""="1"} 3\n', 1, "label's name is empty"),
        ('lamps{a="1",a="2"} 3\n', 1, "'a' must not come twice"),
        ('lamps{__name__="x"} 3\n', 1, "'__name__' must not come twice"),
        ('{a="1"} 3\n', 1, "no metric name"),
        ('{""} 3\n', 1, "no metric name"),
        ("{} 3\n", 1, "no metric name"),
        ('{__name__="x"} 3\n', 1, "no metric name"),
        ('{"x" a="1"} 3\n', 1, "','"),
        ('lamps{"x"} 3\n', 1, "given twice"),
        ("lamps 3 +5\n", 1, "whole milliseconds"),
        ("lamps 3 5.5\n", 1, "end of the line"),
        ("lamps 3 5 6\n", 1, "end of the line"),
        ("lamps 3 99999999999999999999\n", 1, "64 bits"),
        ('lamps 3 # {x="y"} 1\n', 1, "whole milliseconds"),
        ("ok 1\n\n# TYPE lamps lantern\n", 3, "'lantern'"),
        ("# TYPE lamps  gauge\n", 1, "' gauge'"),
        ("# TYPE lamps\n", 1, "type must be one of"),
        ("# TYPE 7 gauge\n", 1, "metric name was expected after TYPE"),
        ("# HELP \n", 1, "metric name was expected after HELP"),
        ("lamps 1\n\0", 2, "metric name or '{'"),
    ],
)
def test_answers_that_are_refused(body: str, line: int, reason: str) -> None:
    """The error names the line and the reason, nothing is taken, and nobody is asked about the good lines."""
    target = FakeTarget()
    with pytest.raises(ParseError) as caught:
        target.scrape(body)
    assert f"line {line}," in str(caught.value)
    assert reason in str(caught.value)
    assert body.encode().count(b"\n", 0, caught.value.position) == line - 1
    assert not target.asked


@pytest.mark.parametrize("body", [b"# HELP lamps \xff\n", b'lamps{a="\xff"} 1\n', b'{"\xff"} 1\n'])
def test_what_is_not_utf8_is_refused(body: bytes) -> None:
    """In help texts, values and names; a comment may hold any bytes."""
    with pytest.raises(ParseError, match="UTF-8"):
        FakeTarget().scrape(body)
    assert FakeTarget().samples(b"# \xff\nlamps 1\n") == [("lamps", 1)]


def test_times() -> None:
    """A sample has the time that the target gives, or that of the scrape."""
    scraped = FakeTarget().scrape("lamps 3 1790000000123\nfans 1\n")
    assert scraped.timestamps_ms.tolist() == [1_790_000_000_123, NOW_MS]
    assert scraped.explicit.tolist() == [True, False]


@pytest.mark.parametrize(
    ("kind", "label", "given_as", "stored"),
    [
        ("histogram", "le", "1", "1.0"),
        ("histogram", "le", "+2.50", "2.5"),
        ("histogram", "le", "3000000", "3e+06"),
        ("histogram", "le", "inf", "+Inf"),
        ("histogram", "le", "wide", "wide"),
        ("summary", "quantile", "1", "1.0"),
        ("summary", "le", "1", "1"),
        ("gauge", "le", "1", "1"),
    ],
)
def test_bounds_have_one_form(kind: str, label: str, given_as: str, stored: str) -> None:
    """Bounds of classic buckets and quantiles are stored as Prometheus 3 does, whoever wrote them."""
    body = f'# TYPE wait {kind}\nwait{{{label}="{given_as}"}} 4\n'
    assert FakeTarget().samples(body) == [(f'wait{{{label}="{stored}"}}', 4)]


def test_metadata_reach_whoever_is_asked() -> None:
    """Type and help of a family, for its own name and for what histograms and summaries make of it."""
    target = FakeTarget()
    target.scrape("# HELP wait How\\nlong.\n# TYPE wait summary\nwait_sum 4\nwait_count 2\nother 1\n")
    assert target.metadata["other"] is None
    found = target.metadata["wait_sum"]
    assert found is not None
    assert (found.metric, found.type, found.help) == ("wait", "summary", "How\nlong.")
    target.scrape("# HELP wait How\\nlong.\n# TYPE wait summary\nwait_sum 4\nwait_count 3\nother 1\nwait 5\n")
    assert target.metadata["wait"] == found


NAMES = st.from_regex(r"[a-z_:][a-z0-9_:]{0,12}", fullmatch=True)
LABELS = st.dictionaries(
    st.from_regex(r"[a-z_][a-z0-9_]{0,6}", fullmatch=True), st.text(st.characters(codec="utf-8"), max_size=12), max_size=4
)
VALUES = st.floats() | st.integers(-(10**20), 10**20).map(float)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(NAMES, LABELS, VALUES), max_size=12, unique_by=lambda item: (item[0], tuple(sorted(item[1].items())))))
def test_what_is_written_is_read(series: list[tuple[str, dict[str, str], float]]) -> None:
    """Names, labels and values of a random answer come back; reading it again asks nobody."""
    target = FakeTarget()
    body = "".join(_line(name, labels, value) for name, labels, value in series)
    first = target.samples(body)
    asked = list(target.asked)
    again = target.samples(body)
    assert asked == target.asked
    expected: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for name, labels, value in series:
        # Empty labels don't exist, so two series may be one; the first sample counts.
        expected.setdefault((name, tuple(sorted((key, text) for key, text in labels.items() if text))), value)
    assert len(first) == len(expected)
    for (_, found), (_, same), value in zip(first, again, expected.values(), strict=True):
        assert repr(found) == repr(same) == repr(value)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | st.text('ab{}="\\\n \t1.e-#,', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """Samples or a ParseError, and the reader is as good as before."""
    target = FakeTarget()
    try:
        scraped = target.scrape(body)
    except ParseError as error:
        assert error.position in range(len(body) + 1)  # noqa: PT017 - either outcome is right
    else:
        assert len(scraped.values) <= scraped.samples_scraped
    assert ("lamps", 3.0) in target.samples("lamps 3\n")


def _line(name: str, labels: dict[str, str], value: float) -> str:
    escaped = {key: text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for key, text in labels.items()}
    inside = ",".join(f'{key}="{text}"' for key, text in escaped.items())
    number = "NaN" if math.isnan(value) else repr(value).replace("inf", "Inf")
    return f"{name}{{{inside}}} {number}\n"
