"""Which evaluator answers, and what it is told beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest
from tests.alert.rules.stage import instant, promql

from tocsin.alert.definition import AtLeast, BurnAbove, Condition, Element, Promql, Vector
from tocsin.alert.rules.evaluators import Evaluators
from tocsin.errors import InvalidInput
from tocsin.model.instant import Instant
from tocsin.model.labels import Labels

UP, BURN = promql("up"), BurnAbove("checkout", 14.4, 3600, 300)


class Told:
    """An evaluator that says one element, and notes what it was told beforehand."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.prepared_for: list[tuple[Sequence[Condition], Instant]] = []

    def at(self, condition: Condition, at: Instant) -> Vector:
        """One element."""
        del condition, at
        return (Element(Labels({"by": self.name}), 1.0),)

    def over(self, condition: Condition, times: Sequence[Instant]) -> list[Vector]:
        """One element each time."""
        return [self.at(condition, at) for at in times]

    @contextmanager
    def prepared(self, conditions: Sequence[Condition], at: Instant) -> Iterator[None]:
        """Notes it."""
        self.prepared_for.append((conditions, at))
        yield


def test_each_kind_has_its_evaluator() -> None:
    """A condition goes to the one for its kind; those that are added later take it over."""
    evaluators = Evaluators({Promql: Told("promql")}).plus({BurnAbove: Told("burn")})
    assert evaluators.at(UP, 0) == (Element(Labels({"by": "promql"}), 1.0),)
    assert evaluators.over(BURN, [1, 2]) == [(Element(Labels({"by": "burn"}), 1.0),)] * 2
    with pytest.raises(InvalidInput, match="kind AtLeast can't be evaluated here; known are BurnAbove, Promql"):
        evaluators.at(AtLeast(1, ()), 0)


def test_evaluators_hear_beforehand_what_comes() -> None:
    """Those that can prepare get all conditions of their kind at once, those inside of composite ones too; others get nothing."""
    told = Told("promql")
    evaluators = Evaluators({Promql: told})
    composite = AtLeast(1, (("a", promql("down")), ("b", AtLeast(1, (("c", promql("gone")),)))))
    with evaluators.prepared([UP, BURN, composite], instant(0)):
        pass
    assert told.prepared_for == [([UP, promql("down"), promql("gone")], instant(0))]
    with evaluators.prepared([BURN], instant(0)):
        pass
    assert len(told.prepared_for) == 1


def test_any_evaluator_can_be_recorded() -> None:
    """What an evaluator without PromQL's own answers finds is recorded as a vector of numbers."""
    answer = Evaluators({Promql: Told("fake")}).answer(UP, instant(0))
    assert [(series.labels, np.asarray(series.values).tolist()) for series in answer.series] == [(Labels({"by": "fake"}), [1.0])]
