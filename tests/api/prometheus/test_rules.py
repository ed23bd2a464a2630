"""Rules and alerts as clients of the Prometheus API meet them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.api.fake_desk import FakeDesk
from tests.api.local_client import LocalClient
from tests.api.prometheus.memory_catalog import MemoryCatalog

from tocsin.alert.definition import AlertRule, AtLeast, BurnAbove, BurnPair, Promql, RecordingRule, Rule, RuleGroup, SignalBreach
from tocsin.alert.rules.condition_text import condition_text
from tocsin.alert.rules.outcome import GroupStatus, Health, RuleStatus
from tocsin.api.application import create_application
from tocsin.api.context import Context
from tocsin.api.prometheus.rules import exponent
from tocsin.clock import RealClock
from tocsin.model.labels import Labels
from tocsin.model.rule_alert import AlertPhase, RuleAlert
from tocsin.query.metrics import Metrics
from tocsin.query.promql.parser import parse

AT = 1_795_000_000_123_000_000
SHOWN_AT = "2026-11-18T11:06:40.123000000Z"


def promql(text: str) -> Promql:
    """A condition."""
    return Promql(text, parse(text))


def group(name: str, *rules: RuleStatus, file: str = "shop.yml") -> GroupStatus:
    """A group that was evaluated."""
    return GroupStatus(RuleGroup(name, file, tuple(one.rule for one in rules), 30.0, limit=7), AT, 0.25, rules)


FIRING = RuleAlert(Labels({"alertname": "Down", "job": "api"}), {"summary": "down"}, 1e21, AlertPhase.FIRING, AT, AT, None, AT)
PENDING = RuleAlert(Labels({"alertname": "Down", "job": "web"}), {}, 0.5, AlertPhase.PENDING, AT)
DOWN = AlertRule("Down", promql("up==0"), 90.0, 0.5, {"severity": "page"}, {"summary": "{{ $labels.job }}"})
RECORDED = RecordingRule("job:up", promql("sum  by(job)(up)"), {"team": "shop"})
GROUPS = [
    group("first", RuleStatus(DOWN, Health.OK, "", AT, 0.1, (FIRING, PENDING)), RuleStatus(RECORDED, Health.ERROR, "too many", AT, 0.2)),
    group("second", RuleStatus(AlertRule("Burns", BurnAbove("checkout", 14.4, 3600, 300))), file="slo.yml"),
    group("third", RuleStatus(RecordingRule("x", promql("1")))),
]


def client_of(groups: list[GroupStatus] | None) -> LocalClient:
    """Asks about some groups; None: nothing is evaluated at all."""
    desk = FakeDesk()
    desk.metrics = Metrics(MemoryCatalog(), RealClock())
    rules = None if groups is None else (lambda: groups)
    return LocalClient(create_application(Context(desk=desk, clock=RealClock(), rules=rules), hosts={"localhost"}))


@pytest.fixture
def client() -> LocalClient:
    """Asks about these groups."""
    return client_of(GROUPS)


def asked(client: LocalClient, path: str, **parameters: Any) -> Any:
    """The `data` of an answer that must succeed; `_` at the end of a name stands for brackets."""
    named = {f"{name[:-1]}[]" if name.endswith("_") else name: value for name, value in parameters.items()}
    answer = client.get(f"/prometheus/api/v1/{path}", params=named)
    assert answer.json()["status"] == "success", answer.text
    return answer.json()["data"]


def test_an_alerting_rule_with_its_alerts(client: LocalClient) -> None:
    """Every field that Prometheus shows, in its units and its words; the query is laid out as it prints it."""
    first = asked(client, "rules")["groups"][0]
    assert {key: value for key, value in first.items() if key != "rules"} == {
        "name": "first", "file": "shop.yml", "interval": 30, "limit": 7, "evaluationTime": 0.25, "lastEvaluation": SHOWN_AT,
    }  # fmt: skip
    assert first["rules"][0] == {
        "state": "firing",
        "name": "Down",
        "query": "up == 0",
        "duration": 90,
        "keepFiringFor": 0.5,
        "labels": {"severity": "page"},
        "annotations": {"summary": "{{ $labels.job }}"},
        "alerts": [
            {
                "labels": {"alertname": "Down", "job": "api"},
                "annotations": {"summary": "down"},
                "state": "firing",
                "activeAt": SHOWN_AT,
                "keepFiringSince": SHOWN_AT,
                "value": "1e+21",
            },
            {
                "labels": {"alertname": "Down", "job": "web"},
                "annotations": {},
                "state": "pending",
                "activeAt": SHOWN_AT,
                "value": "5e-01",
            },
        ],
        "health": "ok",
        "evaluationTime": 0.1,
        "lastEvaluation": SHOWN_AT,
        "type": "alerting",
    }


def test_a_recording_rule_that_failed(client: LocalClient) -> None:
    """It has no state and no alerts; its error is shown."""
    assert asked(client, "rules")["groups"][0]["rules"][1] == {
        "name": "job:up",
        "query": "sum by (job) (up)",
        "labels": {"team": "shop"},
        "health": "err",
        "lastError": "too many",
        "evaluationTime": 0.2,
        "lastEvaluation": SHOWN_AT,
        "type": "recording",
    }


def test_a_rule_that_was_not_evaluated_yet(client: LocalClient) -> None:
    """Its health is unknown, its instant the zero of Go's time."""
    burns = asked(client, "rules")["groups"][1]["rules"][0]
    assert (burns["health"], burns["lastEvaluation"], burns["state"]) == ("unknown", "0001-01-01T00:00:00Z", "inactive")
    assert burns["query"] == 'burn_rate("checkout") > 14.4 over 1h and 5m'


