"""Traces: found by anything that one of their spans is like, listed page by page, read whole."""

from __future__ import annotations

from itertools import count
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.query.telemetry import MINUTE, MS, NOW, SECOND, SpanLine, World, span_id, trace_id

from tocsin.errors import InvalidInput, NotFound, ParseError
from tocsin.query.trace_tree import walk

SPANS = {
    "plain": SpanLine("GET /orders", trace="1", kind="server", duration=300 * MS, attributes={"http.route": "/orders", "rows": 7}),
    "child": SpanLine("SELECT", trace="2", id="2", parent="1", at=NOW + 1, service="payments", kind="client", duration=20 * MS),
    "failed": SpanLine(
        "charge", trace="3", at=NOW + 2, status="error", message="Card declined by bank", attributes={"where": "span"}, duration=5 * MS
    ),
    "event": SpanLine("e", trace="4", at=NOW + 3, events=[("exception", {"exception.type": "ValueError", "where": "event"})]),
    "link": SpanLine("l", trace="5", at=NOW + 4, links=[{"where": "link", "n": 5}]),
    "resource": SpanLine("r", trace="6", at=NOW + 5, resource={"where": "resource", "n": 6}),
    "flagged": SpanLine("f", trace="7", at=NOW + 6, attributes={"error": True, "event": "tool", "event.k": "own"}),
    "unflagged": SpanLine("u", trace="8", at=NOW + 7, status="error", attributes={"error": False}),
}


def test_queries_find_exactly_what_they_ask_for(world: World) -> None:
    """Attributes are found wherever they sit, prefixes narrow that, intrinsic fields compare as what they are."""
    world.send(*SPANS.values())
    by_id = {trace_id(line.trace): name for name, line in SPANS.items()}
    everything = set(SPANS)
    cases: dict[str, set[str]] = {
        "": everything,
        "where:*": {"failed", "event", "link", "resource"},
        "where:span": {"failed"},
        "where:event": {"event"},
        "where:link": {"link"},
        "where:resource": {"resource"},
        "span.where:*": {"failed"},
        "event.where:*": {"event"},
        "event.where:span": set(),
        "link.where:link": {"link"},
        "resource.where:*": {"resource"},
        "event.k:own": {"flagged"},
        "n:>=5": {"link", "resource"},
        "n:6": {"resource"},
        "NOT where:*": everything - {"failed", "event", "link", "resource"},
        "where:(event OR link)": {"event", "link"},
        "where:*e*": {"event", "resource"},
        "where:/^(link|span)$/": {"failed", "link"},
        "service:payments": {"child"},
        'name:"GET /orders"': {"plain"},
        "operation:SELECT": {"child"},
        "kind:server": {"plain"},
        "kind:client": {"child"},
        "status:error": {"failed", "unflagged"},
        "status_message:*declined*": {"failed"},
        "duration:>250ms": {"plain"},
        "duration:[5ms TO 20ms]": everything - {"plain"},
        "duration:<=5000us": {"failed"},
        "root:false": {"child"},
        "root:true": everything - {"child"},
        f"parent_span_id:{span_id('1')}": {"child"},
        f"trace_id:{trace_id('3')}": {"failed"},
        "error:true": {"failed", "flagged"},
        "error:false": everything - {"failed", "flagged"},
        "event:exception": {"event"},
        "event:tool": {"flagged"},
        "event:exc*": {"event"},
        "exception.type:ValueError": {"event"},
        "orders": {"plain"},
        "GET": {"plain"},
        "get": {"plain"},
        "declined": {"failed"},
        '"declined by"': {"failed"},
        "ValueError": {"event"},
        "valueerror": set(),
        "http.route:/orders": {"plain"},
        "/ord.rs/": {"plain"},
        "ord*": {"plain"},
        "rows:7 OR where:link": {"plain", "link"},
        "service:orders -where:* -error:*": {"plain"},
        "x' OR '1'='1": set(),
    }
    wrong = {}
    for query, expected in cases.items():
        found = {by_id[summary.trace_id] for summary in world.desk.traces(query).traces}
        if found != expected:
            wrong[query] = f"found {sorted(found)}, expected {sorted(expected)}"
    assert not wrong


def test_arguments_narrow_the_search(world: World) -> None:
    """Service, operation, failure and duration given as arguments hold for the same span as the query."""
    world.send(*SPANS.values())

    def found(**conditions: str | bool) -> list[str]:
        return [summary.trace_id.lstrip("0") for summary in world.desk.traces(**conditions).traces]  # type: ignore[arg-type]

    assert found(service="payments", operation="SELECT") == ["2"]
    assert found(errors=True) == ["8", "3"]
    assert found(min_duration="100ms") == ["1"]
    assert found(max_duration="5ms") == ["3"]
    assert found(service="payments", errors=True) == []


