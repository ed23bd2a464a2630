"""A burn from its first minute to its end, through the machine that makes alerts: who is told what, and when."""

from __future__ import annotations

from collections.abc import Mapping

from tests.alert.rule_files import CHECKOUT
from tests.alert.rules.stage import HandClock
from tests.slo.stories import KEY, instant, traffic

from tocsin.alert.conditions.burn import BurnEvaluator
from tocsin.alert.definition import BurnAbove
from tocsin.alert.profiles import PROFILES, burn_groups
from tocsin.alert.rules.evaluators import Evaluators
from tocsin.alert.rules.machine import Texts
from tocsin.alert.rules.run import GroupRun
from tocsin.alert.template.rule_functions import RuleRender
from tocsin.clock import ReplayClock
from tocsin.model.instant import NANOSECONDS

START = "2026-11-20 12:00"


def test_a_total_failure_pages_once_and_ends_with_its_short_window() -> None:
    """Ten minutes of failure: one page and one ticket although two pairs of each hold, told as ended when the short windows are clean."""
    counts = traffic("2026-11-01 00:00", "2026-11-21 12:00", downtime={START: 10}, per_minute=100)
    ((group,), _) = burn_groups([CHECKOUT], PROFILES["workbook"], bad_min=2, interval_s=60)
    burn = BurnEvaluator(lambda: {KEY: CHECKOUT}, counts, tuple, clock=ReplayClock(0, speed=0))
    texts = Texts(RuleRender(), {}, "http://tocsin.example")
    run = GroupRun(group, Evaluators({BurnAbove: burn}), texts=texts, clock=HandClock(), resend_s=3600)
    texts_of: Mapping[str, str] = {}
    told: dict[str, list[tuple[int, str]]] = {"page": [], "ticket": []}
    for minute in range(-5, 9 * 60):
        at = instant(START) + minute * 60 * NANOSECONDS + 30 * NANOSECONDS
        outcome = run.step(at)
        assert outcome.failed == 0
        for alert in outcome.alerts:
            word = "ended" if alert.ends_at is not None and alert.ends_at <= at else "fires"
            if not told[alert.labels.get("severity")] or told[alert.labels.get("severity")][-1][1] != word:
                told[alert.labels.get("severity")].append((minute, word))
                texts_of = alert.annotations
    # Page: 14.4x over an hour needs 52 s of failure; ends when 30 minutes are clean. Ticket: 3x over a day needs 4:19; two hours, then six.
    assert told == {"page": [(1, "fires"), (40, "ended")], "ticket": [(5, "fires"), (370, "ended")]}
    assert texts_of["summary"].startswith("checkout: the error budget of checkout-availability burns")
