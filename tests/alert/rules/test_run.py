"""A group of rules: errors, limits, recordings, clocks that leap, files that change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.alert.rules.stage import Stage, after_s, alert, group, instant, record, series_labels, states, written

from tocsin.alert.definition import Condition, Promql, Vector
from tocsin.alert.rules.evaluators import Evaluators
from tocsin.alert.rules.machine import Texts
from tocsin.alert.rules.outcome import Health
from tocsin.alert.rules.rendering import plain
from tocsin.alert.rules.run import GroupRun
from tocsin.errors import InvalidInput, Timeout
from tocsin.model.instant import Instant
from tocsin.model.labels import Labels
from tocsin.model.native_histogram import Buckets, NativeHistogram
from tocsin.model.series import is_stale

DOWN = Labels({"alertname": "Down", "job": "api"})


class Breaking:
    """An evaluator that fails while it is told to."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.broken = False

    def at(self, condition: Condition, at: Instant) -> Vector:
        """What the stage's evaluator says."""
        if self.broken:
            raise Timeout("the store takes its time")
        return self._stage.evaluator.at(condition, at)

    def over(self, condition: Condition, times: object) -> list[Vector]:
        """Not asked here."""
        raise NotImplementedError


def breaking(stage: Stage) -> Breaking:
    """Put an evaluator that can fail on the stage."""
    evaluator = Breaking(stage)
    stage.run = GroupRun(
        stage.rules, Evaluators({Promql: evaluator}), texts=Texts(plain), clock=stage.clock, recent=stage.recent, resend_s=stage.resend_s
    )
    return evaluator


def test_a_question_that_fails_leaves_alerts_as_they_were() -> None:
    """While its rule can't be evaluated an alert neither ends nor is told again; it waits on as if nothing had been between."""
    stage = Stage(group(alert("Down", "up == 0", for_s=60)))
    stage.put("up{job='api'}", [0] * 20, every_s=30)
    evaluator = breaking(stage)
    stage.steps(30)
    evaluator.broken = True
    outcome = stage.step(60)
    (status,) = outcome.rules
    assert (status.health, status.error) == (Health.ERROR, "the store takes its time")
    assert states(outcome) == {DOWN: "pending"}
    assert (outcome.samples, outcome.failed) == ([], 1)
    evaluator.broken = False
    (status,) = stage.step(90).rules
    assert (status.health, status.error) == (Health.OK, "")
    evaluator.broken = True
    stage.steps(300, from_s=120)
    evaluator.broken = False
    stage.step(330)
    assert stage.told("Down") == [(90, "firing"), (330, "firing")]


def test_one_rule_that_fails_does_not_stop_the_others() -> None:
    """A division that matches many to many is an error of its rule alone."""
    stage = Stage(group(record("broken", "up / on(job) up"), record("good", "count(up)")))
    for number in range(2):
        stage.put(f"up{{job='api', n='{number}'}}", [1], every_s=30)
    broken, good = stage.step(0).rules
    assert (broken.health, good.health) == (Health.ERROR, Health.OK)
    assert "many" in broken.error


def test_more_alerts_than_allowed_is_an_error_and_ends_them() -> None:
    """Over the limit a rule has no alerts at all; whoever was told that one fires is told that it has ended."""
    stage = Stage(group(alert("Down", "up == 0"), limit=2))
    for number, first in enumerate((0, 0, 60)):
        stage.put(f"up{{job='{number}'}}", [0] * 6 if number < 2 else [0, 0, 0, 1, 1, 1], every_s=30, from_s=first)
    outcomes = stage.steps(150)
    assert [len(states(outcome)) for outcome in outcomes] == [2, 2, 0, 0, 0, 2]
    (status,) = outcomes[2].rules
    assert status.error.startswith("exceeded limit of 2 with 3 alerts")
    assert [one for one in stage.told("Down") if one[0] == 60] == [(60, "resolved")] * 2
    assert stage.told("Down")[-2:] == [(150, "firing")] * 2


def test_recordings_over_the_limit_are_not_stored() -> None:
    """A recording rule that makes more series than allowed stores none, and says so."""
    stage = Stage(group(record("job:up", "up"), limit=1))
    for job in "ab":
        stage.put(f"up{{job='{job}'}}", [1], every_s=30)
    outcome = stage.step(0)
    assert outcome.samples == []
    assert outcome.rules[0].error.startswith("exceeded limit of 1 with 2 series")


