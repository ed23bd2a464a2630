"""What lint finds: pages on causes, pages that nobody can act on, rules that never fire."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.alert.rule_files import CHECKOUT, OBJECTIVES, SEARCH, checked, spec
from tests.slo.stories import objective

from tocsin.alert.definition import AlertRule, BurnAbove, RuleGroup
from tocsin.alert.files.lint import Code, Level, lint
from tocsin.alert.files.rule_set import read_rule_set
from tocsin.alert.files.symptoms import Basis, metrics_known, verdict_on
from tocsin.alert.options import AlertOptions
from tocsin.slo.definition import SeriesRatio

PROMETHEUS = "groups: [{name: a, rules: [{alert: A, expr: '%s', labels: {severity: %s, owner: o}, annotations: {summary: s, runbook: r}}]}]"


def codes(folder: Path, text: str) -> list[str]:
    """Codes of what is found in a file without mistakes."""
    found = checked(folder, text)
    assert found.rules.mistakes == ()
    return [finding.code.value for finding in found.findings]


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("rate(http_requests_total[5m]) > 1", []),
        ("histogram_quantile(0.99, rate(http_server_request_duration_seconds_bucket[5m])) > 1", []),
        ("sum(rate(traces_spanmetrics_calls_total[5m])) > 1", []),
        ("probe_success == 0", []),
        ("node_load1 > 9 and on () rate(http_requests_total[5m]) > 1", []),
        ("up == 0", ["page_on_cause"]),
        ("rate(node_cpu_seconds_total[5m]) > 0.9", ["page_on_cause"]),
        ("process_resident_memory_bytes > 1e9", ["page_on_cause"]),
        ("orders_unpaid > 5", ["page_unproven"]),
        ("vector(1)", ["page_unproven"]),
    ],
)
def test_a_page_must_rest_on_what_users_notice(tmp_path: Path, expression: str, found: list[str]) -> None:
    """PromQL is judged by the metrics that it names; as a ticket everything may be told."""
    assert codes(tmp_path, PROMETHEUS % (expression, "critical")) == found
    assert codes(tmp_path, PROMETHEUS % (expression, "ticket")) == []


def test_a_metric_that_an_objective_counts_is_a_symptom(tmp_path: Path) -> None:
    """What is promised to users they notice; also through a recording rule."""
    text = PROMETHEUS % ("rate(orders_unpaid[5m]) > 5", "page")
    promised = replace(objective(indicator=SeriesRatio("sum(orders_all)", "sum(orders_unpaid)", inverted=True)), owner="o", runbook="r")
    assert checked(tmp_path, text, objectives={promised.key: promised}).findings == ()
    recorded = text.replace("[{alert", "[{record: unpaid, expr: 'rate(orders_unpaid[5m])'}, {alert")
    recorded = recorded.replace("rate(orders_unpaid[5m]) >", "unpaid >")
    assert checked(tmp_path, recorded, objectives={promised.key: promised}).findings == ()
    assert codes(tmp_path, recorded) == ["page_unproven"]


def test_an_author_may_vouch_for_a_symptom(tmp_path: Path) -> None:
    """Where nobody can tell, that settles it; where a cause shows it is doubted; who says that it is none may not page."""
    vouched = PROMETHEUS.replace("summary: s", "summary: s, symptom: '%s'")
    assert codes(tmp_path, vouched % ("orders_unpaid > 5", "page", "true")) == []
    assert codes(tmp_path, vouched % ("up == 0", "page", "true")) == ["symptom_doubted"]
    assert codes(tmp_path, vouched % ("rate(http_requests_total[5m]) > 1", "page", "false")) == ["page_on_cause"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("burn: {objective: checkout-availability, factor: 14.4, long: 1h}", []),
        ("signal: {signal: latency, over: 5m}", []),
        ("signal: {signal: saturation, over: 5m}", ["page_on_cause"]),
        ("logs: {query: 'level:error', over: 5m, above: 5}", ["page_unproven"]),
        ("newPattern: {query: 'level:error', over: 5m}", ["page_unproven"]),
        ("spans: {query: 'error:true', over: 5m, above: 5}", ["page_unproven"]),
        ("spans: {query: 'error:true', of: 'service:a', over: 5m, above: 5%}", ["page_unproven"]),
        ("spans: {query: 'error:true', of: 'service:a (kind:server OR kind:consumer)', over: 5m, above: 5%}", []),
        ("atLeast: {count: 2, of: [{signal: {signal: errors, over: 5m}}, {promql: up}]}", []),
        ("atLeast: {count: 1, of: [{signal: {signal: errors, over: 5m}}, {promql: up}]}", ["page_on_cause"]),
        ("atLeast: {count: 1, of: [{signal: {signal: errors, over: 5m}}, {promql: orders}]}", ["page_unproven"]),
    ],
)
def test_our_own_conditions(tmp_path: Path, line: str, found: list[str]) -> None:
    """Burn rates, signals and shares of requests are symptoms; of a composite every way to hold must have one."""
    assert codes(tmp_path, spec(line)) == found


def test_a_page_names_owner_runbook_severity_and_summary(tmp_path: Path) -> None:
    """Each that is missing is said with where to write it; without a severity nobody can say whom to tell."""
    page = "{alert: A, expr: 'rate(http_requests_total[5m]) > 1', labels: {severity: page}}"
    text = f"groups: [{{name: a, rules: [{page}, {{alert: B, expr: up}}]}}]"
    found = checked(tmp_path, text)
    assert [(finding.rule, finding.code.value, finding.level.value) for finding in found.findings] == [
        ("A", "page_without_runbook", "error"),
        ("A", "page_without_owner", "error"),
        ("A", "page_without_summary", "warning"),
        ("B", "no_severity", "error"),
    ]
    assert found.failed
    assert str(found.findings[0]).startswith(f"{tmp_path}/rules.yaml:1: A pages without a runbook:")
    assert len(found.rules.groups) == 1
    assert found.rules.remarks[0] == str(found.findings[0])


def test_unknown_severities(tmp_path: Path) -> None:
    """A word that means nothing here, with the one that was probably meant; a template is left alone."""
    (finding,) = checked(tmp_path, PROMETHEUS % ("up", "critcal")).findings
    assert finding.message == "A has the severity 'critcal', which means nothing here; did you mean 'critical'?"
    assert codes(tmp_path, PROMETHEUS % ("up", "'{{ $labels.severity }}'")) == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("signal: {signal: errors, over: 5m, above: 100%}", ["never_fires"]),
        ("signal: {signal: errors, over: 5m, orMore: 0%}", ["always_fires"]),
        ("signal: {signal: traffic, over: 5m, below: 0}", ["never_fires"]),
        ("spans: {query: a, of: 'kind:server', over: 5m, orLess: 100%}", ["always_fires"]),
        ("spans: {query: a, of: 'kind:server', over: 5m, orMore: 100%}", []),
        ("spans: {query: a, of: 'kind:server', over: 5m, below: 100%}", []),
        ("atLeast: {count: 1, of: [{signal: {signal: traffic, over: 5m, below: 0}}]}", ["never_fires"]),
        ("signal: {signal: errors, over: 30s}", ["window_below_interval"]),
        ("for: 20s\n  signal: {signal: errors, over: 5m}", ["for_below_interval"]),
        ("promql: rate(http_requests_total[30s]) > 1", ["window_below_interval"]),
    ],
)
def test_rules_that_never_or_always_fire_and_windows_with_gaps(tmp_path: Path, line: str, found: list[str]) -> None:
    """Thresholds outside of what a figure can be; windows and waits shorter than the interval of their group."""
    assert codes(tmp_path, spec(line)) == found


def test_rules_that_make_the_same(tmp_path: Path) -> None:
    """Two alerts, or two recordings, with one name and the same labels."""
    rule = "{alert: A, expr: up, labels: {severity: ticket}}"
    record = "{record: r, expr: up}"
    other = "{alert: A, expr: up, labels: {severity: review}}"
    text = f"groups: [{{name: a, rules: [{rule}, {record}]}}, {{name: b, rules: [{rule}, {record}, {other}]}}]"
    found = checked(tmp_path, text).findings
    assert [(finding.group, finding.rule, finding.code) for finding in found] == [("b", "A", Code.REPEATED), ("b", "r", Code.REPEATED)]


def test_what_files_can_not_say_is_found_too() -> None:
    """Rules that are made elsewhere: a burn rate with `for`, and one that no failure reaches."""
    rule = AlertRule("B", BurnAbove(SEARCH.key, 14.4, 3600, 300), for_s=120, labels={"severity": "ticket"})
    found = lint([RuleGroup("g", "f", (rule,))], OBJECTIVES)
    assert [(finding.code, finding.level) for finding in found] == [(Code.NEVER_FIRES, Level.ERROR), (Code.FOR_ON_BURN_RATE, Level.ERROR)]
    assert found[0].message.startswith("B of 'search-latency' can never fire: a burn rate above 14.4 can never be")


def test_objectives_are_held_to_the_same() -> None:
    """Their burn-rate alerts page, so they need an owner and a runbook."""
    bare = replace(CHECKOUT, owner="", runbook="", place="slos.yaml:3")
    found = read_rule_set([], {bare.key: bare}, AlertOptions()).findings
    assert [(finding.code.value, finding.place) for finding in found] == [
        ("page_without_runbook", "slos.yaml:3"),
        ("page_without_owner", "slos.yaml:3"),
    ]


def test_what_nobody_counts_is_unknown() -> None:
    """Known metrics of no objective and no rule: only names tell."""
    burn = BurnAbove(CHECKOUT.key, 1, 60, 60)
    assert verdict_on(burn, metrics_known([])).basis is Basis.SYMPTOM
