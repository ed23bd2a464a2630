"""
OpenSLO v1: its SLO, with everything it carries or refers to, as drafts of objectives.

    apiVersion: openslo/v1
    kind: SLO
    metadata: {name: checkout-availability}
    spec:
      service: checkout
      indicatorRef: checkout-requests
      timeWindow: [{duration: 30d, isRolling: true}]
      budgetingMethod: Occurrences
      objectives: [{target: 0.999}]

Each objective is a budget of its own: `name`, `name/2`, `name/3`. Fields that the specification does not know are ignored with a remark,
unless they look like a slip of the pen. What others leave out although it is required (the window, the budgeting method) is assumed, with
a remark.
Source: OpenSLO v1 (its README is the specification).
"""

from __future__ import annotations

from decimal import Decimal

from tocsin.query.promql.options import PromqlOptions
from tocsin.slo.definition import Budgeting, Objective, Occurrences, RatioTimeslices, RollingWindow, Timeslices, Window
from tocsin.slo.files.notes import listed
from tocsin.slo.files.objects import Catalog, Draft, FileObject, read_metadata
from tocsin.slo.files.openslo_alerts import read_alert_policies
from tocsin.slo.files.openslo_indicators import SliSpec, indicator_of, read_sli
from tocsin.slo.files.parts import Fields, Part
from tocsin.slo.files.quantities import (
    DEFAULT_TARGET,
    DEFAULT_WINDOW,
    SHORTHAND_S,
    calendar,
    check_target,
    read_shorthand,
    rolling,
)

KINDS = ("DataSource", "SLO", "SLI", "AlertPolicy", "AlertCondition", "AlertNotificationTarget", "Service")
SLO_FIELDS = (*("description", "service", "indicator", "indicatorRef", "timeWindow", "budgetingMethod", "objectives", "alertPolicies"),)
OBJECTIVE_FIELDS = (
    *("displayName", "op", "value", "target", "targetPercent", "timeSliceTarget", "timeSliceWindow"),
    *("indicator", "indicatorRef", "compositeWeight"),
)
METHODS = ("Occurrences", "Timeslices", "RatioTimeslices")
SLICE_S_MAX = 7 * 86_400


def read_slo(item: FileObject, catalog: Catalog, promql: PromqlOptions) -> list[Draft]:
    """The objectives of an SLO; those whose source is not stored here are left out with a remark."""
    fields = item.spec.fields("an SLO", SLO_FIELDS, open_ended=True)
    service = fields.needed("service", "the name of the service that the SLO is about")
    window = _window(fields)
    whole = _indicator(fields, "an SLO", catalog)
    objectives = fields.elements("objectives", "objectives")
    if not objectives:
        fields.wrong("an SLO needs at least one objective, as in objectives: [{target: 0.999}]")
    if whole is not None and whole.is_threshold and len(objectives) > 1:
        objectives[1].remark("an SLO over a thresholdMetric has one objective in the specification; each is taken as an SLO of its own")
    policies = read_alert_policies(fields.elements("alertPolicies", "alert policies"), catalog)
    method = _method(fields)
    labels = item.metadata.labels
    drafts = []
    for place, part in enumerate(objectives, 1):
        objective = part.fields("an objective", OBJECTIVE_FIELDS, open_ended=True)
        target, target_part = _target(objective)
        indicator = _own_indicator(objective, whole, fields, catalog)
        budgeting = _budgeting(objective, method, window)
        counted = indicator_of(indicator, objective, promql) if indicator is not None else None
        if counted is None:
            continue
        read = Objective(
            key=item.metadata.name if place == 1 else f"{item.metadata.name}/{place}",
            slo=item.metadata.name,
            service=service.text() if service is not None else "",
            target=target,
            indicator=counted,
            window=window,
            budgeting=budgeting,
            title=": ".join(text for text in (item.metadata.title, objective.text("displayName")) if text),
            description=fields.text("description"),
            labels=labels,
            alert_policies=tuple(policy for policy, _ in policies),
            owner=labels.get("owner") or labels.get("team") or "",
            runbook=item.metadata.annotations.get("runbook") or item.metadata.annotations.get("runbook_url") or "",
            place=f"{part.place.path}:{part.place.line}",
        )
        conditions = tuple((where, policy.factor, f"alert policy {policy.name!r}") for policy, where in policies if policy.factor)
        drafts.append(Draft(read, part, target_part, conditions))
    return drafts


