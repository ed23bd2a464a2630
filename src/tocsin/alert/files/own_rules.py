"""
Our own kinds of rules, `apiVersion: tocsin/v1`.

    kind: AlertRule
    metadata: {name: CheckoutFails}
    spec:
      service: checkout
      severity: page                      page, ticket, review, dashboard, or another word that means one of P1 to P4
      owner: team-shop
      runbook: checkout.md
      summary: "{{ $value | humanizePercentage }} of the requests fail"
      for: 2m                             never on burn rates: their short window is what ends them
      keepFiringFor: 5m
      symptom: true                       where a query can't tell that users notice
      spans: {query: 'service:checkout error:true', of: 'service:checkout kind:server', over: 5m, above: 5%}

    kind: AlertGroup
    metadata: {name: shop}
    spec: {interval: 30s, offset: 10s, limit: 100, labels: {team: shop}, rules: [{name: ..., everything that an AlertRule's spec has}]}

Rules of kind AlertRule are a group for each file. Here every unknown field is a mistake.
"""

from __future__ import annotations

from dataclasses import replace

from tocsin.alert.definition import AlertRule, BurnAbove, RuleGroup
from tocsin.alert.files.conditions import CONDITIONS, Known, read_condition
from tocsin.alert.template.rule_functions import rule_template_mistake
from tocsin.errors import InvalidInput
from tocsin.model.alert import ALERT_NAME, SEVERITY
from tocsin.model.instant import NANOSECONDS, parse_duration_ns
from tocsin.model.labels import METRIC_NAME
from tocsin.model.severity import LEVELS, level_of
from tocsin.model.spelling import did_you_mean
from tocsin.slo.files.objects import read_labels, read_metadata
from tocsin.slo.files.parts import Fields, Part, Sort

KINDS = ("AlertRule", "AlertGroup")
VERSION = "tocsin/v1"
OBJECT_FIELDS = ("apiVersion", "kind", "metadata", "spec")
MAPPINGS = {"labels": "label", "annotations": "annotation"}
TEXTS = ("summary", "description", "dashboard")
RULE_FIELDS = (
    *("for", "keepFiringFor", "severity", "labels", "annotations", "owner", "runbook", "service", "symptom"),
    *TEXTS,
    *CONDITIONS,
)
TEMPLATES = (*TEXTS, "severity", "owner", "runbook", "service")  # fields that become labels or annotations
RUNBOOK_ANNOTATION = "runbook_url"
SEVERITY_WORDS = tuple(word for level in LEVELS for word in level.words)
NEVER_LABELS = (ALERT_NAME, METRIC_NAME)


def read_object(document: Part, known: Known, *, interval_s: float) -> tuple[list[AlertRule], list[RuleGroup]]:
    """The rules, or the group, that an object is; nothing where something is wrong."""
    fields = document.fields("an object of Tocsin", OBJECT_FIELDS)
    kind_part = fields.needed("kind", f"one of {', '.join(KINDS)}")
    if kind_part is None:
        return [], []
    kind = kind_part.text()
    if kind not in KINDS:
        foreign = kind in {"Objective", "Supplement", "BudgetPolicy", "Exclusion"}
        hint = "; it belongs into the files of slo.files" if foreign else did_you_mean(kind, KINDS)
        kind_part.wrong(f"a rule file has objects of kind {' or '.join(KINDS)}, found {kind_part.shown}{hint}")
        return [], []
    metadata = read_metadata(fields.optional("metadata"), document, kind=f"an {kind}", open_ended=False)
    spec = fields.optional("spec")
    if spec is None:
        document.wrong(f"an {kind} needs 'spec'")
        return [], []
    if kind == "AlertGroup":
        group = _group(metadata.name, spec, known, interval_s)
        return [], [group]
    for name, part in fields.found["metadata"].pairs if "metadata" in fields else ():
        if name.value in MAPPINGS:
            _check_templates(part, name.value)
    rule = read_rule(metadata.name, spec.fields("an AlertRule", RULE_FIELDS), known, annotations=dict(metadata.annotations))
    return [replace(rule, labels={**metadata.labels, **rule.labels})] if rule is not None else [], []


