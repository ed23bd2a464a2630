"""Answers travel as JSON and come back equal; records cannot be changed by who reads them."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from tocsin.model import answers, batch, telemetry
from tocsin.model.answers import LogPage, ResultTable, Story, StoryEntry, Trace, TraceNode
from tocsin.model.instant import INSTANT_MAX
from tocsin.model.telemetry import SPAN_KINDS, SPAN_STATUSES, AttributeValue, LogRecord, Span, SpanEvent, SpanLink

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
INSTANTS = st.integers(0, INSTANT_MAX)
ATTRIBUTES = st.dictionaries(st.text(), JSON, max_size=3)
LOGS = st.builds(LogRecord, time=INSTANTS, observed_time=INSTANTS, body=JSON, attributes=ATTRIBUTES, resource=ATTRIBUTES)
SPANS = st.builds(
    Span,
    kind=st.sampled_from(SPAN_KINDS),
    status=st.sampled_from(SPAN_STATUSES),
    start=INSTANTS,
    duration_ns=st.integers(0, 2**63 - 1),
    attributes=ATTRIBUTES,
    resource=ATTRIBUTES,
    events=st.lists(st.builds(SpanEvent, time=INSTANTS, attributes=ATTRIBUTES), max_size=2),
    links=st.lists(st.builds(SpanLink, attributes=ATTRIBUTES), max_size=2),
)
RECORDS = [
    kind
    for module in (answers, telemetry, batch)
    for _, kind in inspect.getmembers(module, inspect.isclass)
    if dataclasses.is_dataclass(kind) and kind.__module__ == module.__name__
]


def there_and_back(kind: Any, value: Any) -> Any:
    """A value through its JSON text."""
    adapter = TypeAdapter(kind)
    return adapter.validate_json(adapter.dump_json(value))


@given(LOGS)
def test_log_records_survive_json(record: LogRecord) -> None:
    """Bodies and attributes of any shape, times to the nanosecond."""
    assert there_and_back(LogPage, LogPage([record], "next")) == LogPage([record], "next")


@given(SPANS)
def test_spans_survive_json(span: Span) -> None:
    """With their events and links."""
    assert there_and_back(Span, span) == span
    assert span.end == span.start + span.duration_ns


@given(SPANS, SPANS)
def test_trees_survive_json(parent: Span, child: Span) -> None:
    """A trace is a tree of nodes, however deep."""
    leaf = TraceNode(child, depth=1, self_time_ns=0, critical_ns=0, orphan=False)
    root = TraceNode(parent, depth=0, self_time_ns=0, critical_ns=0, orphan=True, children=[leaf])
    trace = Trace("id", 0, 1, 2, 0, ["s"], [root], ["a"], None)
    assert there_and_back(Trace, trace) == trace


@given(LOGS, SPANS)
def test_stories_survive_json(record: LogRecord, span: Span) -> None:
    """An entry holds a log record or a span."""
    entries = [StoryEntry(record.time, "s", "m", log=record), StoryEntry(span.start, "s", "m", span=span)]
    story = Story("id", entries, ["t"], truncated=True)
    assert there_and_back(Story, story) == story


@given(st.lists(st.lists(JSON, max_size=3), max_size=3))
def test_tables_survive_json(rows: list[list[Any]]) -> None:
    """Whatever a query returns."""
    table = ResultTable(["a"], ["String"], rows, truncated=False, elapsed_ms=0.5, rows_read=1)
    assert there_and_back(ResultTable, table) == table


def test_instants_are_texts_in_json() -> None:
    """A reader in any language gets times that it can read."""
    record = LogRecord(1, 2, "s", 9, "INFO", "b", "", "", "", {}, {})
    body = orjson.loads(TypeAdapter(LogRecord).dump_json(record))
    assert body["time"] == "1970-01-01T00:00:00.000000001Z"
    assert body["observed_time"] == "1970-01-01T00:00:00.000000002Z"


def test_values_are_taken_as_they_are() -> None:
    """True is not 1 and 1 is not '1': nothing is converted on the way."""
    values: list[AttributeValue] = [True, 1, 1.0, "1", None, [True, 1], {"a": 1}]
    back = there_and_back(LogRecord, LogRecord(0, 0, "", 0, "", values, "", "", "", {}, {})).body
    assert [type(value) for value in back] == [type(value) for value in values]


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_records_are_frozen_and_have_a_schema(kind: Any) -> None:
    """Who reads a record can't change it for others; each answer describes itself to OpenAPI."""
    assert kind.__dataclass_params__.frozen
    assert "__slots__" in vars(kind)
    assert kind.__doc__
    if kind.__module__ != batch.__name__:
        assert TypeAdapter(kind).json_schema()


def test_kinds_and_statuses_stand_at_their_numbers() -> None:
    """The position is the number that OTLP gives."""
    assert SPAN_KINDS.index("server") == 2
    assert SPAN_KINDS.index("consumer") == 5
    assert SPAN_STATUSES.index("error") == 2
