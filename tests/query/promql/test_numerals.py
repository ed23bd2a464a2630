"""Durations and numbers of PromQL: read, written, read again."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import InvalidInput
from tocsin.query.promql.numerals import DURATION_MS_MAX, format_duration, format_number, parse_duration_ms, parse_number, seconds_to_ms


@given(st.integers(1, DURATION_MS_MAX))
def test_durations_read_back(ms: int) -> None:
    """Every length of time is written so that it reads as the same."""
    assert parse_duration_ms(format_duration(ms)) == ms
    assert format_duration(-ms) == "-" + format_duration(ms)


@pytest.mark.parametrize("text", ["", "5", "m", "1h1d", "1m1m", "1.5h", "-5m", "5 m", "1H", "300y", "9" * 50 + "s", "5m\n"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Units in the wrong order, twice, unknown, or more than 292 years are no duration."""
    with pytest.raises(InvalidInput):
        parse_duration_ms(text)


@given(st.floats(min_value=0, allow_nan=False, allow_infinity=False))
def test_numbers_read_back(value: float) -> None:
    """Every number is written so that it reads as the same."""
    assert parse_number(format_number(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "_1",
        "0x",
        "0x_",
        "0xg",
        "1__0",
        "1_",
        "0x__1",
        "0x1_",
        "1_.5",
        "1._5",
        "1e_5",
        "1e",
        "1..2",
        "e5",
        "٣",
        "1e999",
        "0x" + "f" * 300,
    ],
)
def test_what_is_no_number_is_none(text: str) -> None:
    """What is no number, or beyond what a float holds, is none."""
    assert parse_number(text) is None


def test_seconds_become_milliseconds() -> None:
    """Fractions of a millisecond are cut without the noise of binary fractions; what has no such time has none."""
    assert (seconds_to_ms(0.0019), seconds_to_ms(4.35), seconds_to_ms(-0.29)) == (1, 4350, -290)
    assert (seconds_to_ms(math.inf), seconds_to_ms(math.nan), seconds_to_ms(1e18)) == (None, None, None)
