"""Groups at their intervals, files that change, restarts, sinks and states that fail."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.alert.rules.stage import HandClock, alert, fill_in, group, series_labels
from tests.state.prepared import open_state

from tocsin.alert.conditions.promql import PromqlEvaluator
from tocsin.alert.definition import Condition, Promql, RuleGroup, RuleSet, Vector
from tocsin.alert.options import AlertOptions
from tocsin.alert.rules.evaluators import Evaluators
from tocsin.alert.rules.machine import Texts
from tocsin.alert.rules.manager import RuleManager, RuleSurroundings
from tocsin.alert.rules.outcome import Health
from tocsin.alert.rules.schedule import Schedule
from tocsin.clock import RealClock
from tocsin.errors import StoreError
from tocsin.model.alert import Alert
from tocsin.model.instant import Instant
from tocsin.model.labels import Labels
from tocsin.query.series.memory import MemorySeries
from tocsin.query.series.recent import RecentSeries, SeriesSample

DOWN = Labels({"alertname": "Down", "job": "api"})


@dataclass
class House:
    """A manager over a database and series in memory, with a clock that is set by hand."""

    data: Path
    rules: RuleSet
    clock: HandClock = field(default_factory=HandClock)
    series: MemorySeries = field(default_factory=MemorySeries)
    told: list[Alert] = field(default_factory=list)
    stored: list[SeriesSample] = field(default_factory=list)
    refusing: bool = False
    stack: ExitStack = field(default_factory=ExitStack)

    def begin(self) -> RuleManager:
        """A new process, without threads."""
        self.state = self.stack.enter_context(open_state(self.data))
        recent = RecentSeries()
        around = RuleSurroundings(
            Evaluators({Promql: PromqlEvaluator(self.series, self.clock, recent=recent)}),
            Texts(fill_in),
            self.clock,
            self.sink,
            self.stored.extend,
            recent,
            self.state.rule_states,
            AlertOptions(),
        )
        manager = RuleManager(lambda: self.rules, around)
        manager.refresh()
        return manager

    def sink(self, alerts: Sequence[Alert], at: Instant) -> None:
        """Notes alerts, unless it refuses them."""
        del at
        if self.refusing:
            raise StoreError("the disk is full")
        self.told += alerts

    def up(self, value: float) -> None:
        """What `up{job="api"}` is from now on."""
        at_ms = self.clock.now_ns() // 1_000_000
        self.series.add(series_labels('up{job="api"}'), {at_ms + 10_000 * number: value for number in range(400)})

    def words(self) -> list[str]:
        """What was told since the last time."""
        words = [f"{one.name} {'resolved' if one.ends_at is not None else 'firing'}" for one in self.told]
        self.told.clear()
        return words


def rule_set(*groups: RuleGroup, mistakes: tuple[str, ...] = ()) -> RuleSet:
    """Rules of these groups."""
    return RuleSet(groups, mistakes)


WATCH = group(alert("Down", "up == 0"), interval_s=60, name="watch")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """With one group, in which nothing is wrong."""
    with ExitStack() as stack:
        house = House(tmp_path, rule_set(WATCH), stack=stack)
        house.up(1)
        yield house


def run_for(manager: RuleManager, house: House, seconds: float, *, step_s: float = 5) -> None:
    """Let time pass."""
    for _ in range(round(seconds / step_s)):
        house.clock.now_s += step_s
        manager.evaluate_due()


def test_groups_are_evaluated_at_their_own_intervals(house: House) -> None:
    """In ten minutes a group of a minute is evaluated ten times and one of twenty seconds thirty times; the API sees how they stand."""
    house.rules = rule_set(WATCH, group(alert("Fast", "up == 0"), interval_s=20, name="fast"))
    manager = house.begin()
    assert [status.evaluated_at for status in manager.groups()] == [None, None]
    run_for(manager, house, 600)
    statistics = manager.statistics()
    assert (statistics.groups, statistics.rules, statistics.iterations, statistics.iterations_missed) == (2, 2, 40, 0)
    watch, fast = manager.groups()
    assert (watch.group.name, fast.group.name) == ("watch", "fast")
    assert watch.rules[0].health is Health.OK
    assert watch.evaluated_at is not None
    assert watch.evaluated_at % 60_000_000_000 == Schedule(watch.group).offset_ns


def test_a_late_group_skips_what_it_missed(house: House) -> None:
    """After five minutes in which nobody came to it a group is evaluated once, for the latest instant; four are counted as missed."""
    manager = house.begin()
    run_for(manager, house, 60)
    house.clock.now_s += 300
    assert manager.evaluate_due() == 1
    assert manager.statistics().iterations_missed == 4
    assert manager.groups()[0].missed == 4


def test_a_clock_that_is_put_back_does_not_stop_evaluation(house: House) -> None:
    """A group that was due at ten is due again a minute after the clock was put back to eight, not two hours later."""
    manager = house.begin()
    run_for(manager, house, 120)
    house.clock.now_s -= 7200
    before = manager.statistics().iterations
    run_for(manager, house, 180)
    assert manager.statistics().iterations - before == 3


def test_alerts_are_told_and_stored(house: House) -> None:
    """What fires reaches the sink, its series the store, its state the database."""
    manager = house.begin()
    house.up(0)
    run_for(manager, house, 120)
    assert house.words() == ["Down firing", "Down firing"]
    assert {sample.labels.metric for sample in house.stored} == {"ALERTS", "ALERTS_FOR_STATE"}
    (kept,) = house.state.rule_states.groups()["rules.yml;watch"].alerts
    assert kept.alert.labels == DOWN
    statistics = manager.statistics()
    assert (statistics.alerts_firing, statistics.alerts_told, statistics.writes) == (1, 2, 1)


def test_a_restart_goes_on(house: House) -> None:
    """The next process tells at once what fires, before any rule is evaluated, and ends it when the rule says so."""
    manager = house.begin()
    house.up(0)
    run_for(manager, house, 120)
    manager.stop()
    fired_at = house.told[0].starts_at
    house.words()
    house.clock.now_s += 40
    manager = house.begin()
    assert [(one.labels, one.starts_at, one.ends_at) for one in house.told] == [(DOWN, fired_at, None)]
    house.words()
    house.up(1)
    run_for(manager, house, 60)
    assert house.words() == ["Down resolved"]


def test_a_stop_notes_how_long_alerts_have_waited(house: House) -> None:
    """A pending alert's waiting counts to the last evaluation before the stop; the time down does not."""
    house.rules = rule_set(group(alert("Down", "up == 0", for_s=1800), interval_s=10, name="watch"))
    house.up(0)
    manager = house.begin()
    run_for(manager, house, 1005)
    manager.stop()
    kept = house.state.rule_states.groups()["rules.yml;watch"]
    assert house.clock.now_ns() - kept.evaluated_at <= 10_000_000_000
    house.clock.now_s += 100
    manager = house.begin()
    run_for(manager, house, 780)
    assert house.words() == []
    run_for(manager, house, 30)
    assert house.words() == ["Down firing"]