def test_recordings_get_names_and_labels() -> None:
    """The metric is the rule's, its labels stand over those found; a number alone is recorded without labels."""
    stage = Stage(group(record("job:up", "up", job="", team="shop"), record("answer", "42"), record("text", '"no"')))
    stage.put("up{job='api'}", [1], every_s=30)
    outcome = stage.step(0)
    assert written(outcome, "job:up") == {Labels({"team": "shop"}): 1.0}
    assert written(outcome, "answer") == {Labels(): 42.0}
    assert "not a vector or scalar" in outcome.rules[2].error


def test_recordings_that_become_the_same_are_an_error() -> None:
    """Two elements under the same labels can't both be stored; nothing is."""
    stage = Stage(group(record("one", "up", job="any")))
    for job in "ab":
        stage.put(f"up{{job='{job}'}}", [1], every_s=30)
    outcome = stage.step(0)
    assert outcome.samples == []
    assert "same labelset after applying rule labels" in outcome.rules[0].error


def test_series_that_vanish_end() -> None:
    """What a recording makes no more gets a stale marker once, and is gone for whoever looks."""
    stage = Stage(group(record("job:slow", "latency > 1"), record("slow", "count(job:slow)")))
    stage.put("latency{job='a'}", [2, 2, 0, 0], every_s=30)
    outcomes = stage.steps(90)
    ended = [sample for outcome in outcomes for sample in outcome.samples if isinstance(sample.value, float) and is_stale(sample.value)]
    assert [(sample.labels.metric, (sample.timestamp_ms / 1000) - instant(0) / 1e9) for sample in ended] == [("job:slow", 60), ("slow", 60)]


def test_native_histograms_are_recorded_and_seen() -> None:
    """A recording of histograms is a histogram, for the rule behind it too; it ends with a histogram's marker."""
    stage = Stage(group(record("job:latency", "latency"), record("many", "histogram_count(job:latency)")))
    point = NativeHistogram(0, count=7.0, sum=9.0, positive=Buckets(0, np.array([7.0])))
    stage.series.add(series_labels("latency{job='a'}"), {round(instant(0) / 1e6): point})
    outcome = stage.step(0)
    assert written(outcome, "many") == {Labels({"job": "a"}): 7.0}
    gone = stage.step(600)
    marker = next(sample.value for sample in gone.samples if sample.labels.metric == "job:latency")
    assert isinstance(marker, NativeHistogram)
    assert is_stale(marker.count)


def test_it_fires_on_for_a_while_if_it_shall() -> None:
    """`keep_firing_for` bridges gaps: it counts from the first evaluation that misses the alert, anew after each time it was there."""
    stage = Stage(group(alert("Flaps", "up == 0", keep_s=90)))
    stage.put("up{job='api'}", [0, 1, 0, 1, 1, 1, 1, 1], every_s=30)
    outcomes = stage.steps(210)
    assert [bool(states(outcome)) for outcome in outcomes] == [True] * 6 + [False] * 2
    assert [after_s(one.ends_at) for _, one in stage.handed if one.ends_at is not None] == [180]


def test_templates_that_fail_say_so_in_their_place() -> None:
    """A text that can't be filled in does not keep the alert from being told."""
    stage = Stage(group(alert("Down", "up == 0", summary="{{ nonsense }}", description="{{ $labels.job }} {{ $value }}")))
    stage.put("up{job='api'}", [0], every_s=30)
    (one,) = stage.step(0).alerts
    assert one.annotations["description"] == "api 0"
    assert one.annotations["summary"] == "<error expanding template: template __alert_Down: what is this?>"


def test_a_groups_offset_looks_into_the_past() -> None:
    """With an offset of a minute the data of a minute ago decides, and what is stored is as old; the alert begins now."""
    stage = Stage(group(alert("Down", "up == 0"), offset_s=60))
    stage.put("up{job='api'}", [0, 1, 1], every_s=30)
    outcome = stage.step(60)
    assert states(outcome) == {DOWN: "firing"}
    assert {sample.timestamp_ms for sample in outcome.samples} == {round(instant(0) / 1e6)}
    assert outcome.alerts[0].starts_at == instant(60)


