"""
Conditions over log patterns: has a kind of record appeared that was never seen before?

    severity:error over 10m   ->   connection to <*> refused by <*>   (checkout, 37 records)

Which record has which pattern, and when a pattern was seen first, others know; here it becomes an alert for each new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tocsin.alert.definition import Condition, Element, NewPattern, Vector
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.model.labels import Labels
from tocsin.model.patterns import LogPattern
from tocsin.slo.words import count_words, duration_words
from tocsin.store.plan import Predicate

TEMPLATE_CHARACTERS_MAX = 200


class PatternSource(Protocol):
    """Knows when patterns were seen first; `query.patterns.patterns.PatternQuestions` is one."""

    def new_between(self, predicate: Predicate, start_ns: Instant, end_ns: Instant) -> Sequence[LogPattern]:
        """Patterns whose first record ever lies in [start_ns, end_ns), and that a matching record there has."""
        ...


class NewPatternEvaluator:
    """
    Answers `NewPattern`. Safe to use from several threads.

    Args:
        patterns: Knows when patterns were seen first.
    """

    def __init__(self, patterns: PatternSource) -> None:
        self._patterns = patterns

    def at(self, condition: Condition, at: Instant) -> Vector:
        """The patterns that were first seen in the window before an instant, one element each; the most frequent first."""
        assert isinstance(condition, NewPattern)
        found = self._patterns.new_between(condition.predicate, at - condition.window_s * NANOSECONDS, at)
        often = sorted((one for one in found if one.count >= condition.count_min), key=lambda one: (-one.count, one.service, one.id))
        return [_element(one, condition) for one in often]

    def over(self, condition: Condition, times: Sequence[Instant]) -> Sequence[Vector]:
        """The same at each of many instants, one after the other."""
        return [self.at(condition, at) for at in times]


def _element(one: LogPattern, condition: NewPattern) -> Element:
    template = one.template[:TEMPLATE_CHARACTERS_MAX]
    note = f"{count_words(one.count)} log records in {duration_words(condition.window_s)} of a pattern never seen before: {template}"
    return Element(Labels({"pattern": one.id, "service": one.service}), one.count, note)
