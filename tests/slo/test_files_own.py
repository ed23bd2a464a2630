"""Our own kinds: what they mean, and every mistake at its line."""

from __future__ import annotations

from math import inf
from pathlib import Path

import pytest
from tests.slo.definition_files import (
    OPENSLO,
    OPENSLO_RATIO,
    OPENSLO_TARGET,
    OPENSLO_WINDOW,
    OWN,
    OWN_REST,
    mistakes_in,
    only,
    read,
    remarks_in,
)

from tocsin.model.instant import parse_instant
from tocsin.query.fields import parse_log_query, parse_span_query
from tocsin.query.promql.options import PromqlOptions
from tocsin.slo.definition import (
    BurnCondition,
    CalendarWindow,
    EventFreshness,
    EventRate,
    EventRatio,
    EventSignal,
    ExternalDependency,
    Operator,
    RatioTimeslices,
    RollingWindow,
    SeriesRatio,
    SeriesThreshold,
    SeriesValue,
    StreamRatio,
    Timeslices,
)
from tocsin.slo.files.definitions import read_definitions

SAMPLE = Path(__file__).parents[2] / "src/tocsin/demo/slos/shop.yaml"
REQUESTS = 'service:"shop" (kind:server OR kind:consumer)'


def test_the_sample_loads_without_a_remark() -> None:
    """The demo's file shows every form, and nothing in it is odd."""
    definitions = read_definitions([SAMPLE], PromqlOptions())
    assert definitions.remarks == ()
    assert {objective.service for objective in definitions.objectives.values()} == {"gateway", "orders", "payments", "assistant"}
    assert definitions.objectives["assistant-answers/2"].policy == "three-step"
    assert definitions.policies["shop"].steps[-1].above == -inf


def test_the_shortest_objective_has_sensible_defaults(tmp_path: Path) -> None:
    """Thirty days, every event the same, the service's requests; the target is exact."""
    objective = only(tmp_path, OWN + OWN_REST)
    assert (objective.key, objective.slo, objective.target, objective.window) == ("shop", "shop", 0.999, RollingWindow(2_592_000))
    assert isinstance(objective.indicator, EventRatio)
    assert (objective.indicator.total.query, objective.indicator.good.query, objective.indicator.inverted) == (REQUESTS, "error:true", True)
    assert objective.indicator.total.predicate == parse_span_query(REQUESTS)
    assert objective.place.endswith("0.yaml:1")


@pytest.mark.parametrize(
    ("line", "total", "good", "inverted"),
    [
        ("availability:", REQUESTS, "error:true", True),
        ("availability: {operation: GET /x}", f'{REQUESTS} operation:"GET /x"', "error:true", True),
        ("availability: {query: tenant:a OR tenant:b}", f"{REQUESTS} (tenant:a OR tenant:b)", "error:true", True),
        ("availability: {query: 'service:door'}", "(kind:server OR kind:consumer) (service:door)", "error:true", True),
        ("latency: {under: 300ms}", REQUESTS, "duration:<300ms", False),
        ("latency: {under: 1.5s}", REQUESTS, "duration:<1500ms", False),
        ("latency: {under: 0.5ms}", REQUESTS, "duration:<0.5ms", False),
        ("success_under: {under: 2m}", REQUESTS, "duration:<120000ms -error:true", False),
        (
            "batch: {query: 'name:nightly root:true', within: 2h}",
            'service:"shop" (name:nightly root:true)',
            "duration:<=7200000ms -error:true",
            False,
        ),
    ],
)
def test_spans_are_counted_as_the_line_says(tmp_path: Path, line: str, total: str, good: str, inverted: bool) -> None:
    """Each short form is a ratio of spans of the service, unless the query names another one."""
    indicator = only(tmp_path, f"{OWN}  target: 99%\n  {line}\n").indicator
    assert isinstance(indicator, EventRatio)
    assert (indicator.total.query, indicator.good.query, indicator.inverted) == (total, good, inverted)
    assert indicator.good.predicate == parse_span_query(good)


