"""Numbers of expositions: exactly rounded by the kernel, the grammar of the formats, the one form of bounds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tocsin.wire.prometheus.numerals import canonical_bound, format_bound, read_milliseconds, read_number, slow_number


def _read(text: str) -> float | None:
    data = np.frombuffer(text.encode(), np.uint8)
    value, certain = read_number(data, 0, len(data))
    return value if certain else None


@pytest.mark.parametrize(
    "text", ["0", "-0", "+7", "7.", ".5", "-.25", "1e3", "1E-3", "000123.4500", "12345678901234567", "NaN", "Inf", "+Inf", "-Inf"]
)
def test_usual_numbers_are_read_by_the_kernel(text: str) -> None:
    """As `float` reads them, the sign of zero included."""
    assert repr(_read(text)) == repr(float(text))


@pytest.mark.parametrize(
    "text", ["", ".", "-", "+", "e5", "1e", "1e+", "1.2.3", "0x10", "1_000", "1f", "--1", "+NaN", "1 ", "nan0", "1e400", "-1e400"]
)
def test_what_is_no_number(text: str) -> None:
    """Neither way reads it: hexadecimal, underscores, a signed NaN, two points, and what no double can hold."""
    assert _read(text) is None
    assert slow_number(text.encode()) is None


@pytest.mark.parametrize(("text", "value"), [("infinity", math.inf), ("-INF", -math.inf), ("1e-400", 0.0), ("1" * 30, float("1" * 30))])
def test_odd_numbers_are_read_the_slow_way(text: str, value: float) -> None:
    """Spellings and lengths that hardly anybody writes."""
    assert _read(text) is None
    assert slow_number(text.encode()) == value


@settings(max_examples=500, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
@example(5e-324)
@example(2.2250738585072014e-308)
@example(9007199254740993.0)
def test_the_kernel_rounds_as_python_does(value: float) -> None:
    """Whatever number is written in whatever usual way, the kernel gives the nearest double, or leaves it."""
    for text in (repr(value), f"{value:.17g}", f"{value:.3f}"[:25], f"{value:.18e}"):
        assert _read(text) in {None, float(text)}


@settings(max_examples=300, deadline=None)
@given(st.integers(2**52, 2**63), st.integers(-64, 64))
def test_the_kernel_rounds_what_lies_between_two_doubles(mantissa: int, power: int) -> None:
    """Numbers of up to 19 digits, halves among them."""
    for text in (f"{mantissa}e{power}", f"{mantissa | 1}e0", f"{(mantissa >> 9 << 1) | 1}.5e0"):
        assert _read(text) in {None, float(text)}


def test_numbers_of_python_and_go_are_left_to_nobody() -> None:
    """All 16 and 17 digits that clients write are read by the kernel."""
    assert [_read(repr(value)) for value in (0.1 + 0.2, 1 / 3, math.pi * 1e5, 1.7e9 + 1 / 7)] == [
        0.1 + 0.2,
        1 / 3,
        math.pi * 1e5,
        1.7e9 + 1 / 7,
    ]


@pytest.mark.parametrize(
    ("text", "time"), [("0", 0), ("1790000000123", 1_790_000_000_123), ("", -1), ("5x", -1), ("-5", -1), ("9" * 19, -2)]
)
def test_times(text: str, time: int) -> None:
    """Rows of digits; others are told apart from those that are too long."""
    assert read_milliseconds(np.frombuffer(text.encode(), np.uint8), 0, len(text)) == time


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"), (-0.0, "0.0"), (1.0, "1.0"), (-1.5, "-1.5"), (0.005, "0.005"), (0.0001, "0.0001"), (0.00002, "2e-05"),
        (250_000.0, "250000.0"), (999_999.5, "999999.5"), (1_000_000.0, "1e+06"), (2_500_000.0, "2.5e+06"), (1e21, "1e+21"),
        (1e100, "1e+100"),
        (math.inf, "+Inf"), (-math.inf, "-Inf"), (math.nan, "NaN"),
    ],
)  # fmt: skip
def test_bounds(value: float, text: str) -> None:
    """A point in the usual ones, an exponent in the large and the small ones."""
    assert format_bound(value) == text


@given(st.floats())
def test_bounds_keep_their_value(value: float) -> None:
    """A bound as text gives the same number again, and stays as it is when it is written once more."""
    text = format_bound(value)
    assert float(text) == value or math.isnan(value)
    assert canonical_bound(text) == text