def test_edited_files_keep_alerts(house: House) -> None:
    """With another threshold, or another interval, an alert goes on firing; a group beside it changes nothing."""
    manager = house.begin()
    house.up(0)
    run_for(manager, house, 60)
    assert house.words() == ["Down firing"]
    edited = group(alert("Down", "up < 1", summary="{{ $value }}"), interval_s=20, name="watch")
    house.rules = rule_set(group(name="empty"), edited)
    manager.refresh()
    run_for(manager, house, 60)
    assert house.words() == ["Down firing"]
    assert [status.group.name for status in manager.groups()] == ["empty", "watch"]


def test_a_group_that_goes_ends_its_alerts(house: House) -> None:
    """What it fired is told to have ended, again until somebody takes it; then nothing is kept of it."""
    manager = house.begin()
    house.up(0)
    run_for(manager, house, 60)
    house.words()
    house.rules = rule_set()
    house.refusing = True
    manager.refresh()
    manager.evaluate_due()
    assert manager.groups() == []
    assert house.words() == []
    assert manager.statistics().tellings_failed == 1
    house.refusing = False
    run_for(manager, house, 60)
    assert house.words() == ["Down resolved"]
    assert house.state.rule_states.groups() == {}


def test_a_group_that_comes_back_before_its_end_was_told_goes_on(house: House) -> None:
    """A file that is away for a moment, as editors write them, costs no alert its life once it is there again."""
    manager = house.begin()
    run_for(manager, house, 60)
    house.rules = rule_set()
    manager.refresh()
    house.rules = rule_set(WATCH)
    manager.refresh()
    house.up(0)
    run_for(manager, house, 60)
    assert house.words() == ["Down firing"]
    assert [status.group.name for status in manager.groups()] == ["watch"]