def test_the_other_indicators_read(tmp_path: Path) -> None:
    """Correctness, throughput, freshness and completeness, with signal, weight and units."""

    def indicator(line: str) -> object:
        return only(tmp_path, f"{OWN}  target: 99%\n  {line}\n").indicator

    found = indicator("correctness: {signal: logs, total: 'event:answer', good: 'correct:true'}")
    assert isinstance(found, EventRatio)
    assert found.total.signal is EventSignal.LOGS
    assert found.good.predicate == parse_log_query("correct:true")
    found = indicator("throughput: {at_least: 600, per: m}")
    assert isinstance(found, EventRate)
    assert (found.at_least_per_s, found.events.query) == (10.0, REQUESTS)
    found = indicator("throughput: {at_least: 5, signal: logs, query: 'event:sale'}")
    assert isinstance(found, EventRate)
    assert (found.at_least_per_s, found.events.query) == (5.0, 'service:"shop" (event:sale)')
    found = indicator("freshness: {signal: spans, query: 'name:refresh', within: 10m}")
    assert isinstance(found, EventFreshness)
    assert found.within_s == 600
    found = indicator(
        "completeness: {in: {query: 'name:receive', weight: records}, out: {signal: logs, query: 'event:stored', weight: records}}"
    )
    assert isinstance(found, StreamRatio)
    assert (found.total.weight, found.good.weight, found.good.signal) == ("records", "records", EventSignal.LOGS)


@pytest.mark.parametrize(
    ("promql", "expected"),
    [
        ("{bad: 'sum(e_total)', total: sum(a_total)}", SeriesRatio("sum(a_total)", "sum(e_total)", inverted=True)),
        ("{good: good_events, total: events, counter: false}", SeriesRatio("events", "good_events", counter=False)),
        ("{failure_ratio: 'a / b'}", SeriesValue("a / b", inverted=True)),
        ("{success_ratio: share}", SeriesValue("share")),
        ("{query: depth, below: 5}", SeriesThreshold("depth", Operator.BELOW, 5.0)),
        ("{query: depth, at_most: 5}", SeriesThreshold("depth", Operator.AT_MOST, 5.0)),
        ("{query: depth, above: -1}", SeriesThreshold("depth", Operator.ABOVE, -1.0)),
        ("{query: depth, at_least: 1e3}", SeriesThreshold("depth", Operator.AT_LEAST, 1000.0)),
    ],
)
def test_promql_reads_in_every_form(tmp_path: Path, promql: str, expected: object) -> None:
    """Counters, counts, shares and thresholds."""
    assert only(tmp_path, f"{OWN}  target: 99%\n  promql: {promql}\n").indicator == expected


def test_windows_and_slices_read(tmp_path: Path) -> None:
    """Calendar windows have a start and a zone, slices a share of their own or count by share."""
    text = f"{OWN}{OWN_REST}  window: {{calendar: 1Q, start: 2026-02-01, timeZone: Asia/Tokyo}}\n  slices: {{length: 5m, target: 95%}}\n"
    objective = only(tmp_path, text)
    assert objective.window == CalendarWindow(1, "Q", "2026-02-01 00:00:00", "Asia/Tokyo")
    assert objective.budgeting == Timeslices(300, 0.95)
    objective = only(tmp_path, f"{OWN}{OWN_REST}  window: {{calendar: 1w}}\n  slices: {{length: 1h, ratio: true}}\n")
    assert objective.window == CalendarWindow(1, "w", "2024-01-01 00:00:00", "UTC")
    assert objective.budgeting == RatioTimeslices(3600)


