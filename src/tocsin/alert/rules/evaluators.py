"""Which evaluator answers which kind of condition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Protocol, runtime_checkable

import numpy as np

from tocsin.alert.definition import AtLeast, Condition, Evaluator, Promql, Vector
from tocsin.errors import InvalidInput
from tocsin.model.instant import Instant
from tocsin.query.promql.answer import QueryAnswer, SeriesAnswer
from tocsin.query.promql.syntax import ValueType


@runtime_checkable
class Preparing(Protocol):
    """An evaluator that answers many conditions of one instant cheaper when it knows them beforehand."""

    def prepared(self, conditions: Sequence[Condition], at: Instant) -> AbstractContextManager[None]:
        """Around the evaluation, in the same thread, of these conditions at this instant."""
        ...


@runtime_checkable
class Answering(Protocol):
    """An evaluator that gives PromQL's own answer, native histograms among it."""

    def answer(self, condition: Promql, at: Instant) -> QueryAnswer:
        """What a query says at one instant; raises TocsinError as `Evaluator.at` does."""
        ...


class Evaluators:
    """
    Evaluators by kind of condition; one of them itself. Safe to use from several threads.

    Args:
        by_kind: Evaluator by class of the conditions that it answers.
    """

    def __init__(self, by_kind: Mapping[type, Evaluator]) -> None:
        self._by_kind = dict(by_kind)

    def plus(self, by_kind: Mapping[type, Evaluator]) -> Evaluators:
        """These and others: a composite condition's evaluator is made of those for its parts."""
        return Evaluators({**self._by_kind, **by_kind})

    def at(self, condition: Condition, at: Instant) -> Vector:
        """
        What holds at one instant, see `Evaluator.at`.

        Raises:
            InvalidInput: Nobody answers conditions of this kind.
            TocsinError: It can't be evaluated now.
        """
        return self._of(condition).at(condition, at)

    def answer(self, condition: Promql, at: Instant) -> QueryAnswer:
        """The answer to a query, for what is recorded; raises as `at` does."""
        evaluator = self._of(condition)
        if isinstance(evaluator, Answering):
            return evaluator.answer(condition, at)
        at_ms = np.array([at // 1_000_000], dtype=np.int64)
        series = [SeriesAnswer(element.labels, at_ms, np.array([element.value])) for element in evaluator.at(condition, at)]
        return QueryAnswer(ValueType.VECTOR, series)

    def over(self, condition: Condition, times: Sequence[Instant]) -> Sequence[Vector]:
        """What holds at many instants, see `Evaluator.over`; raises as `at` does."""
        return self._of(condition).over(condition, times)

    @contextmanager
    def prepared(self, conditions: Sequence[Condition], at: Instant) -> Iterator[None]:
        """Around the evaluation, in this thread, of all these conditions at one instant: what they share is read once."""
        asked = [part for condition in conditions for part in _with_parts(condition)]
        with ExitStack() as stack:
            for kind, evaluator in self._by_kind.items():
                own = [condition for condition in asked if type(condition) is kind]
                if own and isinstance(evaluator, Preparing):
                    stack.enter_context(evaluator.prepared(own, at))
            yield

    def _of(self, condition: Condition) -> Evaluator:
        found = self._by_kind.get(type(condition))
        if found is None:
            known = ", ".join(sorted(kind.__name__ for kind in self._by_kind)) or "none"
            raise InvalidInput(f"conditions of the kind {type(condition).__name__} can't be evaluated here; known are {known}")
        return found


def _with_parts(condition: Condition) -> Iterator[Condition]:
    """A condition, and those that it is made of."""
    yield condition
    if isinstance(condition, AtLeast):
        for _, part in condition.conditions:
            yield from _with_parts(part)
