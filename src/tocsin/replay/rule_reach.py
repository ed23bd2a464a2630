"""
How far rules reach: which series they read, how far back, which other telemetry they need. Backtests warm up by it, guards freeze by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass

from tocsin.alert.definition import AtLeast, BurnAbove, Condition, EventsCompare, NewPattern, Promql, RecordingRule, Rule, SignalBreach
from tocsin.model.labels import METRIC_NAME
from tocsin.model.series import Matcher, MatchOperator
from tocsin.query.metrics import selectors_of
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.promql.syntax import Duration, DurationLiteral, Expression, MatrixSelector, Subquery, VectorSelector

LOOKBACK_S = PromqlOptions().lookback_s


@dataclass(frozen=True, slots=True)
class Reach:
    """
    What a rule reads.

    Args:
        selectors: Matchers of every selector of its queries.
        back_s: How far before the instant it looks, seconds.
        spans, logs: Whether it reads them.
        objectives: Objectives whose counts it reads; `*` for all of a service.
    """

    selectors: tuple[tuple[Matcher, ...], ...] = ()
    back_s: float = 0.0
    spans: bool = False
    logs: bool = False
    objectives: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Metrics that its selectors name by an equality."""
        return frozenset(
            one.value for matchers in self.selectors for one in matchers if one.name == METRIC_NAME and one.operator is MatchOperator.EQUAL
        )

    def plus(self, other: Reach) -> Reach:
        """Both."""
        return Reach(
            tuple(dict.fromkeys((*self.selectors, *other.selectors))),
            max(self.back_s, other.back_s),
            self.spans or other.spans,
            self.logs or other.logs,
            tuple(dict.fromkeys((*self.objectives, *other.objectives))),
        )


def reads_of(rule: Rule) -> Reach:
    """What a rule reads."""
    return reach_of(rule.condition)


def reach_of(condition: Condition) -> Reach:
    """What a condition reads."""
    if isinstance(condition, Promql):
        selectors = tuple(selector.matchers for selector in selectors_of(condition.expression))
        return Reach(selectors, _back_s(condition.expression))
    if isinstance(condition, BurnAbove):
        return Reach((), _burn_back_s(condition), spans=True, logs=True, objectives=(condition.objective,))
    if isinstance(condition, EventsCompare):
        return Reach((), condition.window_s, spans=condition.signal == "spans", logs=condition.signal == "logs")
    if isinstance(condition, NewPattern):
        return Reach((), condition.window_s, logs=True)
    if isinstance(condition, SignalBreach):
        return Reach((), condition.window_s, spans=True)
    assert isinstance(condition, AtLeast)
    found = Reach((), float(condition.stale_s), spans=True, logs=True, objectives=condition.fast_burn)
    for _, part in condition.conditions:
        found = found.plus(reach_of(part))
    return found


def together(rules: Iterable[Rule]) -> Reach:
    """What all of them read; through what they record for each other, too, as far as lengths go."""
    known = list(rules)
    found = Reach()
    for rule in known:
        found = found.plus(reads_of(rule))
    chained = sum(reads_of(rule).back_s for rule in known if isinstance(rule, RecordingRule))
    longest = max((reads_of(rule).back_s for rule in known), default=0.0)
    return Reach(found.selectors, min(longest + chained, 2 * longest + LOOKBACK_S), found.spans, found.logs, found.objectives)


def recorded_names(rules: Iterable[Rule]) -> frozenset[str]:
    """Metrics that rules write, the states of alerts among them."""
    return frozenset(rule.name for rule in rules if isinstance(rule, RecordingRule)) | {"ALERTS", "ALERTS_FOR_STATE"}


def reach_of_recordings(rules: Sequence[Rule]) -> float:
    """How far back rules look into what rules record, seconds: so long before a replay the recordings must begin."""
    names = recorded_names(rules)
    return max((reads_of(rule).back_s for rule in rules if reads_of(rule).names & names), default=0.0)


def _burn_back_s(condition: BurnAbove) -> float:
    return float(max((pair.long_s for pair in condition.pairs), default=0))


def _back_s(expression: Expression) -> float:
    """The farthest look back of an expression: windows and offsets around each other add up; at least what a selector looks back itself."""
    return _deep_s(expression) / 1000


def _deep_s(node: object) -> float:
    if isinstance(node, VectorSelector):
        return _length_ms(node.offset) + LOOKBACK_S * 1000
    own = _length_ms(node.range) if isinstance(node, MatrixSelector | Subquery) else 0.0
    own += _length_ms(node.offset) if isinstance(node, Subquery) else 0.0
    parts: list[object] = []
    if is_dataclass(node):
        parts = [getattr(node, one.name) for one in fields(node)]
    elif isinstance(node, tuple):
        parts = [*node]
    return own + max((_deep_s(part) for part in parts), default=0.0)


def _length_ms(duration: Duration | None) -> float:
    """A length as written; of a computed one, at most what its parts add up to."""
    if duration is None:
        return 0.0
    if isinstance(duration, DurationLiteral):
        return abs(float(duration.ms))
    return sum(_length_ms(operand) for operand in duration.operands)