def test_a_supplement_adds_what_openslo_can_not_say(tmp_path: Path) -> None:
    """Every objective of the SLO gets policy, alerts, owner, runbook and dependencies, in whichever file they stand."""
    slo = OPENSLO + OPENSLO_WINDOW + OPENSLO_RATIO + "  objectives: [{target: 0.99}, {target: 0.995}]\n"
    supplement = """\
        apiVersion: tocsin/v1
        kind: Supplement
        metadata: {name: shop}
        spec:
          slo: shop
          policy: three-step
          owner: team-shop
          runbook: https://shop.example/runbook
          dependencies: [{name: cloud, target: 99.99%}]
          alerts: [{severity: page, burn: 6, long: 6h}]
          exclusions: [{from: 2026-03-01, until: 2026-03-02, author: ada, reason: Moved}]
        """
    definitions = read(tmp_path, supplement, slo)
    assert list(definitions.objectives) == ["shop", "shop/2"]
    for objective in definitions.objectives.values():
        assert (objective.policy, objective.owner, objective.runbook) == ("three-step", "team-shop", "https://shop.example/runbook")
        assert objective.external_dependencies == (ExternalDependency("cloud", 0.9999),)
        assert objective.conditions == (BurnCondition("page", 6.0, 21_600, 1800),)
    (exclusion,) = definitions.exclusions
    assert exclusion.id == "shop/supplement-1"
    assert (exclusion.slo, exclusion.start, exclusion.author) == ("shop", parse_instant("2026-03-01T00:00:00Z"), "ada")


def test_an_exclusion_of_a_service_reads(tmp_path: Path) -> None:
    """It has a name, applies to every SLO of the service, and says where it stands."""
    exclusion = """\
        apiVersion: tocsin/v1
        kind: Exclusion
        metadata: {name: probes}
        spec: {service: shop, query: 'user:probe', author: ada, reason: Not customers}
        """
    (found,) = read(tmp_path, OWN + OWN_REST, exclusion).exclusions
    assert (found.id, found.service, found.slo, found.query, found.start) == ("probes", "shop", "", "user:probe", None)
    assert found.source.endswith("1.yaml:4")


def test_a_policy_of_ones_own_reads(tmp_path: Path) -> None:
    """The last step has no bound, hysteresis is a share, the shipped policies stay beside it."""
    text = """\
        apiVersion: tocsin/v1
        kind: BudgetPolicy
        metadata: {name: strict}
        spec:
          steps: [{name: fine, above: 0.5, deploys: all}, {name: over, deploys: none, text: Stop.}]
          hysteresis: 10%
          exceptions: [security]
        """
    definitions = read(tmp_path, text)
    assert set(definitions.policies) == {"four-step", "three-step", "strict"}
    policy = definitions.policies["strict"]
    assert [(step.name, step.above, step.deploys, step.text) for step in policy.steps] == [
        ("fine", 0.5, "all", ""),
        ("over", -inf, "none", "Stop."),
    ]
    assert (policy.hysteresis, policy.exceptions) == (0.1, ("security",))


