"""
Which span the end of a trace was waiting for, at every instant of it.

Walk back from the end: the child that finished last is what its parent waited for; before that child's start, the child that finished
last until then; where no child runs, the parent itself. Each instant is charged to one span.

    parent  [0 ------------------------------- 100]     parent 0-10, 40-50, 90-100
    a          [10 ---------- 40]                       a 10-40
    b                          [50 ------- 90]          b 50-90
    c             [20 -- 30]                            nothing: a finished later

Source: Zhang et al., CRISP: Critical Path Analysis of Large-Scale Microservice Architectures, USENIX ATC 2022, section 3. Two additions
for spans as they arrive in practice: a sibling that overlaps the chosen one counts up to the latter's start (CRISP drops it; a clock off
by microseconds would then hide a whole branch), and a child that outlives its parent (asynchronous work) counts to its own end, so that
the path always reaches the end of the trace. Time between a span and a detached child, when neither runs, is charged to nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tocsin.model.answers import Bottleneck
from tocsin.model.telemetry import Span

NANOSECONDS_PER_MS = 1_000_000


@dataclass(slots=True, eq=False)
class PathNode:
    """
    A span as the path sees it.

    Args:
        span_id: Its id.
        start, end: Instants, nanoseconds.
        children: Spans that name it as their parent.
        reach: The latest end of it and all below it; set by `critical_path`.
        critical_ns: Time charged to it; set by `critical_path`.
    """

    span_id: str
    start: int
    end: int
    children: list[PathNode] = field(default_factory=list)
    reach: int = 0
    critical_ns: int = 0


def critical_path(roots: Sequence[PathNode]) -> list[PathNode]:
    """
    Charge every instant to a span (`critical_ns`), and give the spans that the path passes through, in order of time.

    A span that waits all its life for a child is on the path with `critical_ns` 0.
    """
    if not roots:
        return []
    _set_reach(roots)
    everything = PathNode("", min(root.start for root in roots), 0, list(roots))
    everything.end = everything.start  # owns no time: gaps between roots are nobody's
    passed: list[tuple[int, int, PathNode]] = []
    waiting = [(everything, everything.start, max(root.reach for root in roots), 0)]
    while waiting:
        node, low, high, depth = waiting.pop()
        if depth:
            passed.append((low, depth, node))
        waiting.extend((child, start, end, depth + 1) for child, start, end in _charge(node, low, high))
    return [node for _, _, node in sorted(passed, key=lambda entry: entry[:2])]


def bottleneck(charged: Sequence[tuple[Span, int]], *, total_ns: int) -> Bottleneck | None:
    """The span with most time on the critical path (the earliest of equals); None when no span took any."""
    span, critical_ns = max(charged, key=lambda entry: entry[1])
    if critical_ns == 0:
        return None
    sentence = f"{span.service} -> {span.name}: {format_ms(critical_ns)} of {format_ms(total_ns)}"
    return Bottleneck(span.span_id, span.service, span.name, critical_ns, total_ns, sentence)


def format_ms(duration_ns: int) -> str:
    """`2,140 ms`, `12.3 ms`, `0.045 ms`, `12 ns`: three digits below a hundred milliseconds, whole ones above."""
    if 0 < duration_ns < 1_000:
        return f"{duration_ns} ns"
    ms = duration_ns / NANOSECONDS_PER_MS
    return f"{ms:,.0f} ms" if ms >= 100 or ms == int(ms) else f"{ms:.3g} ms"


def _charge(node: PathNode, low: int, high: int) -> list[tuple[PathNode, int, int]]:
    """Share the time from `low` to `high` between a span and its children; gives each child on the path with its share."""
    shares = []
    reached = high
    for child in sorted(node.children, key=lambda child: (child.reach, child.start), reverse=True):
        start, end = max(child.start, low), min(child.reach, reached)
        if end <= start:
            continue
        shares.append((child, start, end))
        node.critical_ns += _overlap(node, end, reached)
        reached = start
    node.critical_ns += _overlap(node, low, reached)
    return shares


def _overlap(node: PathNode, low: int, high: int) -> int:
    return max(0, min(node.end, high) - max(node.start, low))


def _set_reach(roots: Sequence[PathNode]) -> None:
    order: list[PathNode] = []
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        order.append(node)
        waiting.extend(node.children)
    for node in reversed(order):
        node.reach = max([node.end, *(child.reach for child in node.children)])
