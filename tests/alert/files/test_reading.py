"""Rule files of both forms: what they become, and what is wrong with them, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.alert.rule_files import HEAD, OBJECTIVES, QUIET, checked, mistakes, only_rule, spec, written

from tocsin.alert.definition import (
    AlertRule,
    AtLeast,
    BurnAbove,
    BurnPair,
    Comparison,
    Condition,
    EventsCompare,
    NewPattern,
    Promql,
    RecordingRule,
    SignalBreach,
)
from tocsin.alert.files.rule_set import read_rule_set
from tocsin.query.fields import parse_log_query, parse_span_query
from tocsin.query.promql.parser import parse

PROMETHEUS = """\
    groups:
      - name: shop
        interval: 15s
        query_offset: 1m
        limit: 10
        labels: {team: shop}
        rules:
          - record: service:requests:rate5m
            expr: sum by (service) (rate(http_requests_total[5m]))
          - alert: ManyErrors
            expr: service:requests:rate5m > 5
            for: 5m
            keep_firing_for: 2m
            labels: {severity: page}
            annotations: {summary: "{{ $value }}", runbook_url: errors.md, symptom: "true"}
      - name: other
        rules:
          - {alert: Down, expr: up == 0, labels: {severity: ticket, owner: "{{ $labels.team }}", service: shop}}
    """


def test_prometheus_groups(tmp_path: Path) -> None:
    """Names, times and labels are taken over; owner, runbook and service come from labels and annotations."""
    shop, other = checked(tmp_path, PROMETHEUS).rules.groups
    path = tmp_path / "rules.yaml"
    assert (shop.key, shop.interval_s, shop.offset_s, shop.limit) == (f"{path};shop", 15, 60, 10)
    record, alert = shop.rules
    assert isinstance(record, RecordingRule)
    assert (record.name, record.labels, record.place) == ("service:requests:rate5m", {"team": "shop"}, f"{path}:8")
    assert isinstance(alert, AlertRule)
    assert (alert.for_s, alert.keep_firing_for_s, alert.labels) == (300, 120, {"team": "shop", "severity": "page"})
    assert (alert.owner, alert.runbook, alert.symptom, alert.place) == ("shop", "errors.md", True, f"{path}:10")
    (down,) = other.rules
    assert isinstance(down, AlertRule)
    assert (other.interval_s, down.owner, down.service, down.symptom) == (60, "", "shop", False)


def test_both_forms_in_one_file(tmp_path: Path) -> None:
    """Documents are told apart by their form, and places are those of the file."""
    groups = "groups:\n- name: a\n  rules: [{alert: Down, expr: up == 0}]\n"
    found = checked(tmp_path, f"# rules\n---\n{groups}---\n{spec('promql: up == 0')}")
    assert found.rules.mistakes == ()
    first, second = found.rules.groups
    assert (first.name, first.rules[0].place.rpartition(":")[2]) == ("a", "5")
    assert (second.name, second.rules[0].place.rpartition(":")[2]) == ("rules", "11")
    wrong = f"{spec('promql: up == 0')}---\ngroups:\n- name: a\n  rules: [{{alert: Down, expr: up ==}}]\n"
    assert mistakes(tmp_path, wrong)[0].startswith('rules.yaml:13:31: group "a", rule 1, "Down": could not parse expression')


def test_a_rule_of_ours(tmp_path: Path) -> None:
    """Severity, owner and service become labels; summary, description and runbook annotations."""
    rule = only_rule(
        tmp_path,
        f"{HEAD}  service: checkout\n  for: 90s\n  keepFiringFor: 5m\n  labels: {{tier: one}}\n  annotations: {{dashboard: d}}\n"
        "  description: words\n  promql: rate(http_requests_total[5m]) > 1\n",
    )
    assert rule.condition == Promql("rate(http_requests_total[5m]) > 1", parse("rate(http_requests_total[5m]) > 1"))
    assert rule.labels == {"tier": "one", "severity": "page", "owner": "team-shop", "service": "checkout"}
    assert rule.annotations == {"dashboard": "d", "summary": "checkout fails", "description": "words", "runbook_url": "checkout.md"}
    assert (rule.name, rule.for_s, rule.keep_firing_for_s) == ("CheckoutFails", 90, 300)
    assert (rule.owner, rule.runbook, rule.service, rule.symptom) == ("team-shop", "checkout.md", "checkout", True)


LOGS, FAILED, SERVED = parse_log_query("level:error"), parse_span_query("error:true"), parse_span_query("kind:server")
SLOW = SignalBreach("latency", "", 300, Comparison.ABOVE, 1.5, 0.95)


@pytest.mark.parametrize(
    ("line", "condition"),
    [
        ("burn: {objective: checkout-availability, factor: 14.4, long: 1h}", BurnAbove("checkout-availability", 14.4, 3600, 300)),
        (
            "burn: {objective: checkout-availability, badEvents: 5, any: [{factor: 6, long: 6h, short: 10m}, {factor: 1, long: 3d}]}",
            BurnAbove("checkout-availability", 6, 21_600, 600, 5, (BurnPair(1, 259_200, 21_600),)),
        ),
        ("logs: {query: 'level:error', over: 5m, above: 20}", EventsCompare("logs", "level:error", 300, Comparison.ABOVE, 20, LOGS)),
        (
            "logs: {query: 'level:error', over: 5m, count: true, orLess: 2, by: [service.name, http.route]}",
            EventsCompare("logs", "level:error", 300, Comparison.AT_MOST, 2, LOGS, by=("service.name", "http.route")),
        ),
        (
            "spans: {query: 'error:true', ratio: {of: 'kind:server'}, over: 1h, orMore: 5%, eventsMin: 50}",
            EventsCompare("spans", "error:true", 3600, Comparison.AT_LEAST, 0.05, FAILED, "kind:server", SERVED, 50),
        ),
        (
            "spans: {query: 'error:true', of: 'kind:server', over: 1h, below: 0.5}",
            EventsCompare("spans", "error:true", 3600, Comparison.BELOW, 0.5, FAILED, "kind:server", SERVED),
        ),
        ("newPattern: {query: 'level:error', over: 10m, atLeast: 3}", NewPattern("level:error", 600, LOGS, 3)),
        ("signal: {signal: latency, percentile: 95, over: 5m, above: 1500ms}", SLOW),
        ("signal: {signal: errors, service: a, over: 5m, above: 5%}", SignalBreach("errors", "a", 300, threshold=0.05)),
        ("signal: {signal: saturation, over: 5m}", SignalBreach("saturation", "", 300)),
        (
            "atLeast: {count: 1, of: [{name: slow, signal: {signal: latency, percentile: p95, over: 5m, above: 1.5s}}], fastBurn: false}",
            AtLeast(1, (("slow", SLOW),), fast_burn=()),
        ),
        (
            "atLeast: {count: 2, of: [{promql: up}, {logs: {query: 'level:error', over: 5m, above: 20}}], by: [host], stale: 1m}",
            AtLeast(
                2,
                (("promql", Promql("up", parse("up"))), ("logs", EventsCompare("logs", "level:error", 300, Comparison.ABOVE, 20, LOGS))),
                ("host",),
                stale_s=60,
            ),
        ),
    ],
)
def test_conditions(tmp_path: Path, line: str, condition: Condition) -> None:
    """Each form becomes its record, queries as trees."""
    assert only_rule(tmp_path, spec(line)).condition == condition


def test_a_composite_about_a_service_has_its_objectives(tmp_path: Path) -> None:
    """Fast burns of the rule's service alone are enough, and its signals are those of that service."""
    line = "service: search\n  atLeast: {count: 1, of: [{signal: {signal: traffic, over: 5m, below: 1}}], fastBurn: ['*']}"
    condition = only_rule(tmp_path, spec(line)).condition
    assert isinstance(condition, AtLeast)
    assert condition.fast_burn == ("search-latency",)
    assert condition.conditions[0][1] == SignalBreach("traffic", "search", 300, Comparison.BELOW, 1)


