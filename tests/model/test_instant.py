"""Instants as text: what is written is read back, what people write is understood, what is none is refused."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from tocsin.errors import InvalidInput
from tocsin.model.instant import INSTANT_MAX, NANOSECONDS, Instant, TimeRange, format_instant, parse_duration_ns, parse_instant

NOON = 1_700_000_000 * NANOSECONDS  # 2023-11-14T22:13:20Z
INSTANTS = st.integers(min_value=-(2**63), max_value=INSTANT_MAX)


@given(INSTANTS)
def test_what_is_written_is_read_back(instant: int) -> None:
    """Every instant that the engine can hold survives its text form, to the nanosecond."""
    assert parse_instant(format_instant(instant)) == instant


@given(INSTANTS)
def test_json_keeps_every_nanosecond(instant: int) -> None:
    """JSON numbers lose digits, so an instant is a text there."""
    adapter = TypeAdapter(Instant)
    text = adapter.dump_json(instant)
    assert text == f'"{format_instant(instant)}"'.encode()
    assert adapter.validate_json(text) == instant
    assert adapter.dump_python(instant) == instant


@given(
    st.datetimes(min_value=datetime(1700, 1, 1), max_value=datetime(2260, 1, 1)),  # noqa: DTZ001 - the zone is added below
    st.integers(min_value=-14 * 60, max_value=14 * 60),
    st.sampled_from(["T", " ", "t"]),
)
def test_offsets_are_understood(moment: datetime, offset_min: int, separator: str) -> None:
    """The same moment is the same instant, however far from Greenwich it was written down."""
    sign = "-" if offset_min < 0 else "+"
    hours, minutes = divmod(abs(offset_min), 60)
    local = moment.replace(microsecond=0)
    instant = (local.replace(tzinfo=UTC) - timedelta(minutes=offset_min) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    text = f"{local:%Y-%m-%d}{separator}{local:%H:%M:%S}{sign}{hours:02}:{minutes:02}"
    assert parse_instant(text) == instant * NANOSECONDS


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2023-11-14T22:13:20Z", NOON),
        ("2023-11-14t22:13:20z", NOON),
        ("2023-11-14 22:13:20", NOON),
        ("  2023-11-14T22:13:20.000000001Z ", NOON + 1),
        ("2023-11-14T22:13:20.5+00:00", NOON + 500_000_000),
        ("2023-11-14T22:13:20.1234567899Z", NOON + 123_456_789),
        ("2023-11-15T03:43:20+0530", NOON),
        ("2023-11-14T22:13Z", NOON - 20 * NANOSECONDS),
        ("2023-11-14", 1_699_920_000 * NANOSECONDS),
        ("1700000000", NOON),
        ("1700000000.25", NOON + 250_000_000),
        ("1700000000.000000001", NOON + 1),
        ("0", 0),
        ("-1.5", -1_500_000_000),
        ("-0.5", -500_000_000),
        ("now", NOON),
        ("now-15m", NOON - 900 * NANOSECONDS),
        ("now - 1h30m", NOON - 5400 * NANOSECONDS),
    ],
)
def test_what_people_write(text: str, instant: int) -> None:
    """RFC 3339 and its looser relatives, seconds since 1970, and times relative to now."""
    assert parse_instant(text, now=NOON) == instant


@pytest.mark.parametrize(
    "text",
    [
        "", "yesterday", "2023-13-01", "2023-02-30T00:00:00Z", "2023-11-14T25:00:00Z", "2023-11-14T22:13:20+99:00", "14.11.2023",
        "1e9", "nan",
        "now+5m",
        "now-", "now-5", "2023-11-14T22", "1700000000s", "1700000000000000000", "0x10", "2023-11-14T22:13:20ZZ", "T", "-",
    ],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    """Anything else is refused with the text and the ways to write it."""
    with pytest.raises(InvalidInput, match="is not a"):
        parse_instant(text, now=NOON)


@given(st.text(max_size=30))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Any text is an instant or a refusal, never another failure."""
    with suppress(InvalidInput):
        assert isinstance(parse_instant(text, now=NOON), int)
    with suppress(InvalidInput):
        assert parse_duration_ns(text) >= 0


@pytest.mark.parametrize("text", ["99999999999", "-99999999999", "9999-12-31T23:59:59-23:59", "0001-01-01"])
def test_what_no_engine_can_hold(text: str) -> None:
    """An instant beyond 64 bits of nanoseconds is refused where it is read, not where it is first used."""
    with pytest.raises(InvalidInput, match="out of range"):
        parse_instant(text, now=NOON)


def test_now_needs_a_clock() -> None:
    """Without a present there is no 'now'."""
    with pytest.raises(InvalidInput):
        parse_instant("now")


@pytest.mark.parametrize("value", ["yesterday", "", None, [], {}, 0.5, True])
def test_json_that_is_no_instant_is_a_validation_error(value: object) -> None:
    """Pydantic says which field is wrong, whatever was sent in its place."""
    with pytest.raises(ValidationError):
        TypeAdapter(Instant).validate_python(value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25), ("90s", 90), ("15m", 900), ("1.5h", 5400), ("1h30m", 5400), ("1h 30m", 5400), ("7d", 604_800), ("2w", 1_209_600),
        ("0s", 0),
    ],
)  # fmt: skip
def test_lengths_of_time(text: str, seconds: float) -> None:
    """Numbers with units, one after the other."""
    assert parse_duration_ns(text) == seconds * NANOSECONDS


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "5 minutes", "5m!", "1h30", "1..5h", "5M", "ms5", "9" * 400 + "w", "20000w"])
def test_what_is_no_length(text: str) -> None:
    """A number without a unit, or anything else, is refused with examples."""
    with pytest.raises(InvalidInput, match="not a length of time"):
        parse_duration_ns(text)


def test_a_range_runs_forward() -> None:
    """A range may be empty, but it does not end before it starts."""
    assert TimeRange(NOON, NOON).duration_ns == 0
    assert TimeRange(NOON, NOON + 5).duration_ns == 5
    with pytest.raises(InvalidInput, match="swap the two"):
        TimeRange(NOON + 1, NOON)
