"""Log records come back as they went in: bodies of every type, severity, ids, both times."""

from __future__ import annotations

import math
from typing import Any

import pytest
from tests.store.builders import NOW, SECOND, SPAN_ID, TRACE_ID, Json, logs, record, rows
from tests.store.conftest import LoadRequests

from tocsin.model.telemetry import LogRecord
from tocsin.store.read_records import LOG_RECORD_COLUMNS, log_record
from tocsin.store.sql import Sql
from tocsin.store.store import Store

BODIES: list[Any] = ["GET /cart 200", "", 7, 0, -(2**63), 0.5, True, False, None, Json({"event": "tool", "args": [1, 2]}), Json([1, "a"])]


def stored(store: Store, service: str) -> list[LogRecord]:
    """The log records of a service by time."""
    query = Sql("SELECT ") + LOG_RECORD_COLUMNS + Sql(" FROM logs WHERE service = {s:String} ORDER BY ts", {"s": service})
    return [log_record(row) for row in store.engine.query(query).rows]


def test_a_whole_record_comes_back(store: Store, load: LoadRequests) -> None:
    """Every field of a log record is there."""
    given = record(
        "payment failed",
        observed_time_unix_nano=NOW + SECOND,
        severity_number=17,
        severity_text="ERROR",
        event_name="payment.failed",
        trace_id=TRACE_ID,
        span_id=SPAN_ID,
        attributes={"user.id": 7, "ok": False},
    )
    load(logs("whole-log", given, resource_attributes={"host.name": "h"}, scope="lib", version="2"))
    (read,) = stored(store, "whole-log")
    assert read == LogRecord(
        time=NOW,
        observed_time=NOW + SECOND,
        service="whole-log",
        severity_number=17,
        severity_text="ERROR",
        body="payment failed",
        event_name="payment.failed",
        trace_id=TRACE_ID.hex(),
        span_id=SPAN_ID.hex(),
        attributes={"user.id": 7, "ok": False},
        resource={"service.name": "whole-log", "host.name": "h"},
        scope_name="lib",
        scope_version="2",
    )


def test_bodies_keep_their_types(store: Store, load: LoadRequests) -> None:
    """A body may be of any type; 0, false and nothing are three different bodies."""
    load(logs("bodies", *(record(body, time_unix_nano=NOW + place) for place, body in enumerate(BODIES))))
    expected = [body.content if isinstance(body, Json) else body for body in BODIES]
    read = [each.body for each in stored(store, "bodies")]
    assert read == expected
    assert [type(body) for body in read] == [type(body) for body in expected]


def test_bodies_of_bytes_and_odd_doubles_come_back(store: Store, load: LoadRequests) -> None:
    """Bytes come as base64, a NaN stays one."""
    load(logs("odd-bodies", record(b"\x00\xff"), record(math.nan, time_unix_nano=NOW + 1)))
    raw, nan = (each.body for each in stored(store, "odd-bodies"))
    assert raw == {"$bytes": "AP8="}
    assert isinstance(nan, float)
    assert math.isnan(nan)


def test_a_record_without_a_time_has_the_observed_one(store: Store, load: LoadRequests) -> None:
    """The time observed stands in for a missing event time, the time received for both."""
    load(
        logs(
            "times",
            record("observed", time_unix_nano=0, observed_time_unix_nano=NOW + 1),
            record("received", time_unix_nano=0, observed_time_unix_nano=0),
            record("only event", time_unix_nano=NOW + 2, observed_time_unix_nano=0),
        ),
        received=NOW + 5,
    )
    found = {each.body: (each.time - NOW, each.observed_time - NOW) for each in stored(store, "times")}
    assert found == {"observed": (1, 1), "received": (5, 5), "only event": (2, 5)}


def test_ids_of_a_wrong_length_are_none(store: Store, load: LoadRequests) -> None:
    """An id that is not 16 or 8 bytes long links to nothing, and the record is kept."""
    load(logs("ids", record(trace_id=b"short", span_id=b"short"), record(trace_id=b"x" * 40, span_id=b"y" * 40), record()))
    assert {(each.trace_id, each.span_id) for each in stored(store, "ids")} == {("", "")}


@pytest.mark.parametrize(("number", "expected"), [(0, 0), (24, 24), (25, 0), (-1, 0), (2**31 - 1, 0)])
def test_a_severity_out_of_range_is_unspecified(store: Store, load: LoadRequests, number: int, expected: int) -> None:
    """Severity numbers end at 24; the sender's text is kept whatever it says."""
    load(logs(f"severity {number}", record(severity_number=number, severity_text="Notice!")))
    (read,) = stored(store, f"severity {number}")
    assert (read.severity_number, read.severity_text) == (expected, "Notice!")


def test_a_megabyte_of_lines_and_control_characters_comes_back(store: Store, load: LoadRequests) -> None:
    """A body just under the limit is stored whole, whatever it holds."""
    body = ("line\t\u0000é🛎\r\n" * 10_000)[:16_000]
    load(logs("long", record(body)))
    assert stored(store, "long")[0].body == body


def test_the_time_of_receipt_is_kept(store: Store, load: LoadRequests) -> None:
    """`received` is what the journal wrote into the frame, to the second."""
    load(logs("received", record()), received=NOW + 7 * SECOND + 123_456_789)
    assert rows(store, "SELECT toUnixTimestamp(received) FROM logs WHERE service = 'received'") == [[NOW // SECOND + 7]]


def test_a_record_observed_before_its_time_keeps_both(store: Store, load: LoadRequests) -> None:
    """Clocks disagree: the time observed may lie before the event's, by nanoseconds or by decades."""
    given = [(NOW + 1, NOW), (NOW + 2, 1), (3, NOW + 3)]
    load(logs("observed", *(record(time_unix_nano=time, observed_time_unix_nano=observed) for time, observed in given)))
    assert {(each.time, each.observed_time) for each in stored(store, "observed")} == set(given)
