"""Log records made of a line's fields."""

from __future__ import annotations

from typing import Any

import pytest
from tests.wire.builders import NOW_NS, SECOND, StoredForm

from tocsin.model.signal import Signal
from tocsin.wire.log_request import LogRequest, read_time
from tocsin.wire.twin import Twin

TWIN = Twin()
STORED = StoredForm()


def stored(*lines: dict[str, Any]) -> Any:
    """The request as the store will read it."""
    request = LogRequest(TWIN, service="default", now_ns=NOW_NS)
    for fields in lines:
        request.add_fields(fields)
    return STORED.read(Signal.LOGS, request.message.SerializeToString())


def record(**fields: Any) -> Any:
    """The record of one line."""
    return stored(fields).resource_logs[0].scope_logs[0].log_records[0]


def attributes(message: Any) -> dict[str, Any]:
    """Attributes by key: the name of the member that is set, and its value."""
    kinds = ((item.key, item.value.WhichOneof("value"), item.value) for item in message.attributes)
    return {key: (kind, getattr(value, kind)) if kind else None for key, kind, value in kinds}


@pytest.mark.parametrize("key", ["timestamp", "time", "ts", "@timestamp"])
@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2026-11-20T02:03:11.000000123Z", 1_795_140_191_000_000_123),
        ("2026-11-20 02:03:11,5", 1_795_140_191_500_000_000),
        ("2026-11-20T04:03:11+02:00", 1_795_140_191_000_000_000),
        (1_700_000_000, 1_700_000_000 * SECOND),
        (1_700_000_000.25, 1_700_000_000 * SECOND + SECOND // 4),
        (1_700_000_000_123, 1_700_000_000_123_000_000),
        (1_700_000_000_123_456, 1_700_000_000_123_456_000),
        (1_700_000_000_123_456_789, 1_700_000_000_123_456_789),
        ("1700000000", 1_700_000_000 * SECOND),
        ("1700000000.000000001", 1_700_000_000 * SECOND + 1),
        ("1700000000123", 1_700_000_000_123_000_000),
        (1, SECOND),
    ],
)
def test_times(key: str, value: Any, instant: int) -> None:
    """RFC 3339 and epochs in four units, told apart by their size; the field is used up."""
    made = record(**{key: value})
    assert (made.time_unix_nano, made.observed_time_unix_nano, len(made.attributes)) == (instant, NOW_NS, 0)


@pytest.mark.parametrize(
    "value", ["yesterday", "", None, True, -5, 0, {"a": 1}, float("inf"), float("nan"), 2.0**80, "1969-12-31T23:59:59Z", "9" * 20]
)
def test_a_time_that_says_nothing_is_replaced_counted_and_kept(value: Any) -> None:
    """The record gets the present, is counted, and keeps what it had as an attribute."""
    request = LogRequest(TWIN, service="s", now_ns=NOW_NS)
    request.add_fields({"ts": value})
    made = request.message.resource_logs[0].scope_logs[0].log_records[0]
    assert (made.time_unix_nano, request.times_missing, made.attributes[0].key) == (NOW_NS, 1, "ts")
    assert read_time(value) is None


def test_the_second_name_of_the_time_is_used_when_the_first_says_nothing() -> None:
    """`timestamp: "n/a"` does not hide `ts`."""
    made = record(timestamp="n/a", ts=5)
    assert (made.time_unix_nano, set(attributes(made))) == (5 * SECOND, {"timestamp"})


@pytest.mark.parametrize("key", ["level", "severity", "lvl"])
@pytest.mark.parametrize(
    ("value", "number", "text"),
    [("info", 9, "info"), ("WARNING", 13, "WARNING"), ("Error", 17, "Error"), ("fatal", 21, "fatal"), ("odd", 0, "odd"), (17, 17, "")],
)
def test_severities(key: str, value: Any, number: int, text: str) -> None:
    """Words become OTLP's numbers and are kept as the text; OTLP's own numbers are taken."""
    made = record(**{key: value})
    assert (made.severity_number, made.severity_text, len(made.attributes)) == (number, text, 0)


@pytest.mark.parametrize("value", [30, 0, True, "", None, ["info"]])
def test_a_severity_of_another_scale_stays_an_attribute(value: Any) -> None:
    """30 is INFO to some loggers and WARNING to others: no guess is made."""
    made = record(level=value)
    assert (made.severity_number, set(attributes(made))) == (0, {"level"})


@pytest.mark.parametrize("key", ["message", "msg", "body"])
def test_bodies(key: str) -> None:
    """A text stays a text, a structure becomes JSON, no body is an empty one; a second name stays an attribute."""
    assert record(**{key: "hello"}).body.string_value == "hello"
    assert record(**{key: {"a": [1]}}).body.json_value == '{"a":[1]}'
    assert record(other=1).body.WhichOneof("value") is None
    assert attributes(record(message="m", body="b")) == {"body": ("string_value", "b")}


def test_services_have_a_resource_each() -> None:
    """Records are grouped by service; who names none gets the default; what is no text stays an attribute."""
    request = stored({"service": "a"}, {"service.name": "b"}, {"service": "a"}, {"x": 1}, {"service": {"name": "c"}})
    names = [resource.resource.attributes[0].value.string_value for resource in request.resource_logs]
    counts = [len(resource.scope_logs[0].log_records) for resource in request.resource_logs]
    assert (names, counts) == (["a", "b", "default"], [2, 1, 2])
    assert attributes(request.resource_logs[2].scope_logs[0].log_records[1]) == {"service": ("json_value", '{"name":"c"}')}


def test_ids_are_taken_when_they_are_valid() -> None:
    """Hexadecimal of the right length, not all zero; anything else stays an attribute."""
    made = record(trace_id="AB" * 16, span_id="cd" * 8)
    assert (made.trace_id, made.span_id, len(made.attributes)) == (b"\xab" * 16, b"\xcd" * 8, 0)
    made = record(trace_id="0" * 32, span_id="xyz")
    assert (made.trace_id, set(attributes(made))) == (b"", {"trace_id", "span_id"})
    assert set(attributes(record(trace_id=5, span_id="g" * 16))) == {"trace_id", "span_id"}


def test_attributes_keep_their_type() -> None:
    """Texts, booleans, integers (as doubles beyond 64 bits), doubles, null, arrays and objects."""
    made = attributes(record(s="x", b=True, i=-5, big=2**70, d=0.5, n=None, a=[1, "x"], o={"k": None}))
    assert made == {
        "s": ("string_value", "x"),
        "b": ("bool_value", True),
        "i": ("int_value", -5),
        "big": ("double_value", float(2**70)),
        "d": ("double_value", 0.5),
        "n": None,
        "a": ("json_value", '[1,"x"]'),
        "o": ("json_value", '{"k":null}'),
    }