OBJECTIVE_MISTAKES = [
    ("  availability: {}\n", "5:3", "needs 'target'"),
    ("  targt: 99%\n  target: 99%\n  availability: {}\n", "6:3", "no field 'targt'; did you mean 'target'?"),
    ("  target: 100%\n  availability: {}\n", "6:11", "99.99 % allows 4.3 minutes a month"),
    ("  target: 1\n  availability: {}\n", "6:11", "every failure would be a breach"),
    ("  target: 0\n  availability: {}\n", "6:11", "between 0 and 100 %"),
    ("  target: 99.9\n  availability: {}\n", "6:11", "did you mean 99.9%?"),
    ("  target: most\n  availability: {}\n", "6:11", "99.9% or 0.999; found 'most'"),
    ("  target: [1]\n  availability: {}\n", "6:11", "found a list"),
    ("  target: 99%\n", "5:3", "exactly one of availability, latency"),
    ("  target: 99%\n  availability: {}\n  latency: {under: 1s}\n", "8:12", "found availability and latency"),
    ("  target: 99%\n  latency: {under: 300}\n", "7:20", "write its unit"),
    ("  target: 99%\n  latency: {}\n", "7:12", "needs 'under'; as in under: 300ms"),
    ("  target: 99%\n  latency: {over: 1s, under: 0s}\n", "7:30", "more than nothing"),
    ("  target: 99%\n  availability: {querry: x}\n", "7:18", "did you mean 'query'?"),
    ("  target: 99%\n  availability: {query: 'a:('}\n", "7:29", "could not parse the query"),
    ("  target: 99%\n  availability: yes\n", "7:17", "as a mapping of names to values, found 'yes'"),
    ("  target: 99%\n  throughput: {at_least: 0, per: d}\n", "7:26", "above 0"),
    ("  target: 99%\n  throughput: {at_least: 1, per: d}\n", "7:34", "expected s, m or h, found 'd'"),
    ("  target: 99%\n  throughput: {at_least: 1, signal: logs, operation: x, query: y}\n", "7:54", "no operation"),
    ("  target: 99%\n  correctness: {signal: metrics, total: a, good: b}\n", "7:25", "spans or logs"),
    ("  target: 99%\n  correctness: {total: a}\n", "7:16", "exactly one of good, bad"),
    ("  target: 99%\n  freshness: {query: a}\n", "7:14", "needs 'within'"),
    ("  target: 99%\n  freshness: {query: a, within: 1500ms}\n", "7:33", "whole seconds"),
    ("  target: 99%\n  completeness: {in: {query: a}}\n", "7:17", "needs 'out'"),
    ("  target: 99%\n  batch: {within: 1h}\n", "7:10", "needs 'query'"),
    ("  target: 99%\n  promql: {query: a}\n", "7:11", "exactly one of below, at_most, above, at_least"),
    ("  target: 99%\n  promql: {bad: a}\n", "7:11", "needs 'total'"),
    ("  target: 99%\n  promql: {query: a, below: 1, total: b}\n", "7:39", "goes with good or bad"),
    ("  target: 99%\n  promql: {success_ratio: a, below: 1}\n", "7:37", "goes with query"),
    ("  target: 99%\n  promql: {query: 'sum(', below: 1}\n", "7:24", "could not parse PromQL"),
    ("  target: 99%\n  promql: {query: 'a[5m]', below: 1}\n", "7:19", "one value per series"),
    ("  target: 99%\n  promql: {query: 'limitk(1, a)', below: 1}\n", "7:19", "promql.experimental_functions"),
    ("  target: 99%\n  promql: {bad: avg(a_total), total: sum(a_total)}\n", "7:17", "avg() does not add up over minutes"),
    (f"{OWN_REST}  window: 30D\n", "8:11", "did you mean '30d'?"),
    (f"{OWN_REST}  window: 30\n", "8:11", "did you mean '30m' or '30d'?"),
    (f"{OWN_REST}  window: 0d\n", "8:11", "a whole number above 0"),
    (f"{OWN_REST}  window: 9000d\n", "8:11", "at most 3660 days"),
    (f"{OWN_REST}  window: {{calendar: 6h}}\n", "8:22", "whole days at least"),
    (f"{OWN_REST}  window: {{start: 2026-01-01}}\n", "8:11", "needs 'calendar'"),
    (f"{OWN_REST}  window: {{calendar: 1M, timeZone: Berlin}}\n", "8:36", "did you mean 'Europe/Berlin'?"),
    (f"{OWN_REST}  window: {{calendar: 1M, timeZone: ../etc}}\n", "8:36", "no time zone"),
    (f"{OWN_REST}  window: {{calendar: 1M, start: tomorrow}}\n", "8:33", "expected a local time"),
    (f"{OWN_REST}  window: {{calendar: 1M, start: '2026-01-01T00:00:00Z'}}\n", "8:33", "timeZone"),
    (f"{OWN_REST}  slices: {{length: 90s, target: 95%}}\n", "8:20", "whole minutes"),
    (f"{OWN_REST}  slices: {{length: 20d, target: 95%}}\n", "8:20", "too long"),
    (f"{OWN_REST}  slices: {{length: 5m}}\n", "8:11", "exactly one of target, ratio"),
    (f"{OWN_REST}  slices: {{length: 5m, target: 95}}\n", "8:32", "did you mean 95%?"),
    (f"{OWN_REST}  slices: {{length: 5m, target: 0}}\n", "8:32", "above 0"),
    (f"{OWN_REST}  slices: {{length: 5m, ratio: false}}\n", "8:31", "says nothing"),
    (f"{OWN_REST}  policy: four-steps\n", "8:11", "did you mean 'four-step'?"),
    (f"{OWN_REST}  policy: mine\n", "8:11", "there are four-step, three-step"),
    (f"{OWN_REST}  dependencies: [shop]\n", "8:17", "shop -> shop"),
    (f"{OWN_REST}  dependencies: [shoq]\n", "8:18", "did you mean 'shop'?"),
    (f"{OWN_REST}  dependencies: [{{name: cloud}}]\n", "8:18", "needs 'target'"),
    (f"{OWN_REST}  dependencies: shop\n", "8:17", "expected a list of dependencies"),
    (f"{OWN_REST}  alerts: [{{severity: pager, burn: 1, long: 1h}}]\n", "8:23", "did you mean 'page'?"),
    (f"{OWN_REST}  alerts: [{{severity: page, burn: 0, long: 1h}}]\n", "8:35", "above 0"),
    (f"{OWN_REST}  alerts: [{{severity: page, burn: 1000, long: 1h}}]\n", "8:35", "1 / (1 - 0.999) = 1000"),
    (f"{OWN_REST}  alerts: [{{severity: page, burn: 2, long: 5m, short: 1h}}]\n", "8:55", "did you swap them?"),
    (f"{OWN_REST}  alerts: [{{severity: page, long: 1h}}]\n", "8:12", "needs 'burn'"),
    (f"{OWN_REST}  exclusions: [{{query: a, reason: b}}]\n", "8:16", "needs 'author'"),
    (f"{OWN_REST}  exclusions: [{{query: a, author: b}}]\n", "8:16", "needs 'reason'"),
    (f"{OWN_REST}  exclusions: [{{query: a, author: '', reason: b}}]\n", "8:35", "'author' is empty"),
    (f"{OWN_REST}  exclusions: [{{author: a, reason: b}}]\n", "8:16", "needs a query, or from and until"),
    (f"{OWN_REST}  exclusions: [{{from: 2026-01-01, author: a, reason: b}}]\n", "8:16", "needs a query, or from and until"),
    (f"{OWN_REST}  exclusions: [{{from: 2026-01-02, until: 2026-01-01, author: a, reason: b}}]\n", "8:42", "is not after 'from'"),
    (f"{OWN_REST}  exclusions: [{{from: soon, until: 2026-01-01, author: a, reason: b}}]\n", "8:23", "not an instant"),
    (f"{OWN_REST}  exclusions: [{{query: '\"x', author: a, reason: b}}]\n", "8:25", "not closed"),
]


