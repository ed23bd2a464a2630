"""Alerts after a restart: what fired fires on, what waited waits on where Prometheus would, nothing ends unasked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.alert.rules.stage import Stage, after_s, alert, group, instant, states

from tocsin.alert.definition import AlertRule
from tocsin.alert.rules.restoring import Tolerance
from tocsin.model.labels import Labels
from tocsin.model.rule_alert import KeptGroup, KeptRuleAlert

DOWN = Labels({"alertname": "Down", "job": "api"})


class Kept:
    """A state that keeps what a stage's group wants kept."""

    def __init__(self) -> None:
        self.alerts: dict[tuple[str, Labels], KeptRuleAlert] = {}
        self.evaluated_at = 0

    def steps(self, stage: Stage, *, from_s: float = 0, until_s: float) -> None:
        """Evaluate, and keep."""
        for outcome in stage.steps(until_s, from_s=from_s):
            for key in outcome.changes.gone:
                del self.alerts[key]
            self.alerts |= {(one.content, one.alert.labels): one for one in outcome.changes.kept}
            self.evaluated_at = outcome.at

    def group(self) -> KeptGroup:
        """What a new process finds."""
        return KeptGroup("rules.yml;shop", self.evaluated_at, tuple(self.alerts.values()))


def restarted(rule: AlertRule, *, down_s: float, at_s: float, up: float = 0, tolerance: Tolerance | None = None) -> Stage:
    """A rule that found something from the beginning, a process that went down, and another one that came up."""
    stage = Stage(group(rule))
    stage.put("up{job='api'}", [0.0] * round(down_s / 30 + 1), every_s=30)
    stage.put("up{job='api'}", [up] * 240, every_s=30, from_s=at_s)
    kept = Kept()
    kept.steps(stage, until_s=down_s)
    stage.handed.clear()
    stage.run = stage.make(stage.rules)
    found = stage.run.restore(kept.group(), instant(at_s), tolerance or Tolerance())
    stage.handed += [(at_s, one) for one in found]
    return stage


def test_what_fired_fires_on() -> None:
    """A firing alert is told at once, with its old beginning, before its rule was evaluated; it waits for nothing."""
    stage = restarted(alert("Down", "up == 0", for_s=60), down_s=120, at_s=300)
    assert [(at_s, after_s(one.starts_at), one.ends_at) for at_s, one in stage.handed] == [(300, 60, None)]
    assert states(stage.step(330)) == {DOWN: "firing"}


def test_what_fired_ends_when_its_rule_says_so() -> None:
    """If it does not hold any more, the first evaluation ends it, however long the process was down."""
    stage = restarted(alert("Down", "up == 0"), down_s=60, at_s=86_400, up=1)
    assert stage.told("Down") == [(86_400, "firing")]
    stage.step(86_430)
    assert stage.told("Down") == [(86_400, "firing"), (86_430, "resolved")]


def test_what_ended_is_told_again() -> None:
    """An end that somebody may have missed is told again by the next process."""
    stage = Stage(group(alert("Down", "up == 0")))
    stage.put("up{job='api'}", [0, 1, 1, 1, 1, 1], every_s=30)
    kept = Kept()
    kept.steps(stage, until_s=60)
    run = stage.make(stage.rules)
    (told,) = run.restore(kept.group(), instant(90), Tolerance())
    assert (told.labels, after_s(told.starts_at), after_s(told.ends_at)) == (DOWN, 0, 30)


@pytest.mark.parametrize(
    ("for_s", "down_s", "at_s", "fires_s", "why"),
    [
        (1800, 600, 630, 1830, "the time down does not count as waiting"),
        (1800, 1500, 1530, 2130, "little is left: it waits the grace at least"),
        (1800, 600, 600 + 3630, 600 + 3630 + 1800, "down for longer than is tolerated: it waits from the beginning"),
        (300, 120, 150, 450, "its `for` is shorter than the grace: it waits from the beginning"),
    ],
)
def test_what_waited_waits_on(for_s: float, down_s: float, at_s: float, fires_s: float, why: str) -> None:
    """A pending alert fires when Prometheus' rules for restarts say so."""
    stage = restarted(alert("Down", "up == 0", for_s=for_s), down_s=down_s, at_s=at_s)
    assert stage.handed == []
    stage.steps(fires_s + 60, from_s=at_s)
    assert stage.told("Down")[0] == (fires_s, "firing"), why


