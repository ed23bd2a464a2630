"""What the door lets in, what it refuses, and the bytes that it hands on."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from google.protobuf import unknown_fields
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.builders import (
    NOW_NS,
    SECOND,
    TRACE_ID,
    StoredForm,
    log_request,
    metric_request,
    piece,
    raw_attribute,
    raw_span,
    sample_body,
    span_body,
    tag,
    trace_request,
    varint,
)

from tocsin.errors import ParseError
from tocsin.model.signal import Signal
from tocsin.wire.door import Checked, Door
from tocsin.wire.options import DoorOptions
from tocsin.wire.twin import REQUEST_NAMES

DOOR = Door()
STORED = StoredForm()
DAY_NS = 86_400 * SECOND


def check(signal: Signal, request: Any, door: Door = DOOR) -> Checked:
    """The request, through the door at NOW_NS."""
    body = request if isinstance(request, bytes) else request.SerializeToString()
    return door.check(signal, body, now_ns=NOW_NS)


def stored(signal: Signal, request: Any) -> Any:
    """The request as the store will read it."""
    checked = check(signal, request)
    assert checked.batch is not None
    return STORED.read(signal, checked.batch.body)


def stored_span(body: bytes) -> Any:
    """The only span of a trace body, as the store will read it."""
    return stored(Signal.TRACES, body).resource_spans[0].scope_spans[0].spans[0]


@pytest.mark.parametrize("signal", list(REQUEST_NAMES))
def test_an_ordinary_body_comes_out_byte_for_byte(signal: Signal) -> None:
    """What an SDK sends is stored as it came."""
    body = sample_body(signal)
    checked = check(signal, body)
    assert checked.batch is not None
    assert (checked.batch.body, checked.batch.signal, checked.batch.records) == (body, signal, checked.accepted)
    assert (checked.rejected, checked.message, checked.refused) == (0, "", ())


def test_records_are_counted_per_signal() -> None:
    """Spans, log records and data points of all five kinds are what is counted."""
    assert check(Signal.TRACES, trace_request(3)).accepted == 3
    assert check(Signal.LOGS, log_request(4)).accepted == 4
    assert check(Signal.METRICS, metric_request()).accepted == 5


@pytest.mark.parametrize("signal", list(REQUEST_NAMES))
def test_an_empty_request_leaves_nothing_to_store(signal: Signal) -> None:
    """An empty body is a valid request without records."""
    assert check(signal, b"") == Checked(None, 0, 0, "")


@pytest.mark.parametrize(
    "body", [b"\x0a\xff", b"hello", span_body(raw_span())[:-1], b"\x00", span_body(raw_span(piece(5, b"\xff\xfe"))), tag(1, 3), tag(1, 4)]
)
def test_what_does_not_parse_is_refused(body: bytes) -> None:
    """Cut short, not protobuf, text that is not UTF-8, an unmatched group: ParseError says what was expected."""
    with pytest.raises(ParseError, match="ExportTraceServiceRequest"):
        check(Signal.TRACES, body)


def test_nesting_beyond_a_hundred_levels_is_refused() -> None:
    """A value inside arrays inside arrays ends in a ParseError, not in a crash."""
    value = piece(1, b"x")
    for _ in range(200):
        value = piece(5, piece(1, value))
    with pytest.raises(ParseError):
        check(Signal.TRACES, span_body(raw_span(raw_attribute(value))))


POISON = {
    "unknown field": raw_span(piece(5000, b"x")),
    "unknown group": raw_span(tag(5000, 3) + tag(1, 0) + b"\x01" + tag(5000, 4)),
    "known field as a number": raw_span(tag(1, 0) + b"\x05"),
    "time as a varint": raw_span(tag(7, 0) + b"\x05"),
    "group on a known field": raw_span(tag(1, 3) + tag(1, 4)),
    "value as a number": raw_span(piece(9, piece(1, b"k") + tag(2, 0) + b"\x01")),
    "two members of a oneof": raw_span(raw_attribute(piece(1, b"v") + tag(3, 0) + b"\x05")),
    "two values": raw_span(piece(9, piece(1, b"k") + piece(2, piece(1, b"v")) + piece(2, piece(1, b"w")))),
    "a bool of 2": raw_span(raw_attribute(tag(2, 0) + b"\x02")),
    "an id twice": piece(1, b"b" * 16) + raw_span(),
    "a number too wide": raw_span(tag(16, 5) + b"\x01\x00\x00\x00" + tag(10, 0) + varint(2**40 + 3)),
    "an enum out of range": raw_span(tag(6, 0) + varint(2**40 + 3)),
    "an overlong tag": raw_span(b"\xd2\x80\x00" + b"\x01x"),
}


@pytest.mark.parametrize("span", POISON.values(), ids=POISON)
def test_only_canonical_bytes_of_known_fields_pass(span: bytes) -> None:
    """Valid protobuf that the engine would refuse comes out in the one form that upb writes."""
    checked = check(Signal.TRACES, span_body(span))
    assert checked.batch is not None
    message = STORED.read(Signal.TRACES, checked.batch.body)
    again = message.resource_spans[0].scope_spans[0].spans[0]
    assert message.SerializeToString() == checked.batch.body
    assert len(unknown_fields.UnknownFieldSet(again)) == 0
    assert again.trace_id == TRACE_ID


def test_the_last_member_of_a_oneof_wins() -> None:
    """As protobuf says, also when the loser is an array."""
    assert stored_span(span_body(POISON["two members of a oneof"])).attributes[0].value.int_value == 5
    value = stored_span(span_body(raw_span(raw_attribute(piece(5, b"") + piece(1, b"v"))))).attributes[0].value
    assert (value.WhichOneof("value"), value.string_value) == ("string_value", "v")


@pytest.mark.parametrize("field", [piece(1000, b"{broken"), b"\xc2\xbe\x00\x07{broken", piece(1, b"v") + piece(1000, b"{broken")])
def test_no_client_can_bring_json_of_its_own(field: bytes) -> None:
    """The private field 1000 is unknown on the way in, however it is written, and is dropped."""
    span = stored_span(span_body(raw_span(raw_attribute(field))))
    assert span.attributes[0].value.WhichOneof("value") in {None, "string_value"}
    assert b"broken" not in span.SerializeToString()


def any_values(request: Any) -> None:
    """Put a map with everything in it into an AnyValue."""
    values = request.kvlist_value.values
    values.add(key="text").value.string_value = 'a"ü\n'
    values.add(key="int").value.int_value = -(2**63)
    values.add(key="yes").value.bool_value = True
    values.add(key="half").value.double_value = 0.5
    values.add(key="nan").value.double_value = float("nan")
    values.add(key="inf").value.double_value = float("inf")
    values.add(key="-inf").value.double_value = float("-inf")
    values.add(key="raw").value.bytes_value = b"\x00\xff"
    values.add(key="none")
    inner = values.add(key="list").value.array_value.values
    inner.add().int_value = 1
    inner.add().array_value.SetInParent()
    inner.add().kvlist_value.values.add(key="deep").value.string_value = "x"


EXPECTED_JSON = (
    '{"text":"a\\"ü\\n","int":-9223372036854775808,"yes":true,"half":0.5,"nan":"NaN","inf":"Infinity","-inf":"-Infinity",'
    '"raw":{"$bytes":"AP8="},"none":null,"list":[1,[],{"deep":"x"}]}'
)


def test_a_map_becomes_its_json_text() -> None:
    """Keys in order, 64-bit integers as numbers, not-finite numbers as words, bytes as base64."""
    request = trace_request(2)
    any_values(request.resource_spans[0].scope_spans[0].spans[1].attributes.add(key="map").value)
    spans = stored(Signal.TRACES, request).resource_spans[0].scope_spans[0].spans
    assert spans[1].attributes[2].value.json_value == EXPECTED_JSON
    assert spans[0].SerializeToString() == request.resource_spans[0].scope_spans[0].spans[0].SerializeToString()


def test_values_are_reduced_wherever_they_sit_in_a_trace() -> None:
    """Resource, scope, span, event and link."""
    request = trace_request(1)
    resource = request.resource_spans[0]
    span = resource.scope_spans[0].spans[0]
    holders = (resource.resource, resource.scope_spans[0].scope, span, span.events.add(), span.links.add())
    for holder in holders:
        holder.attributes.add(key="list").value.array_value.values.add().string_value = "x"
    resource = stored(Signal.TRACES, request).resource_spans[0]
    span = resource.scope_spans[0].spans[0]
    for holder in (resource.resource, resource.scope_spans[0].scope, span, span.events[0], span.links[0]):
        assert holder.attributes[-1].value.json_value == '["x"]'


def test_values_are_reduced_wherever_they_sit_in_logs_and_metrics() -> None:
    """Bodies and attributes of log records; data points of all five kinds, exemplars, metadata."""
    logs = log_request(1)
    record = logs.resource_logs[0].scope_logs[0].log_records[0]
    record.body.kvlist_value.values.add(key="a").value.int_value = 1
    record.attributes.add(key="list").value.array_value.SetInParent()
    record = stored(Signal.LOGS, logs).resource_logs[0].scope_logs[0].log_records[0]
    assert (record.body.json_value, record.attributes[0].value.json_value) == ('{"a":1}', "[]")

    request = metric_request()
    metrics = request.resource_metrics[0].scope_metrics[0].metrics
    for metric in metrics:
        point = getattr(metric, metric.name).data_points[0]
        point.attributes.add(key="list").value.array_value.SetInParent()
    metrics[0].gauge.data_points[0].exemplars.add().filtered_attributes.add(key="m").value.kvlist_value.SetInParent()
    metrics[1].metadata.add(key="m").value.kvlist_value.SetInParent()
    metrics = stored(Signal.METRICS, request).resource_metrics[0].scope_metrics[0].metrics
    assert [getattr(m, m.name).data_points[0].attributes[0].value.json_value for m in metrics] == ["[]"] * 5
    assert metrics[0].gauge.data_points[0].exemplars[0].filtered_attributes[0].value.json_value == "{}"
    assert metrics[1].metadata[0].value.json_value == "{}"


def test_presence_of_optional_fields_is_kept() -> None:
    """A histogram's sum of 0 that was sent is not a sum that was not sent."""
    request = metric_request()
    request.resource_metrics[0].scope_metrics[0].metrics[2].histogram.data_points[0].sum = 0.0
    point = stored(Signal.METRICS, request).resource_metrics[0].scope_metrics[0].metrics[2].histogram.data_points[0]
    assert point.HasField("sum")
    assert not point.HasField("min")