@pytest.mark.parametrize(("rest", "place", "message"), OBJECTIVE_MISTAKES)
def test_each_mistake_of_an_objective_has_its_place(tmp_path: Path, rest: str, place: str, message: str) -> None:
    """Line and column of what is wrong, and what to do about it."""
    found = mistakes_in(tmp_path, OWN + rest)
    assert any(mistake.startswith(f"0.yaml:{place}: ") and message in mistake for mistake in found), "\n".join(found)


OTHER_MISTAKES = [
    ("kind: Supplement\nmetadata: {name: a}\nspec: {slo: shpo}\n", "4:13", "did you mean 'shop'?"),
    ("kind: Supplement\nmetadata: {name: a}\nspec: {owner: me}\n", "4:7", "needs 'slo'"),
    ("kind: Exclusion\nmetadata: {name: a}\nspec: {query: x, author: a, reason: b}\n", "4:7", "exactly one of slo, service"),
    ("kind: Exclusion\nmetadata: {name: a}\nspec: {slo: no, query: x, author: a, reason: b}\n", "4:13", "no SLO is called 'no'"),
    ("kind: Exclusion\nmetadata: {name: a}\nspec: {service: shup, query: x, author: a, reason: b}\n", "4:17", "did you mean 'shop'?"),
    ("kind: BudgetPolicy\nmetadata: {name: a}\nspec: {}\n", "4:7", "needs 'steps'"),
    ("kind: BudgetPolicy\nmetadata: {name: a}\nspec: {steps: [{name: x, above: 50%, deploys: all}]}\n", "4:15", "leave out its bound"),
    ("kind: BudgetPolicy\nmetadata: {name: a}\nspec: {steps: [{name: x, deploys: some}]}\n", "4:35", "all, canary, fixes or none"),
    ("kind: BudgetPolicy\nmetadata: {name: a}\nspec: {steps: [{name: x, deploys: all}], hysteresis: 2}\n", "4:54", "did you mean 2%?"),
    ("kind: BudgetPolicy\nmetadata: {name: a}\nspec: {steps: [{name: x, deploys: all}], exceptions: [secuity]}\n", "4:55", "'security'"),
    ("kind: Objectiv\nmetadata: {name: a}\nspec: {}\n", "2:7", "did you mean 'Objective'?"),
    ("metadata: {name: a}\nspec: {}\n", "1:1", "needs 'kind'"),
    ("kind: Objective\nspec: {}\n", "1:1", "needs 'metadata'"),
    ("kind: Objective\nmetadata: {}\nspec: {}\n", "3:11", "needs 'name'"),
    ("kind: Objective\nmetadata: {name: a b}\nspec: {}\n", "3:18", "did you mean 'a-b'?"),
    ("kind: Objective\nmetadata: {name: a, lables: {}}\nspec: {}\n", "3:21", "did you mean 'labels'?"),
    ("kind: Objective\nmetadata: {name: a, zone: x}\nspec: {}\n", "3:21", "no field 'zone'; it may have name, displayName"),
    ("kind: Objective\nmetadata: {name: a}\n", "1:1", "needs 'spec'"),
    ("kind: Objective\nmetadata: {name: a}\nspecs: {}\n", "4:1", "did you mean 'spec'?"),
    (f"{OWN[22:]}{OWN_REST}", "1:1", "another Objective is called 'shop'"),
]


