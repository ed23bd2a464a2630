"""Parameters of the Prometheus API: what reads, and what is said of what does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.api.prometheus.parameters import BadParameter, Parameters, unescape_label
from tocsin.model.series import Matcher, MatchOperator


def parameters(**values: str) -> Parameters:
    """One value each."""
    return Parameters({name: [value] for name, value in values.items()})


@pytest.mark.parametrize(
    ("text", "instant_ms"),
    [("1435781430.781", 1435781430781), ("0", 0), ("-1.5", -1500), ("1e3", 1_000_000), ("2015-07-01T20:10:30.781Z", 1435781430781)],
)
def test_instants_read(text: str, instant_ms: int) -> None:
    """Seconds with decimals, or RFC 3339."""
    assert parameters(time=text).instant_ms("time") == instant_ms


@pytest.mark.parametrize("text", ["", "nan", "inf", "yesterday", "1e400", "2015-13-01T00:00:00Z", "1 2"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    """The message names the parameter."""
    with pytest.raises(BadParameter, match='invalid parameter "time"'):
        parameters(time=text).instant_ms("time")


@pytest.mark.parametrize(("text", "length_ms"), [("15", 15_000), ("0.5", 500), ("1m30s", 90_000), ("5m", 300_000)])
def test_durations_read(text: str, length_ms: int) -> None:
    """Seconds, or units."""
    assert parameters(step=text).duration_ms("step") == length_ms


@pytest.mark.parametrize("text", ["", "5q", "nan", "1e400", "m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """The message names the parameter."""
    with pytest.raises(BadParameter, match='invalid parameter "step"'):
        parameters(step=text).duration_ms("step")


@pytest.mark.parametrize("text", ["-1", "x", "1.5", "9" * 30])
def test_what_is_no_count_is_refused(text: str) -> None:
    """A limit is a number of at least 0."""
    with pytest.raises(BadParameter, match='invalid parameter "limit"'):
        parameters(limit=text).count("limit")


def test_selectors_read() -> None:
    """Each is a list of matchers."""
    found = Parameters({"match[]": ["up", '{job=~"a.*"}']}).selectors(required=True)
    assert found == [(Matcher("__name__", MatchOperator.EQUAL, "up"),), (Matcher("job", MatchOperator.REGEX, "a.*"),)]


@pytest.mark.parametrize("text", ["sum(up)", "up offset 5m", "up @ 3", "{", "{}", "1", ""])
def test_what_is_no_selector_is_refused(text: str) -> None:
    """Expressions, and selectors of everything."""
    with pytest.raises(BadParameter):
        Parameters({"match[]": [text]}).selectors()


def test_a_list_of_series_needs_a_selector() -> None:
    """Without one it would be everything."""
    with pytest.raises(BadParameter, match="no match"):
        Parameters({}).selectors(required=True)


@pytest.mark.parametrize(
    ("escaped", "name"),
    [
        ("job", "job"),
        ("U__http_2e_status_code", "http.status_code"),
        ("U__a_20_b", "a b"),
        ("U__a__b", "a_b"),
        ("U___1F600_", "\U0001f600"),
        ("U__", ""),
    ],
)
def test_labels_in_paths_are_unescaped(escaped: str, name: str) -> None:
    """As the documentation of the HTTP API says."""
    assert unescape_label(escaped) == name


@given(st.text())
def test_any_label_in_a_path_reads(text: str) -> None:
    """Whatever it is, it is a name or stays as it is."""
    assert isinstance(unescape_label(text), str)
    assert isinstance(unescape_label("U__" + text), str)
