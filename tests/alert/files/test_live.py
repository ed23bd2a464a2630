"""Rules that follow their files and the objectives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.alert.rule_files import CHECKOUT, OBJECTIVES, QUIET, spec, written

from tocsin.alert.files.live import LiveRules
from tocsin.alert.options import AlertOptions
from tocsin.clock import ReplayClock
from tocsin.query.promql.options import PromqlOptions, RuleOptions
from tocsin.slo.definition import Objective

BURN = "burn: {objective: checkout-availability, factor: 10, long: 1h}"


class Story:
    """Files in a folder, and objectives that change."""

    def __init__(self, folder: Path, options: AlertOptions = QUIET) -> None:
        self.objectives: dict[str, Objective] = dict(OBJECTIVES)
        files = RuleOptions(files=(f"{folder}/*.yaml",))
        self.live = LiveRules(files, lambda: self.objectives, options, PromqlOptions(), clock=ReplayClock(0, speed=0))

    def names(self) -> list[str]:
        """Names of the rules in force."""
        return [rule.name for group in self.live.current.groups for rule in group.rules]


def test_changes_come_into_force(tmp_path: Path) -> None:
    """A file that changes, appears or goes; nothing is read while nothing changes."""
    path = written(tmp_path, spec("promql: up"), "a.yaml")
    story = Story(tmp_path)
    assert (story.names(), story.live.refresh(), story.live.statistics().reads) == (["CheckoutFails"], False, 1)
    written(tmp_path, spec("promql: up > 1").replace("CheckoutFails", "Renamed"), "a.yaml")
    assert (story.live.refresh(), story.names()) == (True, ["Renamed"])
    written(tmp_path, spec("promql: up"), "b.yaml")
    assert (story.live.refresh(), story.names()) == (True, ["Renamed", "CheckoutFails"])
    path.unlink()
    assert (story.live.refresh(), story.names()) == (True, ["CheckoutFails"])
    assert story.live.statistics().reads == 3


def test_a_mistake_keeps_what_was_good(tmp_path: Path) -> None:
    """The file's last good rules hold on while others change; at a start there are none."""
    written(tmp_path, spec("promql: up"), "a.yaml")
    story = Story(tmp_path)
    written(tmp_path, spec("promql: up ="), "a.yaml")
    written(tmp_path, spec("promql: up").replace("CheckoutFails", "Other"), "b.yaml")
    assert (story.live.refresh(), story.names()) == (True, ["CheckoutFails", "Other"])
    assert len(story.live.mistakes) == 1
    assert Story(tmp_path).names() == ["Other"]
    written(tmp_path, spec("promql: up > 5"), "a.yaml")
    assert story.live.refresh()
    assert not story.live.mistakes
    statistics = story.live.statistics()
    assert (statistics.files, statistics.groups, statistics.alert_rules, statistics.mistakes, statistics.failed_reads) == (2, 2, 2, 0, 1)


def test_objectives_that_change_change_the_rules(tmp_path: Path) -> None:
    """Their own alerts come and go, and a rule on one that is gone is a mistake that keeps it."""
    written(tmp_path, spec(BURN), "a.yaml")
    story = Story(tmp_path, AlertOptions())
    assert story.names() == ["CheckoutFails", "SloBurn", "SloBurn", "SloBurn", "SloBurn"]
    story.objectives = {CHECKOUT.key: replace(CHECKOUT, target=0.99)}
    assert story.live.refresh()
    assert story.names() == ["CheckoutFails", "SloBurn", "SloBurn"]
    story.objectives = {}
    assert story.live.refresh()
    assert story.names() == ["CheckoutFails"]
    assert "no objective is called 'checkout-availability'" in story.live.mistakes[0]


def test_an_unknown_profile_is_a_mistake(tmp_path: Path) -> None:
    """No alerts of objectives then, and everybody is told."""
    story = Story(tmp_path, AlertOptions(burn_profile="lader"))
    assert story.names() == []
    assert any("alert.burn_profile: no burn-rate profile is called 'lader'" in mistake for mistake in story.live.mistakes)
