"""OpenSLO v1: all seven kinds, what they mean here, and every mistake and oddity at its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.slo.definition_files import (
    OPENSLO,
    OPENSLO_RATIO,
    OPENSLO_TARGET,
    OPENSLO_THRESHOLD,
    OPENSLO_WINDOW,
    mistakes_in,
    only,
    read,
    remarks_in,
)

from tocsin.slo.definition import (
    AlertPolicyReference,
    CalendarWindow,
    EventRatio,
    EventSignal,
    Occurrences,
    Operator,
    RatioTimeslices,
    RollingWindow,
    SeriesRatio,
    SeriesThreshold,
    SeriesValue,
    Timeslices,
)

ALERTING = """\
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: pager}
spec:
  alertWhenResolved: true
  conditions: [{conditionRef: fast}]
  notificationTargets: [{targetRef: chat}]
---
apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: fast}
spec:
  severity: page
  condition: {kind: burnrate, op: gte, threshold: 14.4, lookbackWindow: 1h, alertAfter: 5m}
---
apiVersion: openslo/v1
kind: AlertNotificationTarget
metadata: {name: chat}
spec: {target: slack}
"""


def source(kind: str, spec: str) -> str:
    """A metricSource on one line."""
    return f"{{metricSource: {{type: {kind}, spec: {spec}}}}}"


def ratio(role: str, some: str, total: str, counter: str = "counter: true") -> str:
    """An SLO with a ratio of two sources."""
    metric = f"      ratioMetric:\n        {counter}\n        {role}: {some}\n        total: {total}\n"
    return f"{OPENSLO}{OPENSLO_WINDOW}{OPENSLO_TARGET}  indicator:\n    spec:\n{metric}"


def test_a_whole_slo_reads(tmp_path: Path) -> None:
    """Names, labels (lists joined), owner and runbook, windows, and each objective as a budget of its own."""
    text = """\
        apiVersion: openslo/v1
        kind: SLO
        metadata:
          name: shop
          displayName: The shop
          labels: {team: sales, tags: [a, b]}
          annotations: {runbook: https://shop.example/runbook}
        spec:
          description: It sells
          service: shop
          indicatorRef: sales
          timeWindow:
            - duration: 1M
              calendar: {startTime: 2026-01-01 00:00:00, timeZone: Europe/Berlin}
              isRolling: false
          budgetingMethod: Timeslices
          objectives:
            - {displayName: usual, target: 0.99, timeSliceTarget: 0.95, timeSliceWindow: 5}
            - {targetPercent: 99.9, timeSliceTarget: 1, timeSliceWindow: 1h}
        ---
        apiVersion: openslo/v1
        kind: SLI
        metadata: {name: sales}
        spec:
          ratioMetric:
            counter: true
            good: {metricSource: {metricSourceRef: metrics, spec: {query: 'sum(sales_total{code="200"})'}}}
            total: {metricSource: {metricSourceRef: metrics, spec: {query: sum(sales_total)}}}
        ---
        apiVersion: openslo/v1
        kind: DataSource
        metadata: {name: metrics}
        spec: {type: Prometheus, connectionDetails: {url: http://metrics.example, anything: [1, {goes: true}]}}
        ---
        apiVersion: openslo/v1
        kind: Service
        metadata: {name: shop, displayName: Shop}
        """
    definitions = read(tmp_path, text)
    assert definitions.remarks == ()
    first, second = definitions.objectives.values()
    assert (first.key, second.key, first.slo, second.slo) == ("shop", "shop/2", "shop", "shop")
    assert (first.title, second.title, first.description) == ("The shop: usual", "The shop", "It sells")
    assert (first.target, second.target) == (0.99, 0.999)
    assert first.window == CalendarWindow(1, "M", "2026-01-01 00:00:00", "Europe/Berlin")
    assert (first.budgeting, second.budgeting) == (Timeslices(300, 0.95), Timeslices(3600, 1.0))
    assert first.indicator == SeriesRatio("sum(sales_total)", 'sum(sales_total{code="200"})')
    assert first.labels == {"team": "sales", "tags": "a,b"}
    assert (first.owner, first.runbook) == ("sales", "https://shop.example/runbook")
    assert (definitions.services, definitions.data_sources) == ({"shop": "Shop"}, {"metrics": "Prometheus"})


def test_alert_policies_come_with_what_they_refer_to(tmp_path: Path) -> None:
    """By name, by reference, or written out: severity, burn rate, windows and targets."""
    inline = """\
    - kind: AlertPolicy
      metadata: {name: own}
      spec:
        conditions: [{kind: AlertCondition, metadata: {name: c}, spec: {severity: ticket, condition: {threshold: 2, lookbackWindow: 1d}}}]
        notificationTargets: [{metadata: {name: mail}, spec: {target: email}}]
"""
    slo = (
        f"{OPENSLO}{OPENSLO_WINDOW}{OPENSLO_RATIO}{OPENSLO_TARGET}  alertPolicies:\n    - pager\n    - {{alertPolicyRef: pager}}\n{inline}"
    )
    definitions = read(tmp_path, ALERTING, slo)
    named = AlertPolicyReference("pager", "page", 14.4, 3600, 300, ("chat",), when_resolved=True)
    own = AlertPolicyReference("own", "ticket", 2.0, 86_400, 0, ("mail",))
    assert definitions.objectives["shop"].alert_policies == (named, named, own)
    assert definitions.notification_targets == {"chat": "slack"}


def test_events_of_our_own_source_are_counted(tmp_path: Path) -> None:
    """Spans or logs, with a weight; the query is taken as it stands."""
    some, total = source("tocsin", "{signal: logs, query: 'ok:true'}"), source("Tocsin", "{signal: logs, query: 'event:x', weight: items}")
    found = only(tmp_path, ratio("good", some, total, "")).indicator
    assert isinstance(found, EventRatio)
    assert (found.total.signal, found.total.query, found.total.weight) == (EventSignal.LOGS, "event:x", "items")
    assert (found.good.query, found.good.weight, found.inverted) == ("ok:true", "items", False)
    found = only(tmp_path, ratio("bad", some, total, "")).indicator
    assert isinstance(found, EventRatio)
    assert found.inverted


@pytest.mark.parametrize(
    ("unit", "value", "good"),
    [
        ("", "300", "duration:<=300ms"),
        (", unit: s", "0.25", "duration:<=250ms"),
        ("", "2s", "duration:<=2000ms"),
        (", unit: us", "5", "duration:<=0.005ms"),
        ("", "1e3", "duration:<=1000ms"),
    ],
)
def test_a_threshold_over_spans_is_about_their_duration(tmp_path: Path, unit: str, value: str, good: str) -> None:
    """In milliseconds, unless the source or the value states a unit."""
    indicator = f"  indicator: {{spec: {{thresholdMetric: {source('tocsin', f'{{signal: spans, query: kind:server{unit}}}')}}}}}\n"
    found = only(tmp_path, f"{OPENSLO}{OPENSLO_WINDOW}{indicator}  objectives: [{{op: lte, value: {value}, target: 0.99}}]\n").indicator
    assert isinstance(found, EventRatio)
    assert (found.total.query, found.good.query) == ("kind:server", good)


@pytest.mark.parametrize(
    ("role", "some", "total", "counter", "expected"),
    [
        ("good", "sum(a_total{x='1'})", "sum(a_total)", "counter: true", SeriesRatio("sum(a_total)", 'sum(a_total{x="1"})')),
        (
            "bad",
            "sum(rate(e_total[5m]))",
            "sum(rate(a_total[1h]))",
            "counter: true",
            SeriesRatio("sum(a_total)", "sum(e_total)", inverted=True),
        ),
        ("good", "sum(increase(g[5m]))", "sum(increase(a[5m]))", "counter: false", SeriesRatio("sum(a)", "sum(g)")),
        ("good", "sum(g_total)", "sum(a_total)", "", SeriesRatio("sum(a_total)", "sum(g_total)")),
        ("good", "good_now", "all_now", "counter: false", SeriesRatio("all_now", "good_now", counter=False)),
        ("good", "sum(rate(g[5m]))", "a", "counter: false", SeriesRatio("a", "sum(rate(g[5m]))", counter=False)),
        ("good", "max(rate(g_total[5m]))", "a", "counter: true", SeriesRatio("a", "max(rate(g_total[5m]))", counter=False)),
    ],
)
def test_promql_is_brought_into_a_form_that_can_be_counted(
    tmp_path: Path, role: str, some: str, total: str, counter: str, expected: SeriesRatio
) -> None:
    """Rates are taken off where that is sound; else values are numbers of events."""
    text = ratio(role, source("prometheus", f'{{query: "{some}"}}'), source("promql", f'{{promql: "{total}"}}'), counter)
    assert only(tmp_path, text).indicator == expected


@pytest.mark.parametrize("spec", ["{query: a_total}", "{promql: a_total}", "a_total"])
def test_promql_stands_where_others_write_it(tmp_path: Path, spec: str) -> None:
    """Under query, under promql, or as the spec itself."""
    found = only(tmp_path, ratio("good", source("PROMETHEUS", spec), source("Thanos", spec))).indicator
    assert found == SeriesRatio("a_total", "a_total")


def test_raw_ratios_and_thresholds_read(tmp_path: Path) -> None:
    """A share of successes or failures, and a value against each objective's threshold."""
    raw = f"  indicator: {{spec: {{ratioMetric: {{rawType: failure, raw: {source('prometheus', '{query: a / b}')}}}}}}}\n"
    assert only(tmp_path, OPENSLO + OPENSLO_WINDOW + OPENSLO_TARGET + raw).indicator == SeriesValue("a / b", inverted=True)
    text = f"{OPENSLO}{OPENSLO_WINDOW}{OPENSLO_THRESHOLD}  objectives: [{{op: lt, value: 100, target: 0.99}}]\n"
    assert only(tmp_path, text).indicator == SeriesThreshold("queue_depth", Operator.BELOW, 100.0)


def test_objectives_of_a_composite_have_indicators_of_their_own(tmp_path: Path) -> None:
    """Each is a budget; a remark says that weights are not combined."""
    inner = OPENSLO_RATIO.replace("\n  ", "\n      ").rstrip()
    first = f"    - target: 0.9\n      compositeWeight: 2\n    {inner}\n"
    second = "    - {target: 0.8, op: lt, value: 3, indicatorRef: other}\n"
    other = f"apiVersion: openslo/v1\nkind: SLI\nmetadata: {{name: other}}\nspec: {{thresholdMetric: {source('prometheus', 'depth')}}}\n"
    definitions = read(tmp_path, f"{OPENSLO}{OPENSLO_WINDOW}  objectives:\n{first}{second}", other)
    assert [type(objective.indicator) for objective in definitions.objectives.values()] == [SeriesRatio, SeriesThreshold]
    assert "weights of a composite SLO are not combined" in definitions.remarks[0]


def test_foreign_sources_leave_the_objective_out(tmp_path: Path) -> None:
    """The file loads; a remark says which type it is that can't be counted here."""
    text = ratio("good", source("Datadog", "{query: x}"), source("promethues", "{query: y}"))
    definitions = read(tmp_path, text)
    assert definitions.objectives == {}
    assert any("'Datadog' can't be counted here" in remark for remark in definitions.remarks)
    assert any("did you mean 'prometheus'?" in remark for remark in definitions.remarks)


@pytest.mark.parametrize(
    ("method", "slices", "expected"),
    [
        ("Occurrences", "", Occurrences()),
        ("Timeslices", ", timeSliceTarget: 0.9, timeSliceWindow: 1m", Timeslices(60, 0.9)),
        ("RatioTimeslices", ", timeSliceWindow: 10", RatioTimeslices(600)),
    ],
)
def test_budgeting_methods_read(tmp_path: Path, method: str, slices: str, expected: object) -> None:
    """A plain number is minutes."""
    text = OPENSLO + OPENSLO_WINDOW.replace("Occurrences", method) + OPENSLO_RATIO + f"  objectives: [{{target: 0.9{slices}}}]\n"
    assert only(tmp_path, text).budgeting == expected


@pytest.mark.parametrize(
    ("text", "seconds"), [("5m", 300), ("12h", 43_200), ("28d", 2_419_200), ("4w", 2_419_200), ("1Q", 7_776_000), ("1Y", 31_536_000)]
)
def test_rolling_windows_read(tmp_path: Path, text: str, seconds: int) -> None:
    """Quarters and years that roll are fixed numbers of days."""
    window = OPENSLO_WINDOW.replace("30d", text)
    assert only(tmp_path, OPENSLO + window + OPENSLO_RATIO + OPENSLO_TARGET).window == RollingWindow(seconds)


def test_lists_of_objects_read(tmp_path: Path) -> None:
    """A document may be a list of objects, or a Kubernetes List; merge keys and anchors work."""
    listed = "- &first\n" + "".join(f"  {line}\n" for line in ALERTING.split("---")[2].strip().splitlines())
    listed += "- {<<: *first, metadata: {name: mail}}\n"
    assert read(tmp_path, listed).notification_targets == {"chat": "slack", "mail": "slack"}
    assert read(tmp_path, "kind: List\nitems:\n" + listed).notification_targets == {"chat": "slack", "mail": "slack"}


SLO_MISTAKES = [
    (OPENSLO.replace("  service: shop\n", "") + "  indicatorRef: x\n", "", "", "needs 'service'"),
    (OPENSLO, OPENSLO_RATIO, "  objectives: []\n", "needs at least one objective"),
    (OPENSLO, "", OPENSLO_TARGET, "no indicator"),
    (OPENSLO, "  indicatorRef: nothing\n", OPENSLO_TARGET, "no SLI is called 'nothing'"),
    (OPENSLO, OPENSLO_RATIO + "  indicatorRef: nothing\n", OPENSLO_TARGET, "found both"),
    (OPENSLO, OPENSLO_RATIO, "  objectives: [{target: 0.99, indicatorRef: nothing}]\n", "has an indicator already"),
    (OPENSLO, OPENSLO_RATIO, "  objectives: [{}]\n", "exactly one of target, targetPercent"),
    (OPENSLO, OPENSLO_RATIO, "  objectives: [{target: 0.9, targetPercent: 90}]\n", "found target and targetPercent"),
    (OPENSLO, OPENSLO_RATIO, "  objectives: [{target: 99.9}]\n", "write target: 0.999 or targetPercent: 99.9"),
    (OPENSLO, OPENSLO_RATIO, "  objectives: [{targetPercent: 0.999}]\n", "write target: 0.999 or targetPercent: 99.9"),
    (OPENSLO, OPENSLO_RATIO, "  objectives: [{targetPercent: 100}]\n", "99.99 % allows 4.3 minutes a month"),
    (OPENSLO, OPENSLO_RATIO, "  objectives: [{target: 1.0}]\n", "leaves no error budget"),
    (OPENSLO, OPENSLO_RATIO, "  objectives: [{target: high}]\n", "expected a number, found 'high'"),
    (OPENSLO, OPENSLO_RATIO, "  objectives: [{target: .inf}]\n", "expected a number"),
    (OPENSLO, OPENSLO_RATIO, "  objectives: [{target: 0.9, timeSliceTarget: 0.9}]\n", "goes with budgetingMethod Timeslices"),
    (
        OPENSLO,
        OPENSLO_RATIO,
        "  objectives: [{target: 0.9, timeSliceWindow: 5m}]\n",
        "goes with budgetingMethod Timeslices or RatioTimeslices",
    ),
    (OPENSLO, OPENSLO_THRESHOLD, "  objectives: [{target: 0.9}]\n", "needs 'op'"),
    (OPENSLO, OPENSLO_THRESHOLD, "  objectives: [{target: 0.9, op: lte}]\n", "needs 'value'"),
    (OPENSLO, OPENSLO_THRESHOLD, "  objectives: [{target: 0.9, op: '<=', value: 1}]\n", "lt, lte, gt or gte"),
    (
        OPENSLO,
        OPENSLO_RATIO,
        OPENSLO_TARGET + "  alertPolicies: [pagr]\n",
        "no AlertPolicy is called 'pagr' in any of the files; did you mean 'pager'?",
    ),
    (OPENSLO, OPENSLO_RATIO, OPENSLO_TARGET + "  alertPolicies: [{alertPolicyRef: pagr}]\n", "did you mean 'pager'?"),
    (OPENSLO, OPENSLO_RATIO, "  objectives: [{target: 0.9}]\n  alertPolicies: [pager]\n", "1 / (1 - 0.9) = 10"),
    (OPENSLO, OPENSLO_RATIO, OPENSLO_TARGET + "  objectivs: []\n", "did you mean 'objectives'?"),
    (OPENSLO, "  indicator: {}\n", OPENSLO_TARGET, "needs 'spec'"),
    (OPENSLO, "  indicator: {spec: {}}\n", OPENSLO_TARGET, "exactly one of thresholdMetric, ratioMetric"),
]


@pytest.mark.parametrize(("head", "indicator", "rest", "message"), SLO_MISTAKES)
def test_mistakes_of_an_slo_are_found(tmp_path: Path, head: str, indicator: str, rest: str, message: str) -> None:
    """Each with a line inside of the SLO, and with what to write instead."""
    found = mistakes_in(tmp_path, head + OPENSLO_WINDOW + indicator + rest, ALERTING)
    assert any(message in mistake and mistake.split(":")[1].isdecimal() for mistake in found), "\n".join(found)


WINDOW_MISTAKES = [
    ("[]", "exactly one timeWindow, found 0"),
    ("[{duration: 1d, isRolling: true}, {duration: 2d, isRolling: true}]", "found 2"),
    ("[{isRolling: true}]", "needs 'duration'"),
    ("[{duration: 30D, isRolling: true}]", "did you mean '30d'?"),
    ("[{duration: 30 days, isRolling: true}]", "did you mean '30d'?"),
    ("[{duration: 1mo, isRolling: true}]", "did you mean '1M'?"),
    ("[{duration: 1.5d, isRolling: true}]", "a whole number above 0"),
    ("[{duration: 30d, isRolling: false}]", "needs 'calendar'"),
    ("[{duration: 30d, isRolling: true, calendar: {startTime: 2026-01-01 00:00:00, timeZone: UTC}}]", "either rolling or aligned"),
    ("[{duration: 1M, calendar: {startTime: 2026-01-01 00:00:00}}]", "needs 'timeZone'"),
    ("[{duration: 1M, calendar: {timeZone: UTC}}]", "needs 'startTime'"),
    ("[{duration: 1M, calendar: {startTime: 2026-13-01 00:00:00, timeZone: UTC}}]", "expected a local time"),
    ("[{duration: 1M, calendar: {startTime: 2026-01-01 00:00:00, timeZone: Europe/Berln}}]", "did you mean 'Europe/Berlin'?"),
    ("[{duration: 1h, calendar: {startTime: 2026-01-01 00:00:00, timeZone: UTC}}]", "whole days at least"),
    ("[{duration: 30d, isRolling: maybe}]", "expected true or false, found 'maybe'"),
    ("[{duration: 30d, rolling: true}]", "did you mean 'isRolling'?"),
    ("30d", "expected a list of time windows"),
]


@pytest.mark.parametrize(("window", "message"), WINDOW_MISTAKES)
def test_mistakes_of_a_window_are_found(tmp_path: Path, window: str, message: str) -> None:
    """All of them stand in line 6."""
    text = f"{OPENSLO}  timeWindow: {window}\n  budgetingMethod: Occurrences\n{OPENSLO_RATIO}{OPENSLO_TARGET}"
    found = mistakes_in(tmp_path, text)
    assert any(mistake.startswith("0.yaml:6:") and message in mistake for mistake in found), "\n".join(found)


@pytest.mark.parametrize(
    ("method", "slices", "message"),
    [
        ("Timeslice", "", "did you mean 'Timeslices'?"),
        ("occurrences", "", "did you mean 'Occurrences'?"),
        ("Timeslices", ", timeSliceWindow: 5m", "needs 'timeSliceTarget'"),
        ("Timeslices", ", timeSliceTarget: 0.9", "needs 'timeSliceWindow'"),
        ("Timeslices", ", timeSliceTarget: 95, timeSliceWindow: 5m", "did you mean 0.95?"),
        ("Timeslices", ", timeSliceTarget: 0, timeSliceWindow: 5m", "a share above 0"),
        ("Timeslices", ", timeSliceTarget: 0.9, timeSliceWindow: 0.5", "whole minutes"),
        ("Timeslices", ", timeSliceTarget: 0.9, timeSliceWindow: 30s", "followed by m, h"),
        ("Timeslices", ", timeSliceTarget: 0.9, timeSliceWindow: 4w", "too long"),
        ("RatioTimeslices", ", timeSliceTarget: 0.9, timeSliceWindow: 5m", "this SLO's is RatioTimeslices"),
    ],
)
def test_mistakes_of_slices_are_found(tmp_path: Path, method: str, slices: str, message: str) -> None:
    """What each budgeting method needs and does not take."""
    text = OPENSLO + OPENSLO_WINDOW.replace("Occurrences", method) + OPENSLO_RATIO + f"  objectives: [{{target: 0.9{slices}}}]\n"
    assert any(message in mistake for mistake in mistakes_in(tmp_path, text))


PROMETHEUS, OWN_SOURCE = source("prometheus", "{query: a_total}"), source("tocsin", "{signal: spans, query: 'kind:server'}")
SLI_MISTAKES = [
    (f"{{thresholdMetric: {PROMETHEUS}, ratioMetric: {{}}}}", "found thresholdMetric and ratioMetric"),
    (f"{{ratioMetric: {{good: {PROMETHEUS}}}}}", "needs 'total'"),
    (f"{{ratioMetric: {{total: {PROMETHEUS}}}}}", "exactly one of good, bad"),
    (f"{{ratioMetric: {{good: {PROMETHEUS}, bad: {PROMETHEUS}, total: {PROMETHEUS}}}}}", "found good and bad"),
    (f"{{ratioMetric: {{raw: {PROMETHEUS}}}}}", "needs 'rawType'"),
    (f"{{ratioMetric: {{raw: {PROMETHEUS}, rawType: succes}}}}", "did you mean 'success'?"),
    (f"{{ratioMetric: {{raw: {PROMETHEUS}, rawType: success, total: {PROMETHEUS}}}}}", "raw is the ratio itself"),
    (f"{{ratioMetric: {{good: {PROMETHEUS}, total: {PROMETHEUS}, rawType: success}}}}", "'rawType' goes with 'raw'"),
    ("{ratioMetric: {good: {}, total: {}}}", "needs 'metricSource'"),
    ("{thresholdMetric: {metricSource: {spec: {query: a}}}}", "needs its 'type'"),
    ("{thresholdMetric: {metricSource: {metricSourceRef: nowhere}}}", "no DataSource is called 'nowhere'"),
    ("{thresholdMetric: {metricSource: {type: prometheus, spec: {}}}}", "needs its PromQL"),
    ("{thresholdMetric: {metricSource: {type: prometheus, spec: {query: 'sum('}}}}", "could not parse PromQL"),
    (f"{{thresholdMetric: {source('tocsin', '{query: a}')}}}", "needs 'signal'"),
    (f"{{thresholdMetric: {source('tocsin', '{signal: span, query: a}')}}}", "did you mean 'spans'?"),
    (f"{{thresholdMetric: {source('tocsin', '{signal: spans}')}}}", "needs 'query'"),
    (f"{{thresholdMetric: {source('tocsin', '{signal: spans, query: a, wieght: b}')}}}", "did you mean 'weight'?"),
    (f"{{thresholdMetric: {source('tocsin', '{signal: logs, query: a}')}}}", "no duration to compare"),
    (f"{{ratioMetric: {{raw: {OWN_SOURCE}, rawType: success}}}}", "write good (or bad) and total"),
    (f"{{ratioMetric: {{good: {OWN_SOURCE}, total: {PROMETHEUS}}}}}", "the same sort of source"),
    (f"{{ratioMetric: {{good: {OWN_SOURCE}, total: {source('tocsin', '{signal: logs, query: a}')}}}}}", "events of one signal"),
    (f"{{ratioMetric: {{counter: 3, good: {PROMETHEUS}, total: {PROMETHEUS}}}}}", "expected true or false"),
]


@pytest.mark.parametrize(("spec", "message"), SLI_MISTAKES)
def test_mistakes_of_an_indicator_are_found(tmp_path: Path, spec: str, message: str) -> None:
    """Also in an SLI that an SLO refers to, at the SLI's own line and once."""
    sli = f"apiVersion: openslo/v1\nkind: SLI\nmetadata: {{name: i}}\nspec: {spec}\n"
    slo = OPENSLO + OPENSLO_WINDOW + "  indicatorRef: i\n  objectives: [{target: 0.9, op: lte, value: 1}]\n"
    found = mistakes_in(tmp_path, slo, sli)
    assert sum(mistake.startswith("1.yaml:4:") and message in mistake for mistake in found) >= 1, "\n".join(found)
    assert len(set(found)) == len(found)


ALERT_MISTAKES = [
    ("conditions: [{conditionRef: fast}]", "conditions: []", "needs one condition"),
    ("conditions: [{conditionRef: fast}]", "conditions: [{conditionRef: fast}, {conditionRef: fast}]", "has one condition, found 2"),
    ("conditionRef: fast", "conditionRef: fist", "did you mean 'fast'?"),
    ("conditionRef: fast", "spec: {}", "needs 'severity'"),
    ("targetRef: chat", "targetRef: chta", "did you mean 'chat'?"),
    ("targetRef: chat", "spec: {}", "needs 'target'"),
    ("  severity: page\n", "", "needs 'severity'"),
    ("kind: burnrate", "kind: burn", "expected burnrate"),
    ("op: gte", "op: greater", "gte, gt, lte or lt"),
    ("threshold: 14.4, ", "", "needs 'threshold'"),
    ("threshold: 14.4", "threshold: 0", "above 0"),
    ("lookbackWindow: 1h, ", "", "needs 'lookbackWindow'"),
    ("lookbackWindow: 1h", "lookbackWindow: 1H", "did you mean '1h'?"),
    ("spec: {target: slack}", "spec: {}", "needs 'target'"),
    ("alertWhenResolved: true", "alertWhenResolved: often", "expected true or false"),
    ("alertWhenResolved", "alertWhenResovled", "did you mean 'alertWhenResolved'?"),
]


@pytest.mark.parametrize(("old", "new", "message"), ALERT_MISTAKES)
def test_mistakes_of_alerting_are_found(tmp_path: Path, old: str, new: str, message: str) -> None:
    """In policies, conditions and targets."""
    assert old in ALERTING
    assert any(message in mistake for mistake in mistakes_in(tmp_path, ALERTING.replace(old, new)))


REMARKS = [
    (ALERTING.replace("op: gte", "op: lte"), "it is read as gte"),
    (ALERTING.replace("alertWhenResolved: true", "alertWhenBreaching: false"), "never alerts"),
    (ALERTING.replace("  notificationTargets: [{targetRef: chat}]\n", ""), "tells nobody"),
    (OPENSLO + OPENSLO_RATIO + OPENSLO_TARGET, "rolling window of 30 days is assumed"),
    (OPENSLO + OPENSLO_RATIO + OPENSLO_TARGET, "Occurrences is assumed"),
    (OPENSLO + OPENSLO_WINDOW + OPENSLO_RATIO + OPENSLO_TARGET + "  magic: 1\n", "no field 'magic' in the specification"),
    (OPENSLO + OPENSLO_WINDOW + OPENSLO_RATIO + "  objectives: [{target: 0.99, op: gt, value: 1}]\n", "'op' is for a thresholdMetric"),
    (
        OPENSLO + OPENSLO_WINDOW + OPENSLO_THRESHOLD + "  objectives: [{target: 0.9, op: lt, value: 1}, {target: 0.8, op: lt, value: 2}]\n",
        "has one objective",
    ),
    (
        OPENSLO
        + OPENSLO_WINDOW
        + OPENSLO_THRESHOLD.replace("queue_depth", "latency_p95")
        + "  objectives: [{target: 0.9, op: gte, value: 1}]\n",
        "for 'fast is good' write op: lte",
    ),
    (ratio("bad", source("prometheus", "{query: 'a_total{code=~\"2..\"}'}"), PROMETHEUS), "seems to count successes"),
    (ratio("good", source("tocsin", "{signal: spans, query: 'error:true'}"), OWN_SOURCE, ""), "seems to count failures"),
    (ratio("good", source("prometheus", "{query: g_total}"), PROMETHEUS, "counter: false"), "for counters write counter: true"),
    (ratio("good", source("prometheus", "{query: g}"), PROMETHEUS, ""), "no 'counter' is given"),
    (ratio("good", source("prometheus", "{query: 'max(rate(g_total[5m]))'}"), PROMETHEUS), "max() does not add up over minutes"),
    (ratio("good", source("prometheus", "{query: 'sum(rate(g[5m]))'}"), PROMETHEUS, "counter: false"), "one side takes a rate"),
    (ratio("good", PROMETHEUS.replace("type", "metricSourceRef: gone, type"), PROMETHEUS), "no DataSource is called 'gone'"),
    (
        OPENSLO + OPENSLO_WINDOW + OPENSLO_RATIO + OPENSLO_TARGET + "---\napiVersion: openslo/v1\nkind: Service\nmetadata: {name: else}\n",
        "none is called 'shop'",
    ),
]


@pytest.mark.parametrize(("text", "message"), REMARKS)
def test_what_is_odd_is_remarked(tmp_path: Path, text: str, message: str) -> None:
    """It loads all the same."""
    assert any(message in remark for remark in remarks_in(tmp_path, text)), "\n".join(remarks_in(tmp_path, text))


def test_a_service_that_is_nearly_defined_is_a_mistake(tmp_path: Path) -> None:
    """Where files define services, `shop` beside a Service `shops` is a slip of the pen."""
    service = "apiVersion: openslo/v1\nkind: Service\nmetadata: {name: shops}\n"
    found = mistakes_in(tmp_path, OPENSLO + OPENSLO_WINDOW + OPENSLO_RATIO + OPENSLO_TARGET, service)
    assert "did you mean 'shops'?" in found[0]


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("openslo/v1alpha", "the draft before OpenSLO's first version"),
        ("openslo/v2", "did you mean 'openslo/v1'?"),
        ("n9/v1alpha", "is none of openslo/v1, tocsin/v1"),
    ],
)
def test_other_versions_are_refused_with_what_to_do(tmp_path: Path, version: str, message: str) -> None:
    """At the version's own place."""
    (mistake,) = mistakes_in(tmp_path, f"apiVersion: {version}\nkind: SLO\nmetadata: {{name: a}}\n")
    assert mistake.startswith("0.yaml:1:13: ")
    assert message in mistake
