"""
From drafts to definitions: what refers to other objects, and what only shows when everything is known.

Supplements are added; policies, dependencies and exclusions find what they name; burn rates that can never be reached, circles of
dependencies and targets above what dependencies allow are found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from tocsin.model.budget import Exclusion
from tocsin.model.spelling import did_you_mean
from tocsin.slo.definition import (
    BudgetPolicy,
    Definitions,
    EventFreshness,
    EventRate,
    EventRatio,
    EventSignal,
    ExternalDependency,
    Indicator,
    Objective,
    StreamRatio,
)
from tocsin.slo.files.dependencies import cycle_through, excess_sentence
from tocsin.slo.files.metric_source import parse_events
from tocsin.slo.files.notes import Notes
from tocsin.slo.files.objects import Catalog, Draft, FileObject
from tocsin.slo.files.own_kinds import Extras
from tocsin.slo.files.own_policies import ExclusionDraft
from tocsin.slo.files.parts import Part
from tocsin.slo.files.quantities import in_percent, read_target
from tocsin.slo.policy import POLICIES


@dataclass(slots=True)
class Gathered:
    """
    What the files say, references not resolved.

    Args:
        notes: Mistakes and remarks.
        catalog: Objects by name.
        drafts: Objectives, in the order of the files.
        repeated: Objectives whose name was taken: only what is wrong with them counts.
        supplements: What is added to which SLO.
        policies: Budget policies of the files, by name.
        exclusions: Exclusions of the files.
        slos: Names of all SLOs, of those too that are left out because nothing of them can be counted here.
        services, notification_targets, data_sources: As in `Definitions`.
    """

    notes: Notes
    catalog: Catalog = field(default_factory=Catalog)
    drafts: list[Draft] = field(default_factory=list)
    repeated: list[Draft] = field(default_factory=list)
    supplements: list[tuple[Part, Extras]] = field(default_factory=list)
    policies: dict[str, BudgetPolicy] = field(default_factory=dict)
    exclusions: list[ExclusionDraft] = field(default_factory=list)
    slos: set[str] = field(default_factory=set)
    services: dict[str, str] = field(default_factory=dict)
    notification_targets: dict[str, str] = field(default_factory=dict)
    data_sources: dict[str, str] = field(default_factory=dict)

    def drafts_of(self, item: FileObject) -> list[Draft]:
        """Where the objectives of an object belong."""
        return self.repeated if any(item is other for other in self.catalog.repeated) else self.drafts


def resolve(gathered: Gathered) -> Definitions:
    """Everything put together; what does not fit is noted."""
    _supplement(gathered)
    policies = {**POLICIES, **gathered.policies}
    drafts = _unique(gathered)
    for key, draft in drafts.items():
        drafts[key] = _with_references(draft, drafts, gathered.slos, policies)
    repeated = [_with_references(draft, drafts, gathered.slos, policies) for draft in gathered.repeated]
    objectives = {key: draft.objective for key, draft in drafts.items()}
    for draft in drafts.values():
        _check_dependencies(draft, objectives)
    for draft in (*drafts.values(), *repeated):
        _check_burn_rates(draft)
        _check_service(draft, gathered.services, gathered.catalog)
    return Definitions(
        objectives=objectives,
        policies=policies,
        exclusions=tuple(_exclusion(draft, objectives.values(), gathered) for draft in gathered.exclusions),
        remarks=gathered.notes.remarks,
        services=gathered.services,
        notification_targets=gathered.notification_targets,
        data_sources=gathered.data_sources,
    )


def signal_of(indicator: Indicator) -> EventSignal | None:
    """The telemetry whose events an indicator counts, None for PromQL."""
    match indicator:
        case EventRatio(total=events) | StreamRatio(total=events) | EventRate(events=events) | EventFreshness(events=events):
            return events.signal
    return None


def _supplement(gathered: Gathered) -> None:
    first: dict[str, Part] = {}
    for reference, extras in gathered.supplements:
        slo = reference.text()
        if slo in first:
            reference.wrong(f"another Supplement adds to {slo!r} already, in {first[slo].place}; write both as one")
        elif slo not in gathered.slos:
            reference.wrong(f"no SLO is called {slo!r} in any of the files{did_you_mean(slo, gathered.slos)}")
        first.setdefault(slo, reference)
        gathered.exclusions += extras.exclusions
        gathered.drafts = [extras.added_to(draft) if draft.objective.slo == slo else draft for draft in gathered.drafts]


def _unique(gathered: Gathered) -> dict[str, Draft]:
    found: dict[str, Draft] = {}
    for draft in gathered.drafts:
        first = found.setdefault(draft.objective.key, draft)
        if first is not draft:
            draft.part.wrong(f"another SLO is called {draft.objective.key!r}, in {first.part.place}; names are unique across all files")
            gathered.repeated.append(draft)
    return found


def _with_references(draft: Draft, drafts: Mapping[str, Draft], slos: Iterable[str], policies: Mapping[str, BudgetPolicy]) -> Draft:
    policy = draft.policy.text("the name of a budget policy") if draft.policy is not None else ""
    if draft.policy is not None and policy not in policies:
        draft.policy.wrong(f"no budget policy is called {policy!r}{did_you_mean(policy, policies) or '; there are ' + ', '.join(policies)}")
    inner: list[str] = []
    outer: list[ExternalDependency] = []
    for part in draft.dependencies.elements("dependencies") if draft.dependencies is not None else ():
        if part.pairs:
            fields = part.fields("a dependency", ("name", "target"))
            target = fields.needed("target", "what its owners promise, as in target: 99.99%")
            fields.needed("name")
            outer.append(ExternalDependency(fields.text("name"), read_target(target) if target is not None else 1.0))
        elif _is_dependency(part, drafts, slos):
            inner.append(part.text())
    objective = replace(draft.objective, policy=policy, dependencies=tuple(inner), external_dependencies=tuple(outer))
    return replace(draft, objective=objective)


def _is_dependency(part: Part, drafts: Mapping[str, Draft], slos: Iterable[str]) -> bool:
    key = part.text("the name of an SLO, or {name: cloud, target: 99.99%} for a promise of others")
    if key in drafts:
        return True
    if key in slos:
        part.remark(f"{key!r} is not counted here, so its target is not known; write {{name: {key}, target: ...}}")
    elif key:
        part.wrong(f"no SLO is called {key!r}{did_you_mean(key, drafts)}; for a promise of others write {{name: {key}, target: 99.99%}}")
    return False


def _check_dependencies(draft: Draft, objectives: Mapping[str, Objective]) -> None:
    way = cycle_through(draft.objective.key, objectives)
    if way and draft.dependencies is not None:
        draft.dependencies.wrong(f"dependencies go in a circle: {' -> '.join(way)}; nothing can rest on itself")
        return
    sentence = excess_sentence(draft.objective, objectives)
    if sentence:
        draft.target.remark(sentence)


def _check_burn_rates(draft: Draft) -> None:
    target, allowed = draft.objective.target, draft.objective.allowed_ratio
    for part, factor, what in draft.conditions:
        if factor * allowed >= 1:
            part.wrong(
                f"{what} of {draft.objective.key!r} can never fire: with a target of {in_percent(target)} even a total failure burns at "
                f"1 / (1 - {target}) = {1 / allowed:.4g}, and it asks for more than {factor:g}; lower the factor"
            )


def _check_service(draft: Draft, services: Mapping[str, str], catalog: Catalog) -> None:
    """Where files define services, a name that is nearly one of them is a mistake, another one is remarked."""
    service = draft.objective.service
    if not services or service in services:
        return
    if did_you_mean(service, services):
        draft.part.wrong(f"{draft.objective.slo!r}: {catalog.unknown('Service', service)}")
    else:
        draft.part.remark(f"{draft.objective.slo!r}: the files define services, but none is called {service!r}")


def _exclusion(draft: ExclusionDraft, objectives: Iterable[Objective], gathered: Gathered) -> Exclusion:
    exclusion = draft.exclusion
    if draft.reference is not None and exclusion.slo and exclusion.slo not in gathered.slos:
        draft.reference.wrong(f"no SLO is called {exclusion.slo!r} in any of the files{did_you_mean(exclusion.slo, gathered.slos)}")
    known = {objective.service for objective in objectives} | set(gathered.services)
    if draft.reference is not None and exclusion.service and exclusion.service not in known:
        draft.reference.wrong(f"no SLO is about a service called {exclusion.service!r}{did_you_mean(exclusion.service, known)}")
    about = [objective for objective in objectives if exclusion.applies_to(objective.slo, objective.service)]
    if draft.query is not None and about:
        signals = {signal_of(objective.indicator) for objective in about}
        for signal in signals - {None}:
            parse_events(draft.query, signal or EventSignal.SPANS)
        if signals == {None}:
            draft.query.wrong(
                "its events are counted by PromQL, from which no query can take some out; exclude a time, or change the indicator"
            )
        elif None in signals:
            draft.query.remark("it applies to the objectives over spans and logs alone; others of the service are counted by PromQL")
    return exclusion
