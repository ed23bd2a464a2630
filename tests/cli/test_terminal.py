"""What commands print."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.cli.terminal import clean, service_colour, show_duration_ns, show_instant, show_ms, show_ratio, show_value


@given(st.text())
def test_clean_text_can_not_steer_a_terminal(text: str) -> None:
    """No control or format character passes, C1 and direction marks included, and printable text is untouched."""
    cleaned = clean(text)
    assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 or 0x202A <= ord(char) <= 0x202E for char in cleaned)
    if text.isprintable():
        assert cleaned == text


@pytest.mark.parametrize(
    ("nanoseconds", "shown"),
    [(0, "0 us"), (412_000, "412 us"), (12_345_678, "12.3 ms"), (1_200_000_000, "1.20 s"), (125_000_000_000, "2 m 5 s")],
)
def test_durations_have_the_unit_that_fits(nanoseconds: int, shown: str) -> None:
    """Three digits and a unit."""
    assert show_duration_ns(nanoseconds) == shown


def test_nothing_observed_is_a_dash() -> None:
    """None is not zero."""
    assert (show_ms(None), show_ms(0.0), show_ratio(None), show_ratio(0.0)) == ("-", "0 us", "-", "0.0 %")


def test_values_read_as_they_were_typed() -> None:
    """Text needs quotes only when it has spaces or is empty; all else is JSON."""
    assert [show_value(value) for value in ("a", "", "a b", True, None, 1.5, [1, "x"])] == [
        "a", '""', '"a b"', "true", "null", "1.5", '[1, "x"]',
    ]  # fmt: skip


def test_instants_are_cut_to_milliseconds() -> None:
    """Date and time, without the digits that nobody reads."""
    assert show_instant("2026-11-20T11:02:03.123456789Z") == "2026-11-20 11:02:03.123"


def test_a_service_keeps_its_colour() -> None:
    """The colour depends on the name alone."""
    assert service_colour("gateway") == service_colour("gateway")
