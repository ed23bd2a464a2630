"""Rules and how they stand, for the tests of what shows them."""

from __future__ import annotations

from tocsin.alert.definition import AlertRule, BurnAbove, Promql, RecordingRule, RuleGroup, RuleSet
from tocsin.alert.files.lint import Code, Finding, Level
from tocsin.alert.files.rule_set import CheckedRules
from tocsin.alert.rules.outcome import GroupStatus, Health, RuleStatus
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.model.labels import Labels
from tocsin.model.rule_alert import AlertPhase, RuleAlert
from tocsin.query.promql.parser import parse

BURN = AlertRule(
    "SloBurn",
    BurnAbove("checkout", 14.4, 3600, 300),
    labels={"severity": "page", "objective": "checkout", "service": "shop"},
    annotations={"summary": "shop burns"},
    symptom=True,
    owner="team-shop",
    runbook="checkout.md",
    service="shop",
    place="slos.yaml:3",
)
DOWN = AlertRule(
    "Down", Promql("up == 0", parse("up == 0")), for_s=60, labels={"severity": "ticket", "service": "db"}, place="rules.yaml:7"
)
RATE = RecordingRule("service:rate", Promql("sum(rate(x[5m]))", parse("sum(rate(x[5m]))")), place="rules.yaml:2")
FINDING = Finding(Code.PAGE_WITHOUT_OWNER, Level.ERROR, "SloBurn", "shop", "slos.yaml:3", "SloBurn pages without an owner: name a team")


def statuses(now: Instant) -> list[GroupStatus]:
    """A rule that fires, one that can't be evaluated, and one that records."""
    firing = RuleAlert(
        Labels({"alertname": "SloBurn", "service": "shop"}),
        {"summary": "shop burns", "measured": "burns 20x"},
        20.0,
        AlertPhase.FIRING,
        now - 90 * NANOSECONDS,
        now - 60 * NANOSECONDS,
    )
    files = RuleGroup("db", "rules.yaml", (RATE, DOWN), 15)
    objectives = RuleGroup("shop", "objectives", (BURN,), 60)
    failed = RuleStatus(DOWN, Health.ERROR, "the engine is gone", now, 0.1)
    return [
        GroupStatus(files, now, 0.2, (RuleStatus(RATE), failed), 3),
        GroupStatus(objectives, now, 0.1, (RuleStatus(BURN, Health.OK, "", now, 0.1, (firing,)),)),
    ]


def checked() -> CheckedRules:
    """A mistake and a finding."""
    return CheckedRules(RuleSet((), ("rules.yaml:9:1: a rule has no field 'fro'",)), (FINDING,))
