"""Spans come back as they went in: ids, times, types of attributes, events, links, resource."""

from __future__ import annotations

import math
from typing import Any

import pytest
from tests.store.builders import NOW, SECOND, SPAN_ID, TRACE_ID, Json, event, link, records, resource_json, rows, span, traces
from tests.store.conftest import LoadRequests

from tocsin.model.telemetry import Span
from tocsin.store.read_records import SPAN_COLUMNS
from tocsin.store.read_records import span as read_span
from tocsin.store.sql import Sql
from tocsin.store.store import Store

INT64_MAX = 2**63 - 1
VALUES: dict[str, Any] = {
    "text": "checkout",
    "text.empty": "",
    "text.unicode": "Grüße 🛎 \u200b",
    "text.control": "tab\tnewline\nnul\0quote'\"\\",
    "text.digits": "0012",
    "int": 42,
    "int.zero": 0,
    "int.max": INT64_MAX,
    "int.min": -(2**63),
    "double": 0.1,
    "double.zero": 0.0,
    "double.tiny": 5e-324,
    "double.huge": 1.7976931348623157e308,
    "double.whole": 3.0,
    "double.inf": math.inf,
    "true": True,
    "false": False,
    "none": None,
    "array": Json(["a", 1, 2.5, True, None, {"$bytes": "AAE="}]),
    "map": Json({"z": [1, {"deep": ["x"]}], "a": "é"}),
    "array.empty": Json([]),
}
EXPECTED = {key: value.content if isinstance(value, Json) else value for key, value in VALUES.items()}


def stored(store: Store, service: str) -> list[Span]:
    """The spans of a service by start time."""
    query = Sql("SELECT ") + SPAN_COLUMNS + Sql(" FROM spans WHERE service = {s:String} ORDER BY ts, span_id", {"s": service})
    return [read_span(row) for row in store.engine.query(query).rows]


def test_a_whole_span_comes_back(store: Store, load: LoadRequests) -> None:
    """Every field of a span, its events and its links is there, bit by bit."""
    given = span(
        parent_span_id=b"parent##",
        trace_state="vendor=1,other=2",
        name="GET /cart/{id}",
        kind=2,
        start_time_unix_nano=NOW + 1,
        end_time_unix_nano=NOW + SECOND + 2,
        status={"code": 2, "message": "upstream timed out"},
        attributes={"http.route": "/cart/{id}"},
        events=[event("exception", {"exception.type": "ValueError", "attempt": 3}, time=NOW + 7), event("empty", time=NOW + 8)],
        links=[link({"why": "retry"}, trace_id=b"T" * 16, span_id=b"S" * 8, state="a=b"), link()],
    )
    load(traces("whole", given, resource_attributes={"host.name": "h1"}, scope="lib", version="1.2"))
    (read,) = stored(store, "whole")
    assert (read.trace_id, read.span_id, read.parent_span_id) == (TRACE_ID.hex(), SPAN_ID.hex(), b"parent##".hex())
    assert (read.start, read.duration_ns, read.kind, read.status, read.status_message) == (
        NOW + 1,
        SECOND + 1,
        "server",
        "error",
        "upstream timed out",
    )
    assert (read.name, read.trace_state, read.scope_name, read.scope_version) == ("GET /cart/{id}", "vendor=1,other=2", "lib", "1.2")
    assert read.resource == {"service.name": "whole", "host.name": "h1"}
    assert [(e.time, e.name, e.attributes) for e in read.events] == [
        (NOW + 7, "exception", {"exception.type": "ValueError", "attempt": 3}),
        (NOW + 8, "empty", {}),
    ]
    assert [(each.trace_id, each.span_id, each.trace_state, each.attributes) for each in read.links] == [
        (b"T".hex() * 16, b"S".hex() * 8, "a=b", {"why": "retry"}),
        (TRACE_ID.hex(), SPAN_ID.hex(), "", {}),
    ]