def test_spans_too_far_in_the_future_are_removed_and_named() -> None:
    """The rest of the request is stored; the message says how many, an example and the option."""
    request = trace_request(3)
    request.resource_spans[0].scope_spans[0].spans[1].end_time_unix_nano = NOW_NS + DAY_NS + 1
    checked = check(Signal.TRACES, request)
    assert checked.batch is not None
    names = [span.name for span in STORED.read(Signal.TRACES, checked.batch.body).resource_spans[0].scope_spans[0].spans]
    assert (checked.accepted, checked.rejected, checked.batch.records, names) == (2, 1, 2, ["span-0", "span-2"])
    assert checked.message == (
        "1 span rejected: time more than 86400 s in the future, e.g. 2027-01-16T08:00:00.000000001Z; "
        "set the sender's clock right or raise option wire.door.future_s_max."
    )


def test_removal_keeps_reduced_values() -> None:
    """A request with both refused records and maps loses only the refused records."""
    request = trace_request(2)
    spans = request.resource_spans[0].scope_spans[0].spans
    spans[0].span_id = b""
    any_values(spans[1].attributes.add(key="map").value)
    checked = check(Signal.TRACES, request)
    assert checked.batch is not None
    span = STORED.read(Signal.TRACES, checked.batch.body).resource_spans[0].scope_spans[0].spans[0]
    assert span.attributes[2].value.json_value == EXPECTED_JSON


