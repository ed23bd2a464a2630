"""OTLP JSON, rule by rule of the specification."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import orjson
import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.builders import NOW_NS, SPAN_ID, TRACE_ID, metric_request, trace_request

from tocsin.errors import ParseError
from tocsin.model.signal import Signal
from tocsin.wire.otlp_json import OtlpJson
from tocsin.wire.twin import Twin

READER = OtlpJson(Twin())


def read(signal: Signal, document: Any) -> Any:
    """The request in a JSON document."""
    return READER.parse(signal, orjson.dumps(document))


def read_span(**fields: Any) -> Any:
    """A span with the given JSON fields."""
    return read(Signal.TRACES, {"resourceSpans": [{"scopeSpans": [{"spans": [fields]}]}]}).resource_spans[0].scope_spans[0].spans[0]


def read_value(**fields: Any) -> Any:
    """An attribute's value with the given JSON fields."""
    return read_span(attributes=[{"key": "k", "value": fields}]).attributes[0].value


@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_ids_are_hexadecimal_in_either_case(case: Any) -> None:
    """'traceId and spanId are case-insensitive hex-encoded strings, not base64.'"""
    span = read_span(traceId=case("0aF1" * 8), spanId=case("0aF1" * 4), parentSpanId="", links=[{"traceId": case("ab" * 16)}])
    assert (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id) == ("0af1" * 8, "0af1" * 4, b"")
    assert span.links[0].trace_id.hex() == "ab" * 16


@pytest.mark.parametrize("value", ["xyz", "abc", 5, "AQIDBAUGBwg=", ["ab"], "ä"])
def test_an_id_that_is_no_hexadecimal_is_refused(value: Any) -> None:
    """Base64 as generic protobuf JSON would have it is refused too, with the place."""
    with pytest.raises(ParseError, match=r"resourceSpans\[0\].scopeSpans\[0\].spans\[0\].traceId"):
        read_span(traceId=value)


def test_enums_are_integers() -> None:
    """'Values of enum fields MUST be encoded as integer values.'"""
    assert read_span(kind=2, status={"code": 2}).status.code == 2
    for name in ("SPAN_KIND_SERVER", "2"):
        with pytest.raises(ParseError, match="enum"):
            read_span(kind=name)


def test_unknown_fields_are_ignored() -> None:
    """'Receivers MUST ignore message fields with unknown names', on every level and of any shape."""
    span = read_span(name="n", colour={"a": [1, {"b": None}]}, attributes=[{"key": "k", "value": {"newValue": []}, "x": 1}])
    assert (span.name, span.attributes[0].value.WhichOneof("value")) == ("n", None)
    assert read(Signal.TRACES, {"other": 1}).SerializeToString() == b""


def test_keys_are_lower_camel_case_only() -> None:
    """'Original field names are not valid to use as keys of JSON objects': they are unknown fields."""
    assert read_span(trace_id="ab" * 16).trace_id == b""


@pytest.mark.parametrize("value", [str(NOW_NS), NOW_NS])
def test_64_bit_integers_are_strings_or_numbers(value: Any) -> None:
    """Both ways are accepted when decoding."""
    assert read_span(startTimeUnixNano=value).start_time_unix_nano == NOW_NS


@pytest.mark.parametrize("value", ["-9223372036854775808", -(2**63), "9223372036854775807", 5.0, 0])
def test_signed_integers_have_64_bits(value: Any) -> None:
    """The whole range is there, and a float without a fraction is an integer."""
    assert read_value(intValue=value).int_value == int(value)


@pytest.mark.parametrize("value", ["9223372036854775808", 1.5, "1.5", "", "abc", True, "\uff11", [], {}, "0x10", "1_0", 1e300])
def test_what_is_no_integer_is_refused(value: Any) -> None:
    """Fractions, words, booleans, too large ones."""
    with pytest.raises(ParseError, match="64-bit integer"):
        read_value(intValue=value)


