"""
A trace's spans as a tree, whatever state they arrived in.

    parent never received        the span becomes a root, marked `orphan`
    parent is the span itself,
    or parents in a circle       the earliest span of the circle becomes a root, marked `orphan`
    one span id twice            the same span sent twice counts once; two spans with one id (client and server of one call may share it)
                                 both stay, and children go to the one of their own service, else to the earliest
    a child outside its parent   stays where its clock puts it; `critical_path` says how its time counts

No function here recurses: a trace may be a chain of thousands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tocsin.model.answers import Trace, TraceNode
from tocsin.model.telemetry import Span
from tocsin.query.critical_path import PathNode, bottleneck, critical_path


@dataclass(slots=True)
class _Place:
    """A span while its tree is built; compared by identity, as two spans may share an id."""

    span: Span
    parent: _Place | None = None
    orphan: bool = False
    children: list[_Place] = field(default_factory=list)
    path: PathNode = field(default_factory=lambda: PathNode("", 0, 0))


def build_trace(trace_id: str, spans: Sequence[Span]) -> Trace:
    """The spans of one trace (at least one) as a tree with self times, critical path and bottleneck."""
    assert spans, "a trace has at least one span"
    places = [_Place(span) for span in _distinct(spans)]
    roots = _link(places)
    for place in places:
        place.path = PathNode(place.span.span_id, place.span.start, place.span.end)
    for place in places:
        place.path.children = [child.path for child in place.children]
    path = critical_path([root.path for root in roots])
    start, end = min(span.start for span in spans), max(span.end for span in spans)
    nodes = _nodes(roots)
    return Trace(
        trace_id=trace_id,
        start=start,
        duration_ns=end - start,
        spans=len(places),
        errors=sum(place.span.status == "error" for place in places),
        services=sorted({place.span.service for place in places}),
        roots=nodes,
        critical_path=[step.span_id for step in path],
        bottleneck=bottleneck([(place.span, place.path.critical_ns) for place in places], total_ns=end - start),
    )


def walk(roots: Iterable[TraceNode]) -> Iterator[TraceNode]:
    """Every node, parents before children, children by start time: the order of a waterfall."""
    waiting = list(roots)[::-1]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.children))


def _distinct(spans: Sequence[Span]) -> list[Span]:
    """Spans by start, without those that a client sent twice."""
    seen: dict[tuple[str | int, ...], Span] = {}
    for span in sorted(spans, key=_order):
        seen.setdefault((span.span_id, span.parent_span_id, span.service, span.name, span.kind, span.start, span.duration_ns), span)
    return list(seen.values())


def _order(span: Span) -> tuple[int, int, str]:
    """By start; a longer span before a shorter one that starts with it, as it is likelier the parent."""
    return span.start, -span.duration_ns, span.span_id


def _link(places: list[_Place]) -> list[_Place]:
    """Connect parents and children; gives the roots."""
    by_id = defaultdict(list)
    for place in places:
        by_id[place.span.span_id].append(place)
    for place in places:
        place.parent = _parent(place, by_id)
        place.orphan = place.parent is None and place.span.parent_span_id != ""
    _cut_circles(places)
    for place in places:
        if place.parent is not None:
            place.parent.children.append(place)
    return [place for place in places if place.parent is None]


def _parent(place: _Place, by_id: dict[str, list[_Place]]) -> _Place | None:
    parent_id = place.span.parent_span_id
    candidates = [other for other in by_id.get(parent_id, []) if other is not place] if parent_id else []
    own = [other for other in candidates if other.span.service == place.span.service]
    return next(iter(own or candidates), None)


def _cut_circles(places: list[_Place]) -> None:
    """Make the earliest span of each circle of parents a root. `places` come by start."""
    settled: set[int] = set()
    for place in places:
        chain: list[_Place] = []
        on_chain: set[int] = set()
        step: _Place | None = place
        while step is not None and id(step) not in settled and id(step) not in on_chain:
            chain.append(step)
            on_chain.add(id(step))
            step = step.parent
        if step is not None and id(step) in on_chain:
            circle = chain[next(index for index, member in enumerate(chain) if member is step) :]
            first = min(circle, key=lambda member: _order(member.span))
            first.parent, first.orphan = None, True
        settled |= on_chain


def _nodes(roots: list[_Place]) -> list[TraceNode]:
    """Frozen nodes, made level by level from the deepest up, because a frozen node needs its children first."""
    order: list[tuple[_Place, int]] = []
    waiting = [(root, 0) for root in reversed(roots)]
    while waiting:
        place, depth = waiting.pop()
        order.append((place, depth))
        waiting.extend((child, depth + 1) for child in reversed(place.children))
    made: dict[int, TraceNode] = {}
    for place, depth in reversed(order):
        made[id(place)] = TraceNode(
            span=place.span,
            depth=depth,
            self_time_ns=self_time_ns(place.span, [child.span for child in place.children]),
            critical_ns=place.path.critical_ns,
            orphan=place.orphan,
            children=[made[id(child)] for child in place.children],
        )
    return [made[id(root)] for root in roots]


def self_time_ns(span: Span, children: Sequence[Span]) -> int:
    """The time of a span that none of its children covers, nanoseconds; overlapping children cover their union."""
    covered, reached = 0, span.start
    for child in sorted(children, key=lambda child: child.start):
        start, end = max(child.start, reached), min(child.end, span.end)
        if end > start:
            covered += end - start
            reached = end
    return span.duration_ns - covered
