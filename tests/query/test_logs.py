"""Log records: what a query finds, pages that lose and repeat nothing, histograms and facets."""

from __future__ import annotations

from itertools import count
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.query.telemetry import MINUTE, NOW, SECOND, LogLine, World, span_id, trace_id

from tocsin.errors import InvalidInput, ParseError
from tocsin.query.logs import step_for

LINES = {
    "tool failed": LogLine(
        "Full table scan of orders", at=NOW, level=17, attributes={"event": "tool", "tool": "retrieve", "error": True, "latency_ms": 5000}
    ),
    "tool worked": LogLine("full scan", at=NOW + 1, attributes={"event": "tool", "tool": "retrieve", "error": False, "latency_ms": 120.5}),
    "double": LogLine("x", at=NOW + 2, attributes={"latency_ms": 5000.0, "big": 2**60, "tiny": 1e-7}),
    "warning": LogLine("Ärger: req-B timed out", at=NOW + 3, service="payments", level=13, level_text="WARN", event_name="timeout"),
    "unnumbered": LogLine("boom", at=NOW + 4, level=0, level_text="Error"),
    "resource": LogLine("y", at=NOW + 5, service="mail", resource={"host.name": "web-7", "replicas": 3}),
    "odd": LogLine(
        "50% of a_b", at=NOW + 6, attributes={"url": "http://shop:80/a?b=(1)", "path": "/api/v1", "a key": 'say "hi"', "p": "10%"}
    ),
    "traced": LogLine("z", at=NOW + 7, trace="abc", span="def", attributes={"empty": "", "raw": b"\x00\x01", "none": None}),
}


EVERYTHING = set(LINES)
FOUND: dict[str, set[str]] = {
    "": EVERYTHING,
    'event:tool AND error:true AND latency_ms:>1000 "full table scan"': {"tool failed"},
    "tool=retrieve": {"tool failed", "tool worked"},
    "tool!=retrieve": EVERYTHING - {"tool failed", "tool worked"},
    "latency_ms:5000": {"tool failed", "double"},
    "latency_ms:5000.0": {"tool failed", "double"},
    "latency_ms:[120.5 TO 5000}": {"tool worked"},
    "latency_ms:{120.5 TO *}": {"tool failed", "double"},
    "latency_ms<=120.5": {"tool worked"},
    "latency_ms:(<121 OR >=5000)": {"tool failed", "tool worked", "double"},
    "NOT latency_ms:>0": EVERYTHING - {"tool failed", "tool worked", "double"},
    "big:1152921504606846976": {"double"},
    "tiny:0.0000001": {"double"},
    "tiny:1e-7": {"double"},
    "scan": {"tool failed", "tool worked"},
    "SCAN -table": {"tool worked"},
    '"table scan"': {"tool failed"},
    '"full scan"': {"tool worked"},
    "sca": set(),
    "sca*": {"tool failed", "tool worked"},
    "*ab*": {"tool failed"},
    "retrieve": {"tool failed", "tool worked"},
    "/f.ll [st]/": {"tool worked"},
    "tool:/^retr/": {"tool failed", "tool worked"},
    "tool:/etr$/": set(),
    "tool:retr*": {"tool failed", "tool worked"},
    "tool:r?trieve": {"tool failed", "tool worked"},
    "tool:trieve": set(),
    "tool:>=q AND tool:<s": {"tool failed", "tool worked"},
    "has:tool": {"tool failed", "tool worked"},
    "_exists_:host.name": {"resource"},
    "empty:*": {"traced"},
    'empty:""': {"traced"},
    "none:*": {"traced"},
    "raw:AAE=": {"traced"},
    "req-B": {"warning"},
    "REQ-b": {"warning"},
    "req-C": set(),
    "Ärger": {"warning"},
    "level:error": {"tool failed", "unnumbered"},
    "level:>=warn": {"tool failed", "warning", "unnumbered"},
    "level:>warn": {"tool failed", "unnumbered"},
    "severity:<error": EVERYTHING - {"tool failed", "unnumbered"},
    "level:[warn TO error]": {"tool failed", "warning", "unnumbered"},
    "severity_number:13": {"warning"},
    "severity_text:warn": {"warning"},
    "service:payments": {"warning"},
    "service.name:pay*": {"warning"},
    "event_name:timeout": {"warning"},
    "message:boom": {"unnumbered"},
    "body:full": {"tool failed", "tool worked"},
    "body:/^y$/": {"resource"},
    "host.name:web-7": {"resource"},
    "resource.host.name:web-7": {"resource"},
    "log.host.name:web-7": set(),
    "replicas:3": {"resource"},
    "replicas:>2": {"resource"},
    "NOT replicas:3": EVERYTHING - {"resource"},
    "NOT replicas:>2": EVERYTHING - {"resource"},
    "host.name:web-7 OR tool:*": {"resource", "tool failed", "tool worked"},
    "resource.tool:retrieve": set(),
    "url:http\\://shop\\:80/a\\?b=\\(1\\)": {"odd"},
    'url:"http://shop:80/a?b=(1)"': {"odd"},
    "url:http://shop:80/*": {"odd"},
    "path:/api/v1": {"odd"},
    '"a key":"say \\"hi\\""': {"odd"},
    "p:10%": {"odd"},
    "p:10*": {"odd"},
    "p:1_%": set(),
    "50%": {"odd"},
    "a_b": {"odd"},
    f"trace_id:{trace_id('abc')}": {"traced"},
    f"span_id:{span_id('def')}": {"traced"},
    "trace_id:0000*abc": {"traced"},
    "has:trace_id": {"traced"},
    "(event:tool OR service:mail) -error:true": {"tool worked", "resource"},
    "*": EVERYTHING,
    "scope:tests": EVERYTHING,
    "q' OR 1=1 --": set(),
}