def test_a_group_of_ours(tmp_path: Path) -> None:
    """Its labels are those of all its rules, unless a rule says otherwise."""
    text = """\
        apiVersion: tocsin/v1
        kind: AlertGroup
        metadata: {name: shop}
        spec:
          interval: 30s
          offset: 10s
          limit: 7
          labels: {team: shop, tier: two}
          rules:
            - {name: A, severity: ticket, promql: up == 0, labels: {tier: one}}
            - {name: B, severity: ticket, promql: up == 0}
        """
    (group,) = checked(tmp_path, text).rules.groups
    assert (group.name, group.interval_s, group.offset_s, group.limit) == ("shop", 30, 10, 7)
    assert [rule.labels for rule in group.rules] == [
        {"team": "shop", "tier": "one", "severity": "ticket"},
        {"team": "shop", "tier": "two", "severity": "ticket"},
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("promql: sum(", ": could not parse the expression"),
        ("severty: page", "9:3: an AlertRule has no field 'severty'; did you mean 'severity'?"),
        ("promql: up\n  logs: {query: x, over: 1m, above: 1}", "10:9: an AlertRule takes exactly one of"),
        ("for: 5", "9:8: expected a length of time such as 30s, 5m or 1h, found '5'"),
        ("burn: {objective: checkout, factor: 2, long: 1h}", "9:21: no objective is called 'checkout' in any of the SLO files in force"),
        ("burn: {objective: checkout-availabilty, factor: 2, long: 1h}", "did you mean 'checkout-availability'?"),
        ("burn: {objective: search-latency, factor: 14.4, long: 1h}", "9:9: a burn rate above 14.4 can never be: with a target of 90 %"),
        ("for: 1m\n  burn: {objective: search-latency, factor: 2, long: 1h}", "9:8: a burn rate takes no 'for'"),
        ("burn: {objective: search-latency, factor: 2, long: 5m, short: 1h}", "'short' must not be longer than 'long'"),
        ("logs: {query: 'a:(', over: 1m, above: 1}", "could not parse the query"),
        ("logs: {query: a, over: 1m}", "needs exactly one of above, orMore, below, orLess; as in above: 5"),
        ("logs: {query: a, over: 1m, above: 1, by: [trace_id]}", "there would be an alert for each"),
        ("logs: {query: a, over: 1m, above: 1, by: [http.route, http_route]}", "would both become the label 'http_route'"),
        ("spans: {query: a, of: b, over: 1m, above: 5}", "did you mean 5%?"),
        ("spans: {query: a, over: 1m, above: 5, eventsMin: 3}", "without 'of' there is none"),
        ("signal: {signal: latencies, over: 1m}", "did you mean 'latency'?"),
        ("signal: {signal: latency, over: 1m, percentile: 97}", "a percentile is one of 50, 90, 95, 99; found '97'"),
        ("signal: {signal: errors, over: 1m, percentile: 99}", "only latency has percentiles"),
        ("atLeast: {count: 3, of: [{promql: up}]}", "at most the number of conditions, 1; found '3'"),
        ("atLeast: {count: 1, of: [{promql: up}, {promql: down}]}", "two conditions are called 'promql'"),
        ("atLeast: {count: 1, of: [{promql: up}], fastBurn: [serch-latency]}", "did you mean 'search-latency'?"),
        ("labels: {alertname: x}\n  promql: up", "the label 'alertname' is the rule's name"),
        ("description: '{{ $labels.x '\n  promql: up", "9:16: 'description': line 1, column 1 of the template: the action"),
        ("labels: {a: '{{ $x }}'}\n  promql: up", "9:15: label 'a': line 1, column 4 of the template: no variable is called $x"),
        ("annotations: {a: [b, '{{ ($value }}']}\n  promql: up", "9:24: annotation 'a': line 1, column 12 of the template: expected ')'"),
        ("service: '{{ end }}'\n  promql: up", "9:12: 'service': line 1, column 4 of the template: {{ end }} belongs to no block"),
    ],
)
def test_mistakes_have_their_place(tmp_path: Path, line: str, message: str) -> None:
    """Line and column, what was expected and found, and what was probably meant."""
    assert any(message in mistake for mistake in mistakes(tmp_path, spec(line))), mistakes(tmp_path, spec(line))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("group: []", "expected 'groups' as in Prometheus' rule files, or apiVersion: tocsin/v1; found neither; did you mean 'groups'?"),
        ("[1]", "found '1'"),
        ("apiVersion: openslo/v1\nkind: SLO", "belong into the files of slo.files"),
        ("apiVersion: tocsin/v2\nkind: AlertRule", "did you mean 'tocsin/v1'?"),
        ("apiVersion: tocsin/v1\nkind: Objective\nmetadata: {name: a}", "it belongs into the files of slo.files"),
        ("apiVersion: tocsin/v1\nkind: AlertRul\nmetadata: {name: a}", "did you mean 'AlertRule'?"),
        ("apiVersion: tocsin/v1\nkind: AlertRule\nmetadata: {name: a}", "an AlertRule needs 'spec'"),
        ("groups:\n- name: a\n  rules: [{alert: A, expr: up, fro: 1m}]", "3:32: a rule has no field 'fro'"),
        ("groups: [{name: a, rules: []}, {name: a, rules: []}]", 'groupname: "a" is repeated'),
        ("a: [", "not YAML"),
        (f"{HEAD}  severity: pge\n  promql: up", "stands here twice"),
        ("groups: [{name: g, rules: [{alert: A, expr: up, labels: {a: '{{ $x }}'}}]}]", "no variable is called $x"),
        (
            HEAD.replace("{name: CheckoutFails}", "{name: A, labels: {a: '{{ f }}'}}") + "  promql: up",
            "3:33: label 'a': line 1, column 4 of the template: no function is called 'f'",
        ),
        (HEAD.replace("severity: page", "severity: pge"), "'pge' is no severity; did you mean 'page'?"),
        (f"{spec('promql: up')}---\n{spec('promql: up')}", "another AlertRule is called 'CheckoutFails'"),
    ],
)
def test_what_is_no_rule_file(tmp_path: Path, text: str, message: str) -> None:
    """Says what the file should be, and where such objects belong."""
    assert any(message in mistake for mistake in mistakes(tmp_path, text)), mistakes(tmp_path, text)


