"""
Budget policies, exclusions and burn-rate alerts of our own kinds.

    kind: BudgetPolicy
    metadata: {name: careful}
    spec:
      steps:
        - {name: healthy, above: 50%, deploys: all, text: Ship.}
        - {name: freeze, deploys: fixes, text: Reliability first.}      # the last step has no bound: it holds for whatever is left
      hysteresis: 2%
      exceptions: [security]

    kind: Exclusion                         # or in the list `exclusions` of an Objective or a Supplement, without slo and service
    metadata: {name: database-upgrade}
    spec: {slo: checkout, from: 2026-03-01T02:00, until: 2026-03-01T04:00, author: ada, reason: Announced database upgrade}

An exclusion without author or reason is refused: what does not count must be somebody's word. Instants without a zone are UTC.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from math import inf

from tocsin.errors import InvalidInput
from tocsin.model.budget import Exclusion
from tocsin.slo.definition import BudgetPolicy, BurnCondition, PolicyStep
from tocsin.slo.files.objects import FileObject
from tocsin.slo.files.parts import Fields, Part
from tocsin.slo.files.quantities import read_instant, read_length_s, read_share, shown_instant
from tocsin.slo.policy import DEPLOYS, check_policy

SEVERITIES = ("page", "ticket", "review", "dashboard")
SHORT_SHARE = 12  # the short window is a twelfth of the long one. Source: SRE Workbook, ch. 5
EXCLUSION_FIELDS = ("from", "until", "query", "author", "reason")
EXCEPTIONS = BudgetPolicy("", ()).exceptions


@dataclass(frozen=True, slots=True, eq=False)
class AlertDraft:
    """A burn-rate alert and where its factor stands."""

    condition: BurnCondition
    part: Part


@dataclass(frozen=True, slots=True, eq=False)
class ExclusionDraft:
    """An exclusion, and where it, its query and the name of its SLO or service stand."""

    exclusion: Exclusion
    part: Part
    query: Part | None
    reference: Part | None = None


def read_alerts(parts: list[Part]) -> tuple[AlertDraft, ...]:
    """Burn-rate alerts: `{severity: page, burn: 14.4, long: 1h, short: 5m}`; `short` is a twelfth of `long` unless given."""
    found = []
    for part in parts:
        fields = part.fields("an alert", ("severity", "burn", "long", "short"))
        severity, burn = fields.needed("severity", "such as page"), fields.needed("burn", "the burn rate above which it alerts")
        long, short = fields.needed("long", "as in long: 1h"), fields.optional("short")
        factor = burn.number(default=1.0) if burn is not None else 1.0
        if burn is not None and factor <= 0:
            burn.wrong(f"a burn rate that alerts is above 0, 1 spends the budget in exactly the window; found {burn.shown}")
        long_s = int(read_length_s(long, whole_minutes=True)) if long is not None else 3600
        twelfth_s = max(60, long_s // SHORT_SHARE // 60 * 60)
        short_s = int(read_length_s(short, whole_minutes=True)) if short is not None else twelfth_s
        if short is not None and short_s > long_s:
            short.wrong(f"'short' must not be longer than 'long'; found {short.shown}; did you swap them?")
        name = severity.choice(SEVERITIES) if severity is not None else SEVERITIES[0]
        found.append(AlertDraft(BurnCondition(name, factor, long_s, short_s), burn or part))
    return tuple(found)


def read_exclusions(parts: list[Part], slo: str, prefix: str) -> tuple[ExclusionDraft, ...]:
    """The exclusions that an SLO carries itself, called by a prefix with a number."""
    return tuple(
        _exclusion(part.fields("an exclusion", EXCLUSION_FIELDS), f"{prefix}-{place}", slo=slo) for place, part in enumerate(parts, 1)
    )


def read_exclusion(item: FileObject) -> ExclusionDraft:
    """An object of kind Exclusion."""
    fields = item.spec.fields("an Exclusion", ("slo", "service", *EXCLUSION_FIELDS))
    role = fields.one_of(("slo", "service"), "what it applies to")
    name = fields.text(role) if role else ""
    draft = _exclusion(fields, item.metadata.name, slo=name if role == "slo" else "", service=name if role == "service" else "")
    return replace(draft, reference=fields.optional(role))


def read_policy(item: FileObject) -> BudgetPolicy:
    """An object of kind BudgetPolicy."""
    fields = item.spec.fields("a BudgetPolicy", ("steps", "hysteresis", "exceptions"))
    if fields.needed("steps", "from the most budget left to the least") is None:
        return BudgetPolicy(item.metadata.name, ())
    before = len(item.part.notes.mistakes)
    steps = tuple(_step(part) for part in fields.elements("steps", "steps"))
    hysteresis = fields.optional("hysteresis")
    kinds = fields.elements("exceptions", "kinds of exception") if "exceptions" in fields else None
    policy = BudgetPolicy(
        item.metadata.name,
        steps,
        hysteresis=read_share(hysteresis, "hysteresis") if hysteresis is not None else 0.02,
        exceptions=tuple(kind.choice(EXCEPTIONS) for kind in kinds) if kinds is not None else EXCEPTIONS,
        place=str(item.place),
    )
    if len(item.part.notes.mistakes) == before:
        try:
            check_policy(replace(policy, place=""))
        except InvalidInput as error:
            fields.found["steps"].wrong(str(error))
    return policy


def _step(part: Part) -> PolicyStep:
    fields = part.fields("a step", ("name", "above", "deploys", "text"))
    name, deploys = fields.needed("name", "as in name: healthy"), fields.needed("deploys", "all, canary, fixes or none")
    above = fields.optional("above")
    return PolicyStep(
        name.text() if name is not None else "",
        _bound(above) if above is not None else -inf,
        deploys.choice(DEPLOYS) if deploys is not None else DEPLOYS[0],
        fields.text("text"),
    )


def _bound(part: Part) -> float:
    """The share of the budget above which a step holds; a number above 1 without % is refused as everywhere."""
    return -inf if re.fullmatch(r"-\.?inf", part.text()) else read_share(part, "'above'")


def _exclusion(fields: Fields, name: str, *, slo: str = "", service: str = "") -> ExclusionDraft:
    start, end, query = fields.optional("from"), fields.optional("until"), fields.optional("query")
    for needed, hint in (("author", "who decided it"), ("reason", "why it does not count")):
        part = fields.needed(needed, hint)
        if part is not None and not part.text():
            part.wrong(f"{needed!r} is empty; say {hint}")
    if query is None and (start is None or end is None):
        fields.wrong("an exclusion needs a query, or from and until, or all three; without them nothing would ever count")
    start_ns = read_instant(start) if start is not None else None
    end_ns = read_instant(end) if end is not None else None
    if end is not None and start_ns is not None and end_ns is not None and start_ns >= end_ns:
        end.wrong(f"'until' ({shown_instant(end_ns)}) is not after 'from' ({shown_instant(start_ns)})")
    exclusion = Exclusion(
        id=name,
        slo=slo,
        service=service,
        start=start_ns,
        end=end_ns,
        query=query.text("a query") if query is not None else "",
        author=fields.text("author"),
        reason=fields.text("reason"),
        source=f"{fields.part.place.path}:{fields.part.place.line}",
    )
    return ExclusionDraft(exclusion, fields.part, query)
