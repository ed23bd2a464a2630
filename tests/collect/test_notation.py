"""Prometheus' notations in configuration: durations, sizes, and what is never shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from tocsin.collect.notation import Duration, Secret, Size, Text, parse_duration, parse_size, print_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("15s", 15),
        ("1m30s", 90),
        ("250ms", 0.25),
        ("1h", 3600),
        ("1d12h", 129_600),
        ("2w", 1_209_600),
        ("1y", 31_536_000),
        ("0", 0),
        (0, 0),
    ],
)
def test_durations_are_read(text: object, seconds: float) -> None:
    """Each unit counts, largest first; a bare zero is no time."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "15", 15, "s", "1.5s", "-1s", "1s1m", "15 s", "1S", True, None, ["1s"], "1m1m", "400y"])
def test_what_is_no_duration_is_refused(text: object) -> None:
    """Anything else says what was expected and what was found."""
    with pytest.raises(ValueError, match="expected a duration"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=9 * 10**12))
def test_durations_survive_printing(ms: int) -> None:
    """What is printed reads back as the same duration."""
    assert parse_duration(print_duration(ms / 1000)) == ms / 1000


@pytest.mark.parametrize(
    ("seconds", "text"), [(15.0, "15s"), (90.0, "1m30s"), (0.25, "250ms"), (604_800.0, "1w"), (777_600.0, "9d"), (0.0, "0s")]
)
def test_durations_print_short(seconds: float, text: str) -> None:
    """The notation has no unit that is not needed; weeks stand only for whole weeks."""
    assert print_duration(seconds) == text


@pytest.mark.parametrize(("text", "size"), [("10MB", 10 << 20), ("512KiB", 512 << 10), ("1.5GB", 3 << 29), (0, 0), ("77", 77), ("5B", 5)])
def test_sizes_are_read(text: object, size: int) -> None:
    """Letters stand for powers of 1024, as in Prometheus."""
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1", "10 MB", "10mb", True, None, -5])
def test_what_is_no_size_is_refused(text: object) -> None:
    """Anything else says what was expected."""
    with pytest.raises(ValueError, match="expected a size"):
        parse_size(text)


class _Sample(BaseModel):
    every: Duration = 1.0
    size: Size = 0
    text: Text = ""
    secret: Secret | None = None


def test_fields_take_what_yaml_gives() -> None:
    """Numbers and truth values become the texts that were meant."""
    sample = _Sample.model_validate({"every": "1m", "size": "1KB", "text": True, "secret": 12345})
    assert (sample.every, sample.size, sample.text) == (60.0, 1024, "true")
    assert sample.secret is not None
    assert sample.secret.get_secret_value() == "12345"
    assert "12345" not in repr(sample)


def test_a_wrong_secret_is_not_repeated() -> None:
    """A message about a list in place of a password does not hold the password."""
    with pytest.raises(ValidationError) as caught:
        _Sample.model_validate({"secret": ["hunter2"]})
    assert "hunter2" not in caught.value.errors(include_url=False)[0]["msg"]
