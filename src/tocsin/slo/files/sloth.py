"""
Sloth's `version: prometheus/v1`, and the same as a Kubernetes object (`sloth.slok.dev/v1`, PrometheusServiceLevel).

    version: prometheus/v1
    service: checkout
    slos:
      - name: availability
        objective: 99.9
        sli:
          events:
            error_query: sum(rate(http_requests_total{code=~"5.."}[{{.window}}]))
            total_query: sum(rate(http_requests_total[{{.window}}]))
        alerting: {name: CheckoutAvailability, page_alert: {labels: {severity: critical}}, ticket_alert: {disable: true}}

An SLO is called `service-name`, as Sloth's own id, and its window is 30 days, rolling. Rates over the window's template become counters
that are counted minute by minute; a query that has no such form is asked for each minute by itself. Plugins are programs of Sloth's: an
SLO whose indicator is one is left out.
Source: Sloth's documentation, 'Specification'.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from tocsin.query.promql.options import PromqlOptions
from tocsin.slo.definition import AlertPolicyReference, Indicator, Objective, SeriesValue
from tocsin.slo.files.notes import Notes
from tocsin.slo.files.objects import Draft, read_labels, read_name
from tocsin.slo.files.parts import Fields, Part
from tocsin.slo.files.quantities import DEFAULT_TARGET, DEFAULT_WINDOW, check_target
from tocsin.slo.files.series_queries import read_series_query, series_ratio

VERSION = "prometheus/v1"
CRD_VERSION = "sloth.slok.dev/v1"
CRD_KIND = "PrometheusServiceLevel"
COUNT_WINDOW = "1m"  # a query that is asked for each minute must not see more than one
RATIO_WINDOW = "5m"  # the shortest that Sloth itself uses

# Compound names are spelt in two ways: the first in files, the second in Kubernetes objects, yet files with the second are about.
SPELLINGS = {
    name: (name, re.sub(r"_([a-z])", lambda match: match[1].upper(), name))
    for name in ("slo_plugins", "error_query", "total_query", "error_ratio_query", "page_alert", "ticket_alert")
}
SLO_FIELDS = ("name", "description", "objective", "labels", "sli", "alerting", "plugins")

_WINDOW = re.compile(r"\{\{-?\s*\.window\s*-?\}\}")
_SERVICE = re.compile(r"\{\{-?\s*\.service\s*-?\}\}")


def read_sloth(part: Part, promql: PromqlOptions) -> list[Draft]:
    """
    The SLOs of one service.

    Args:
        part: The file, or the Kubernetes object's spec.
        promql: What is switched on.
    """
    fields = _fields(part, "a Sloth service", "version", "service", "labels", "slos", "slo_plugins")
    service_part = fields.needed("service")
    service = service_part.text() if service_part is not None else ""
    if "slo_plugins" in fields:
        fields.found["slo_plugins"].remark("plugins are programs of Sloth's and not applied here")
    labels = read_labels(fields.optional("labels"), "labels")
    slos = fields.elements("slos", "SLOs")
    if not slos:
        fields.wrong("a Sloth file needs 'slos' with at least one SLO")
    drafts = [_slo(slo, service, labels, promql) for slo in slos]
    return [draft for draft in drafts if draft is not None]


def _fields(part: Part, what: str, *names: str) -> Fields:
    """A mapping by the names of files, whichever spelling it has."""
    known = [spelling for name in names for spelling in SPELLINGS.get(name, (name,))]
    fields = part.fields(what, known, open_ended=True)
    found = {name: next((fields.found[way] for way in SPELLINGS.get(name, (name,)) if way in fields.found), None) for name in names}
    return Fields(part, what, {name: value for name, value in found.items() if value is not None})


def _slo(part: Part, service: str, labels: Mapping[str, str], promql: PromqlOptions) -> Draft | None:
    fields = part.fields("a Sloth SLO", SLO_FIELDS, open_ended=True)
    name_part = fields.needed("name")
    name = read_name(name_part) if name_part is not None else "?"
    target, target_part = _objective(fields)
    indicator = _indicator(fields.needed("sli", "events, raw or plugin"), service, promql)
    if "plugins" in fields:
        fields.found["plugins"].remark("plugins are programs of Sloth's and not applied here")
    alerts, runbook = _alerts(fields.optional("alerting"))
    if indicator is None:
        return None
    all_labels = {**labels, **read_labels(fields.optional("labels"), "labels")}
    key = f"{service}-{name}"
    objective = Objective(
        key=key,
        slo=key,
        service=service,
        target=target,
        indicator=indicator,
        window=DEFAULT_WINDOW,
        description=fields.text("description"),
        labels=all_labels,
        alert_policies=alerts,
        owner=all_labels.get("owner") or all_labels.get("team") or "",
        runbook=runbook,
        place=f"{part.place.path}:{part.place.line}",
    )
    return Draft(objective, part, target_part)


def _objective(fields: Fields) -> tuple[float, Part]:
    part = fields.needed("objective", "the target in per cent, as in objective: 99.9")
    if part is None:
        return DEFAULT_TARGET, fields.part
    before = len(part.notes.mistakes)
    number = part.number(default=99.0)
    if len(part.notes.mistakes) > before:
        return DEFAULT_TARGET, part
    if 0.5 <= number < 1:
        meant = (Decimal(repr(number)) * 100).normalize()
        part.wrong(f"'objective' is in per cent, so {part.value} lets 99 of 100 events fail; did you mean {meant:f}?")
        return DEFAULT_TARGET, part
    return check_target(part, Decimal(repr(number)) / 100), part


def _indicator(part: Part | None, service: str, promql: PromqlOptions) -> Indicator | None:
    if part is None:
        return None
    fields = part.fields("an sli", ("events", "raw", "plugin"), open_ended=True)
    role = fields.one_of(("events", "raw", "plugin"))
    if role == "plugin":
        fields.found[role].remark(
            "an indicator that is a plugin of Sloth's can't be counted here, so the SLO is left out; write its queries as 'events'"
        )
    elif role == "raw":
        raw = _fields(fields.found[role], "raw", "error_ratio_query")
        query = raw.needed("error_ratio_query")
        if query is not None:
            text = _filled(query, service, RATIO_WINDOW)
            return SeriesValue(text, inverted=True) if read_series_query(query, promql, text) is not None else None
    elif role == "events":
        events = _fields(fields.found[role], "events", "error_query", "total_query")
        errors, total = events.needed("error_query"), events.needed("total_query")
        if errors is not None and total is not None:
            trees = [read_series_query(query, promql, _filled(query, service, COUNT_WINDOW)) for query in (errors, total)]
            if trees[0] is not None and trees[1] is not None:
                return series_ratio(errors, total, (trees[0], trees[1]), inverted=True, counter=False, rates_expected=True)
    return None


def _filled(part: Part, service: str, window: str) -> str:
    """The query with its templates filled in."""
    text = part.text("a PromQL query")
    if not _WINDOW.search(text):
        part.wrong("Sloth's queries have {{.window}} where the range stands, as in rate(http_requests_total[{{.window}}])")
    return _SERVICE.sub(service, _WINDOW.sub(window, text))


def _alerts(part: Part | None) -> tuple[tuple[AlertPolicyReference, ...], str]:
    """Sloth's page and ticket alert, and the runbook that their annotations name."""
    if part is None:
        return (), ""
    fields = _fields(part, "alerting", "name", "labels", "annotations", "page_alert", "ticket_alert")
    labels = read_labels(fields.optional("labels"), "labels")
    annotations = read_labels(fields.optional("annotations"), "annotations")
    found = []
    for severity in ("page", "ticket"):
        own_part = fields.optional(f"{severity}_alert")
        own = own_part or Part(part.place, Notes())
        alert = own.fields("an alert", ("disable", "labels", "annotations"), open_ended=True)
        if alert.flag("disable", default=False):
            continue
        own_labels = {**labels, **read_labels(alert.optional("labels"), "labels")}
        own_annotations = {**annotations, **read_labels(alert.optional("annotations"), "annotations")}
        found.append(AlertPolicyReference(fields.text("name"), severity, labels=own_labels, annotations=own_annotations))
    return tuple(found), annotations.get("runbook") or annotations.get("runbook_url") or ""
