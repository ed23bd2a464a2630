"""Files of rule tests: what they say, what they may say beyond it, and what is wrong with them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.model.labels import Labels
from tocsin.replay.rule_tests.reading import read_rule_tests
from tocsin.slo.files.notes import DefinitionMistakes

WHOLE = """
rule_files: ["rules*.yaml"]
evaluation_interval: 30s
group_eval_order: [second, first]
fuzzy_compare: true
owner: team-shop
tests:
  - name: down
    interval: 1m
    external_labels: {cluster: eu}
    external_url: https://tocsin.example
    input_series:
      - series: 'up{job="api"}'
        values: '1 0x10 _ stale'
    alert_rule_test:
      - eval_time: 5m
        alertname: Down
        exp_alerts:
          - exp_labels: {job: api, severity: page}
            exp_annotations: {summary: api is down}
        exp_pending: []
      - {eval_time: 0, alertname: Down}
    promql_expr_test:
      - expr: sum(up)
        eval_time: 1m
        exp_samples: [{labels: '{}', value: 1}, {labels: 'h{a="b"}', histogram: '{{schema:0 count:1 sum:1 buckets:[1]}}'}]
"""


def write(tmp_path: Path, text: str) -> Path:
    """A file of tests beside two rule files."""
    for name in ("rules1.yaml", "rules2.yaml"):
        (tmp_path / name).write_text("groups: []\n")
    path = tmp_path / "tests.yaml"
    path.write_text(text)
    return path


def test_everything_that_a_file_may_say(tmp_path: Path) -> None:
    """Files by pattern, intervals, series, expected alerts with pending ones, answers; unknown fields are remarked."""
    file = read_rule_tests(write(tmp_path, WHOLE))
    assert [one.name for one in file.rule_files] == ["rules1.yaml", "rules2.yaml"]
    assert (file.interval_ms, file.fuzzy, file.group_order) == (30_000, True, ("second", "first"))
    assert len(file.remarks) == 1
    assert "'owner'" in file.remarks[0]
    (test,) = file.tests
    assert (test.name, test.interval_ms, test.start_ms, test.length_ms) == ("down", 60_000, 0, 300_000)
    assert test.series[0].labels == Labels({"__name__": "up", "job": "api"})
    assert len(test.series[0].points) == 14
    down, quiet = test.alerts
    assert down.firing[0].labels == Labels({"job": "api", "severity": "page"})
    assert (down.pending, quiet.firing, quiet.pending) == ((), (), None)
    assert [sample.labels for sample in test.queries[0].samples] == [Labels(), Labels({"__name__": "h", "a": "b"})]
    assert test.external_labels == {"cluster": "eu"}


def test_a_beginning_that_is_not_1970(tmp_path: Path) -> None:
    """`start_timestamp` may be an instant or seconds."""
    file = read_rule_tests(write(tmp_path, "tests: [{start_timestamp: 2026-11-20T00:00:00Z}, {start_timestamp: 1500.5}]"))
    assert [test.start_ms for test in file.tests] == [1_795_132_800_000, 1_500_500]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rule_files: [none*.yaml]", "no file is called 'none*.yaml'"),
        ("evaluation_interval: soon", "soon"),
        ("evaluation_interval: 0", "above nought"),
        ("tests: [{input_series: [{series: 'up{', values: '1'}]}]", 'found "{"'),
        ("tests: [{input_series: [{series: up, values: 'one'}]}]", "expected values such as"),
        ("tests: [{input_series: [{series: up}]}]", "needs 'values'"),
        ("tests: [{alert_rule_test: [{eval_time: 5m}]}]", "needs 'alertname'"),
        ("tests: [{alert_rule_tests: []}]", "did you mean 'alert_rule_test'"),
        ("tests: [{promql_expr_test: [{eval_time: 5m}]}]", "needs 'expr'"),
        ("tests: [{promql_expr_test: [{expr: up, eval_time: 99999h}]}]", "write it shorter"),
        ("tests: [{promql_expr_test: [{expr: up, exp_samples: [{value: one}]}]}]", "expected a number"),
        ("tests: {a: b}", "expected a list of tests"),
        ("", "expected one document"),
        ("a: [", "not YAML"),
    ],
)
def test_mistakes_have_their_place(tmp_path: Path, text: str, said: str) -> None:
    """Each says where it stands and what was expected."""
    path = write(tmp_path, text)
    with pytest.raises(DefinitionMistakes) as caught:
        read_rule_tests(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=60), cut=st.integers(0, len(WHOLE)))
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str, cut: int) -> None:
    """Whatever stands in a file, it gives tests or says what is wrong."""
    path = tmp_path_factory.mktemp("fuzz") / "tests.yaml"
    path.write_text(WHOLE[:cut] + text + WHOLE[cut:], encoding="utf-8", errors="replace")
    with suppress(DefinitionMistakes):
        read_rule_tests(path)