def test_queries_find_exactly_what_they_ask_for(world: World) -> None:
    """Every form of the language, on attributes of every type, in the resource and on intrinsic fields, finds the records it states."""
    world.send(*LINES.values())
    by_time = {line.at: name for name, line in LINES.items()}
    wrong = {}
    for query, expected in FOUND.items():
        found = {by_time[record.time] for record in world.desk.logs(query).records}
        if found != expected:
            wrong[query] = f"found {sorted(found)}, expected {sorted(expected)}"
    assert not wrong


def test_records_come_back_with_their_types(world: World) -> None:
    """What a log record carried comes back as it was sent: types of attributes, resource, ids, levels."""
    values = {"s": "7", "i": 7, "d": 7.0, "b": True, "y": b"\x00\xff", "n": None, "neg": -1.5, "nan": float("inf")}
    world.send(LogLine("hello", trace="a", span="b", level=17, level_text="ERROR", attributes=values, resource={"n": 3}))
    (record,) = world.desk.logs().records
    assert record.attributes == {**values, "y": {"$bytes": "AP8="}}
    assert {key: type(value) for key, value in record.attributes.items()}["d"] is float
    assert record.resource == {"service.name": "orders", "n": 3}
    assert (record.trace_id, record.span_id, record.severity_number, record.severity_text) == (trace_id("a"), span_id("b"), 17, "ERROR")
    assert (record.time, record.body, record.scope_name) == (NOW, "hello", "tests")


def test_keyword_fields_are_exact(world: World) -> None:
    """Fields given by keyword match exactly: no wildcard in them is one."""
    world.send(LogLine(attributes={"k": "a*"}), LogLine(at=NOW + 1, attributes={"k": "ab"}))
    assert [record.time for record in world.desk.logs(k="a*").records] == [NOW]
    assert len(world.desk.logs(k="ab", service="orders").records) == 1


def test_the_range_of_time_is_half_open(world: World) -> None:
    """`start` belongs to the range, `end` does not, and instants of any age are found."""
    old = 86_400 * SECOND  # 1970-01-02
    world.send(*(LogLine(at=at) for at in (old, NOW - MINUTE, NOW, NOW + 1)))
    asked = world.desk.logs(start=NOW - MINUTE, end=NOW, order="oldest")
    assert [record.time for record in asked.records] == [NOW - MINUTE]
    assert [record.time for record in world.desk.logs(start="now-1m", order="oldest").records] == [NOW - MINUTE, NOW, NOW + 1]
    assert [record.time for record in world.desk.logs(end="1971-01-01").records] == [old]
    assert [record.time for record in world.desk.logs(start="2262-01-01").records] == []


