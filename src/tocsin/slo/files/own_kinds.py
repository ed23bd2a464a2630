"""
Our own kinds, `apiVersion: tocsin/v1`: what other forms can't say, and the short form of what they can.

    kind: Objective       an SLO in ten lines, see `own_indicators`
    kind: Supplement      what an OpenSLO or Sloth SLO (`slo:`) can't carry itself: policy, dependencies, alerts, owner, runbook, exclusions
    kind: BudgetPolicy    what may be deployed while how much budget is left
    kind: Exclusion       what does not count, who said so and why

Here every unknown field is a mistake.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tocsin.query.promql.options import PromqlOptions
from tocsin.slo.definition import Budgeting, Objective, Occurrences, RatioTimeslices, Timeslices, Window
from tocsin.slo.files.objects import Draft, FileObject
from tocsin.slo.files.openslo import check_slice
from tocsin.slo.files.own_indicators import ROLES, read_indicator
from tocsin.slo.files.own_policies import AlertDraft, ExclusionDraft, read_alerts, read_exclusions
from tocsin.slo.files.parts import Fields, Part
from tocsin.slo.files.quantities import DEFAULT_TARGET, DEFAULT_WINDOW, read_length_s, read_share, read_target, read_window

KINDS = ("Objective", "Supplement", "BudgetPolicy", "Exclusion")
EXTRAS = ("policy", "dependencies", "alerts", "owner", "runbook", "exclusions")
OBJECTIVE_FIELDS = ("service", "description", "target", "window", "slices", *ROLES, *EXTRAS)


@dataclass(frozen=True, slots=True, eq=False)
class Extras:
    """What an Objective or a Supplement says beside the indicator. `given` names the fields that are there."""

    given: frozenset[str]
    policy: Part | None
    dependencies: Part | None
    alerts: tuple[AlertDraft, ...]
    owner: str
    runbook: str
    exclusions: tuple[ExclusionDraft, ...]

    def added_to(self, draft: Draft) -> Draft:
        """A draft with all of it."""
        objective = draft.objective
        if self.alerts:
            objective = replace(objective, conditions=tuple(alert.condition for alert in self.alerts))
        objective = replace(objective, owner=self.owner or objective.owner, runbook=self.runbook or objective.runbook)
        return replace(
            draft,
            objective=objective,
            conditions=(*draft.conditions, *((alert.part, alert.condition.factor, "this alert") for alert in self.alerts)),
            policy=self.policy or draft.policy,
            dependencies=self.dependencies or draft.dependencies,
        )


def read_objective(item: FileObject, promql: PromqlOptions) -> tuple[Draft | None, Extras]:
    """An Objective as a draft, and what it says beside its indicator."""
    fields = item.spec.fields("an Objective", OBJECTIVE_FIELDS)
    extras = read_extras(fields, item.metadata.name, f"{item.metadata.name}/exclusion")
    service_part = fields.needed("service", "the service.name whose requests count")
    service = service_part.text("the name of a service") if service_part is not None else ""
    target_part = fields.needed("target", "the share of good events that is promised, as in target: 99.9%")
    target = read_target(target_part) if target_part is not None else DEFAULT_TARGET
    window_part = fields.optional("window")
    window = read_window(window_part) if window_part is not None else DEFAULT_WINDOW
    budgeting = _budgeting(fields.optional("slices"), window)
    role = fields.one_of(ROLES)
    indicator = read_indicator(role, fields.found[role], service, promql) if role else None
    if indicator is None:
        return None, extras
    objective = Objective(
        key=item.metadata.name,
        slo=item.metadata.name,
        service=service,
        target=target,
        indicator=indicator,
        window=window,
        budgeting=budgeting,
        title=item.metadata.title,
        description=fields.text("description"),
        labels=item.metadata.labels,
        place=f"{item.place.path}:{item.place.line}",
    )
    return extras.added_to(Draft(objective, item.part, target_part or item.part)), extras


def read_supplement(item: FileObject) -> tuple[Part | None, Extras]:
    """A Supplement: the reference to its SLO, and what it adds."""
    fields = item.spec.fields("a Supplement", ("slo", *EXTRAS))
    reference = fields.needed("slo", "the name of the SLO that it adds to")
    slo = reference.text() if reference is not None else ""
    return reference, read_extras(fields, slo, f"{slo}/supplement")


def read_extras(fields: Fields, slo: str, prefix: str) -> Extras:
    """What stands in the fields `EXTRAS`; exclusions of the SLO are called by the prefix with a number."""
    return Extras(
        frozenset(name for name in EXTRAS if name in fields),
        fields.optional("policy"),
        fields.optional("dependencies"),
        read_alerts(fields.elements("alerts", "alerts")),
        fields.text("owner"),
        fields.text("runbook"),
        read_exclusions(fields.elements("exclusions", "exclusions"), slo, prefix),
    )


def _budgeting(part: Part | None, window: Window) -> Budgeting:
    if part is None:
        return Occurrences()
    fields = part.fields("slices", ("length", "target", "ratio"))
    length = fields.needed("length", "as in slices: {length: 5m, target: 95%}")
    slice_s = check_slice(length, int(read_length_s(length, whole_minutes=True)), window) if length is not None else 60
    role = fields.one_of(("target", "ratio"), "target: the share that makes a slice good; ratio: true counts slices by their share")
    if role == "target":
        share = read_share(fields.found[role], "the target of a slice")
        if share == 0:
            fields.found[role].wrong("the target of a slice must be above 0, else every slice is good")
        return Timeslices(slice_s, share or 1.0)
    if role == "ratio" and not fields.found[role].flag(default=True):
        fields.found[role].wrong("ratio: false says nothing; write target: with the share that makes a slice good")
    return RatioTimeslices(slice_s)
