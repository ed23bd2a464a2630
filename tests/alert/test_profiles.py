"""Burn-rate alerts that objectives bring: which pairs, for which windows, and what their files say instead."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.alert.rule_files import CHECKOUT, SEARCH
from tests.slo.definition_files import read
from tests.slo.stories import DAY_S, MONTH, objective

from tocsin.alert.definition import AlertRule, BurnAbove, BurnPair, Comparison, EventsCompare, Promql
from tocsin.alert.profiles import PROFILES, burn_groups, profile_named
from tocsin.errors import InvalidInput
from tocsin.slo.definition import (
    AlertPolicyReference,
    BurnCondition,
    EventCount,
    EventRate,
    EventSignal,
    Objective,
    RollingWindow,
    SeriesValue,
)

PAGE = BurnAbove(CHECKOUT.key, 14.4, 3600, 300, 2.0, (BurnPair(6.0, 21_600, 1800),))
TICKET = BurnAbove(CHECKOUT.key, 3.0, 86_400, 7200, 2.0, (BurnPair(1.0, 259_200, 21_600),))


def rules(*objectives: Objective, profile: str = "workbook") -> tuple[list[AlertRule], tuple[str, ...]]:
    """Rules and remarks."""
    groups, remarks = burn_groups(objectives, PROFILES[profile], bad_min=2.0, interval_s=60)
    found = [rule for group in groups for rule in group.rules]
    assert all(isinstance(rule, AlertRule) for rule in found)
    assert all(rule.for_s == 0 for rule in found if isinstance(rule, AlertRule))
    return [rule for rule in found if isinstance(rule, AlertRule)], remarks


def pairs(one: Objective, profile: str = "workbook") -> dict[str, list[float]]:
    """Factors by severity."""
    return {
        rule.labels["severity"]: [round(pair.factor, 2) for pair in rule.condition.pairs]
        for rule in rules(one, profile=profile)[0]
        if isinstance(rule.condition, BurnAbove)
    }


def test_the_workbooks_alerts() -> None:
    """Two rules: one pages by either of two pairs, one makes tickets; both say what burns, who owns it and what to do."""
    (page, ticket), remarks = rules(CHECKOUT)
    assert (page.condition, ticket.condition, remarks) == (PAGE, TICKET, ())
    assert page.labels == {
        "owner": "team-shop",
        "objective": "checkout-availability",
        "slo": "checkout-availability",
        "service": "checkout",
        "severity": "page",
    }
    assert page.annotations["runbook_url"] == "checkout.md"
    assert page.annotations["description"] == (
        "checkout-availability: 99.9 % over 30 d is promised, so the budget is 43 min 12 s of total failure. Told above 14.4x over 1 h and "
        "5 min (2 % of the budget in 1 h), or 6x over 6 h and 30 min (5 % of the budget in 6 h)."
    )
    assert (page.name, page.symptom, page.owner, page.runbook) == ("SloBurn", True, "team-shop", "checkout.md")


@pytest.mark.parametrize(
    ("profile", "factors"),
    [
        ("workbook", {"page": [14.4, 6], "ticket": [3, 1]}),
        ("ladder", {"page": [14.4], "ticket": [6], "review": [3], "dashboard": [1]}),
        ("calm", {"page": [14.4], "ticket": [6], "review": [1]}),
        ("none", {}),
    ],
)
def test_profiles(profile: str, factors: dict[str, list[float]]) -> None:
    """Each profile's severities for thirty days, and for a month of the calendar."""
    assert pairs(CHECKOUT, profile) == factors
    assert pairs(replace(CHECKOUT, window=MONTH), profile) == factors


@pytest.mark.parametrize(
    ("days", "factors"),
    [
        (28, {"page": [13.44, 5.6], "ticket": [2.8, 1]}),
        (7, {"page": [3.36, 1.4], "ticket": [1]}),
        (90, {"page": [43.2, 18], "ticket": [9, 3]}),
    ],
)
def test_other_windows_spend_the_same_shares(days: int, factors: dict[str, list[float]]) -> None:
    """Two percent in an hour is another factor of another window, and never one that the budget outlives."""
    assert pairs(replace(CHECKOUT, window=RollingWindow(days * DAY_S))) == factors


@given(st.integers(1, 400), st.sampled_from(sorted(PROFILES)), st.floats(0.5, 0.9999))
def test_every_pair_can_fire_and_fits_its_window(days: int, profile: str, target: float) -> None:
    """A total failure exceeds it, the budget does not outlive it, and its window is no longer than the objective's."""
    for rule in rules(replace(objective(round(target, 4)), window=RollingWindow(days * DAY_S)), profile=profile)[0]:
        assert isinstance(rule.condition, BurnAbove)
        for pair in rule.condition.pairs:
            assert 1 <= pair.factor < 1 / (1 - round(target, 4)) + 1e-6
            assert pair.short_s < pair.long_s < days * DAY_S


