"""How far back the selectors of queries look: what has to be read before many queries are answered from memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass

from tocsin.errors import InvalidInput
from tocsin.query.promql.context import Question
from tocsin.query.promql.durations import duration_ms
from tocsin.query.promql.grid import Steps
from tocsin.query.promql.syntax import Duration, Expression, MatrixSelector, RangeExtension, Subquery, VectorSelector
from tocsin.query.series.recent import name_of

# An instant query's range and step are 0, wherever it is asked.
_INSTANT = Question("", Steps(0, 0, 1), 0, 0, 0.0, 0.0, instant=True)


@dataclass(frozen=True, slots=True)
class Reach:
    """From the first to the last instant that is looked at, both included, milliseconds; before the evaluation these are negative."""

    start_ms: int
    end_ms: int

    def shifted(self, by_ms: int) -> Reach:
        """The same, later."""
        return Reach(self.start_ms + by_ms, self.end_ms + by_ms)

    def joined(self, other: Reach | None) -> Reach:
        """Both, and what lies between."""
        return self if other is None else Reach(min(self.start_ms, other.start_ms), max(self.end_ms, other.end_ms))


def reach_of(tree: Expression, lookback_ms: int) -> dict[str, Reach]:
    """
    Of each metric that a query names, relative to the instant of its evaluation. What looks at fixed instants is left out.

    Args:
        tree: The query.
        lookback_ms: How far back a selector without a range looks.
    """
    found: dict[str, Reach] = {}
    try:
        for name, reach in _walk(tree, Reach(0, 0), lookback_ms):
            found[name] = reach.joined(found.get(name))
    except InvalidInput:  # a length of time that is none: the evaluation will say so
        return {}
    return found


def joined_reach(reaches: Iterable[dict[str, Reach]], at_ms: int) -> dict[str, Reach]:
    """What several queries look at together when they are evaluated at one instant."""
    found: dict[str, Reach] = {}
    for one in reaches:
        for name, reach in one.items():
            found[name] = reach.joined(found.get(name))
    return {name: reach.shifted(at_ms) for name, reach in found.items()}


def _walk(node: object, at: Reach, lookback_ms: int) -> Iterator[tuple[str, Reach]]:
    """Selectors below `node`, which is evaluated at instants within `at`."""
    if isinstance(node, MatrixSelector):
        yield from _selected(node.selector, at, duration_ms(node.range, _INSTANT), lookback_ms)
    elif isinstance(node, VectorSelector):
        yield from _selected(node, at, lookback_ms, lookback_ms)
    elif isinstance(node, Subquery):
        if node.at_ms is None:
            moved = at.shifted(-_ms(node.offset))
            inner = Reach(moved.start_ms - duration_ms(node.range, _INSTANT), moved.end_ms)
            yield from _walk(node.expression, inner, lookback_ms)
    elif is_dataclass(node):
        for part in fields(node):
            yield from _walk(getattr(node, part.name), at, lookback_ms)
    elif isinstance(node, tuple):
        for part in node:
            yield from _walk(part, at, lookback_ms)


def _selected(node: VectorSelector, at: Reach, back_ms: int, lookback_ms: int) -> Iterator[tuple[str, Reach]]:
    name = name_of(node.matchers)
    if name is None or node.at_ms is not None:
        return
    beyond = lookback_ms if node.extension is not RangeExtension.NONE else 0
    moved = at.shifted(-_ms(node.offset))
    yield name, Reach(moved.start_ms - back_ms - beyond, moved.end_ms + beyond)


def _ms(duration: Duration | None) -> int:
    return 0 if duration is None else duration_ms(duration, _INSTANT)
