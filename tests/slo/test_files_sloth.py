"""Sloth's files: what they mean here, and every mistake at its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.slo.definition_files import mistakes_in, only, read, remarks_in

from tocsin.slo.definition import AlertPolicyReference, RollingWindow, SeriesRatio, SeriesValue

HEAD = "version: prometheus/v1\nservice: shop\nlabels: {team: sales}\nslos:\n"
EVENTS = """\
  - name: sold
    objective: 99.9
    description: What was sold
    labels: {tier: gold}
    sli:
      events:
        error_query: sum(rate(sales_total{code=~"5.."}[{{.window}}]))
        total_query: sum(rate(sales_total[{{.window}}]))
    alerting:
      name: Sales
      labels: {category: money}
      annotations: {runbook: https://shop.example/runbook}
      page_alert: {labels: {severity: critical}}
      ticket_alert: {disable: true}
"""


def test_an_slo_of_events_reads(tmp_path: Path) -> None:
    """Named as Sloth's own id; rates become counters; labels of service and SLO come together; alerts keep theirs."""
    definitions = read(tmp_path, HEAD + EVENTS)
    (objective,) = definitions.objectives.values()
    assert definitions.remarks == ()
    assert (objective.key, objective.service, objective.target, objective.window) == ("shop-sold", "shop", 0.999, RollingWindow(2_592_000))
    assert objective.indicator == SeriesRatio("sum(sales_total)", 'sum(sales_total{code=~"5.."})', inverted=True)
    assert (objective.labels, objective.owner) == ({"team": "sales", "tier": "gold"}, "sales")
    assert objective.runbook == "https://shop.example/runbook"
    alert = AlertPolicyReference(
        "Sales", "page", labels={"category": "money", "severity": "critical"}, annotations={"runbook": "https://shop.example/runbook"}
    )
    assert objective.alert_policies == (alert,)


def test_the_kubernetes_form_says_the_same(tmp_path: Path) -> None:
    """Names in camel case, under spec; what Kubernetes adds is no remark."""
    indented = "".join(f"  {line}\n" for line in (HEAD + EVENTS).splitlines()[1:])
    for name in ("error_query", "total_query", "page_alert", "ticket_alert"):
        first, second = name.split("_")
        indented = indented.replace(name, first + second.title())
    crd = "apiVersion: sloth.slok.dev/v1\nkind: PrometheusServiceLevel\nmetadata: {name: x, namespace: y}\nspec:\n" + indented
    definitions = read(tmp_path, crd)
    assert definitions.remarks == ()
    (objective,) = definitions.objectives.values()
    plain = only(tmp_path, HEAD + EVENTS)
    assert (objective.key, objective.indicator, objective.alert_policies) == (plain.key, plain.indicator, plain.alert_policies)


@pytest.mark.parametrize(
    ("errors", "total", "expected"),
    [
        ("sum(increase(e[{{ .window }}]))", "sum(increase(a[{{.window}}]))", SeriesRatio("sum(a)", "sum(e)", inverted=True)),
        (
            "sum(rate(a_count[{{.window}}])) - sum(rate(a_bucket{le='1'}[{{.window}}]))",
            "sum(rate(a_count[{{.window}}]))",
            SeriesRatio("sum(a_count)", 'sum(a_count) - sum(a_bucket{le="1"})', inverted=True),
        ),
        (
            "sum_over_time((count(x < 5))[{{.window}}:]) or vector(0)",
            "sum_over_time((count(x))[{{.window}}:])",
            SeriesRatio("sum_over_time((count(x))[1m:])", "sum_over_time((count(x < 5))[1m:]) or vector(0)", inverted=True, counter=False),
        ),
        (
            "sum(rate(e{s='{{.service}}'}[{{.window}}])) or vector(0)",
            "sum(rate(a[{{.window}}]) * on (pod) group_left () pods)",
            SeriesRatio("sum(a * on (pod) group_left () pods)", 'sum(e{s="shop"}) or vector(0)', inverted=True),
        ),
    ],
)
def test_queries_become_counts_of_a_minute(tmp_path: Path, errors: str, total: str, expected: SeriesRatio) -> None:
    """Bare counters where that is sound, else the query over one minute."""
    text = f'{HEAD}  - name: a\n    objective: 99\n    sli: {{events: {{error_query: "{errors}", total_query: "{total}"}}}}\n'
    assert only(tmp_path, text).indicator == expected


def test_a_raw_ratio_is_asked_over_five_minutes(tmp_path: Path) -> None:
    """The shortest window that Sloth itself uses; the ratio is that of errors."""
    text = HEAD + '  - {name: a, objective: 99, sli: {raw: {error_ratio_query: "rate(e[{{.window}}]) / rate(a[{{.window}}])"}}}\n'
    assert only(tmp_path, text).indicator == SeriesValue("rate(e[5m]) / rate(a[5m])", inverted=True)


def test_files_may_spell_as_kubernetes_does(tmp_path: Path) -> None:
    """Some examples that are about do; both spellings at once make no second mistake."""
    text = (HEAD + EVENTS).replace("error_query", "errorQuery").replace("page_alert", "pageAlert")
    assert only(tmp_path, text).indicator == only(tmp_path, HEAD + EVENTS).indicator


def test_plugins_leave_the_slo_out(tmp_path: Path) -> None:
    """With a remark; plugins beside an indicator are remarked, too."""
    text = HEAD + "  - {name: a, objective: 99, sli: {plugin: {id: x/y}}}\n"
    assert read(tmp_path, text).objectives == {}
    assert "the SLO is left out" in remarks_in(tmp_path, text)[0]
    assert "plugins are programs" in remarks_in(tmp_path, HEAD.replace("slos:", "slo_plugins: {chain: []}\nslos:") + EVENTS)[0]


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("service: shop\n", "", "1:1", "needs 'service'"),
        ("  - name: sold\n    objective", "  - objective", "5:5", "needs 'name'"),
        ("    objective: 99.9\n", "", "5:5", "needs 'objective'"),
        ("objective: 99.9", "objective: 0.999", "6:16", "did you mean 99.9?"),
        ("objective: 99.9", "objective: 100", "6:16", "leaves no error budget"),
        ("objective: 99.9", "objective: all", "6:16", "expected a number"),
        ("objective: 99.9", "objectve: 99.9", "6:5", "did you mean 'objective'?"),
        ("      events:", "      event:", "10:7", "did you mean 'events'?"),
        ("error_query:", "error_qery:", "11:9", "did you mean 'error_query'?"),
        ("sum(rate(sales_total[{{.window}}]))", "sum(rate(sales_total[5m]))", "12:22", "have {{.window}}"),
        ("sum(rate(sales_total[{{.window}}]))", "sum(rate(sales_total[{{.window}}])", "12:22", "could not parse PromQL"),
        ("sum(rate(sales_total[{{.window}}]))", "rate(sales_total[{{.window}}:1m])[5m:]", "12:22", "one value per series"),
        ("disable: true", "disable: 7", "18:31", "expected true or false"),
        ("version: prometheus/v1", "version: prometheus/v2", "1:10", "did you mean 'prometheus/v1'?"),
    ],
)
def test_mistakes_have_their_place(tmp_path: Path, old: str, new: str, place: str, message: str) -> None:
    """Line and column, and what to write."""
    assert old in HEAD + EVENTS
    found = mistakes_in(tmp_path, (HEAD + EVENTS).replace(old, new))
    assert any(mistake.startswith(f"0.yaml:{place}: ") and message in mistake for mistake in found), "\n".join(found)


def test_two_slos_of_one_name_are_a_mistake(tmp_path: Path) -> None:
    """In one file, in two, or beside another form."""
    assert "another SLO is called 'shop-sold'" in mistakes_in(tmp_path, HEAD + EVENTS + EVENTS)[0]
    own = "apiVersion: tocsin/v1\nkind: Objective\nmetadata: {name: shop-sold}\nspec: {service: shop, target: 99%, availability: {}}\n"
    assert "another SLO is called 'shop-sold'" in mistakes_in(tmp_path, HEAD + EVENTS, own)[0]


def test_a_file_without_slos_is_a_mistake(tmp_path: Path) -> None:
    """It was meant to have some."""
    assert "at least one SLO" in mistakes_in(tmp_path, HEAD)[0]
