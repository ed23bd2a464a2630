"""
OpenSLO's AlertPolicy, AlertCondition and AlertNotificationTarget: what an SLO says about its alerts.

A burn rate that alerts is one that exceeds its threshold. Conditions that say `op: lte` (older examples of the specification do, beside the
words 'exceeds 2') are read as meant, and a remark says so.
Source: OpenSLO v1, 'AlertPolicy', 'AlertCondition', 'AlertNotificationTarget'.
"""

from __future__ import annotations

from dataclasses import replace

from tocsin.slo.definition import AlertPolicyReference
from tocsin.slo.files.objects import Catalog, FileObject
from tocsin.slo.files.parts import Part
from tocsin.slo.files.quantities import read_shorthand_s

POLICY_FIELDS = ("description", "alertWhenNoData", "alertWhenResolved", "alertWhenBreaching", "conditions", "notificationTargets")
CONDITION_FIELDS = ("kind", "op", "threshold", "lookbackWindow", "alertAfter")
INLINE_FIELDS = ("apiVersion", "kind", "metadata", "spec")
FALLING = frozenset({"lte", "lt"})


def read_alert_policies(parts: list[Part], catalog: Catalog) -> list[tuple[AlertPolicyReference, Part]]:
    """The alert policies of an SLO, each with its place: a name, `{alertPolicyRef: name}`, or all of it written out."""
    found = []
    for part in parts:
        if not part.pairs:
            item = catalog.find("AlertPolicy", part)
            policy = read_alert_policy(item, catalog) if item is not None else None
        else:
            fields = part.fields("an alert policy", ("alertPolicyRef", *INLINE_FIELDS), open_ended=True)
            policy = _referred_policy(fields.optional("alertPolicyRef"), catalog) if "alertPolicyRef" in fields else None
            if "alertPolicyRef" not in fields:
                name = _inline_name(fields.optional("metadata"))
                policy = _policy(name, fields.needed("spec", "or write alertPolicyRef: with the name of an AlertPolicy"), catalog)
        if policy is not None:
            found.append((policy, part))
    return found


def read_alert_policy(item: FileObject, catalog: Catalog) -> AlertPolicyReference:
    """An AlertPolicy with everything that it refers to."""
    return _policy(item.metadata.name, item.spec, catalog)


def read_alert_condition(spec: Part, policy: AlertPolicyReference) -> AlertPolicyReference:
    """A policy with what a condition's spec says: severity, burn rate, over which time."""
    fields = spec.fields("an alert condition", ("description", "severity", "condition"), open_ended=True)
    fields.needed("severity", "such as page or ticket")
    body = fields.needed("condition", "as in condition: {kind: burnrate, op: gte, threshold: 14.4, lookbackWindow: 1h, alertAfter: 5m}")
    if body is None:
        return policy
    condition = body.fields("a condition", CONDITION_FIELDS, open_ended=True)
    kind, op = condition.optional("kind"), condition.optional("op")
    if kind is not None:
        kind.choice(("burnrate",))
    if op is not None and op.choice(("gte", "gt", "lte", "lt")) in FALLING:
        inverted = f"op: {op.value} would alert while the burn rate is low"
        op.remark(f"{inverted}; a burn rate alerts when it exceeds its threshold, so it is read as gte")
    threshold = condition.needed("threshold", "the burn rate that alerts, as in threshold: 14.4")
    lookback = condition.needed("lookbackWindow", "as in lookbackWindow: 1h")
    factor = threshold.number(default=1.0) if threshold is not None else 1.0
    if threshold is not None and factor <= 0:
        threshold.wrong(f"a burn rate that alerts is above 0, 1 spends the budget in exactly the window; found {threshold.shown}")
    after = condition.optional("alertAfter")
    return replace(
        policy,
        severity=fields.text("severity"),
        factor=factor,
        lookback_s=read_shorthand_s(lookback) if lookback is not None else 0,
        alert_after_s=read_shorthand_s(after, zero=True) if after is not None else 0,
    )


def read_notification_target(item: FileObject) -> str:
    """The `target` of an AlertNotificationTarget."""
    return _target(item.spec)


def _referred_policy(reference: Part | None, catalog: Catalog) -> AlertPolicyReference | None:
    item = catalog.find("AlertPolicy", reference) if reference is not None else None
    return read_alert_policy(item, catalog) if item is not None else None


def _policy(name: str, spec: Part | None, catalog: Catalog) -> AlertPolicyReference:
    policy = AlertPolicyReference(name)
    if spec is None:
        return policy
    fields = spec.fields("an alert policy", POLICY_FIELDS, open_ended=True)
    policy = replace(
        policy,
        when_no_data=fields.flag("alertWhenNoData", default=False),
        when_resolved=fields.flag("alertWhenResolved", default=False),
        when_breaching=fields.flag("alertWhenBreaching", default=True),
        targets=tuple(_named_target(part, catalog) for part in fields.elements("notificationTargets", "notification targets")),
    )
    if not (policy.when_no_data or policy.when_resolved or policy.when_breaching):
        spec.remark("this policy never alerts: alertWhenBreaching, alertWhenResolved and alertWhenNoData are all false")
    if not policy.targets:
        spec.remark("this policy tells nobody: it has no notificationTargets")
    conditions = fields.elements("conditions", "alert conditions")
    if not conditions:
        spec.wrong("an alert policy needs one condition, as in conditions: [{conditionRef: fast-burn}]")
    elif len(conditions) > 1:
        conditions[1].wrong(f"an alert policy has one condition, found {len(conditions)}; write a policy for each")
    for part in conditions[:1]:
        policy = _with_condition(part, policy, catalog)
    return policy


def _with_condition(part: Part, policy: AlertPolicyReference, catalog: Catalog) -> AlertPolicyReference:
    fields = part.fields("a condition", ("conditionRef", *INLINE_FIELDS), open_ended=True)
    reference = fields.optional("conditionRef")
    if reference is not None:
        item = catalog.find("AlertCondition", reference)
        return read_alert_condition(item.spec, policy) if item is not None else policy
    spec = fields.needed("spec", "or write conditionRef: with the name of an AlertCondition")
    return read_alert_condition(spec, policy) if spec is not None else policy


def _named_target(part: Part, catalog: Catalog) -> str:
    if not part.pairs:
        catalog.find("AlertNotificationTarget", part)
        return part.text()
    fields = part.fields("a notification target", ("targetRef", *INLINE_FIELDS), open_ended=True)
    reference = fields.optional("targetRef")
    if reference is not None:
        catalog.find("AlertNotificationTarget", reference)
        return reference.text()
    spec = fields.needed("spec", "or write targetRef: with the name of an AlertNotificationTarget")
    target = _target(spec) if spec is not None else ""
    return _inline_name(fields.optional("metadata")) or target


def _target(spec: Part) -> str:
    fields = spec.fields("a notification target", ("target", "description"), open_ended=True)
    fields.needed("target", "such as email or slack")
    return fields.text("target")


def _inline_name(metadata: Part | None) -> str:
    return metadata.fields("metadata", ("name", "displayName"), open_ended=True).text("name") if metadata is not None else ""