@pytest.mark.parametrize(("text", "place", "message"), OTHER_MISTAKES)
def test_each_mistake_of_another_kind_has_its_place(tmp_path: Path, text: str, place: str, message: str) -> None:
    """The same for supplements, exclusions, policies, and for what every object has."""
    found = mistakes_in(tmp_path, OWN + OWN_REST, "apiVersion: tocsin/v1\n" + text)
    assert any(mistake.startswith(f"1.yaml:{place}: ") and message in mistake for mistake in found), "\n".join(found)


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("service:door tenant:a", ""),
        ("service:door OR (service:gate tenant:a)", ""),
        ("service:(door OR gate)", ""),
        ("service:door-* tenant:a", ""),
        ("service:* tenant:a", ""),
        ("service.name:door", ""),
        ("tenant:a", 'service:"shop" '),
        ("error:true OR service:door", 'service:"shop" '),
        ("-service:door", 'service:"shop" '),
        ("NOT (service:door error:true)", 'service:"shop" '),
    ],
)
def test_a_query_is_asked_of_the_own_service_unless_it_says_whose(tmp_path: Path, query: str, asked: str) -> None:
    """Naming a service somewhere does not open the objective to everybody's events; where that may have been meant, a remark says so."""
    text = f"{OWN}  target: 99%\n  availability: {{query: '{query}'}}\n"
    indicator = only(tmp_path, text).indicator
    assert isinstance(indicator, EventRatio)
    assert indicator.total.query == f"{asked}(kind:server OR kind:consumer) ({query})"
    remarks = remarks_in(tmp_path, text)
    assert len(remarks) == (bool(asked) and "service" in query)
    assert all("only events of 'shop' count" in remark for remark in remarks)


@pytest.mark.parametrize(("window", "words"), [("1m", "a month is 1M"), ("59m", "too short"), ("1h", ""), ("30d", "")])
def test_a_window_of_minutes_is_remarked(tmp_path: Path, window: str, words: str) -> None:
    """Who writes 1m for a month is told that it is a minute; no window below an hour goes without a word."""
    remarks = remarks_in(tmp_path, f"{OWN}{OWN_REST}  window: {window}\n")
    assert len(remarks) == bool(words)
    assert all(words in remark for remark in remarks)