@pytest.mark.parametrize(
    ("value", "expected"), [("NaN", "nan"), ("Infinity", "inf"), ("-Infinity", "-inf"), (1, "1.0"), ("2.5e3", "2500.0")]
)
def test_doubles_may_be_words(value: Any, expected: str) -> None:
    """As the JSON mapping of protobuf says."""
    assert str(read_value(doubleValue=value).double_value) == expected


@pytest.mark.parametrize("value", ["nan", "inf", "x", "1_0", True, [], "1e999"])
def test_what_is_no_number_is_refused(value: Any) -> None:
    """Other words are not numbers."""
    with pytest.raises(ParseError, match="a number"):
        read_value(doubleValue=value)


@pytest.mark.parametrize("value", ["AP8=", "AP8", "-_8=", "+/8="])
def test_bytes_are_base64(value: str) -> None:
    """With or without padding, in either alphabet."""
    assert len(read_value(bytesValue=value).bytes_value) == 2


@pytest.mark.parametrize(
    "fields", [{"bytesValue": "?"}, {"bytesValue": 1}, {"boolValue": "true"}, {"boolValue": 1}, {"stringValue": 1}, {"arrayValue": []}]
)
def test_a_value_of_another_type_is_refused(fields: dict[str, Any]) -> None:
    """The message names the place and what was expected."""
    with pytest.raises(ParseError, match=r"attributes\[0\].value.* must be"):
        read_value(**fields)


def test_null_means_not_set() -> None:
    """As the JSON mapping of protobuf says, for any field."""
    span = read_span(name=None, attributes=None, status=None, startTimeUnixNano=None)
    assert span.ByteSize() == 0


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"5", b"null", b'"x"', b'{"resourceSpans": {}}', b'{"resourceSpans": [5]}', b"\xff", b'{"a":"\xff"}']
)
def test_what_is_no_request_is_refused(text: bytes) -> None:
    """Not JSON, not an object, not an array where one belongs."""
    with pytest.raises(ParseError):
        READER.parse(Signal.TRACES, text)


def test_deep_nesting_is_refused() -> None:
    """Values within values: bounded as in protobuf; brackets beyond what JSON parsers bear: refused too."""
    value: Any = {"stringValue": "x"}
    for _ in range(60):
        value = {"arrayValue": {"values": [value]}}
    with pytest.raises(ParseError, match="nested deeper"):
        read_value(**value)
    with pytest.raises(ParseError):
        READER.parse(Signal.TRACES, b'{"resourceSpans":' + b"[" * 100_000)


def test_it_reads_what_the_official_messages_write() -> None:
    """A whole request through protobuf's own JSON writer, with ids as OTLP wants them, gives the same bytes."""
    for signal, request in ((Signal.TRACES, trace_request(3)), (Signal.METRICS, metric_request())):
        document = json_format.MessageToDict(request, use_integers_for_enums=True)
        text = json.dumps(document)
        if signal is Signal.TRACES:
            for span in document["resourceSpans"][0]["scopeSpans"][0]["spans"]:
                span["traceId"] = TRACE_ID.hex()
                span["spanId"] = span["spanId"] and "00" * 7 + f"{int(span['name'][-1]) + 1:02x}"
            text = json.dumps(document)
        assert READER.parse(signal, text.encode()).SerializeToString() == request.SerializeToString()
    assert len(SPAN_ID) == 8


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "resourceSpans",
                    "scopeSpans",
                    "spans",
                    "attributes",
                    "key",
                    "value",
                    "intValue",
                    "arrayValue",
                    "values",
                    "traceId",
                    "kind",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=30,
)


@given(JSON_VALUES)
def test_any_json_is_read_or_refused(document: Any) -> None:
    """Documents that look like requests, of any shape: a message or a ParseError."""
    with contextlib.suppress(ParseError):
        READER.parse(Signal.TRACES, json.dumps(document).encode()).SerializePartialToString()