def test_nothing_tolerated_means_waiting_anew() -> None:
    """With a tolerance of zero every pending alert waits from the beginning."""
    stage = restarted(alert("Down", "up == 0", for_s=900), down_s=600, at_s=630, tolerance=Tolerance(0, 60))
    stage.steps(630 + 960, from_s=630)
    assert stage.told("Down")[0] == (630 + 900, "firing")


def test_firing_on_is_exact() -> None:
    """An alert that fires only because of `keep_firing_for` ends when it would have ended without the restart."""
    stage = Stage(group(alert("Down", "up == 0", keep_s=300)))
    stage.put("up{job='api'}", [0] + [1] * 40, every_s=30)
    kept = Kept()
    kept.steps(stage, until_s=90)
    stage.run = stage.make(stage.rules)
    stage.run.restore(kept.group(), instant(120), Tolerance())
    stage.handed.clear()
    stage.steps(600, from_s=120)
    assert next(at_s for at_s, word in stage.told("Down") if word == "resolved") == 330


def test_a_rule_that_went_while_the_process_was_down_ends_its_alert() -> None:
    """Its alert is not told to fire; the first evaluation tells that it has ended, and then it is forgotten."""
    stage = Stage(group(alert("Down", "up == 0"), alert("Other", "up == 0")))
    stage.put("up{job='api'}", [0] * 20, every_s=30)
    kept = Kept()
    kept.steps(stage, until_s=60)
    stage.handed.clear()
    run = stage.make(replace(stage.rules, rules=stage.rules.rules[1:]))
    told = run.restore(kept.group(), instant(90), Tolerance())
    assert [one.name for one in told] == ["Other"]
    stage.run = run
    kept.steps(stage, from_s=90, until_s=120)
    assert stage.told("Down") == [(90, "resolved")]
    assert {labels.get("alertname") for _, labels in kept.alerts} == {"Other"}


def test_only_what_changed_is_kept_again() -> None:
    """An alert that goes on as it was wants nothing written; each change of its state does, once."""
    stage = Stage(group(alert("Down", "up == 0", for_s=60, summary="{{ $value }}")))
    stage.put("up{job='api'}", [0, 0, 0, 0, 0, 1] + [1] * 40, every_s=30)
    changes = [outcome.changes for outcome in stage.steps(1200)]
    assert [number for number, change in enumerate(changes) if change.kept] == [0, 2, 5]
    assert [number for number, change in enumerate(changes) if change.gone] == [36]


def test_a_clock_that_is_behind_what_was_kept() -> None:
    """If the new process' clock is behind, nothing lies in its future: what fired fires since now."""
    stage = restarted(alert("Down", "up == 0"), down_s=600, at_s=0)
    assert [(after_s(one.starts_at), after_s(one.updated_at)) for _, one in stage.handed] == [(0, 0)]


def test_an_edited_rule_goes_on_after_a_restart() -> None:
    """Edited while the process was down, a rule's alert fires on; of several with one name each keeps its own."""
    stage = Stage(group(alert("Down", "up == 0"), alert("Down", "down == 1"), alert("Down", "gone == 1")))
    stage.put("up{job='a'}", [0] * 20, every_s=30)
    stage.put("down{job='b'}", [1] * 20, every_s=30)
    stage.put("gone{job='c'}", [1] * 20, every_s=30)
    kept = Kept()
    kept.steps(stage, until_s=60)
    edited = group(alert("Down", "up < 1"), alert("Down", "down == 1"))
    stage.run = stage.make(edited)
    told = stage.run.restore(kept.group(), instant(90), Tolerance())
    assert [one.labels.get("job") for one in told] == ["a", "b"]
    stage.handed.clear()
    stage.step(90)
    assert [(one.labels.get("job"), one.ends_at is None) for _, one in stage.handed] == [("c", False)]