def test_a_clock_that_goes_back_begins_waiting_anew() -> None:
    """After a leap backward a pending alert waits its `for` from now, a firing one fires on, since now at the latest."""
    stage = Stage(group(alert("Waits", "up == 0", for_s=120), alert("Fires", "up == 0")))
    stage.put("up{job='api'}", [0] * 300, every_s=30, from_s=-7200)
    stage.steps(30)
    back = stage.steps(-3600 + 150, from_s=-3600)
    assert [states(outcome, "Waits").popitem()[1] for outcome in back] == ["pending"] * 4 + ["firing"] * 2
    (told,) = back[0].alerts
    assert (told.name, after_s(told.starts_at), told.ends_at) == ("Fires", -3600, None)


def test_a_clock_that_leaps_forward_ends_nothing_that_holds() -> None:
    """After a leap forward what still holds goes on; what waited has waited long enough."""
    stage = Stage(group(alert("Waits", "up == 0", for_s=120), alert("Fires", "up == 0")))
    stage.put("up{job='api'}", [0] * 600, every_s=30)
    stage.steps(30)
    outcome = stage.step(3600)
    assert [(one.name, after_s(one.starts_at), one.ends_at) for one in outcome.alerts] == [("Waits", 3600, None), ("Fires", 0, None)]


def test_an_edited_rule_goes_on_with_its_alerts() -> None:
    """A new threshold or text keeps the alert; the group's other rules may come, go and change places."""
    stage = Stage(group(alert("Down", "up == 0", for_s=60, labels={"severity": "page"}), alert("Slow", "latency > 1")))
    stage.put("up{job='api'}", [0] * 20, every_s=30)
    stage.put("latency{job='api'}", [2] * 20, every_s=30)
    stage.steps(60)
    edited = group(
        record("job:up", "up"),
        alert("Slow", "latency > 1", summary="slow"),
        alert("Down", "up < 1", for_s=90, labels={"severity": "page"}),
    )
    run = stage.make(edited)
    run.take_over(stage.run)
    stage.run = run
    stage.steps(120, from_s=90)
    assert stage.told("Down") == [(60, "firing"), (120, "firing")]
    assert stage.told("Slow") == [(0, "firing"), (60, "firing"), (120, "firing")]


def test_rules_that_are_gone_end_what_they_left() -> None:
    """What a missing rule fired is told to have ended, once it was taken no more, and its series end; until it was taken, again."""
    stage = Stage(group(alert("Down", "up == 0"), record("job:up", "up"), alert("Waits", "up == 0", for_s=600)))
    stage.put("up{job='api'}", [0] * 20, every_s=30)
    stage.steps(30)
    run = stage.make(replace(stage.rules, rules=()))
    run.take_over(stage.run)
    stage.run = run
    outcome = stage.step(60)
    assert [(one.name, after_s(one.ends_at)) for one in outcome.alerts] == [("Down", 60)]
    assert {sample.labels.metric for sample in outcome.samples} == {"ALERTS", "ALERTS_FOR_STATE", "job:up"}
    assert all(isinstance(sample.value, float) and is_stale(sample.value) for sample in outcome.samples)
    run.not_taken(outcome.alerts)
    again = stage.step(90)
    assert [(one.name, after_s(one.ends_at)) for one in again.alerts] == [("Down", 60)]
    last = stage.step(120)
    assert (last.alerts, last.changes.gone != (), run.left) == ((), True, False)


def test_what_was_not_taken_is_told_again() -> None:
    """A sink that failed gets the same alerts with the next evaluation, ended ones too."""
    stage = Stage(group(alert("Down", "up == 0")))
    stage.put("up{job='api'}", [0, 1, 1, 1], every_s=30)
    for at_s in (0, 30):
        stage.run.not_taken(stage.step(at_s).alerts)
    stage.step(60)
    stage.step(90)
    assert stage.told("Down") == [(0, "firing"), (30, "resolved"), (60, "resolved")]


def test_conditions_of_unknown_kinds_are_refused() -> None:
    """A condition that nobody answers is an error of its rule that names the known kinds."""
    with pytest.raises(InvalidInput, match="kind Promql can't be evaluated here; known are none"):
        Evaluators({}).at(alert("Down", "up == 0").condition, instant(0))
