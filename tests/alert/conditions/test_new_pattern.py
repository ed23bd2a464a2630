"""Conditions over log patterns that were never seen before."""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.alert.conditions.new_pattern import NewPatternEvaluator
from tocsin.alert.definition import NewPattern
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.model.patterns import LogPattern
from tocsin.query.fields import parse_log_query
from tocsin.store.plan import Predicate

AT = 1_763_640_000 * NANOSECONDS


class Patterns:
    """Knows three patterns, and when each was seen first."""

    def __init__(self) -> None:
        self.asked: list[tuple[Predicate, Instant, Instant]] = []

    def new_between(self, predicate: Predicate, start_ns: Instant, end_ns: Instant) -> Sequence[LogPattern]:
        """Those whose time it is."""
        self.asked.append((predicate, start_ns, end_ns))
        first = {"p1": AT - NANOSECONDS, "p2": AT - 2 * NANOSECONDS, "p3": AT - 5000 * NANOSECONDS}
        counts = {"p1": 3.0, "p2": 40.0, "p3": 9.0}
        return [
            LogPattern(key, "checkout", f"{key} refused by <*>", counts[key], 0.5, 17, at, at, "", new=True)
            for key, at in first.items()
            if start_ns <= at < end_ns
        ]


def test_each_new_pattern_is_an_alert() -> None:
    """The most frequent first; the text has the pattern."""
    patterns = Patterns()
    query = parse_log_query("level:error")
    found = NewPatternEvaluator(patterns).at(NewPattern("level:error", 600, query), AT)
    assert [dict(element.labels) for element in found] == [
        {"pattern": "p2", "service": "checkout"},
        {"pattern": "p1", "service": "checkout"},
    ]
    assert found[0].note == "40 log records in 10 min of a pattern never seen before: p2 refused by <*>"
    assert patterns.asked == [(query, AT - 600 * NANOSECONDS, AT)]


def test_a_pattern_seen_too_seldom_is_not() -> None:
    """Below the least count nobody is told; a replay asks instant by instant."""
    evaluator = NewPatternEvaluator(Patterns())
    assert [len(vector) for vector in evaluator.over(NewPattern("", 600, count_min=10), [AT - 10 * NANOSECONDS, AT])] == [0, 1]
