"""
Where an OpenSLO indicator takes its numbers from, and what can be counted of it here.

    metricSource:
      type: tocsin                   # our own: spans or logs
      spec: {signal: spans, query: 'service:checkout kind:server', weight: records, unit: ms}

    metricSource:
      type: Prometheus               # or promql, thanos, mimir, cortex, victoriametrics, in any case
      spec: {query: 'sum(http_requests_total)'}

`query` is Lucene syntax and taken as it stands (no condition on the SLO's service is added); `weight` names an attribute whose number
counts instead of 1; `unit` is that of the objectives' `value` when spans are compared by duration, milliseconds unless stated.
Any other type is valid, yet nothing of it is stored here: the objective is left out, and a remark says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from tocsin.errors import InvalidInput, ParseError
from tocsin.model.spelling import did_you_mean
from tocsin.query.fields import parse_log_query, parse_span_query
from tocsin.slo.definition import EventCount, EventSignal
from tocsin.slo.files.objects import Catalog
from tocsin.slo.files.parts import Part, Sort
from tocsin.store.plan import Everything, Predicate

OWN_TYPE = "tocsin"
SERIES_TYPES = frozenset({"prometheus", "promql", "thanos", "mimir", "cortex", "victoriametrics"})
QUERY_FIELDS = ("query", "promql")
OWN_FIELDS = ("signal", "query", "weight", "unit")
SIGNALS = tuple(signal.value for signal in EventSignal)
UNITS_MS = {"ms": 1.0, "s": 1000.0, "us": 0.001, "ns": 0.000001, "m": 60_000.0}


class SourceSort(Enum):
    """What can be done with a source."""

    EVENTS = "spans or logs"
    SERIES = "PromQL"
    FOREIGN = "a source that is not stored here"


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """
    A metric source.

    Args:
        sort: What can be done with it.
        type: As written.
        part: Where it stands.
        query: Where its query stands; for a foreign source, and for one that is wrong, where the source does.
        events: What it counts, for spans and logs.
        unit_ms: Milliseconds per unit of a threshold.
    """

    sort: SourceSort
    type: str
    part: Part
    query: Part
    events: EventCount | None = None
    unit_ms: float = 1.0


def read_source(metric: Part, catalog: Catalog) -> Source:
    """The source of one metric (`good`, `total`, `raw`, `thresholdMetric`)."""
    around = metric.fields("a metric", ("metricSource",), open_ended=True).needed("metricSource")
    if around is None:
        return Source(SourceSort.FOREIGN, "", metric, metric)
    fields = around.fields("a metricSource", ("metricSourceRef", "type", "spec", *QUERY_FIELDS), open_ended=True)
    kind = _type_of(fields.optional("type"), fields.optional("metricSourceRef"), around, catalog)
    spec = fields.optional("spec") or around
    if kind.lower() == OWN_TYPE:
        return _events(kind, around, spec)
    if kind.lower() in SERIES_TYPES:
        return Source(SourceSort.SERIES, kind, around, _series_query(spec, around))
    return Source(SourceSort.FOREIGN, kind, around, around)


def foreign_remark(source: Source) -> str:
    """The sentence for an objective whose source is not stored here."""
    near = did_you_mean(source.type, (OWN_TYPE, *SERIES_TYPES))
    return f"a metric source of type {source.type!r} can't be counted here, so the objective is left out{near}; tocsin and prometheus can"


def parse_events(part: Part, signal: EventSignal, text: str | None = None) -> Predicate:
    """What a query asks of spans or logs; a mistake is noted at its place in the scalar."""
    query = part.text("a query") if text is None else text
    read: Callable[[str], Predicate] = parse_span_query if signal is EventSignal.SPANS else parse_log_query
    try:
        return read(query)
    except ParseError as error:
        part.wrong(f"could not parse the query: {error}", error.position if text is None else None)
    except InvalidInput as error:
        part.wrong(f"could not parse the query: {error}")
    return Everything()


def _type_of(stated: Part | None, reference: Part | None, around: Part, catalog: Catalog) -> str:
    kind = stated.text("the type of a metric source") if stated is not None else ""
    source = None
    if reference is not None:
        name = reference.text("the name of a DataSource")
        source = catalog.found.get(("DataSource", name))
        if source is None and kind:
            reference.remark(f"{catalog.unknown('DataSource', name)}; the type {kind!r} that stands here is used")
        elif source is None:
            reference.wrong(f"{catalog.unknown('DataSource', name)}; define it, or state the type here")
            return "?"
    if source is not None:
        referred = source.spec.fields("a DataSource", ("type", "description", "connectionDetails"), open_ended=True).text("type")
        if kind and referred.lower() != kind.lower() and stated is not None:
            stated.remark(f"the DataSource {source.metadata.name!r} is of type {referred!r}; the type that stands here, {kind!r}, is used")
        kind = kind or referred
    if not kind and source is None:
        around.wrong("a metricSource needs its 'type' (prometheus, tocsin, ...), or a metricSourceRef to a DataSource that has one")
    return kind or "?"


def _series_query(spec: Part, around: Part) -> Part:
    if spec.sort is Sort.SCALAR:
        return spec
    fields = {key.value: value for key, value in spec.entries("a metric source") if key.value in QUERY_FIELDS and not value.is_null}
    if not fields:
        around.wrong("a metricSource of this type needs its PromQL as spec: {query: ...}")
        return Part(around.place, around.notes, value="vector(0)", quoted=True)
    return next(iter(fields.values()))


def _events(kind: str, around: Part, spec: Part) -> Source:
    fields = spec.fields("a metric source of type tocsin", OWN_FIELDS if spec is not around else (*OWN_FIELDS, "type", "metricSourceRef"))
    signal_part = fields.needed("signal", "spans or logs")
    signal = EventSignal(signal_part.choice(SIGNALS)) if signal_part is not None else EventSignal.SPANS
    query = fields.needed("query", "in Lucene syntax, as query: 'service:checkout kind:server'")
    unit = fields.optional("unit")
    events = EventCount(signal, query.text("a query"), parse_events(query, signal), fields.text("weight")) if query is not None else None
    unit_ms = UNITS_MS[unit.choice(tuple(UNITS_MS))] if unit is not None else 1.0
    return Source(SourceSort.EVENTS, kind, around, query or around, events or EventCount(signal, ""), unit_ms)