def test_attribute_types_are_kept_everywhere(store: Store, load: LoadRequests) -> None:
    """The value 0 is not '0', false is not 'false', an empty text is not nothing: on spans, events and links alike."""
    load(traces("types", span(attributes=VALUES, events=[event("e", VALUES), event("f", {"k": 1})], links=[link(), link(VALUES)])))
    (read,) = stored(store, "types")
    for found in (read.attributes, read.events[0].attributes, read.links[1].attributes):
        assert found == EXPECTED
        assert {key: type(content) for key, content in found.items()} == {key: type(content) for key, content in EXPECTED.items()}
        assert list(found) == list(EXPECTED)
    assert read.events[1].attributes == {"k": 1}
    assert read.links[0].attributes == {}


def test_doubles_that_json_lacks_and_bytes_come_back(store: Store, load: LoadRequests) -> None:
    """NaN stays a NaN, minus zero keeps its sign, bytes come as base64."""
    load(traces("odd", span(attributes={"nan": math.nan, "minus": -0.0, "bytes": b"\x00\xff\xfe", "no.bytes": b""})))
    (read,) = stored(store, "odd")
    nan, minus = read.attributes["nan"], read.attributes["minus"]
    assert isinstance(nan, float)
    assert math.isnan(nan)
    assert isinstance(minus, float)
    assert math.copysign(1, minus) == -1
    assert read.attributes["bytes"] == {"$bytes": "AP/+"}
    assert read.attributes["no.bytes"] == {"$bytes": ""}


def test_resource_is_canonical_json(store: Store, load: LoadRequests) -> None:
    """Two orders of the same resource attributes are one resource, with types kept and keys sorted."""
    pairs = {
        "zone": "b",
        "cpu": 8,
        "load": 2.0,
        "ratio": 0.25,
        "spot": False,
        "args": Json(["a", "b/c"]),
        'quote"key': 'v"\\\n/é',
        "none": None,
    }
    load(
        traces("canonical", span(), resource_attributes=pairs),
        traces("canonical", span(span_id=b"second##"), resource_attributes=dict(reversed(pairs.items()))),
    )
    assert len(rows(store, "SELECT DISTINCT resource FROM spans WHERE service = 'canonical'")) == 1
    for read in stored(store, "canonical"):
        expected = {"service.name": "canonical", **pairs, "args": ["a", "b/c"]}
        assert read.resource == expected
        assert resource_json(read.resource) == resource_json(expected)
        assert list(read.resource) == sorted(expected)
        assert isinstance(read.resource["load"], float)


def test_long_numbers_of_a_resource_keep_their_types(store: Store, load: LoadRequests) -> None:
    """What looks like a card number at first and is none stays the number, or the list, that it was."""
    pairs = {"memory": 4_123_456_789_012_345, "ids": Json([4_123_456_789_012_345]), "text": "4123456789012345"}
    load(traces("resource-long", span(), resource_attributes=pairs))
    (read,) = stored(store, "resource-long")
    expected = {"memory": 4_123_456_789_012_345, "ids": [4_123_456_789_012_345], "text": "4123456789012345"}
    assert read.resource == {"service.name": "resource-long", **expected}


def test_resource_keeps_doubles_that_json_lacks_as_texts(store: Store, load: LoadRequests) -> None:
    """NaN and infinities are texts in a resource's JSON, and it stays JSON."""
    load(traces("resource-odd", span(), resource_attributes={"nan": math.nan, "inf": -math.inf, "raw": b"\x00\x01"}))
    (read,) = stored(store, "resource-odd")
    assert read.resource == {"service.name": "resource-odd", "nan": "nan", "inf": "-inf", "raw": "AAE="}


