"""The engine reads whatever the door lets through: one sender's odd bytes must not cost the others their segment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import chdb
import pytest
from tests.wire.builders import NOW_NS, raw_attribute, raw_span, span_body, trace_request, varint
from tests.wire.test_door import POISON, any_values

from tocsin.model.signal import Signal
from tocsin.wire.door import Door

SCHEMA = """syntax = "proto3";
message Request { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { repeated ScopeSpans scope_spans = 2; }
message ScopeSpans { repeated Span spans = 2; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value {
  string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; bytes bytes_value = 7;
  string json_value = 1000;
} }
message Span {
  bytes trace_id = 1; bytes span_id = 2; string name = 5; int32 kind = 6; fixed64 start_time_unix_nano = 7;
  repeated KeyValue attributes = 9; uint32 dropped_attributes_count = 10; fixed32 flags = 16;
}"""
VALUE = (
    "Tuple(string_value String, bool_value Bool, int_value Int64, double_value Float64, bytes_value String, json_value String, "
    "value Enum16('no'=0,'s'=1,'b'=2,'i'=3,'d'=4,'y'=7,'j'=1000))"
)
STRUCTURE = (
    "resource_spans Array(Tuple(scope_spans Array(Tuple(spans Array(Tuple(trace_id String, span_id String, name String, kind Int32, "
    f"start_time_unix_nano UInt64, attributes Array(Tuple(key String, value {VALUE})), dropped_attributes_count UInt32, flags UInt32))))))"
)


def engine_rows(path: Path, bodies: list[bytes]) -> list[Any]:
    """The requests as the engine decodes them, framed as a journal segment is."""
    path.write_bytes(b"".join(varint(len(body)) + body for body in bodies))
    structure = STRUCTURE.replace("'", "\\'")
    query = (
        f"SELECT * FROM file('{path}', 'Protobuf', '{structure}') SETTINGS format_schema_source='string', format_schema='{SCHEMA}', "
        "format_schema_message_name='Request', input_format_protobuf_oneof_presence=1"
    )
    connection = chdb.connect(":memory:")  # type: ignore[no-untyped-call]
    try:
        text = connection.query(query, "JSONEachRow").bytes().decode(errors="replace")
    finally:
        connection.close()
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.slow
def test_the_engine_reads_what_the_door_lets_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every body that is valid protobuf but poison to the engine, in one segment with ordinary ones: all records arrive."""
    monkeypatch.chdir(tmp_path)  # the engine writes the schema to a folder __cache__ where it stands
    door = Door()
    with_map = trace_request(1)
    any_values(with_map.resource_spans[0].scope_spans[0].spans[0].attributes.add(key="map").value)
    sent = [trace_request(2).SerializeToString(), with_map.SerializeToString(), *(span_body(span) for span in POISON.values())]
    sent.append(span_body(raw_span(raw_attribute(b""))))
    passed = [checked.batch for body in sent if (checked := door.check(Signal.TRACES, body, now_ns=NOW_NS)).batch]
    rows = engine_rows(tmp_path / "segment", [batch.body for batch in passed])
    spans = sum(len(scope["spans"]) for row in rows for resource in row["resource_spans"] for scope in resource["scope_spans"])
    assert (len(rows), spans) == (len(sent), sum(batch.records for batch in passed))
    value = rows[1]["resource_spans"][0]["scope_spans"][0]["spans"][0]["attributes"][2]["value"]
    assert value["value"] == "j"
    assert json.loads(value["json_value"])["list"] == [1, [], {"deep": "x"}]
