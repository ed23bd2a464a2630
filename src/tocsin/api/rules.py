"""Rules: what each says, how it stands and what it found; and what is probably wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request

from tocsin.alert.files.rule_set import CheckedRules
from tocsin.alert.rule_views import RuleGroupView, RuleProblems, RuleView, problems_of, view_of
from tocsin.alert.rules.outcome import GroupStatus
from tocsin.api.context import TEXT_LENGTH_MAX, Service, context_of
from tocsin.errors import NotFound
from tocsin.model.rule_alert import AlertPhase

router = APIRouter(prefix="/rules", tags=["rules"])


def groups_of(request: Request) -> Sequence[GroupStatus]:
    """How every group of rules stands."""
    rules = context_of(request).rules
    if rules is None:
        raise NotFound("there are no rules behind this server: it evaluates none (alert.enabled)")
    return rules()


def checked_of(request: Request) -> CheckedRules:
    """The rules in force, and what is to be said of them."""
    checked = context_of(request).checked_rules
    if checked is None:
        raise NotFound("there are no rules behind this server: it evaluates none (alert.enabled)")
    return checked()


@router.get("")
def list_rules(
    groups: Annotated[Sequence[GroupStatus], Depends(groups_of)],
    service: Service = None,
    name: Annotated[str | None, Query(max_length=TEXT_LENGTH_MAX, description="Only rules of this name.")] = None,
    state: Annotated[AlertPhase | None, Query(description="Only rules whose worst alert is so: inactive, pending or firing.")] = None,
) -> list[RuleGroupView]:
    """Groups with their rules: what each asks, its state and health, and the alerts that are pending or fire."""
    found = []
    for status in groups:
        view = view_of(status)
        rules = [rule for rule in view.rules if _is_wanted(rule, service, name, state)]
        if rules or (service, name, state) == (None, None, None):
            found.append(replace(view, rules=rules))
    return found


@router.get("/lint")
def list_rule_problems(checked: Annotated[CheckedRules, Depends(checked_of)]) -> RuleProblems:
    """Mistakes in rule files, and what lint says of the rules in force: pages that rest on causes, rules that never fire."""
    return problems_of(checked)


def _is_wanted(rule: RuleView, service: str | None, name: str | None, state: AlertPhase | None) -> bool:
    about = {rule.service, rule.labels.get("service", "")}
    return (service is None or service in about) and name in (None, rule.name) and state in (None, rule.state)
