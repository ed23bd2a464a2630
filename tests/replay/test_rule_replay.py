"""Rules over the past in bulk: the same alerts as stepping live, whatever the pieces; order of rules; recordings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.replay.prometheus_groups import groups_of

from tocsin.alert.conditions.promql import PromqlEvaluator
from tocsin.alert.definition import AlertRule, Promql, RuleGroup
from tocsin.alert.rules.evaluators import Evaluators
from tocsin.alert.rules.machine import Texts
from tocsin.alert.rules.rendering import plain
from tocsin.alert.rules.run import GroupRun
from tocsin.clock import RealClock
from tocsin.model.alert import ALERT_NAME
from tocsin.model.instant import NANOSECONDS, TimeRange
from tocsin.model.labels import Labels
from tocsin.query.promql.engine import Promql as Engine
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.series.memory import MemorySeries
from tocsin.query.series.overlaid import OverlaidSeries
from tocsin.query.series.recent import RecentSeries
from tocsin.replay.backtest import pieces
from tocsin.replay.held_series import HeldSeries, ShadowedSeries
from tocsin.replay.rule_reach import reach_of_recordings, reads_of, recorded_names, together
from tocsin.replay.rule_replay import ChangeKind, RuleReplay, in_order

MINUTE = 60 * NANOSECONDS
CLOCK = RealClock()
Seen = list[tuple[int, str, str]]

RULES = """
groups:
  - name: readers
    rules:
      - {alert: Loud, expr: 'avg_over_time(level:max[3m]) > 2', for: 2m, labels: {severity: page}}
      - {alert: Quiet, expr: 'level < 1', keep_firing_for: 2m}
      - {alert: Any, expr: 'count(ALERTS{alertstate="firing", alertname="Loud"})'}
  - name: recorders
    interval: 1m
    rules:
      - {record: 'level:max', expr: max(level)}
