"""Records to keep, with what a test does not care about filled in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tocsin.model.budget import CauseKind, CauseMark, CountProgress, Exclusion, GateRecord, PolicyException, PolicyTransition
from tocsin.model.deployment import Deployment, DeploymentSource
from tocsin.state.state import State

NOW = 1_790_000_000_123_456_789
MINUTE = 60_000_000_000

Open = Callable[[], State]


def deployment(**given: Any) -> Deployment:
    """A deployment of checkout that somebody marked."""
    start = Deployment(id="d1", service="checkout", version="1.2.0", at=NOW, source=DeploymentSource.MARK, author="ada")
    return replace(start, **given)


def exclusion(**given: Any) -> Exclusion:
    """Ten minutes of maintenance of one SLO."""
    start = Exclusion("x1", "availability", "", NOW, NOW + 10 * MINUTE, "", "ada", "planned upgrade", created=NOW - MINUTE)
    return replace(start, **given)


def mark(**given: Any) -> CauseMark:
    """Ten minutes put down to an incident, for every SLO of checkout."""
    start = CauseMark("m1", "", "checkout", NOW, NOW + 10 * MINUTE, CauseKind.INCIDENT, "INC-12", "ada", "seen in the review", NOW)
    return replace(start, **given)


def exception(**given: Any) -> PolicyException:
    """Leave for two deployments of checkout within an hour."""
    return replace(PolicyException("e1", "checkout", "security", "ada", "CVE", NOW, NOW + 60 * MINUTE, 2), **given)


def transition(**given: Any) -> PolicyTransition:
    """An objective that begins to be careful."""
    return replace(PolicyTransition("availability", "four-step", "normal", "careful", NOW, 0.42), **given)


def gate_record(**given: Any) -> GateRecord:
    """An answer that let checkout through."""
    return replace(GateRecord("g1", "checkout", NOW, "go", "enough_budget", 15.0, 0.3, ""), **given)


def progress(**given: Any) -> CountProgress:
    """An objective that is being counted back."""
    return replace(CountProgress("availability", "0123456789abcdef", 1_790_000_040, False, 1_780_000_020, 1_790_000_100), **given)
