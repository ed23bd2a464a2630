"""
Chains of escalation.

    apiVersion: tocsin/v1
    kind: EscalationChain
    metadata: {name: shop}
    spec:
      receiver: shop-oncall             # the receiver of the routing configuration that it serves; by default one with the chain's name
      steps:
        - {notify: [schedule: payments-primary], acknowledge_within: 5m}
        - {notify: [schedule: payments-secondary, person: ana], acknowledge_within: 10m}
      repeat: 2                         # times that it begins again
      severities: [P1]                  # what escalates; the rest is only said
      acknowledgement_lasts: 4h         # then it begins again if alerts still fire; for ever by default
"""

from __future__ import annotations

from tocsin.model.severity import LEVELS, Severity, level_of
from tocsin.oncall.definition import Chain, Step, Target, TargetKind
from tocsin.slo.files.objects import Catalog, FileObject
from tocsin.slo.files.parts import Part, Sort
from tocsin.slo.files.quantities import read_length_s

CHAIN_FIELDS = ("receiver", "steps", "repeat", "severities", "acknowledgement_lasts")
REPEAT_MAX = 100
WORDS = tuple(level.severity.value for level in LEVELS)
KIND_NAMES = {TargetKind.SCHEDULE: "Schedule", TargetKind.PERSON: "Person"}


def read_chain(item: FileObject, catalog: Catalog) -> Chain:
    """An object of kind EscalationChain; what its steps name must be in the catalog."""
    fields = item.spec.fields("an EscalationChain", CHAIN_FIELDS)
    parts = fields.elements("steps", "steps") if fields.needed("steps", "whom to call, one after the other") is not None else []
    if "steps" in fields and not parts:
        fields.found["steps"].wrong("a chain needs a step, or nobody is ever called")
    repeat, severities, lasts = fields.optional("repeat"), fields.optional("severities"), fields.optional("acknowledgement_lasts")
    steps = tuple(_step(part, catalog) for part in parts)
    _remark_slowness(parts, steps)
    return Chain(
        item.metadata.name,
        fields.text("receiver") or item.metadata.name,
        steps,
        _repeat(repeat) if repeat is not None else 0,
        frozenset(_severity(part) for part in severities.elements("severities")) if severities is not None else frozenset({Severity.P1}),
        read_length_s(lasts) if lasts is not None else None,
        item.metadata.title,
        str(item.place),
    )


def _step(part: Part, catalog: Catalog) -> Step:
    fields = part.fields("a step", ("notify", "acknowledge_within"))
    within = fields.needed("acknowledge_within", "after which the next step is called, as in acknowledge_within: 5m")
    notify = fields.needed("notify", "as in notify: [schedule: payments-primary]")
    targets = [] if notify is None else notify.items if notify.sort is Sort.LIST else [notify]
    if notify is not None and not targets:
        notify.wrong("a step needs somebody to call, as in notify: [schedule: payments-primary]")
    return Step(tuple(_target(target, catalog) for target in targets), read_length_s(within) if within is not None else 300.0)


def _target(part: Part, catalog: Catalog) -> Target:
    fields = part.fields("whom to call", [kind.value for kind in TargetKind])
    role = fields.one_of([kind.value for kind in TargetKind], "as in schedule: payments-primary, or person: ana")
    kind = TargetKind(role) if role else TargetKind.SCHEDULE
    if role:
        catalog.find(KIND_NAMES[kind], fields.found[role])
    return Target(kind, fields.text(role) if role else "")


def _repeat(part: Part) -> int:
    number = part.number()
    if number != int(number) or not 0 <= number <= REPEAT_MAX:
        part.wrong(f"expected a whole number from 0 to {REPEAT_MAX}, found {part.shown}")
        return 0
    return int(number)


def _severity(part: Part) -> Severity:
    level = level_of(part.text("a severity"))
    if level is None:
        part.wrong(f"expected {', '.join(WORDS)}, or a word that means one of them, such as page or ticket; found {part.shown}")
        return Severity.P1
    return level.severity


def _remark_slowness(parts: list[Part], steps: tuple[Step, ...]) -> None:
    response_s = LEVELS[0].response_s
    if steps and steps[0].acknowledge_within_s > response_s:
        parts[0].remark(f"the first step waits longer than the {response_s // 60} minutes in which a page must be answered")