def test_a_taken_name_hides_no_other_mistake(tmp_path: Path) -> None:
    """What else is wrong with the second object of a name is said in the same answer, and its name only once."""
    second = f"{OWN}  target: 100%\n  window: 30D\n  policy: nope\n  availability: {{}}\n"
    found = mistakes_in(tmp_path, OWN + OWN_REST, second)
    assert [mistake.partition(" ")[0] for mistake in found] == ["1.yaml:1:1:", "1.yaml:6:11:", "1.yaml:7:11:", "1.yaml:8:11:"]


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    """More than twenty mistakes in two files come in one answer, by file and line."""
    lines = "\n".join(f"    - {{severity: pag, burn: x{place}}}" for place in range(6))
    first = f"{OWN}  target: 100%\n  window: 30D\n  policy: nope\n  latency: {{undr: 1}}\n  alerts:\n{lines}\n  wat: 1\n"
    second = OPENSLO + "  indicatorRef: none\n  timeWindow: []\n  budgetingMethod: Sometimes\n  objectives: [{target: 99}]\n"
    found = mistakes_in(tmp_path, first, second)
    assert len(found) > 20
    assert any(mistake.startswith("1.yaml:") for mistake in found)
    lines_of_first = [int(mistake.split(":")[1]) for mistake in found if mistake.startswith("0.yaml")]
    assert lines_of_first == sorted(lines_of_first)


REMARKS = [
    (f"{OWN}  target: 99.99999%\n  availability: {{}}\n", "6:11", "0.3 seconds a month"),
    (f"{OWN}  target: 0.1%\n  availability: {{}}\n", "6:11", "lets most events fail"),
    (f"{OWN}{OWN_REST}  window: 1M\n", "8:11", "read as 30 days"),
    (f"{OWN}{OWN_REST}  window: 2d\n  slices: {{length: 1d, ratio: true}}\n", "9:20", "only 2 slices"),
    (
        f"{OWN}  target: 99.99%\n  availability: {{}}\n  dependencies: [{{name: a, target: 99.95%}}, {{name: b, target: 99.99%}}]\n",
        "6:11",
        "99.95 % x 99.99 % = 99.94 %",
    ),
    (f"{OWN}  target: 99%\n  promql: {{good: 'sum(a_total{{code=~\"5..\"}})', total: sum(a_total)}}\n", "7:18", "seems to count failures"),
    (
        f"{OWN}  target: 99%\n  promql: {{bad: 'sum(rate(b_total[5m]))', total: 'sum(rate(a_total[5m]))'}}\n",
        "7:17",
        "rate() and increase() are taken off",
    ),
    (f"{OWN}  target: 99%\n  promql: {{bad: sum(a_total), total: sum(a_total)}}\n", "7:17", "nothing is ever good"),
]


@pytest.mark.parametrize(("text", "place", "message"), REMARKS)
def test_what_is_probably_not_meant_is_remarked(tmp_path: Path, text: str, place: str, message: str) -> None:
    """It loads, and the remark has its place and the numbers."""
    found = remarks_in(tmp_path, text)
    assert any(remark.startswith(f"0.yaml:{place}: ") and message in remark for remark in found), "\n".join(found)


def test_a_query_can_not_exclude_events_of_promql(tmp_path: Path) -> None:
    """There is nothing that it could take out."""
    slo = OPENSLO + OPENSLO_WINDOW + OPENSLO_RATIO + OPENSLO_TARGET
    exclusion = "apiVersion: tocsin/v1\nkind: Exclusion\nmetadata: {name: a}\nspec: {slo: shop, query: x, author: a, reason: b}\n"
    assert "exclude a time" in mistakes_in(tmp_path, slo, exclusion)[0]


def test_a_circle_of_dependencies_is_shown(tmp_path: Path) -> None:
    """Every objective on it is pointed at with the way around."""
    first = OWN + OWN_REST + "  dependencies: [other]\n"
    second = OWN.replace("name: shop", "name: other") + OWN_REST + "  dependencies: [shop]\n"
    found = mistakes_in(tmp_path, first, second)
    assert [mistake.split("circle: ")[1].split(";")[0] for mistake in found] == ["shop -> other -> shop", "other -> shop -> other"]