def test_what_no_failure_reaches_is_left_out_and_said() -> None:
    """With a target of 90 % a total failure burns ten times too fast: 14.4 can't be, 6 can."""
    assert pairs(SEARCH) == {"page": [6], "ticket": [3, 1]}
    (remark,) = rules(SEARCH)[1]
    assert remark.startswith("'search-latency' can never burn faster than 1 / (1 - 0.9) = 10, so the alert above 14.4 over 1 h is left out")


def test_a_window_too_short_for_any_alert_is_said() -> None:
    """Nobody is told while the budget of half an hour burns."""
    found, remarks = rules(replace(CHECKOUT, window=RollingWindow(1800)))
    assert found == []
    assert remarks[0].startswith("the window of 'checkout-availability', 30 min, is no longer than the 1 h of a burn-rate alert")
    assert remarks[-1].startswith("no burn-rate alert of the profile fits 'checkout-availability'")


def test_a_slow_burn_that_nobody_sees_is_said() -> None:
    """Over ninety days the slowest pair is 3: a burn of 2.9 spends the budget in a month, and nobody is told."""
    assert rules(replace(CHECKOUT, window=RollingWindow(90 * DAY_S)))[1] == (
        "a steady burn of 'checkout-availability' of up to 3x is told to nobody, although it spends the budget in 30 d",
    )


def test_an_objectives_own_alerts_win() -> None:
    """Those of its file stand in place of the profile, all of one severity in one rule."""
    own = replace(CHECKOUT, conditions=(BurnCondition("page", 10, 3600, 300), BurnCondition("page", 20, 1800, 120)))
    assert pairs(own) == {"page": [20, 10]}
    assert pairs(own, "none") == {"page": [20, 10]}


def test_an_openslo_alert_policy_wins() -> None:
    """Its lookback is the long window, a twelfth the short one; that it wants to wait is not followed, and said."""
    policy = AlertPolicyReference("fast", "page", 10.0, 3600, 300, ("chat",))
    (rule,), (remark,) = rules(replace(CHECKOUT, alert_policies=(policy,), place="slo.yaml:4"))
    assert rule.condition == BurnAbove(CHECKOUT.key, 10.0, 3600, 300)
    assert rule.labels["notification_target"] == "chat"
    assert remark.startswith("slo.yaml:4: the alert policy 'fast' of 'checkout-availability' says alertAfter: 5 min, which is not followed")
    assert rules(replace(CHECKOUT, alert_policies=(replace(policy, when_breaching=False),)))[0] == []


def test_a_policy_that_wants_to_know_of_silence() -> None:
    """A rule that holds when nothing was observed; where absence counts as bad already there is none."""
    policy = AlertPolicyReference("quiet", "ticket", when_breaching=False, factor=2, lookback_s=3600, when_no_data=True)
    (rule,), _ = rules(replace(CHECKOUT, alert_policies=(policy,)))
    assert (rule.name, rule.condition) == ("SloNoData", EventsCompare("spans", "service:checkout", 3600, Comparison.BELOW, 1.0))
    series = replace(CHECKOUT, alert_policies=(policy,), indicator=SeriesValue("avg(good)"))
    (rule,), _ = rules(series)
    assert isinstance(rule.condition, Promql)
    assert rule.condition.text == "absent_over_time((avg(good))[3600s:1m])"
    rate = replace(CHECKOUT, alert_policies=(policy,), indicator=EventRate(EventCount(EventSignal.SPANS, ""), 1))
    found, (remark,) = rules(rate)
    assert (found, "each of its minutes counts" in remark) == ([], True)


def test_sloths_alerts(tmp_path: Path) -> None:
    """Their names, labels and annotations on the workbook's windows."""
    text = """\
        version: prometheus/v1
        service: shop
        slos:
          - name: requests
            objective: 99.9
            sli: {events: {error_query: 'sum(rate(e_total[{{.window}}]))', total_query: 'sum(rate(t_total[{{.window}}]))'}}
            alerting:
              name: ShopFails
              labels: {team: shop}
              page_alert: {labels: {severity: critical}, annotations: {runbook_url: r}}
              ticket_alert: {disable: true}
        """
    (one,) = read(tmp_path, text).objectives.values()
    (rule,), _ = rules(one, profile="none")
    assert (rule.name, rule.labels["severity"], rule.labels["team"], rule.owner, rule.runbook) == (
        "ShopFails",
        "critical",
        "shop",
        "shop",
        "r",
    )
    assert rule.condition == replace(PAGE, objective=one.key)


def test_a_group_for_each_service() -> None:
    """So that one that fails holds up no other."""
    groups, _ = burn_groups([CHECKOUT, SEARCH, replace(CHECKOUT, key="b")], PROFILES["calm"], bad_min=1, interval_s=30)
    assert [(group.key, len(group.rules)) for group in groups] == [("objectives;checkout", 6), ("objectives;search", 2)]


def test_unknown_profiles() -> None:
    """The one that was probably meant is named."""
    with pytest.raises(InvalidInput, match="did you mean 'ladder'"):
        profile_named("lader")
