"""The story of an id: found in every place that can carry one, with everything of the traces found so."""

from __future__ import annotations

import pytest
from tests.query.telemetry import MS, NOW, LogLine, SpanLine, World, span_id, trace_id

from tocsin.errors import InvalidInput


def story(world: World, identifier: str) -> list[tuple[str, str]]:
    """What happened and why it belongs, in order: bodies of logs and names of spans."""
    return [(str(entry.log.body) if entry.log else entry.span.name if entry.span else "", entry.matched) for entry in world.desk.correlate(identifier).entries]  # fmt: skip  # noqa: E501


def test_every_place_that_can_carry_an_id_is_looked_at(world: World) -> None:
    """Attributes of logs, spans, events and links, resources, and whole words of bodies, each named in `matched`."""
    world.send(
        LogLine("attribute", at=NOW, attributes={"request_id": "req-B"}),
        LogLine("answered req-B: ok", at=NOW + 1),
        LogLine("req-BB and xreq-B and req_B", at=NOW + 2),
        LogLine("resource", at=NOW + 3, resource={"job": "req-B"}),
        LogLine("other", at=NOW + 4, attributes={"request_id": "req-C"}),
        SpanLine("span", trace="1", at=NOW + 5, attributes={"request.id": "req-B"}),
        SpanLine("event", trace="2", at=NOW + 6, events=[("retry", {"of": "req-B"})]),
        SpanLine("link", trace="3", at=NOW + 7, links=[{"from": "req-B"}]),
        SpanLine("none", trace="4", at=NOW + 8),
    )
    assert story(world, "req-B") == [
        ("attribute", "attribute request_id"),
        ("answered req-B: ok", "body"),
        ("resource", "resource"),
        ("span", "attribute request.id"),
        ("event", "event attribute of"),
        ("link", "link attribute from"),
    ]
    assert story(world, "REQ-B") == []


def test_what_shares_a_trace_joins_the_story(world: World) -> None:
    """One log line with the id brings in all spans and logs of its trace, in time order across services."""
    world.send(
        SpanLine("POST /checkout", trace="7", id="1", service="gateway", at=NOW, duration=50 * MS),
        SpanLine("charge", trace="7", id="2", parent="1", service="payments", at=NOW + 5, duration=40 * MS, status="error"),
        LogLine("charging", at=NOW + 10, service="payments", trace="7", span="2"),
        LogLine("checkout failed", at=NOW + 20, service="gateway", trace="7", span="1", attributes={"order.id": 4711}),
        LogLine("elsewhere", at=NOW + 30, trace="8"),
    )
    expected = [
        ("POST /checkout", "same trace"),
        ("charge", "same trace"),
        ("charging", "same trace"),
        ("checkout failed", "attribute order.id"),
    ]
    assert story(world, "4711") == expected
    found = world.desk.correlate("4711")
    assert (found.trace_ids, found.truncated, found.id) == ([trace_id("7")], False, "4711")


def test_trace_and_span_ids_are_ids(world: World) -> None:
    """A trace id, with or without dashes, and a span id bring the whole trace."""
    world.send(
        SpanLine("a", trace="7", id="1"), SpanLine("b", trace="7", id="2", parent="1", at=NOW + 1), LogLine("l", trace="7", at=NOW + 2)
    )
    assert story(world, trace_id("7")) == [("a", "trace_id"), ("b", "trace_id"), ("l", "trace_id")]
    assert story(world, "00000000-0000-0000-0000-000000000007") == story(world, trace_id("7"))
    assert story(world, span_id("2")) == [("a", "same trace"), ("b", "span_id"), ("l", "same trace")]


def test_a_story_that_is_cut_says_so(world: World) -> None:
    """With more entries than the limit, the earliest are told and `truncated` is set; equal records all count."""
    world.send(*(LogLine("same", at=NOW, attributes={"id": "x"}) for _ in range(3)), LogLine("last", at=NOW + 1, attributes={"id": "x"}))
    whole = world.desk.correlate("x", limit=4)
    assert ([entry.time for entry in whole.entries], whole.truncated) == ([NOW, NOW, NOW, NOW + 1], False)
    cut = world.desk.correlate("x", limit=3)
    assert (len(cut.entries), cut.truncated) == (3, True)


def test_the_range_of_time_bounds_the_story(world: World) -> None:
    """Outside the range nothing is told."""
    world.send(LogLine("a", at=NOW, attributes={"id": "x"}), LogLine("b", at=NOW + 10, attributes={"id": "x"}))
    assert [entry.time for entry in world.desk.correlate("x", start=NOW + 1).entries] == [NOW + 10]


@pytest.mark.parametrize("identifier", ["", "  ", "x" * 501])
def test_an_id_has_a_length(world: World, identifier: str) -> None:
    """An empty or endless id is refused."""
    with pytest.raises(InvalidInput, match="an id has between"):
        world.desk.correlate(identifier)


@pytest.mark.parametrize("identifier", ["'", '"; DROP TABLE logs', "a\\", "%", "\n", "{x:String}", "(?i)x", "ä€", "--"])
def test_odd_ids_are_found_like_others(world: World, identifier: str) -> None:
    """Quotes, backslashes and pattern characters in an id mean themselves."""
    world.send(LogLine("hit", attributes={"id": identifier}), LogLine("miss", at=NOW + 1, attributes={"id": "y"}))
    found = story(world, identifier) if identifier.strip() else [("hit", "attribute id")]
    assert found == [("hit", "attribute id")]
