"""
Composite conditions: at least k of n hold at once for the same service; a fast burn alone is enough.

    2 of: slow (latency), failing (errors), silent (traffic)     by service
    checkout: slow and failing hold, silent does not  ->  holds
    search: only slow holds                           ->  does not, unless a budget of search burns 14.4x over 1 h and 5 m

One signal beyond its threshold is often noise; two at once seldom are. What a condition finds without a label of `by` (a machine that is
full) counts for every value of it. A condition that can't be evaluated counts as it last did for `stale_s` seconds, then as not holding;
when none can be evaluated, the whole can't.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tocsin.alert.definition import (
    AtLeast,
    BurnAbove,
    Condition,
    Element,
    Evaluator,
    EventsCompare,
    NewPattern,
    Promql,
    SignalBreach,
    Vector,
)
from tocsin.errors import TocsinError
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.model.labels import Labels
from tocsin.slo.definition import Objective
from tocsin.store.count_events import services_of

FAST_LONG_S = 3600
FAST_SHORT_S = 300
ANY = "*"
KEPT_MAX = 10_000


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one named condition said: elements, and why it could not be asked when these are older, or none."""

    name: str
    vector: Vector
    failure: str = ""
    stale: bool = False


class CompositeEvaluator:
    """
    Answers `AtLeast`. Safe to use from several threads.

    Args:
        inner: Answers the conditions inside: of every kind, nested ones too.
        objectives: What is in force, by key, for fast burns.
    """

    def __init__(self, inner: Evaluator, objectives: Callable[[], Mapping[str, Objective]]) -> None:
        self._inner = inner
        self._objectives = objectives
        self._lock = threading.Lock()
        self._last: dict[Condition, tuple[Instant, Vector]] = {}

    def at(self, condition: Condition, at: Instant) -> Vector:
        """
        The values of `by` for which it holds.

        Raises:
            TocsinError: Not one of its conditions could be evaluated, now or lately.
        """
        assert isinstance(condition, AtLeast)
        failures: list[TocsinError] = []
        answers = [self._ask(name, inner, at, condition.stale_s, failures) for name, inner in condition.conditions]
        burns: list[Element] = []
        for burn in self._fast_burns(condition):
            burns += self._ask("fast burn", burn, at, condition.stale_s, failures).vector
        if failures and all(answer.failure and not answer.stale for answer in answers):
            raise failures[0]
        return _combined(condition, answers, burns)

    def over(self, condition: Condition, times: Sequence[Instant]) -> Sequence[Vector]:
        """The same at each of many instants; what can't be evaluated is raised: a replay must not guess."""
        assert isinstance(condition, AtLeast)
        columns = [(name, self._inner.over(inner, times)) for name, inner in condition.conditions]
        burns = [self._inner.over(burn, times) for burn in self._fast_burns(condition)]
        found = []
        for place in range(len(times)):
            answers = [_Answer(name, column[place]) for name, column in columns]
            found.append(_combined(condition, answers, [element for column in burns for element in column[place]]))
        return found

    def _ask(self, name: str, inner: Condition, at: Instant, stale_s: int, failures: list[TocsinError]) -> _Answer:
        try:
            vector = self._inner.at(inner, at)
        except TocsinError as error:
            failures.append(error)
            with self._lock:
                known = self._last.get(inner)
            if known is not None and 0 <= at - known[0] <= stale_s * NANOSECONDS:
                return _Answer(name, known[1], str(error), stale=True)
            return _Answer(name, (), str(error))
        with self._lock:
            if len(self._last) >= KEPT_MAX:
                self._last.clear()
            self._last[inner] = (at, vector)
        return _Answer(name, vector)

    def _fast_burns(self, condition: AtLeast) -> list[BurnAbove]:
        """The conditions on fast burns: of the objectives that are named, or of those of the services that it is about."""
        objectives = self._objectives()
        services = services_about(condition, objectives) if ANY in condition.fast_burn else frozenset()
        chosen = [
            one
            for one in objectives.values()
            if one.key in condition.fast_burn or (ANY in condition.fast_burn and (services is None or one.service in services))
        ]
        factor = condition.fast_burn_factor
        return [BurnAbove(one.key, factor, FAST_LONG_S, FAST_SHORT_S) for one in chosen if factor * one.allowed_ratio < 1]


def services_about(condition: Condition, objectives: Mapping[str, Objective]) -> frozenset[str] | None:
    """The services that a condition is about; None where it may be about any, or nobody can tell."""
    match condition:
        case BurnAbove(objective=key):
            return frozenset({objectives[key].service}) if key in objectives else frozenset()
        case SignalBreach(service=service):
            return frozenset({service}) if service else None
        case EventsCompare(predicate=predicate) | NewPattern(predicate=predicate):
            return services_of(predicate)
        case AtLeast(conditions=conditions):
            each = [services_about(inner, objectives) for _, inner in conditions if not isinstance(inner, Promql)]
            known = [services for services in each if services is not None]
            return frozenset().union(*known) if each and len(known) == len(each) else None
        case _:
            return None


def _combined(condition: AtLeast, answers: Sequence[_Answer], burns: Sequence[Element]) -> Vector:
    """One element for each value of `by` for which enough holds."""
    keys: dict[Labels, None] = {}
    for element in [*(element for answer in answers for element in answer.vector), *burns]:
        keys.setdefault(_key(element, condition.by))
    # What lacks a label counts for every value of it; alone it stands for itself.
    whole = [key for key in keys if len(key) == len(condition.by)] or list(keys)
    return [found for key in sorted(whole) if (found := _found(key, condition, answers, burns)) is not None]


def _key(element: Element, by: Sequence[str]) -> Labels:
    return Labels({name: value for name in by if (value := element.labels.get(name))})


def _fits(element: Element, key: Labels, by: Sequence[str]) -> bool:
    return all(element.labels.get(name) in ("", key.get(name)) for name in by)


def _found(key: Labels, condition: AtLeast, answers: Sequence[_Answer], burns: Sequence[Element]) -> Element | None:
    holding = [(answer, [element for element in answer.vector if _fits(element, key, condition.by)]) for answer in answers]
    count = sum(bool(elements) for _, elements in holding)
    burning = [element for element in burns if _fits(element, key, condition.by)]
    if count < condition.count and not burning:
        return None
    return Element(key, float(count), _note(condition, holding, burning, count))


def _note(condition: AtLeast, holding: Sequence[tuple[_Answer, list[Element]]], burning: Sequence[Element], count: int) -> str:
    parts = []
    if burning:
        parts.append(f"a fast burn alone is enough: {burning[0].labels.get('objective')} {burning[0].note}")
    held = [_held(answer, elements) for answer, elements in holding if elements]
    rest = [f"{answer.name} is not known ({answer.failure})" if answer.failure else answer.name for answer, found in holding if not found]
    sentence = f"{count} of {len(holding)} hold, {condition.count} are needed"
    parts.append(f"{sentence}: {'; '.join(held)}" if held else sentence)
    if rest:
        parts.append(f"not: {', '.join(rest)}")
    return "; ".join(parts)


def _held(answer: _Answer, elements: Sequence[Element]) -> str:
    note = f" ({elements[0].note})" if elements[0].note else ""
    more = f" and {len(elements) - 1} more" if len(elements) > 1 else ""
    return f"{answer.name}{note}{more}{', as it was before it could not be asked' if answer.stale else ''}"
