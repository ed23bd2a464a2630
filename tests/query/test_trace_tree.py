"""A trace as a tree: shapes that arrive in practice, self time, critical path, bottleneck."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.model.answers import Trace, TraceNode
from tocsin.model.telemetry import Span
from tocsin.query.critical_path import format_ms
from tocsin.query.trace_tree import build_trace, walk

MS = 1_000_000


def span(span_id: str, parent: str, start_ms: int, end_ms: int, *, service: str = "s", name: str = "", kind: str = "internal") -> Span:
    """A span from one millisecond to another."""
    return Span(
        "t", span_id, parent, service, name or span_id, kind, start_ms * MS, (end_ms - start_ms) * MS, "unset", "", "", {}, {}
    )  # fmt: skip


def nodes(trace: Trace) -> dict[str, TraceNode]:
    """Nodes by span id."""
    return {node.span.span_id: node for node in walk(trace.roots)}


CHECKOUT = [
    span("1", "", 0, 2300, service="gateway", name="POST /checkout"),
    span("2", "1", 5, 2295, service="orders", name="create order"),
    span("3", "2", 10, 50, service="inventory", name="check"),
    span("4", "2", 55, 2250, service="payments", name="charge"),
    span("5", "4", 60, 2200, service="payments", name="SELECT orders"),
    span("6", "2", 2255, 2290, service="mail", name="send confirmation"),
]


def test_the_bottleneck_of_the_checkout_is_named() -> None:
    """In the checkout of the handbook the database query holds 2,140 of 2,300 ms, and the sentence says so."""
    trace = build_trace("t", CHECKOUT)
    found = nodes(trace)
    assert trace.critical_path == ["1", "2", "3", "4", "5", "6"]
    assert {key: node.critical_ns // MS for key, node in found.items()} == {"1": 10, "2": 20, "3": 40, "4": 55, "5": 2140, "6": 35}
    assert {key: node.self_time_ns // MS for key, node in found.items()} == {"1": 10, "2": 20, "3": 40, "4": 55, "5": 2140, "6": 35}
    assert trace.bottleneck is not None
    assert trace.bottleneck.sentence == "payments -> SELECT orders: 2,140 ms of 2,300 ms"
    assert [node.depth for node in walk(trace.roots)] == [0, 1, 2, 2, 3, 2]


def test_parallel_children_share_the_path_by_who_finished_last() -> None:
    """Of parallel calls the last to finish is waited for; before its start, whichever ran until then."""
    trace = build_trace("t", [span("p", "", 0, 100), span("a", "p", 10, 40), span("c", "p", 20, 30), span("b", "p", 35, 90)])
    assert {key: node.critical_ns // MS for key, node in nodes(trace).items()} == {"p": 20, "a": 25, "c": 0, "b": 55}
    assert trace.critical_path == ["p", "a", "b"]
    assert nodes(trace)["p"].self_time_ns == 20 * MS


def test_an_orphan_is_a_root_of_its_own() -> None:
    """A span whose parent never came is a root, marked as orphan, and the trace is a forest."""
    trace = build_trace("t", [span("r", "", 0, 10), span("x", "gone", 2, 5), span("y", "x", 3, 4)])
    assert [(node.span.span_id, node.depth, node.orphan) for node in walk(trace.roots)] == [
        ("r", 0, False),
        ("x", 0, True),
        ("y", 1, False),
    ]


@pytest.mark.parametrize("parents", [{"a": "a"}, {"a": "b", "b": "a"}, {"a": "b", "b": "c", "c": "a", "d": "c"}])
def test_a_circle_of_parents_is_cut_at_its_earliest_span(parents: dict[str, str]) -> None:
    """Spans that are each other's parents all stay in the tree, once."""
    trace = build_trace("t", [span(name, parent, index, 50) for index, (name, parent) in enumerate(sorted(parents.items()))])
    assert sorted(nodes(trace)) == sorted(parents)
    assert [(root.span.span_id, root.orphan) for root in trace.roots] == [("a", True)]


def test_a_span_sent_twice_counts_once() -> None:
    """The same span again is dropped; another span with the same id stays, and children go to the one of their service."""
    client = span("x", "r", 1, 9, service="a", kind="client")
    server = span("x", "r", 2, 8, service="b", kind="server")
    trace = build_trace("t", [span("r", "", 0, 10), client, client, server, span("c", "x", 3, 4, service="b")])
    assert trace.spans == 4
    by_service = {node.span.service: node for node in walk(trace.roots) if node.span.span_id == "x"}
    assert [child.span.span_id for child in by_service["b"].children] == ["c"]
    assert by_service["a"].children == []


