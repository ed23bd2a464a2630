"""Backtests: from series to the person who would have been woken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.replay.prometheus_groups import groups_of

from tocsin.alert.definition import RuleSet
from tocsin.alert.routing.config import AlertingConfig
from tocsin.alert.routing.inhibition import InhibitRule
from tocsin.alert.routing.tree import Route
from tocsin.clock import RealClock
from tocsin.errors import LimitExceeded, Timeout
from tocsin.model.alert import Silence
from tocsin.model.instant import NANOSECONDS, TimeRange, parse_instant
from tocsin.model.labels import Labels
from tocsin.model.series import Matcher, MatchOperator
from tocsin.oncall.files.plan import read_plan
from tocsin.oncall.roster import Roster
from tocsin.replay.backtest import Backtest, BacktestReport, Ground, Trial, promql_alone
from tocsin.replay.comparison import compare_cause_and_symptom, pager_config, table_of
from tocsin.replay.evidence import KnownIncident, Told
from tocsin.replay.held_series import HeldSeries
from tocsin.replay.options import ReplayOptions
from tocsin.replay.report_lines import length_text

MINUTE = 60 * NANOSECONDS
START = parse_instant("2026-11-16")  # a Monday
RULES = """
groups:
  - name: shop
    rules:
      - {record: 'level:avg', expr: 'avg_over_time(level[5m])'}
      - {alert: High, expr: 'level:avg > 5', labels: {severity: page}}
      - {alert: Odd, expr: 'level > 3', for: 2m, labels: {severity: ticket}}
"""
ONCALL = """
apiVersion: tocsin/v1
kind: Person
metadata: {name: ana}
spec: {timeZone: Europe/Berlin, email: ana@example.com}
---
apiVersion: tocsin/v1
kind: Person
metadata: {name: bob}
spec: {timeZone: America/New_York, email: bob@example.com}
---
apiVersion: tocsin/v1
kind: Schedule
metadata: {name: primary}
spec:
  timeZone: UTC
  layers: [{name: daily, users: [ana, bob], length: 1d, start: 2026-11-16}]