def test_event_time_of_any_age_is_taken_by_default() -> None:
    """1970 is as good as today."""
    assert check(Signal.TRACES, trace_request(1, start_ns=1)).accepted == 1
    assert check(Signal.LOGS, log_request(1, time_ns=1)).accepted == 1
    assert check(Signal.METRICS, metric_request(1)).accepted == 5


def test_too_old_records_are_removed_when_a_bound_is_set() -> None:
    """With past_s_max, both ends of the window included, the older ones are counted as rejected."""
    door = Door(DoorOptions(past_s_max=3600))
    edge = NOW_NS - 3600 * SECOND
    assert check(Signal.LOGS, log_request(2, time_ns=edge), door).rejected == 0
    checked = check(Signal.LOGS, log_request(2, time_ns=edge - 1), door)
    assert (checked.batch, checked.accepted, checked.rejected) == (None, 0, 2)
    assert checked.message.startswith("2 log records rejected: time more than 3600 s in the past, e.g. 2027-01-15T06:59:59.999999999Z")


def test_the_edge_of_the_future_belongs_to_the_window() -> None:
    """Exactly future_s_max ahead is taken, a nanosecond more is not."""
    assert check(Signal.METRICS, metric_request(NOW_NS + DAY_NS)).rejected == 0
    assert check(Signal.METRICS, metric_request(NOW_NS + DAY_NS + 1)).rejected == 5


@pytest.mark.parametrize("instant", [2**63, 2**64 - 1])
def test_times_that_no_engine_can_hold_are_refused(instant: int) -> None:
    """Beyond 2^63-1 ns is out of range, whatever the options say; the message gives the number."""
    checked = check(Signal.METRICS, metric_request(instant))
    assert (checked.accepted, checked.rejected) == (0, 5)
    assert str(instant) in checked.message
    assert check(Signal.LOGS, log_request(1, time_ns=instant)).rejected == 1
    assert check(Signal.TRACES, trace_request(1, start_ns=instant - 1000)).rejected == 1