@pytest.mark.parametrize("name", [None, ""])
def test_a_service_without_a_name_is_unknown(store: Store, load: LoadRequests, name: str | None) -> None:
    """No service.name, or an empty one, gives the name that OpenTelemetry prescribes."""
    load(traces(name, span(name=f"nameless {name!r}")))
    assert rows(store, "SELECT service FROM spans WHERE name = {n:String}", n=f"nameless {name!r}") == [["unknown_service"]]


def test_a_service_name_that_is_no_text_is_unknown(store: Store, load: LoadRequests) -> None:
    """A number as service.name names nobody."""
    load(traces(None, span(name="numbered"), resource_attributes={"service.name": 7}))
    assert rows(store, "SELECT service FROM spans WHERE name = 'numbered'") == [["unknown_service"]]


def test_an_end_before_the_start_is_no_duration(store: Store, load: LoadRequests) -> None:
    """Clocks that jump give spans of length 0, not of 584 years; so does a missing end."""
    load(traces("backwards", span(end_time_unix_nano=NOW - 1), span(span_id=b"noend###", end_time_unix_nano=0)))
    assert [read.duration_ns for read in stored(store, "backwards")] == [0, 0]


@pytest.mark.parametrize(
    ("number", "word"), [(0, "unspecified"), (5, "consumer"), (6, "unspecified"), (-1, "unspecified"), (2**31 - 1, "unspecified")]
)
def test_a_kind_out_of_range_is_unspecified(store: Store, load: LoadRequests, number: int, word: str) -> None:
    """Kinds and status codes that the protocol does not know are the ones that it has for this."""
    load(traces(f"kind {number}", span(kind=number, status={"code": number})))
    (read,) = stored(store, f"kind {number}")
    assert read.kind == word
    assert read.status == "unset"


def test_a_parent_id_of_a_wrong_length_is_none(store: Store, load: LoadRequests) -> None:
    """A parent id that is not eight bytes names no span: the span is a root."""
    given = [
        span(span_id=f"child{n:03}".encode(), parent_span_id=parent) for n, parent in enumerate((b"", b"short", b"far too long", bytes(8)))
    ]
    load(traces("parents", *given))
    assert [read.parent_span_id for read in stored(store, "parents")] == [""] * 4


def test_link_ids_of_a_wrong_length_are_fitted(store: Store, load: LoadRequests) -> None:
    """A link's broken ids never cost the span: they are filled up or cut."""
    load(traces("links", span(links=[link(trace_id=b"", span_id=b""), link(trace_id=b"x" * 40, span_id=b"y" * 9)])))
    (read,) = stored(store, "links")
    assert [(each.trace_id, each.span_id) for each in read.links] == [("0" * 32, "0" * 16), (b"x".hex() * 16, b"y".hex() * 8)]


def test_keys_that_repeat_or_are_empty_cost_nothing_else(store: Store, load: LoadRequests) -> None:
    """Both values of a repeated key are stored, an empty key is a key, and the attributes behind them keep their types."""
    load(traces("keys", span(attributes=[("twice", "first"), ("", "nameless"), ("twice", 2), ("after", True)])))
    (found,) = records(
        store, "SELECT mapKeys(attributes) AS k, mapValues(attributes) AS v, attribute_types AS t FROM spans WHERE service = 'keys'"
    )
    assert found == {"k": ["twice", "", "twice", "after"], "v": ["first", "nameless", "2", "true"], "t": list("ssib")}


def test_an_event_time_beyond_the_engine_is_the_last_instant(store: Store, load: LoadRequests) -> None:
    """An event's time of 2^64-1 is cut to the last instant that can be stored."""
    load(traces("event-time", span(events=[event(time=2**64 - 1), event(time=0)])))
    (read,) = stored(store, "event-time")
    assert [each.time for each in read.events] == [INT64_MAX, 0]


def test_an_empty_request_is_nothing(store: Store, load: LoadRequests) -> None:
    """A request without spans, and one without resources, load as nothing."""
    load(traces("nothing"), traces("something", span()))
    assert stored(store, "nothing") == []
    assert len(stored(store, "something")) == 1