def _indicator(fields: Fields, what: str, catalog: Catalog) -> SliSpec | None:
    """The indicator that an SLO or an objective carries or refers to; None without one."""
    carried, reference = fields.optional("indicator"), fields.optional("indicatorRef")
    if carried is not None and reference is not None:
        reference.wrong(f"{what} has either 'indicator' or 'indicatorRef', found both")
    if carried is not None:
        inner = carried.fields("an indicator", ("apiVersion", "kind", "metadata", "spec"), open_ended=True)
        name = read_metadata(inner.optional("metadata"), carried, kind="an indicator", needed=False).name
        spec = inner.needed("spec", "with thresholdMetric or ratioMetric")
        return read_sli(spec, name, catalog) if spec is not None else None
    item = catalog.find("SLI", reference) if reference is not None else None
    return read_sli(item.spec, item.metadata.name, catalog) if item is not None else None


def _own_indicator(objective: Fields, whole: SliSpec | None, slo: Fields, catalog: Catalog) -> SliSpec | None:
    """The indicator of one objective: that of the SLO, or its own in a composite SLO."""
    weight = objective.optional("compositeWeight")
    if weight is not None:
        weight.number()
        weight.remark("weights of a composite SLO are not combined: each of its objectives is a budget of its own")
    has_own = "indicator" in objective or "indicatorRef" in objective
    has_whole = "indicator" in slo or "indicatorRef" in slo
    if has_own and has_whole:
        objective.wrong("the SLO has an indicator already; a composite SLO has them at its objectives alone")
    elif not has_own and not has_whole:
        objective.wrong("no indicator: an SLO needs 'indicator' or 'indicatorRef', itself or at each of its objectives")
    return _indicator(objective, "an objective", catalog) if has_own else whole


def _target(objective: Fields) -> tuple[float, Part]:
    role = objective.one_of(("target", "targetPercent"), "as in target: 0.999")
    if not role:
        return DEFAULT_TARGET, objective.part
    part = objective.found[role]
    before = len(part.notes.mistakes)
    number = part.number(default=-1.0)
    if len(part.notes.mistakes) > before:
        return DEFAULT_TARGET, part
    exact = Decimal(repr(number))
    if role == "target" and 1 < number <= 100:
        better = f"write target: {exact / 100} or targetPercent: {part.value}"
        part.wrong(f"'target' is a share below 1, so {part.value} is more than everything; {better}")
        return DEFAULT_TARGET, part
    if role == "targetPercent" and 0.5 <= number < 1:
        part.wrong(
            f"'targetPercent' is in per cent, so {part.value} lets 99 of 100 events fail; "
            f"write target: {part.value} or targetPercent: {(exact * 100).normalize():f}"
        )
        return DEFAULT_TARGET, part
    return check_target(part, exact if role == "target" else exact / 100), part