def test_a_log_record_without_time_is_judged_by_its_observed_time() -> None:
    """Time 0 means unknown: the observed time counts; both 0 means the time received, which is fine."""
    assert check(Signal.LOGS, log_request(1, time_ns=0, observed_ns=NOW_NS + 2 * DAY_NS)).rejected == 1
    assert check(Signal.LOGS, log_request(1, time_ns=0, observed_ns=NOW_NS)).accepted == 1
    door = Door(DoorOptions(past_s_max=3600))
    assert check(Signal.LOGS, log_request(1, time_ns=0, observed_ns=0), door).accepted == 1


def test_a_span_that_ends_before_it_starts_is_taken() -> None:
    """Skewed clocks happen; the store gives it a duration of 0."""
    request = trace_request(1)
    request.resource_spans[0].scope_spans[0].spans[0].end_time_unix_nano = 5
    assert check(Signal.TRACES, request).accepted == 1


@pytest.mark.parametrize("field", ["trace_id", "span_id"])
@pytest.mark.parametrize("value", [b"", b"\x01" * 7, bytes(16), bytes(8), b"\x01" * 17])
def test_spans_with_invalid_ids_are_refused(field: str, value: bytes) -> None:
    """An id of the wrong length, or all zero, is invalid by the OTLP data model."""
    request = trace_request(2)
    setattr(request.resource_spans[0].scope_spans[0].spans[0], field, value)
    checked = check(Signal.TRACES, request)
    assert (checked.accepted, checked.rejected) == (1, 1)
    assert checked.message.startswith(f"1 span rejected: {field} must be")


def test_several_reasons_are_all_named() -> None:
    """The message has one sentence per reason, and the counts are kept apart."""
    request = trace_request(4)
    spans = request.resource_spans[0].scope_spans[0].spans
    spans[0].trace_id = b""
    spans[1].span_id = b"x"
    spans[2].start_time_unix_nano = 2**64 - 1
    checked = check(Signal.TRACES, request)
    assert (checked.accepted, checked.rejected) == (1, 3)
    assert {(item.refusal.value, item.count) for item in checked.refused} == {("trace_id", 1), ("span_id", 1), ("time_out_of_range", 1)}
    assert checked.message.count("rejected:") == 3


def test_statistics_add_up() -> None:
    """Requests, unreadable and reduced ones, records by signal, refusals by reason."""
    door = Door()
    request = trace_request(2)
    request.resource_spans[0].resource.attributes.add(key="l").value.array_value.SetInParent()
    request.resource_spans[0].scope_spans[0].spans[0].trace_id = b""
    check(Signal.TRACES, request, door)
    check(Signal.LOGS, log_request(3), door)
    with pytest.raises(ParseError):
        check(Signal.LOGS, b"\xff", door)
    statistics = door.statistics()
    assert (statistics.requests, statistics.unreadable, statistics.reduced) == (3, 1, 1)
    assert statistics.passed == {Signal.TRACES: 1, Signal.LOGS: 3, Signal.METRICS: 0}
    assert statistics.refused == {"trace_id": 1}


@given(st.sampled_from(list(REQUEST_NAMES)), st.binary(max_size=300))
def test_random_bytes_never_crash_the_door(signal: Signal, body: bytes) -> None:
    """Any bytes either parse or end in a ParseError."""
    with contextlib.suppress(ParseError):
        check(signal, body)


@given(st.sampled_from(list(REQUEST_NAMES)), st.data())
def test_mutated_bodies_stay_canonical(signal: Signal, data: st.DataObject) -> None:
    """Whatever is done to a valid body, what passes once passes again unchanged, with the records that were promised."""
    body = bytearray(sample_body(signal))
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(body) - 1))
        body[position : position + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    try:
        checked = check(signal, bytes(body))
    except ParseError:
        return
    if checked.batch is not None:
        again = check(signal, checked.batch.body)
        assert (again.batch, again.rejected) == (checked.batch, 0)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
        max_leaves=20,
    ).filter(lambda value: isinstance(value, (list, dict)))
)
def test_any_nested_value_survives_as_json(value: Any) -> None:
    """The JSON text reads back as the value that was sent."""

    def fill(target: Any, content: Any) -> None:
        if isinstance(content, bool):
            target.bool_value = content
        elif isinstance(content, str):
            target.string_value = content
        elif isinstance(content, int):
            target.int_value = content
        elif isinstance(content, float):
            target.double_value = content
        elif isinstance(content, list):
            target.array_value.SetInParent()
            for item in content:
                fill(target.array_value.values.add(), item)
        elif isinstance(content, dict):
            target.kvlist_value.SetInParent()
            for key, item in content.items():
                fill(target.kvlist_value.values.add(key=key).value, item)

    request = log_request(1)
    fill(request.resource_logs[0].scope_logs[0].log_records[0].body, value)
    body = stored(Signal.LOGS, request).resource_logs[0].scope_logs[0].log_records[0].body
    assert json.loads(body.json_value) == value
