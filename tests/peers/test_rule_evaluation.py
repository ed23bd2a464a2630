"""
Rules over random series: what our groups come to at every instant, promtool's own unit tests must confirm.

Each seed makes series with gaps and ends, a group of alerting and recording rules with every kind of waiting, and asks promtool to hold
what we found: which alerts fire with which texts, which wait, what is recorded.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tests.alert.rules.stage import Stage, alert, group, ms, record, series_labels
from tests.peers.programs import binary

from tocsin.alert.definition import AlertRule, Promql, Rule
from tocsin.alert.rules.evaluators import Evaluators
from tocsin.alert.rules.machine import Texts
from tocsin.alert.rules.run import GroupRun
from tocsin.alert.template.rule_functions import RuleRender
from tocsin.model.rule_alert import RuleAlert
from tocsin.model.series import STALE_NAN, is_stale

INTERVAL_S = 30
STEPS = 40
SERIES = tuple(f'level{{job="{job}",zone="{zone}"}}' for job in "ab" for zone in "xy")


def rules_of(chance: np.random.Generator) -> list[Rule]:
    """A group's rules: with and without waiting, firing on, labels that stand over others, rules that look at rules."""
    threshold = int(chance.integers(1, 4))
    wait = [0, 10, 30, 60, 90, 120]
    summary = "{{ $labels.job }}/{{ $labels.zone }} is {{ $value | humanize }}{{ if gt $value 3.0 }}!{{ end }}"
    rules: list[Rule] = [
        alert("AtOnce", f"level > {threshold}", summary=summary),
        record("job:level:sum", "sum by (job) (level)", kind="sum"),
        record("job:level:delta", "delta(job:level:sum[2m])"),
    ]
    for number in range(4):
        for_s, keep_s = float(chance.choice(wait)), float(chance.choice(wait))
        labels = {"zone": "any{{ $labels.zone }}", "level": str(number)}
        rules.append(alert(f"Waits{number}", f"level >= {threshold - 1}", for_s=for_s, keep_s=keep_s, labels=labels, summary=summary))
    rules.append(alert("Sums", "job:level:sum > 4", for_s=30, keep_s=60, total="{{ $value }}"))
    firing = 'label_replace(ALERTS{alertstate="firing", alertname!="Watches"}, "of", "$1", "alertname", "(.*)")'
    rules.append(alert("Watches", f"count by (of) ({firing}) > 1", for_s=60))
    return rules


def points_of(chance: np.random.Generator) -> list[float | None]:
    """A series that moves slowly, with gaps (None) and ends (stale markers)."""
    points: list[float | None] = []
    level = 2.0
    for _ in range(STEPS + 5):
        level = float(np.clip(level + chance.integers(-1, 2), 0, 5))
        kind = chance.random()
        points.append(None if kind < 0.1 else STALE_NAN if kind < 0.18 else level)
    return points


def written(point: float | None) -> str:
    """A point in promtool's notation."""
    return "_" if point is None else "stale" if is_stale(point) else f"{point:g}"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_promtool_finds_what_we_found(seed: int, tmp_path: Path) -> None:
    """Alerts that fire, with labels and annotations, alerts that wait, and recordings, at forty instants in a row."""
    chance = np.random.default_rng(seed)
    rules = rules_of(chance)
    series = {name: points_of(chance) for name in SERIES}
    stage = Stage(group(*rules, interval_s=INTERVAL_S))
    for name, points in series.items():
        stage.series.add(series_labels(name), {ms(INTERVAL_S * step): point for step, point in enumerate(points) if point is not None})
    stage.run = GroupRun(
        stage.rules, Evaluators({Promql: stage.evaluator}), texts=Texts(RuleRender()), clock=stage.clock, recent=stage.recent, resend_s=60
    )
    alert_tests: list[dict[str, Any]] = []
    expression_tests: list[dict[str, Any]] = []
    for step in range(STEPS):
        outcome = stage.step(step * INTERVAL_S)
        at = f"{step * INTERVAL_S}s"
        assert [status.error for status in outcome.rules if status.error] == []
        for status in outcome.rules:
            if isinstance(status.rule, AlertRule):
                firing = [shown(one) for one in status.alerts if one.phase.value == "firing"]
                alert_tests.append({"eval_time": at, "alertname": status.rule.name, "exp_alerts": firing})
        for expression in ("ALERTS", "job:level:sum", "job:level:delta"):
            found = [
                {"labels": repr(sample.labels), "value": sample.value}
                for sample in outcome.samples
                if sample.labels.metric == expression and isinstance(sample.value, float) and not is_stale(sample.value)
            ]
            expression_tests.append({"expr": expression, "eval_time": at, "exp_samples": found})
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [as_file(rules)]}))
    tests = {
        "interval": f"{INTERVAL_S}s",
        "input_series": [{"series": name, "values": " ".join(map(written, points))} for name, points in series.items()],
        "alert_rule_test": alert_tests,
        "promql_expr_test": expression_tests,
    }
    document = {"rule_files": ["rules.yml"], "evaluation_interval": f"{INTERVAL_S}s", "tests": [tests]}
    (tmp_path / "test.yml").write_text(yaml.safe_dump(document))
    command = [str(binary("promtool")), "test", "rules", "test.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    assert any(test["exp_alerts"] for test in alert_tests)


def shown(one: RuleAlert) -> dict[str, Any]:
    """A firing alert as promtool expects it; it adds the name of the alert by itself."""
    return {"exp_labels": dict(one.labels.drop(["alertname"])), "exp_annotations": dict(one.annotations)}


def as_file(rules: list[Rule]) -> dict[str, Any]:
    """The group as a rule file has it."""
    found = []
    for rule in rules:
        common = {"expr": rule.condition.text if isinstance(rule.condition, Promql) else "", "labels": dict(rule.labels)}
        if isinstance(rule, AlertRule):
            waits = {"for": f"{rule.for_s:.0f}s", "keep_firing_for": f"{rule.keep_firing_for_s:.0f}s"}
            found.append({"alert": rule.name, **common, **waits, "annotations": dict(rule.annotations)})
        else:
            found.append({"record": rule.name, **common})
    return {"name": "shop", "interval": f"{INTERVAL_S}s", "rules": found}