def _group(name: str, spec: Part, known: Known, interval_s: float) -> RuleGroup:
    fields = spec.fields("an AlertGroup", ("interval", "offset", "limit", "labels", "rules"))
    shared = _labels(fields)
    rules = []
    for item in fields.elements("rules", "rules"):
        inner = item.fields("a rule", ("name", *RULE_FIELDS))
        named = inner.needed("name", "which becomes the label alertname")
        rule = read_rule(named.text() if named is not None else "?", inner, known)
        if rule is not None:
            rules.append(replace(rule, labels={**shared, **rule.labels}))
    if not fields.elements("rules", "rules"):
        fields.wrong("an AlertGroup needs 'rules', each with a name and a condition")
    limit = fields.optional("limit")
    number = limit.number() if limit is not None else 0.0
    if limit is not None and (number < 0 or number % 1):
        limit.wrong(f"'limit' is a whole number of alerts that a rule may make, 0 for any; found {limit.shown}")
    interval = _length_s(fields, "interval", zero=False) if "interval" in fields else interval_s
    return RuleGroup(name, spec.place.path, tuple(rules), interval, _length_s(fields, "offset"), int(max(0.0, number)))


def read_rule(name: str, fields: Fields, known: Known, *, annotations: dict[str, str] | None = None) -> AlertRule | None:
    """
    An alerting rule.

    Args:
        name: Becomes the label `alertname`.
        fields: What it says.
        known: What its condition is read with.
        annotations: Of its metadata.
    """
    for one in TEMPLATES:
        _check_template(fields.optional(one), repr(one))
    service, owner, runbook = (fields.text(one) for one in ("service", "owner", "runbook"))
    condition = read_condition(fields, replace(known, service=service))
    for_s = _length_s(fields, "for")
    if isinstance(condition, BurnAbove) and for_s > 0:
        fields.found["for"].wrong(
            "a burn rate takes no 'for': while it waits, a total failure spends the budget, and spikes never fire; its short window says "
            "when it is over; leave it out, or write keepFiringFor against flapping"
        )
    labels = {**_labels(fields), **_severity(fields), **{key: text for key, text in (("owner", owner), ("service", service)) if text}}
    texts = {**(annotations or {}), **_annotations(fields), **{key: text for key in TEXTS if (text := fields.text(key))}}
    if runbook:
        texts.setdefault(RUNBOOK_ANNOTATION, runbook)
    symptom = fields.optional("symptom")
    if condition is None:
        return None
    return AlertRule(
        name,
        condition,
        for_s,
        _length_s(fields, "keepFiringFor"),
        labels,
        texts,
        symptom.flag() if symptom is not None else None,
        owner,
        runbook or texts.get(RUNBOOK_ANNOTATION, ""),
        service,
        f"{fields.part.place.path}:{fields.part.place.line}",
    )


def _severity(fields: Fields) -> dict[str, str]:
    part = fields.optional("severity")
    if part is None:
        return {}
    word = part.text("a severity such as page or ticket")
    if level_of(word) is None and "{{" not in word:
        known = ", ".join(level.words[0] for level in LEVELS)
        part.wrong(f"{part.shown} is no severity{did_you_mean(word, SEVERITY_WORDS) or f'; write one of {known}'}")
    return {SEVERITY: word}


def _labels(fields: Fields) -> dict[str, str]:
    part = fields.optional("labels")
    labels = read_labels(part, "labels")
    for name in labels:
        if part is not None and name in NEVER_LABELS:
            part.wrong(f"the label {name!r} is the rule's name, which stands in 'name'; take it out")
    _check_templates(part, "labels")
    return labels


def _annotations(fields: Fields) -> dict[str, str]:
    part = fields.optional("annotations")
    texts = read_labels(part, "annotations")
    _check_templates(part, "annotations")
    return texts


def _check_templates(part: Part | None, what: str) -> None:
    """Every text of a mapping, or of a mapping's lists, must read as a template."""
    for name, value in part.pairs if part is not None else ():
        for one in value.items or (value,):
            _check_template(one, f"{MAPPINGS[what]} {name.value!r}")


def _check_template(part: Part | None, what: str) -> None:
    if part is not None and part.sort is Sort.SCALAR and (mistake := rule_template_mistake(part.value)):
        part.wrong(f"{what}: {mistake}")


def _length_s(fields: Fields, name: str, *, zero: bool = True) -> float:
    """A length of time that may be missing, seconds; 0 then."""
    part = fields.optional(name)
    if part is None:
        return 0.0
    try:
        length_ns = parse_duration_ns(part.text("a length of time such as 5m"))
    except InvalidInput:
        part.wrong(f"expected a length of time such as 30s, 5m or 1h, found {part.shown}")
        return 0.0 if zero else 60.0
    if length_ns == 0 and not zero:
        part.wrong(f"'{name}' must be above 0; found {part.shown}")
        return 60.0
    return length_ns / NANOSECONDS