def _window(fields: Fields) -> Window:
    whole = fields.optional("timeWindow")
    if whole is None:
        fields.part.remark("no timeWindow is given, so a rolling window of 30 days is assumed")
        return DEFAULT_WINDOW
    windows = [whole] if whole.pairs else whole.elements("time windows")
    if len(windows) != 1:
        whole.wrong(f"an SLO has exactly one timeWindow, found {len(windows)}; write an SLO for each")
        return DEFAULT_WINDOW
    window = windows[0].fields("a timeWindow", ("duration", "isRolling", "calendar"), open_ended=True)
    length = window.needed("duration", "as in duration: 30d")
    if length is None:
        return DEFAULT_WINDOW
    count, unit = read_shorthand(length)
    aligned, is_rolling = window.optional("calendar"), window.flag("isRolling", default="calendar" not in window)
    if aligned is None:
        if not is_rolling:
            window.found["isRolling"].wrong("a window that does not roll needs 'calendar' with startTime and timeZone")
        return rolling(length, count, unit)
    if is_rolling:
        window.found["isRolling"].wrong("a window is either rolling or aligned with the calendar: leave out isRolling or calendar")
    dates = aligned.fields("a calendar", ("startTime", "timeZone"), open_ended=True)
    dates.needed("timeZone", "the IANA name, as in timeZone: Europe/Berlin, or timeZone: UTC")
    dates.needed("startTime", "local time at which some period starts, as in startTime: 2026-01-01 00:00:00")
    return calendar(length, count, unit, dates.optional("startTime"), dates.optional("timeZone"))


def _method(fields: Fields) -> str:
    part = fields.optional("budgetingMethod")
    if part is None:
        fields.part.remark("no budgetingMethod is given, so Occurrences is assumed")
        return METHODS[0]
    return part.choice(METHODS)


def _budgeting(objective: Fields, method: str, window: Window) -> Budgeting:
    share, length = objective.optional("timeSliceTarget"), objective.optional("timeSliceWindow")
    if method != "Timeslices" and share is not None:
        share.wrong(f"'timeSliceTarget' goes with budgetingMethod Timeslices, this SLO's is {method}")
    if method == "Occurrences":
        if length is not None:
            length.wrong(f"'timeSliceWindow' goes with budgetingMethod {listed(METHODS[1:])}, this SLO's is {method}")
        return Occurrences()
    length = objective.needed("timeSliceWindow", f"as in timeSliceWindow: 5m, since the budgetingMethod is {method}")
    slice_s = _slice_s(length, window) if length is not None else 60
    if method == "RatioTimeslices":
        return RatioTimeslices(slice_s)
    share = objective.needed("timeSliceTarget", "the share of good events that makes a slice good, as in timeSliceTarget: 0.95")
    slice_target = share.number(default=1.0) if share is not None else 1.0
    if share is not None and not 0 < slice_target <= 1:
        hint = f"; did you mean {float(Decimal(repr(slice_target)) / 100)}?" if 1 < slice_target <= 100 else ""
        share.wrong(f"'timeSliceTarget' is a share above 0, at most 1; found {share.shown}{hint}")
    return Timeslices(slice_s, slice_target)


def _slice_s(part: Part, window: Window) -> int:
    """A slice in seconds; a plain number is minutes."""
    text = part.text("a length of time such as 5m")
    if text.replace(".", "", 1).isdecimal():
        minutes = part.number(default=1.0)
        if minutes < 1 or minutes % 1:
            part.wrong(f"a slice has whole minutes, since counts are kept per minute; found {part.shown}")
            return 60
        return check_slice(part, int(minutes) * 60, window)
    count, unit = read_shorthand(part)
    return check_slice(part, count * SHORTHAND_S[unit], window)


def check_slice(part: Part, slice_s: int, window: Window) -> int:
    """A slice that fits into its window at least twice."""
    whole_s = window.duration_s if isinstance(window, RollingWindow) else window.count * SHORTHAND_S[window.unit]
    if slice_s > SLICE_S_MAX or slice_s * 2 > whole_s:
        part.wrong(f"a slice of {part.shown} is too long: it is at most {SLICE_S_MAX // 86_400} days and half of the window")
        return 60
    if slice_s * 20 > whole_s:
        part.remark(f"the window has only {whole_s // slice_s} slices of {part.shown}, so one bad slice is {slice_s / whole_s:.0%} of it")
    return slice_s