EXAMPLES = count()


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    offsets=st.lists(st.sampled_from([0, 0, 0, 1, 2, 300 * SECOND, 700 * SECOND]), min_size=1, max_size=24),
    bodies=st.lists(st.sampled_from(["same", "other"]), min_size=24, max_size=24),
    limit=st.integers(1, 7),
    order=st.sampled_from(["newest", "oldest"]),
    late=st.lists(st.sampled_from([0, 1, 350 * SECOND]), max_size=3),
)
def test_pages_lose_and_repeat_nothing(
    world: World, offsets: list[int], bodies: list[str], limit: int, order: Literal["newest", "oldest"], late: list[int]
) -> None:
    """Walking all pages gives every record once, in order, with equal instants, equal records, and records that arrive meanwhile."""
    service = f"service-{next(EXAMPLES)}"
    world.send(*(LogLine(body, at=NOW + offset, service=service) for offset, body in zip(offsets, bodies, strict=False)))
    page = world.desk.logs(service=service, limit=limit, order=order)
    seen = list(page.records)
    if late:
        world.send(*(LogLine("late", at=NOW + offset, service=service) for offset in late))
    while page.next_cursor:
        page = world.desk.logs(service=service, limit=limit, order=order, cursor=page.next_cursor)
        assert page.records
        seen += page.records
    times = [record.time for record in seen]
    assert times == sorted(times, reverse=order == "newest")
    early = sorted((record.time, str(record.body)) for record in seen if record.body != "late")
    assert early == sorted((NOW + offset, body) for offset, body in zip(offsets, bodies, strict=False))
    assert len([record for record in seen if record.body == "late"]) <= len(late)


def test_a_cursor_of_another_list_is_refused(world: World) -> None:
    """A cursor only continues the list it came from; anything else is said to be no cursor."""
    world.send(LogLine(at=NOW), LogLine(at=NOW + 1))
    cursor = world.desk.logs(limit=1).next_cursor
    assert cursor is not None
    with pytest.raises(ParseError, match="same order"):
        world.desk.logs(order="oldest", cursor=cursor)
    for broken in ("x", "", cursor[:-4], "AAAA"):
        with pytest.raises(ParseError, match="next_cursor"):
            world.desk.logs(cursor=broken or "!")


def test_limits_are_checked(world: World) -> None:
    """A page has between 1 and 10,000 records."""
    for limit in (0, -1, 10_001):
        with pytest.raises(InvalidInput, match="limit"):
            world.desk.logs(limit=limit)


def test_a_histogram_has_every_bucket(world: World) -> None:
    """Buckets without records are there with 0, errors are counted, and the sum is the number of matches."""
    world.send(*(LogLine(at=NOW + offset * SECOND, level=17 if offset == 30 else 9) for offset in (0, 1, 30, 59)))
    histogram = world.desk.log_histogram(start=NOW, end=NOW + MINUTE, buckets=6)
    assert histogram.step_ns == 10 * SECOND
    assert [bucket.count for bucket in histogram.buckets] == [2, 0, 0, 1, 0, 1]
    assert [bucket.errors for bucket in histogram.buckets] == [0, 0, 0, 1, 0, 0]
    assert histogram.buckets[0].start == NOW
    open_ended = world.desk.log_histogram()
    assert sum(bucket.count for bucket in open_ended.buckets) == 4
    assert world.desk.log_histogram("nothing").buckets == []


def test_facets_count_values(world: World) -> None:
    """A facet lists the commonest values of a field, of the record or its resource; without fields the commonest keys are chosen."""
    world.send(
        *(LogLine(at=NOW + number, level=17 if number else 9, attributes={"route": f"/{number % 2}"}) for number in range(5)),
        LogLine(at=NOW + 9, service="mail", resource={"route": "/r"}),
    )
    (route,) = world.desk.facets(fields=["route"])
    assert [(value.value, value.count) for value in route.values] == [("/0", 3), ("/1", 2), ("/r", 1)]
    names = [facet.field for facet in world.desk.facets()]
    assert names == ["service", "severity", "route"]
    severity = {value.value: value.count for value in world.desk.facets(fields=["severity"])[0].values}
    assert severity == {"error": 4, "info": 2}
    limited = world.desk.facets("service:orders", fields=["service", "resource.route"], limit=1)
    assert [[value.value for value in facet.values] for facet in limited] == [["orders"], []]


@pytest.mark.parametrize(
    ("duration", "buckets", "step"),
    [(60, 60, 1), (61, 60, 2), (10**9, 60, 20_000_000), (3600 * 10**9, 60, 60 * 10**9), (10**18, 10, 166 * 604_800 * 10**9)],
)
def test_steps_are_readable(duration: int, buckets: int, step: int) -> None:
    """A histogram's step is the smallest readable width that needs no more buckets than asked for."""
    assert step_for(duration, buckets) == step
    assert step * buckets >= duration
