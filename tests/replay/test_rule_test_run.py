"""Rule tests, run: what passes, what fails and how that is said, and the same verdicts as the real promtool's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.peers.programs import binary
from tests.replay.prometheus_groups import groups_of

from tocsin.clock import RealClock
from tocsin.query.promql.options import PromqlOptions
from tocsin.replay.rule_tests.definition import CaseOutcome
from tocsin.replay.rule_tests.reading import read_rule_tests
from tocsin.replay.rule_tests.run import Bench, run_tests

CASES = Path(__file__).parent / "cases"
DOCUMENT = yaml.safe_load((CASES / "questions.yaml").read_text())
QUESTIONS: dict[str, dict[str, Any]] = {one["name"]: one for one in DOCUMENT["questions"]}


def write(tmp_path: Path, question: dict[str, Any], **head: object) -> Path:
    """Rules, and a file of tests that asks one thing of them."""
    shutil.copy(CASES / "rules.yaml", tmp_path)
    asked = {key: value for key, value in question.items() if key != "passes"}
    test = {**asked, "interval": "1m", "external_labels": {"cluster": "eu"}, "external_url": "https://t.example"}
    document = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [{**test, "input_series": DOCUMENT["series"]}]}
    path = tmp_path / "tests.yaml"
    path.write_text(yaml.safe_dump({**document, **head}))
    return path


def run(path: Path) -> tuple[CaseOutcome, ...]:
    """The outcomes of a file."""
    file = read_rule_tests(path)
    return run_tests(file, groups_of(*file.rule_files), Bench(RealClock(), PromqlOptions()))


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_questions(tmp_path: Path, question: dict[str, Any]) -> None:
    """Each question is answered as it should be, and a failure says what was expected."""
    (outcome,) = run(write(tmp_path, question))
    assert outcome.passed is question["passes"], outcome.difference
    assert outcome.test == question["name"]


def test_the_real_promtool_agrees(tmp_path: Path) -> None:
    """Prometheus' own program passes and fails the very same files."""
    promtool = binary("promtool")
    verdicts = {}
    for number, question in enumerate(QUESTIONS.values()):
        folder = tmp_path / str(number)
        folder.mkdir()
        command = [str(promtool), "test", "rules", str(write(folder, question))]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        verdicts[question["name"]] = done.returncode == 0
    assert verdicts == {name: question["passes"] for name, question in QUESTIONS.items()}


def test_pending_alerts(tmp_path: Path) -> None:
    """Beyond what Prometheus asks: which alerts wait, and that none does."""
    annotations = {"summary": "api fails 1 times a second in eu", "now": "1 up at https://t.example"}
    waiting = {"exp_labels": {"severity": "page", "tier": "API", "job": "api"}, "exp_annotations": annotations}
    asked = [
        {"eval_time": "2m", "alertname": "ManyErrors", "exp_pending": [waiting]},
        {"eval_time": "0s", "alertname": "ManyErrors", "exp_pending": []},
        {"eval_time": "2m", "alertname": "ManyErrors", "exp_pending": []},
    ]
    outcomes = run(write(tmp_path, {"name": "pending", "alert_rule_test": asked}))
    assert {one.name: one.difference.partition("\n")[0] for one in outcomes if not one.passed} == {
        "ManyErrors at 2m": "pending: expected 0, found 1"
    }
    assert [one.passed for one in outcomes] == [True, True, False]


def test_a_difference_says_what_is_missing_and_what_is_there(tmp_path: Path) -> None:
    """Both sides stand in the text, labels and annotations."""
    (outcome,) = run(write(tmp_path, QUESTIONS["a wrong label"]))
    assert 'missing: {alertname="ManyErrors", job="db"}' in outcome.difference
    assert 'not expected: {alertname="ManyErrors", job="api", severity="page", tier="API"} (now: ' in outcome.difference


def test_not_a_number_is_what_was_expected(tmp_path: Path) -> None:
    """Where NaN is expected, NaN passes; Prometheus' program has no way to say so."""
    asked = {"expr": "vector(0) / 0", "eval_time": "1m", "exp_samples": [{"labels": "{}", "value": float("nan")}]}
    (outcome,) = run(write(tmp_path, {"name": "nan", "promql_expr_test": [asked]}))
    assert outcome.passed


def test_fuzzy_numbers(tmp_path: Path) -> None:
    """Where the file says so, the last digits don't matter."""
    (outcome,) = run(write(tmp_path, QUESTIONS["a wrong number"], fuzzy_compare=True))
    assert outcome.passed


def test_the_order_of_groups(tmp_path: Path) -> None:
    """A group that is evaluated first sees nothing of what those behind it write in the same step."""
    asked = {"eval_time": "4m", "alertname": "SomethingFires"}
    question = {"name": "order", "alert_rule_test": [asked]}
    (behind,) = run(write(tmp_path, question))
    assert not behind.passed
    lagging = {**asked, "eval_time": "3m"}
    (first,) = run(write(tmp_path, {"name": "order", "alert_rule_test": [lagging]}, group_eval_order=["more", "shop"]))
    assert first.passed
