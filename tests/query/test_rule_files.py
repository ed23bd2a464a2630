"""Rule files: what reads, and every mistake at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from tocsin.errors import NotFound
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.rule_files import RuleFileMistakes, duplicates, read_rule_file

GOOD = """\
groups:
  - name: shop
    interval: 30s
    limit: 100
    labels: {team: checkout}
    rules:
      - record: service:requests:rate5m
        expr: sum by (service) (rate(http_requests_total[5m]))
      - alert: ManyErrors
        expr: service:errors:ratio5m > 0.05
        for: 5m
        keep_firing_for: 1h
        labels: {severity: page}
        annotations:
          summary: "{{ $labels.service }} fails"
"""


def written(tmp_path: Path, text: str) -> Path:
    """A file with the text."""
    path = tmp_path / "rules.yml"
    path.write_text(text, encoding="utf-8")
    return path


def mistakes_in(tmp_path: Path, rules: str) -> list[str]:
    """What is wrong with a file of one group with these rules."""
    with pytest.raises(RuleFileMistakes) as caught:
        read_rule_file(
            written(tmp_path, f"groups:\n- name: g\n  rules:\n{rules}"),
            template_mistake=lambda text: "it is a bad one" if text == "a bad one" else "",
        )
    return [str(mistake) for mistake in caught.value.mistakes]


def test_a_good_file_reads_whole(tmp_path: Path) -> None:
    """Durations are milliseconds, expressions are trees, everything else is as written."""
    (group,) = read_rule_file(written(tmp_path, GOOD))
    recording, alerting = group.rules
    assert (group.name, group.interval_ms, group.limit, group.labels) == ("shop", 30_000, 100, {"team": "checkout"})
    assert (recording.record, recording.alert, recording.line) == ("service:requests:rate5m", "", 7)
    assert (alerting.alert, alerting.for_ms, alerting.keep_firing_for_ms) == ("ManyErrors", 300_000, 3_600_000)
    assert alerting.annotations == {"summary": "{{ $labels.service }} fails"}


def test_an_empty_file_has_no_groups(tmp_path: Path) -> None:
    """Nothing is nothing wrong."""
    assert read_rule_file(written(tmp_path, "")) == []
    assert read_rule_file(written(tmp_path, "groups:\n")) == []


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("  - {record: a, expr: 'sum('}", '4:23: group "g", rule 1, "a": could not parse expression'),
        ("  - {record: a}", "field 'expr' must be set"),
        ("  - {expr: up}", "exactly one of 'record' and 'alert'"),
        ("  - {record: a, alert: b, expr: up}", "exactly one of 'record' and 'alert'"),
        ("  - {record: a, expr: up, for: 5m}", "invalid field 'for' in recording rule"),
        ("  - {record: a, expr: up, annotations: {x: y}}", "invalid field 'annotations' in recording rule"),
        ("  - {record: 'a{b=\"c\"}', expr: up}", "braces in a recorded name"),
        ("  - {alert: a, expr: up, for: 5q}", "4:31: for:"),
        ("  - {alert: a, expr: up, colour: red}", "a rule has no field 'colour'"),
        ("  - {alert: a, expr: up, labels: {'': y}}", "invalid label name: ''"),
        ("  - {alert: a, expr: up, labels: {__name__: y}}", "invalid label name: '__name__'"),
        ("  - {alert: a, expr: up, annotations: {'': y}}", "invalid annotation name: ''"),
        ("  - {alert: a, expr: up, annotations: {s: 'a bad one'}}", '4:43: group "g", rule 1, "a": annotation "s": it is a bad one'),
        ("  - {alert: a, expr: up, labels: {s: a bad one}}", '4:38: group "g", rule 1, "a": label "s": it is a bad one'),
        ("  - {record: a, expr: 'mad_over_time(up[5m])'}", "set promql.experimental_functions to use it"),
        ("  - {alert: a, expr: [up]}", "expected a text or a number"),
        ("  - {alert: a, alert: b, expr: up}", "'alert' stands here twice"),
        ("  - up", "a rule must be a mapping"),
    ],
)
def test_each_mistake_is_said_at_its_place(tmp_path: Path, rules: str, said: str) -> None:
    """Line and column, the rule's group and name, and what is wrong with it."""
    assert any(said in mistake for mistake in mistakes_in(tmp_path, rules)), mistakes_in(tmp_path, rules)


def test_names_may_be_any_text_and_experiments_switched_on(tmp_path: Path) -> None:
    """As labels of series may; an expression is held against what this server would evaluate."""
    text = "groups:\n- name: g\n  rules: [{alert: a, expr: 'mad_over_time(up[5m])', labels: {1 x.y: z}, annotations: {__name__: n}}]\n"
    ((rule,),) = (group.rules for group in read_rule_file(written(tmp_path, text), PromqlOptions(experimental_functions=True)))
    assert (rule.labels, rule.annotations) == ({"1 x.y": "z"}, {"__name__": "n"})


def test_all_mistakes_are_said_at_once(tmp_path: Path) -> None:
    """Nobody mends a file one mistake at a time."""
    assert (
        len(mistakes_in(tmp_path, "  - {record: a, expr: 'sum('}\n  - {record: b, expr: 'rate(x)'}\n  - {alert: c, expr: up, for: x}")) == 3
    )


@pytest.mark.parametrize(
    "text", ["groups: [", "a: b: c", "groups: {name: x}", "rules: []", "groups:\n- name: a\n- name: a\n", "- 1", "&a [*a]"]
)
def test_what_is_no_rule_file_is_refused(tmp_path: Path, text: str) -> None:
    """Bad YAML, wrong shapes, repeated names of groups."""
    with pytest.raises(RuleFileMistakes):
        read_rule_file(written(tmp_path, text))


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    """The path is in the message."""
    with pytest.raises(NotFound, match=r"absent\.yml"):
        read_rule_file(tmp_path / "absent.yml")


def test_rules_that_make_the_same_series_are_found(tmp_path: Path) -> None:
    """The same name with the same labels, also when one of them has them from its group."""
    text = (
        "groups:\n- name: a\n  labels: {x: y}\n  rules: [{record: m, expr: up}]\n"
        "- name: b\n  rules: [{record: m, expr: up, labels: {x: y}}]\n"
    )
    assert [name for name, _ in duplicates(read_rule_file(written(tmp_path, text)))] == ["m"]