def test_alerts_of_all_rules(client: LocalClient) -> None:
    """Pending and firing ones in one list."""
    assert [one["labels"]["job"] for one in asked(client, "alerts")["alerts"]] == ["api", "web"]


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({"type": "alert"}, ["Down", "Burns"]),
        ({"type": "record"}, ["job:up", "x"]),
        ({"rule_name_": ["x", "Down"]}, ["Down", "x"]),
        ({"rule_group_": "second"}, ["Burns"]),
        ({"file_": "slo.yml"}, ["Burns"]),
        ({"match_": '{severity="page"}'}, ["Down"]),
        ({"match_": ['{severity="page"}', '{team=~"s.*"}']}, ["Down", "job:up"]),
        ({"rule_group_": "none"}, []),
    ],
)
def test_lists_are_narrowed(client: LocalClient, parameters: dict[str, Any], names: list[str]) -> None:
    """By kind, name, group, file and the rules' own labels; a group without a rule left is not shown."""
    groups = asked(client, "rules", **parameters)["groups"]
    assert [rule["name"] for one in groups for rule in one["rules"]] == names
    assert all(one["rules"] for one in groups)


def test_alerts_can_be_left_out(client: LocalClient) -> None:
    """`exclude_alerts` shows rules alone."""
    assert "alerts" not in asked(client, "rules", exclude_alerts="true")["groups"][0]["rules"][0]
    assert "alerts" in asked(client, "rules", exclude_alerts="false")["groups"][0]["rules"][0]


def test_pages_of_groups(client: LocalClient) -> None:
    """With a limit the answer names the next page, until there is none."""
    seen, token = [], None
    for _ in range(3):
        page = asked(client, "rules", group_limit=1, **({"group_next_token": token} if token else {}))
        seen += [one["name"] for one in page["groups"]]
        token = page.get("groupNextToken")
    assert (seen, token) == (["first", "second", "third"], None)


@pytest.mark.parametrize(
    ("parameters", "part"),
    [
        ({"type": "x"}, 'invalid parameter "type": not supported value "x"'),
        ({"exclude_alerts": "x"}, 'invalid parameter "exclude_alerts"'),
        ({"group_next_token": "x"}, "group_limit needs to be present in order to paginate over the groups"),
        ({"group_limit": "-1"}, "group_limit needs to be greater than 0"),
        ({"group_limit": "1", "group_next_token": "zz"}, "invalid group_next_token 'zz'. were rule groups changed?"),
        ({"match[]": "{"}, 'invalid parameter "match[]"'),
    ],
)
def test_wrong_parameters(client: LocalClient, parameters: dict[str, str], part: str) -> None:
    """Each is `bad_data` and says what was expected."""
    answer = client.get("/prometheus/api/v1/rules", params=parameters)
    assert (answer.status_code, answer.json()["errorType"]) == (400, "bad_data")
    assert part in answer.json()["error"]


def test_without_rules_there_are_none() -> None:
    """Where nothing is evaluated the lists are empty."""
    client = client_of(None)
    assert asked(client, "rules") == {"groups": []}
    assert asked(client, "alerts") == {"alerts": []}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_their_value(value: float) -> None:
    """Whatever is written reads as the same number, with an exponent of at least two digits."""
    text = exponent(value)
    assert float(text) == value
    assert text.partition("e")[2][0] in "+-"
    assert len(text.partition("e")[2]) >= 3


def test_numbers_that_are_none() -> None:
    """As Go writes them."""
    assert [exponent(value) for value in (float("nan"), float("inf"), float("-inf"), 1500.0)] == ["NaN", "+Inf", "-Inf", "1.5e+03"]


def test_conditions_in_one_line() -> None:
    """Conditions that are no PromQL are words that one can read."""
    burn = BurnAbove("checkout", 14.4, 3600, 300, more=(BurnPair(6, 21_600, 1800),))
    both = AtLeast(1, (("burn", burn), ("slow", SignalBreach("latency", "", 300))))
    assert condition_text(both) == (
        'at least 1 of (burn: burn_rate("checkout") > 14.4 over 1h and 5m or > 6 over 6h and 30m; '
        "slow: latency p99(every service)[5m] its limits)"
    )


def test_rules_of_both_kinds_are_rules() -> None:
    """The groups above hold what rule files hold."""
    rules: list[Rule] = [status.rule for one in GROUPS for status in one.rules]
    assert len(rules) == 4