---
apiVersion: tocsin/v1
kind: EscalationChain
metadata: {name: shop}
spec: {receiver: pager, steps: [{notify: [{schedule: primary}], acknowledge_within: 5m}]}
"""


def levels(*loud: tuple[int, int], days: int = 3, service: str = "shop") -> HeldSeries:
    """A level of 1 every minute, 9 from one minute to another."""
    values = np.ones(days * 1440)
    for first, last in loud:
        values[first:last] = 9
    held = HeldSeries()
    times = START // 1_000_000 + np.arange(len(values), dtype=np.int64) * 60_000
    held.add(Labels({"__name__": "level", "service": service}), times, values)
    return held


def ground(series: HeldSeries, **options: Any) -> Ground:
    """What a backtest over series in memory stands on."""
    return Ground(series, promql_alone, RealClock(), options=ReplayOptions(early_s=0, late_s=0, **options))


def trial(tmp_path: Path, config: AlertingConfig | None = None, **more: Any) -> Trial:
    """The rules above."""
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return replace(Trial("new", RuleSet(tuple(groups_of(path))), config or pager_config()), **more)


def run(series: HeldSeries, what: Trial, *incidents: KnownIncident, days: int = 3, **options: float) -> BacktestReport:
    """A backtest over some days."""
    return Backtest(ground(series, **options)).run(what, TimeRange(START, START + days * 1440 * MINUTE), incidents)


def incident(first: int, last: int) -> KnownIncident:
    """An incident of the shop, by minutes."""
    return KnownIncident(f"at {first}", START + first * MINUTE, START + last * MINUTE, ("shop",))


def test_from_series_to_pages(tmp_path: Path) -> None:
    """Two loud stretches, one of them an incident: two pages, one of them for nothing; tickets wake nobody."""
    report = run(levels((600, 630), (2000, 2020)), trial(tmp_path), incident(600, 630))
    score = report.score
    assert (score.pages, score.true_pages, score.precision, score.recall) == (2, 1, 0.5, 1.0)
    assert [(rule.rule, rule.firings, rule.pages) for rule in score.rules] == [("High", 2, 2), ("Odd", 2, 2)]
    # The average over five minutes exceeds 5 with the third loud sample; the group waits half a minute.
    assert score.detection.median_s == 2 * 60 + 30
    assert report.rules == 3
    assert report.failures == ()


@pytest.mark.parametrize("piece_s", [600, 5400, 86_400 * 2])
def test_pieces_change_nothing(tmp_path: Path, piece_s: float) -> None:
    """However the past is cut into pieces, the same comes out."""
    whole = run(levels((600, 630), (1435, 1470)), trial(tmp_path))
    cut = run(levels((600, 630), (1435, 1470)), trial(tmp_path), piece_s=piece_s)
    assert replace(cut, duration_s=0) == replace(whole, duration_s=0)


def test_the_person_who_is_on_call(tmp_path: Path) -> None:
    """A page goes to whoever is on call at that instant, and its night is theirs."""
    (tmp_path / "oncall.yaml").write_text(ONCALL)
    roster = Roster(read_plan([tmp_path / "oncall.yaml"]))
    report = run(levels((23 * 60, 23 * 60 + 20), (1440 + 23 * 60, 1440 + 23 * 60 + 20)), trial(tmp_path, roster=roster))
    assert [(one.person, one.pages, one.night_pages) for one in report.score.people] == [("ana", 1, 1), ("bob", 1, 0)]


def test_what_silences_inhibition_and_routes_keep_quiet(tmp_path: Path) -> None:
    """A silenced alert pages nobody and says why; the same for one that another one inhibits."""
    is_high = (Matcher("alertname", MatchOperator.EQUAL, "High"),)
    silence = Silence("s", is_high, START, START + 1440 * MINUTE, "ana", "known")
    series = levels((600, 630))
    seen = run(series, trial(tmp_path, silences=(silence,)), incident(600, 630)).score
    assert (seen.pages, seen.recall) == (0, 0.0)
    assert seen.incidents[0].near_misses == ("High fired and was silenced", "Odd fired and was told to nobody whom it wakes")
    inhibit = InhibitRule((Matcher("alertname", MatchOperator.EQUAL, "Odd"),), is_high, ("service",))
    config = replace(pager_config(), inhibit_rules=(inhibit,))
    quiet = run(levels((600, 630)), trial(tmp_path, config), incident(600, 630)).score
    assert quiet.pages == 0
    assert "High fired and was inhibited" in quiet.incidents[0].near_misses


def test_a_page_lasts_until_its_last_alert_has_ended(tmp_path: Path) -> None:
    """A second loud stretch before the group was told of the end joins the page."""
    report = run(levels((600, 607), (610, 640)), trial(tmp_path))
    assert report.score.pages == 1
    assert report.score.woken_for_nothing[0].until is not None
    assert report.notifications["pager"] >= 2


def test_what_still_fires_at_the_end_has_no_end(tmp_path: Path) -> None:
    """The replay stops in the middle of a page."""
    (page,) = run(levels((3 * 1440 - 30, 3 * 1440)), trial(tmp_path)).score.woken_for_nothing
    assert page.until is None


def test_an_alert_that_ends_before_its_group_is_told(tmp_path: Path) -> None:
    """With a long wait a short alert is told to nobody: a near miss."""
    route = Route("{}", "pager", group_wait_s=3600)
    report = run(levels((600, 620)), trial(tmp_path, replace(pager_config(), route=route)), incident(600, 620))
    assert report.score.pages == 0
    assert "High fired and was over before its group was told" in report.score.incidents[0].near_misses
    assert Told.UNTOLD.value == "untold"


def test_limits(tmp_path: Path) -> None:
    """Too long a stretch, too many rules and too much time are refused, each with its option."""
    with pytest.raises(LimitExceeded, match=r"replay\.range_max_s"):
        run(levels(), trial(tmp_path), range_max_s=3600)
    with pytest.raises(LimitExceeded, match=r"replay\.rules_max"):
        run(levels(), trial(tmp_path), rules_max=1)
    over = TimeRange(START, START + 1440 * MINUTE)
    with pytest.raises(Timeout, match=r"replay\.time_limit_s"):
        Backtest(ground(levels())).run(trial(tmp_path), over, time_limit_s=-1)


def test_progress_is_told(tmp_path: Path) -> None:
    """Once per piece, up to the whole."""
    told: list[float] = []
    over = TimeRange(START, START + 2 * 1440 * MINUTE)
    Backtest(ground(levels(days=2))).run(trial(tmp_path), over, progress=told.append)
    assert told == [0.5, 1.0]


def test_causes_and_symptoms() -> None:
    """CPU above 90 % fires fifteen times a week, thirteen times for nothing; requests that fail find every incident and nothing else."""
    cause, symptom = compare_cause_and_symptom(2, clock=RealClock())
    (cpu,) = (rule for rule in cause.score.rules if rule.rule == "HighCpu")
    assert (cpu.firings, cpu.true_pages) == (30, 4)
    assert cause.score.recall == pytest.approx(4 / 5)
    assert (symptom.score.precision, symptom.score.recall, symptom.score.pages) == (1.0, 1.0, 5)
    assert symptom.score.budget_spent_max is not None
    assert 0 < symptom.score.budget_spent_max < 0.03
    lines = {line.name: line.values for line in table_of([cause, symptom])}
    assert lines["recall"] == ("80 %", "100 %")
    assert lines["pages per week"] == ("16.0", "2.5")


def test_the_same_seed_gives_the_same_weeks() -> None:
    """A comparison can be run again; another seed gives other times and the same counts."""
    first, again, other = (compare_cause_and_symptom(1, seed=seed, clock=RealClock())[0] for seed in (1, 1, 2))
    assert first.score == again.score
    assert (first.score.pages, first.score.detection) == (other.score.pages, other.score.detection)
    assert first.score.incidents != other.score.incidents


def test_lengths_in_words() -> None:
    """Seconds as people write them."""
    assert [length_text(seconds) for seconds in (None, 0, 59, 390, 7200, 90_000)] == ["-", "0s", "59s", "6m30s", "2h", "1d1h"]