def test_all_mistakes_at_once_and_only_that_file_is_left_out(tmp_path: Path) -> None:
    """Every mistake of every file is said; files without one are in force."""
    bad = written(tmp_path, f"{HEAD}  for: x\n  sumary: a\n  burn: {{objective: gone, factor: 0, long: 1}}\n", "bad.yaml")
    good = written(tmp_path, spec("promql: up == 0"), "good.yaml")
    found = read_rule_set([bad, good, tmp_path / "missing.yaml"], OBJECTIVES, QUIET).rules
    assert [group.file for group in found.groups] == [str(good)]
    assert len(found.mistakes) == 6
    assert found.mistakes[-1].endswith("missing.yaml: no file is called so; mend the path, or take it out of rules.files")


@settings(max_examples=80)
@given(st.text(alphabet="abegiklnoprsuvAR12:/{}[]-,'\"\n *&|>%", max_size=120), st.integers(0, 400))
def test_whatever_stands_in_a_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, noise: str, at: int) -> None:
    """Noise in the middle of rules of both forms never breaks the reader."""
    text = f"{spec('logs: {query: a, over: 1m, above: 1, by: [service]}')}---\ngroups:\n- name: a\n  rules: [{{alert: A, expr: up}}]\n"
    path = tmp_path_factory.getbasetemp() / "noise.yaml"
    path.write_text(text[:at] + noise + text[at:], encoding="utf-8")
    found = read_rule_set([path], OBJECTIVES, QUIET).rules
    assert bool(found.mistakes) or len(found.groups) <= 2


def test_what_fell_silent_has_no_values(tmp_path: Path) -> None:
    """A count below something, split by attributes, is remarked: the values that are gone are not counted."""
    found = checked(tmp_path, spec("symptom: true\n  logs: {query: a, over: 5m, below: 2, by: [service]}"))
    assert len(found.rules.remarks) == 1
    assert "what fell silent altogether is not" in found.rules.remarks[0]