def test_a_group_that_went_while_the_process_was_down_ends_its_alerts(house: House) -> None:
    """Its alerts are told to have ended, unless a file has mistakes: then it may be there again soon, and goes on."""
    manager = house.begin()
    house.up(0)
    run_for(manager, house, 60)
    manager.stop()
    house.words()
    house.rules = rule_set(mistakes=("rules.yml:3:1: what is this?",))
    manager = house.begin()
    run_for(manager, house, 60)
    assert house.words() == []
    house.rules = rule_set(WATCH)
    manager.refresh()
    assert house.words() == ["Down firing"]
    manager.stop()
    house.rules = rule_set()
    manager = house.begin()
    manager.evaluate_due()
    assert house.words() == ["Down resolved"]
    assert house.state.rule_states.groups() == {}


def test_a_sink_that_fails_gets_alerts_again(house: House) -> None:
    """What could not be handed on is handed on with the next evaluation, not after the time for saying it again."""
    house.rules = rule_set(replace(WATCH, interval_s=10))
    manager = house.begin()
    house.up(0)
    house.refusing = True
    run_for(manager, house, 20)
    house.refusing = False
    run_for(manager, house, 30)
    assert house.words() == ["Down firing"]
    assert manager.statistics().tellings_failed == 2


def test_a_state_that_fails_is_written_later(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alerts are told though they can't be kept; what was not written is with the next evaluation."""
    manager = house.begin()
    house.up(0)

    def refuse(*_: object, **__: object) -> None:
        raise StoreError("locked")

    with monkeypatch.context() as patch:
        patch.setattr(house.state.rule_states, "write", refuse)
        run_for(manager, house, 60)
    assert house.words() == ["Down firing"]
    assert house.state.rule_states.groups() == {}
    run_for(manager, house, 60)
    assert len(house.state.rule_states.groups()["rules.yml;watch"].alerts) == 1
    assert manager.statistics().writes_failed == 1


def test_two_workers_never_evaluate_one_group_at_once(house: House) -> None:
    """With real threads a group's evaluations follow one another, other groups go on beside it, and a stop comes back."""
    gates = Gates(house.series, RealClock())
    around = RuleSurroundings(Evaluators({Promql: gates}), Texts(fill_in), RealClock(), house.sink)
    slow = group(alert("Slow", "up == 5"), interval_s=0.02, name="slow")
    quick = group(alert("Quick", "up == 6"), interval_s=0.02, name="quick")
    rules = rule_set(slow, quick)
    manager = RuleManager(lambda: rules, around)
    manager.start()
    try:
        assert gates.entered.wait(20)
        assert gates.quick_twice.wait(20)
        assert gates.overlaps == 0
    finally:
        gates.leave.set()
        manager.stop()
    assert manager.statistics().iterations >= 2


class Gates(PromqlEvaluator):
    """An evaluator whose question `up == 5` takes as long as it is told to."""

    def __init__(self, series: MemorySeries, clock: RealClock) -> None:
        super().__init__(series, clock)
        self.entered, self.leave, self.quick_twice = threading.Event(), threading.Event(), threading.Event()
        self.overlaps = self.inside = self.quick = 0

    def at(self, condition: Condition, at: Instant) -> Vector:
        """Waits inside of the slow question."""
        del at
        assert isinstance(condition, Promql)
        if condition.text == "up == 6":
            self.quick += 1
            if self.quick >= 2 and self.entered.is_set():
                self.quick_twice.set()
            return []
        self.inside += 1
        self.overlaps += self.inside > 1
        self.entered.set()
        self.leave.wait(20)
        self.inside -= 1
        return []