def test_a_child_outside_its_parent_keeps_its_place() -> None:
    """A skewed clock moves no span: self time never goes below zero, and no instant is charged twice."""
    trace = build_trace("t", [span("p", "", 10, 20), span("early", "p", 5, 12), span("late", "p", 18, 30), span("away", "p", 40, 50)])
    found = nodes(trace)
    assert found["p"].self_time_ns == 6 * MS
    assert sum(node.critical_ns for node in found.values()) <= trace.duration_ns
    assert (trace.start, trace.duration_ns) == (5 * MS, 45 * MS)


def test_work_that_outlives_its_parent_is_on_the_path() -> None:
    """A consumer that runs after its producer ended is the bottleneck; the wait between them is nobody's."""
    trace = build_trace("t", [span("publish", "", 0, 10), span("consume", "publish", 50, 2000)])
    assert trace.bottleneck is not None
    assert trace.bottleneck.span_id == "consume"
    assert {key: node.critical_ns // MS for key, node in nodes(trace).items()} == {"publish": 10, "consume": 1950}


def test_fifteen_thousand_spans_in_a_chain() -> None:
    """Depth is no limit: nothing recurses."""
    chain = [span(str(number), str(number - 1) if number else "", number, 40_000 - number) for number in range(15_000)]
    trace = build_trace("t", chain)
    assert sum(1 for _ in walk(trace.roots)) == 15_000
    assert sum(node.critical_ns for node in walk(trace.roots)) == trace.duration_ns


def test_a_trace_without_duration_has_no_bottleneck() -> None:
    """Where no span took any time there is nothing to name."""
    assert build_trace("t", [span("a", "", 1, 1)]).bottleneck is None


@pytest.mark.parametrize(
    ("duration_ns", "text"),
    [
        (2_140 * MS, "2,140 ms"),
        (99_950_000, "100 ms"),
        (12_340_000, "12.3 ms"),
        (45_000, "0.045 ms"),
        (3 * MS, "3 ms"),
        (0, "0 ms"),
        (12, "12 ns"),
    ],
)
def test_durations_are_readable(duration_ns: int, text: str) -> None:
    """Milliseconds with three digits, whole ones from a hundred on."""
    assert format_ms(duration_ns) == text


@st.composite
def well_formed(draw: st.DrawFn) -> list[Span]:
    """Trees in which every child lies inside its parent."""
    spans = [span("0", "", 0, draw(st.integers(1, 1000)))]
    for number in range(1, draw(st.integers(1, 20))):
        parent = draw(st.sampled_from(spans))
        start = draw(st.integers(parent.start // MS, parent.end // MS))
        spans.append(span(str(number), parent.span_id, start, draw(st.integers(start, parent.end // MS))))
    return spans


@given(well_formed())
def test_every_instant_of_a_well_formed_trace_is_charged_once(spans: list[Span]) -> None:
    """The critical times of all spans add up to the duration of the trace; none exceeds its span's own, and each is self time of a sort."""
    trace = build_trace("t", spans)
    found = list(walk(trace.roots))
    assert sum(node.critical_ns for node in found) == trace.duration_ns
    for node in found:
        assert 0 <= node.critical_ns <= node.span.duration_ns
        assert 0 <= node.self_time_ns <= node.span.duration_ns
        # What no child covers and lies on the path is charged to the span itself, so a leaf's charge never exceeds its self time.
        assert node.children or node.critical_ns <= node.self_time_ns
    assert set(trace.critical_path) >= {node.span.span_id for node in found if node.critical_ns}


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.sampled_from([*"0123456789", "", "lost"]), st.integers(0, 50), st.integers(0, 50)),
        min_size=1,
        max_size=14,
    )
)  # fmt: skip
def test_any_spans_make_a_tree(drawn: Sequence[tuple[int, str, int, int]]) -> None:
    """Whatever ids, parents and times spans have, each is in the tree once, and no instant is charged twice."""
    spans = [span(str(number), parent, start, start + length) for number, parent, start, length in drawn]
    trace = build_trace("t", spans)
    found = list(walk(trace.roots))
    assert len(found) == trace.spans == len({(item.span_id, item.parent_span_id, item.start, item.duration_ns) for item in spans})
    assert sum(node.critical_ns for node in found) <= trace.duration_ns
    for node in found:
        assert 0 <= node.self_time_ns <= node.span.duration_ns
        assert 0 <= node.critical_ns <= node.span.duration_ns
        assert all(child.depth == node.depth + 1 for child in node.children)
        assert [child.span.start for child in node.children] == sorted(child.span.start for child in node.children)