def test_a_summary_tells_the_whole_trace(world: World) -> None:
    """A summary counts all spans of a trace, also those that do not match, and names the root, or the earliest span without one."""
    world.send(
        SpanLine("POST /checkout", trace="a", id="1", service="gateway", at=NOW, duration=SECOND),
        SpanLine("pay", trace="a", id="2", parent="1", service="payments", at=NOW + 10 * MS, duration=2 * SECOND, status="error"),
        SpanLine("late", trace="b", id="4", parent="3", service="mail", at=NOW + MINUTE),
        SpanLine("early", trace="b", id="5", parent="3", service="shop", at=NOW + MINUTE - 1),
    )
    summaries = {summary.trace_id: summary for summary in world.desk.traces("service:(payments OR mail)").traces}
    whole = summaries[trace_id("a")]
    assert (whole.root_service, whole.root_name, whole.spans, whole.errors, whole.services) == (
        "gateway", "POST /checkout", 2, 1, ["gateway", "payments"],
    )  # fmt: skip
    assert (whole.start, whole.duration_ns) == (NOW, 2 * SECOND + 10 * MS)
    assert summaries[trace_id("b")].root_name == "early"


EXAMPLES = count()


@pytest.mark.slow
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    spans=st.lists(st.tuples(st.integers(1, 9), st.sampled_from([0, 0, 1, 400]), st.sampled_from([1, 1, 2, 30])), min_size=1, max_size=25),
    limit=st.integers(1, 4),
    order=st.sampled_from(["newest", "slowest"]),
)
def test_pages_lose_and_repeat_nothing(
    world: World, spans: list[tuple[int, int, int]], limit: int, order: Literal["newest", "slowest"]
) -> None:
    """Walking all pages gives every trace once, ranked by its best span, whatever ties there are."""
    service = f"service-{next(EXAMPLES)}"
    lines = [
        SpanLine(
            trace=f"{number}{service.encode().hex()[-12:]}", id=f"{index + 1}", service=service, at=NOW + at * SECOND, duration=ms * MS
        )
        for index, (number, at, ms) in enumerate(spans)
    ]
    world.send(*lines)
    best: dict[str, int] = {}
    for line in lines:
        rank = line.at if order == "newest" else line.duration
        best[trace_id(line.trace)] = max(best.get(trace_id(line.trace), 0), rank)
    page = world.desk.traces(service=service, order=order, limit=limit)
    seen = [summary.trace_id for summary in page.traces]
    while page.next_cursor:
        page = world.desk.traces(service=service, order=order, limit=limit, cursor=page.next_cursor)
        assert page.traces
        seen += [summary.trace_id for summary in page.traces]
    assert seen == sorted(best, key=lambda found: (best[found], found), reverse=True)


def test_one_trace_is_read_whole_and_typed(world: World) -> None:
    """A trace comes back with events, links and typed attributes, however its id is written."""
    event = ("exception", {"exception.type": "ValueError", "line": 7})
    world.send(
        SpanLine("a", trace="ff", attributes={"n": 1, "x": 1.0}, events=[event], links=[{"why": "retry"}], message="m", status="error")
    )
    trace = world.desk.trace(trace_id("ff").upper())
    (node,) = walk(trace.roots)
    assert node.span.attributes == {"n": 1, "x": 1.0}
    assert [(event.name, event.attributes, event.time) for event in node.span.events] == [
        ("exception", {"exception.type": "ValueError", "line": 7}, NOW + MS)
    ]
    assert node.span.links[0].attributes == {"why": "retry"}
    assert (node.span.status, node.span.status_message, node.span.kind, node.span.parent_span_id) == ("error", "m", "internal", "")
    assert (trace.spans, trace.errors, trace.services) == (1, 1, ["orders"])


def test_a_trace_that_is_not_there_is_not_found(world: World) -> None:
    """An unknown trace is not found; a text that is no trace id is the caller's mistake."""
    with pytest.raises(NotFound):
        world.desk.trace(trace_id("1"))
    with pytest.raises(InvalidInput, match="32 hexadecimal"):
        world.desk.trace("req-B")
    with pytest.raises(ParseError, match="next_cursor"):
        world.desk.traces(cursor="x")