"""


def write(tmp_path: Path, text: str = RULES) -> list[RuleGroup]:
    """The groups of a file."""
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    return groups_of(path)


def series(levels: list[float | None]) -> MemorySeries:
    """One series with a value a minute."""
    source = MemorySeries()
    source.add(Labels({"__name__": "level"}), {minute * 60_000: level for minute, level in enumerate(levels) if level is not None})
    return source


@contextmanager
def replaying(groups: list[RuleGroup], source: MemorySeries) -> Iterator[RuleReplay]:
    """A replay of groups over series in memory."""
    held = HeldSeries()
    shadowed = ShadowedSeries(source, held, recorded_names([rule for group in groups for rule in group.rules]))
    evaluator, engine = PromqlEvaluator(shadowed, CLOCK, share=False), Engine(shadowed, PromqlOptions(), clock=CLOCK)
    try:
        yield RuleReplay(groups, evaluators=Evaluators({Promql: evaluator}), engine=engine, held=held, texts=Texts(plain), step_s=60)
    finally:
        evaluator.close()
        engine.close()


def replayed(groups: list[RuleGroup], source: MemorySeries, minutes: int, piece_s: float) -> Seen:
    """What fired and ended, minute by minute, in a replay."""
    with replaying(groups, source) as replay:
        changes = [change for piece in pieces(TimeRange(0, minutes * MINUTE), piece_s) for change in replay.piece(piece)]
    return [(change.at // MINUTE, change.kind.value, change.rule.name) for change in changes if change.kind is not ChangeKind.CALMED]


def stepped(groups: list[RuleGroup], source: MemorySeries, minutes: int) -> Seen:
    """The same of groups that are stepped as they are live."""
    recent = RecentSeries(kept_s=1e9)
    evaluator = PromqlEvaluator(OverlaidSeries(source, recent), CLOCK, share=False)
    runs = [GroupRun(group, Evaluators({Promql: evaluator}), texts=Texts(plain), clock=CLOCK, recent=recent) for group in groups]
    seen: Seen = []
    try:
        firing: set[tuple[str, Labels]] = set()
        for minute in range(minutes):
            now = set()
            for run in runs:
                run.step(minute * MINUTE)
                now |= {
                    (status.rule.name, alert.labels)
                    for status in run.status().rules
                    for alert in status.alerts
                    if alert.phase.value == "firing"
                }
            seen += sorted((minute, "resolved", name) for name, _ in firing - now)
            seen += sorted((minute, "fired", name) for name, _ in now - firing)
            firing = now
    finally:
        evaluator.close()
    return seen


@settings(max_examples=25, deadline=None)
@given(
    levels=st.lists(st.sampled_from([0.0, 1.0, 2.5, 4.0, None]), min_size=5, max_size=60),
    piece_minutes=st.sampled_from([1, 7, 60]),
)
def test_the_same_as_live_whatever_the_pieces(
    tmp_path_factory: pytest.TempPathFactory, levels: list[float | None], piece_minutes: int
) -> None:
    """Recordings, `for`, `keep_firing_for` and alerts on alerts: bulk answers give the alerts that stepping gives."""
    groups = write(tmp_path_factory.mktemp("rules"))
    live = stepped([groups[1], groups[0]], series(levels), len(levels))
    assert sorted(replayed(groups, series(levels), len(levels), piece_minutes * 60)) == sorted(live)


def test_a_condition_that_held_too_short_is_told(tmp_path: Path) -> None:
    """An alert that waited and did not fire is a change, too: near misses are made of it."""
    groups = write(tmp_path, "groups: [{name: g, rules: [{alert: Slow, expr: level > 1, for: 5m}]}]")
    with replaying(groups, series([0, 0, 2, 2, 2, 0, 0])) as replay:
        (change,) = replay.piece(TimeRange(0, 7 * MINUTE))
    assert (change.kind, change.alert.active_at // MINUTE, change.at // MINUTE) == (ChangeKind.CALMED, 2, 5)
    assert change.alert.labels == Labels({ALERT_NAME: "Slow"})


def test_groups_keep_their_longer_interval_and_their_offset(tmp_path: Path) -> None:
    """A group of every five minutes is asked at whole multiples, and about two minutes before them."""
    groups = write(tmp_path, "groups: [{name: g, interval: 5m, query_offset: 2m, rules: [{alert: High, expr: level > 1}]}]")
    assert replayed(groups, series([0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]), 11, 240) == [(5, "fired", "High"), (10, "resolved", "High")]


def test_a_rule_that_fails_is_said_and_the_others_go_on(tmp_path: Path) -> None:
    """Two elements that make one alert fail their rule; the failure has its message."""
    text = 'groups: [{name: g, rules: [{alert: Bad, expr: \'level > 1 or label_replace(level, "a", "b", "", "")\', labels: {a: c}},'
    groups = write(tmp_path, text + " {alert: Good, expr: level > 1}]}]")
    with replaying(groups, series([2, 2])) as replay:
        changes = replay.piece(TimeRange(0, 2 * MINUTE))
        assert [change.rule.name for change in changes] == ["Good"]
        (failure,) = replay.failures
    assert failure.rule == "g/Bad"
    assert "same labelset" in failure.message


def test_a_limit_clears_alerts(tmp_path: Path) -> None:
    """More alerts than a group allows are none, and the failure is said."""
    groups = write(
        tmp_path, 'groups: [{name: g, limit: 1, rules: [{alert: Many, expr: \'level > 1 or label_replace(vector(3), "a", "b", "", "")\'}]}]'
    )
    with replaying(groups, series([0, 2])) as replay:
        changes = replay.piece(TimeRange(0, 2 * MINUTE))
        assert [(change.at // MINUTE, change.kind) for change in changes] == [(0, ChangeKind.FIRED), (1, ChangeKind.RESOLVED)]
        assert "exceeded limit" in replay.failures[0].message


def test_rules_come_after_those_that_record_for_them(tmp_path: Path) -> None:
    """Across groups, and with a circle everything stays as it stands."""
    groups = write(tmp_path)
    assert [rule.name for _, rule in in_order(groups)].index("level:max") == 1
    names = [rule.name for _, rule in in_order(groups)]
    assert names.index("level:max") < names.index("Loud") < names.index("Any")
    circle = "groups: [{name: g, rules: [{record: a, expr: b}, {record: b, expr: a}]}]"
    assert [rule.name for _, rule in in_order(write(tmp_path, circle))] == ["a", "b"]


def test_how_far_rules_reach(tmp_path: Path) -> None:
    """Windows, subqueries and offsets around each other add up, to what a selector looks back itself."""
    expression = "sum(rate(a[10m] offset 1h)) + max_over_time(b[2h:1m] offset 30m) > 0"
    (group,) = write(tmp_path, f"groups: [{{name: g, rules: [{{alert: A, expr: '{expression}'}}]}}]")
    (rule,) = group.rules
    assert isinstance(rule, AlertRule)
    assert reads_of(rule).back_s == 2.5 * 3600 + 300
    assert reads_of(rule).names == {"a", "b"}
    assert reach_of_recordings(group.rules) == 0.0
    readers = write(tmp_path)
    assert reach_of_recordings([rule for group in readers for rule in group.rules]) == 480.0
    assert together(readers[0].rules).names == {"level:max", "level", "ALERTS"}
