"""Composite conditions: k of n, fast burns alone, what can't be evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.slo.stories import instant, objective

from tocsin.alert.conditions.composite import CompositeEvaluator, services_about
from tocsin.alert.definition import (
    AtLeast,
    BurnAbove,
    Comparison,
    Condition,
    Element,
    EventsCompare,
    NewPattern,
    Promql,
    SignalBreach,
    Vector,
)
from tocsin.errors import StoreError, TocsinError
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.model.labels import Labels
from tocsin.query.fields import parse_log_query
from tocsin.query.promql.parser import parse
from tocsin.slo.definition import Objective

AT = instant("2026-11-20 12:00")
SLOW = SignalBreach("latency", "", 300, threshold=1.0)
FAILING = SignalBreach("errors", "", 300, threshold=0.05)
SILENT = SignalBreach("traffic", "", 300, Comparison.BELOW, 1.0)
TWO_OF_THREE = AtLeast(2, (("slow", SLOW), ("failing", FAILING), ("silent", SILENT)))


@dataclass
class Told:
    """Answers as it is told; counts how often it was asked about burns."""

    answers: dict[Condition, Vector | TocsinError] = field(default_factory=dict)
    burns: list[str] = field(default_factory=list)

    def at(self, condition: Condition, at: Instant) -> Vector:
        """What it was told, nothing by default."""
        if isinstance(condition, BurnAbove):
            self.burns.append(condition.objective)
        answer = self.answers.get(condition, ())
        if isinstance(answer, TocsinError):
            raise answer
        return answer

    def over(self, condition: Condition, times: Sequence[Instant]) -> Sequence[Vector]:
        """The same at every instant."""
        return [self.at(condition, at) for at in times]


def of(*services: str, note: str = "beyond") -> Vector:
    """An element for each service; none has no labels."""
    return [Element(Labels({"service": service}), 2.0, f"{service} {note}") for service in services]


OBJECTIVES: Mapping[str, Objective] = {
    key: replace(objective(), key=key, slo=key, service=service)
    for key, service in (("checkout-availability", "checkout"), ("search-latency", "search"))
}


def evaluator(told: Told) -> CompositeEvaluator:
    """Over two objectives."""
    return CompositeEvaluator(told, lambda: OBJECTIVES)


def test_two_of_three_hold_for_one_service() -> None:
    """Each service is counted by itself, and the text says which held and which did not."""
    told = Told({SLOW: of("checkout", "search"), FAILING: of("checkout")})
    (element,) = evaluator(told).at(TWO_OF_THREE, AT)
    assert (dict(element.labels), element.value) == ({"service": "checkout"}, 2.0)
    assert element.note == "2 of 3 hold, 2 are needed: slow (checkout beyond); failing (checkout beyond); not: silent"


def test_a_fast_burn_alone_is_enough() -> None:
    """Of the service whose budget burns; nothing else holds."""
    told = Told({BurnAbove("search-latency", 14.4, 3600, 300): of("search", note="burns 20x")})
    (element,) = evaluator(told).at(TWO_OF_THREE, AT)
    assert (dict(element.labels), element.value) == ({"service": "search"}, 0.0)
    assert element.note.startswith("a fast burn alone is enough:")


def test_fast_burns_of_others_are_not_asked() -> None:
    """A condition about one service asks for its objectives alone; named ones are asked always, none when none is wanted."""
    about = AtLeast(1, (("slow", replace(SLOW, service="checkout")),))
    told = Told()
    evaluator(told).at(about, AT)
    assert told.burns == ["checkout-availability"]
    evaluator(told).at(replace(about, fast_burn=("search-latency",)), AT)
    assert told.burns[1:] == ["search-latency"]
    evaluator(told).at(replace(about, fast_burn=()), AT)
    assert len(told.burns) == 2


def test_what_has_no_service_counts_for_every_service() -> None:
    """A full machine and a slow service make two; alone it stands for itself."""
    told = Told({SILENT: [Element(Labels(), 1.0, "machine full")], SLOW: of("checkout")})
    assert [dict(element.labels) for element in evaluator(told).at(TWO_OF_THREE, AT)] == [{"service": "checkout"}]
    (alone,) = evaluator(Told({SILENT: [Element(Labels({"host": "a"}), 1.0)]})).at(replace(TWO_OF_THREE, count=1), AT)
    assert dict(alone.labels) == {}


def test_a_condition_that_fails_counts_as_it_last_did_for_a_while() -> None:
    """Five minutes long, and the text says so; then as not holding."""
    told = Told({SLOW: of("checkout"), FAILING: of("checkout")})
    asked = evaluator(told)
    assert asked.at(TWO_OF_THREE, AT)
    told.answers[SLOW] = StoreError("no engine")
    (element,) = asked.at(TWO_OF_THREE, AT + 300 * NANOSECONDS)
    assert "slow (checkout beyond), as it was before it could not be asked" in element.note
    assert asked.at(TWO_OF_THREE, AT + 301 * NANOSECONDS) == []
    (element,) = asked.at(replace(TWO_OF_THREE, count=1), AT + 301 * NANOSECONDS)
    assert "not: slow is not known (no engine), silent" in element.note


def test_when_nothing_can_be_asked_the_whole_can_not() -> None:
    """An alert must not end because nobody could look."""
    told = Told(dict.fromkeys((SLOW, FAILING, SILENT), StoreError("no engine")))
    with pytest.raises(StoreError, match="no engine"):
        evaluator(told).at(TWO_OF_THREE, AT)
    with pytest.raises(StoreError):
        evaluator(Told({SLOW: StoreError("gone")})).over(TWO_OF_THREE, [AT])


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c"]), unique=True), min_size=3, max_size=3), st.integers(1, 3))
def test_it_counts_as_one_would_by_hand(found: list[list[str]], count: int) -> None:
    """For each service the number of conditions that hold; a replay says the same."""
    told = Told(dict(zip((SLOW, FAILING, SILENT), [of(*services) for services in found], strict=True)))
    condition = replace(TWO_OF_THREE, count=count)
    by_hand = {service: sum(service in services for services in found) for service in "abc"}
    answer = evaluator(told).at(condition, AT)
    assert {element.labels.get("service"): element.value for element in answer} == {
        service: held for service, held in by_hand.items() if held >= count
    }
    assert evaluator(told).over(condition, [AT, AT]) == [answer, answer]


def test_which_services_a_condition_is_about() -> None:
    """As far as it can be told from the condition itself."""
    events = EventsCompare("logs", "service:a", 60, Comparison.ABOVE, 1, parse_log_query("service:a"))
    assert services_about(events, OBJECTIVES) == frozenset({"a"})
    assert services_about(NewPattern("level:error", 60, parse_log_query("level:error")), OBJECTIVES) is None
    assert services_about(BurnAbove("search-latency", 1, 60, 60), OBJECTIVES) == frozenset({"search"})
    assert services_about(BurnAbove("gone", 1, 60, 60), OBJECTIVES) == frozenset()
    nested = AtLeast(1, (("events", events), ("burn", BurnAbove("search-latency", 1, 60, 60)), ("up", Promql("up", parse("up")))))
    assert services_about(nested, OBJECTIVES) == frozenset({"a", "search"})
    assert services_about(TWO_OF_THREE, OBJECTIVES) is None
    assert services_about(Promql("up", parse("up")), OBJECTIVES) is None
