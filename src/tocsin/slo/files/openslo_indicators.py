"""
OpenSLO's SLI: thresholdMetric or ratioMetric, over our own spans and logs or over PromQL.

    ratioMetric {good | bad, total}    spans or logs: good among all events          PromQL: the increase of two counters
    ratioMetric {raw, rawType}                                                       PromQL: a share, one observation per minute
    thresholdMetric                    spans: their duration against `op value`      PromQL: the value against `op value`, per minute

Source: OpenSLO v1, 'SLI'.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tocsin.query.promql.options import PromqlOptions
from tocsin.slo.definition import EventCount, EventRatio, EventSignal, Indicator, Operator, SeriesThreshold, SeriesValue
from tocsin.slo.files.lints import Looks, looks, looks_like_latency
from tocsin.slo.files.metric_source import Source, SourceSort, foreign_remark, parse_events, read_source
from tocsin.slo.files.objects import Catalog
from tocsin.slo.files.parts import Fields, Part, Sort
from tocsin.slo.files.quantities import read_length_s
from tocsin.slo.files.series_queries import read_series_query, series_ratio

SPEC_FIELDS = ("description", "thresholdMetric", "ratioMetric")
RATIO_FIELDS = ("counter", "good", "bad", "total", "rawType", "raw")
OPERATORS = tuple(operator.value for operator in Operator)
COMPARISONS = {Operator.BELOW: "<", Operator.AT_MOST: "<=", Operator.ABOVE: ">", Operator.AT_LEAST: ">="}
RISING = frozenset({Operator.ABOVE, Operator.AT_LEAST})


@dataclass(slots=True, eq=False)
class SliSpec:
    """
    An indicator as written.

    Args:
        part: Where it stands.
        name: Its name; may be empty.
        sources: By role: `thresholdMetric`, `good`, `bad`, `total`, `raw`.
        counter: What it says of its metrics; None when it says nothing.
        failures: `rawType` is `failure`.
    """

    part: Part
    name: str
    sources: Mapping[str, Source] = field(default_factory=dict)
    counter: bool | None = None
    failures: bool = False

    @property
    def is_threshold(self) -> bool:
        """Whether values are compared with each objective's own threshold."""
        return "thresholdMetric" in self.sources


def read_sli(spec: Part, name: str, catalog: Catalog) -> SliSpec:
    """What the spec of an SLI says."""
    fields = spec.fields("an SLI", SPEC_FIELDS, open_ended=True)
    role = fields.one_of(("thresholdMetric", "ratioMetric"))
    if not role:
        return SliSpec(spec, name)
    if role == "thresholdMetric":
        return SliSpec(spec, name, {role: read_source(fields.found[role], catalog)})
    return _ratio(fields.found[role], name, catalog)


def indicator_of(sli: SliSpec, objective: Fields, promql: PromqlOptions) -> Indicator | None:
    """
    What is counted for one objective; None when its source is not stored here, which is remarked, or when something is wrong.

    Args:
        sli: The indicator.
        objective: The objective, with `op` and `value` when it compares.
        promql: What is switched on.
    """
    if not sli.is_threshold:
        for name in ("op", "value"):
            part = objective.optional(name)
            if part is not None:
                part.remark(f"{name!r} is for a thresholdMetric; the indicator is a ratio, so it is ignored")
    foreign = [source for source in sli.sources.values() if source.sort is SourceSort.FOREIGN]
    for source in foreign:
        if source.type not in {"", "?"}:
            source.part.remark(foreign_remark(source))
    if foreign or not sli.sources:
        if sli.is_threshold and "op" in objective and "value" in objective:
            _comparison(sli, objective)
        return None
    if sli.is_threshold:
        return _threshold(sli, objective, promql)
    if "raw" in sli.sources:
        return _raw(sli, promql)
    return _good_of_total(sli, promql)


def _ratio(part: Part, name: str, catalog: Catalog) -> SliSpec:
    fields = part.fields("a ratioMetric", RATIO_FIELDS, open_ended=True)
    counter = fields.optional("counter")
    roles = ["raw"] if "raw" in fields else [role for role in ("good", "bad", "total") if role in fields]
    if "raw" in fields:
        for other in ("good", "bad", "total"):
            if other in fields:
                fields.found[other].wrong(f"a ratioMetric with 'raw' has no {other!r}: raw is the ratio itself")
        kind = fields.needed("rawType", "success (good/total) or failure (bad/total)")
        failures = kind is not None and kind.choice(("success", "failure")) == "failure"
    else:
        failures = False
        fields.one_of(("good", "bad"), "or raw with rawType, when the ratio itself is a metric")
        fields.needed("total", "the query of all events")
        if "rawType" in fields:
            fields.found["rawType"].wrong("'rawType' goes with 'raw'; good and bad say themselves what they are")
    sources = {role: read_source(fields.found[role], catalog) for role in roles}
    return SliSpec(part, name, sources, counter.flag() if counter is not None else None, failures)


def _comparison(sli: SliSpec, objective: Fields) -> tuple[Operator, Part | None]:
    op = objective.needed("op", "lt, lte, gt or gte, since the indicator is a thresholdMetric")
    value = objective.needed("value", "the threshold, since the indicator is a thresholdMetric")
    operator = Operator(op.choice(OPERATORS)) if op is not None else Operator.AT_MOST
    source = sli.sources["thresholdMetric"]
    is_latency = source.sort is SourceSort.EVENTS or looks_like_latency(sli.name, source.query.value)
    if op is not None and operator in RISING and is_latency:
        op.remark(f"op: {operator.value} calls large values good, yet this seems to measure a latency; for 'fast is good' write op: lte")
    return operator, value


def _threshold(sli: SliSpec, objective: Fields, promql: PromqlOptions) -> Indicator | None:
    operator, value = _comparison(sli, objective)
    source = sli.sources["thresholdMetric"]
    if value is None:
        return None
    if source.events is None:
        expression = read_series_query(source.query, promql)
        threshold = value.number()
        return SeriesThreshold(source.query.text(), operator, threshold) if expression is not None else None
    if source.events.signal is not EventSignal.SPANS:
        source.part.wrong("log records have no duration to compare; use a ratioMetric whose good query compares, as in latency_ms:<300")
        return None
    plain = value.sort is not Sort.SCALAR or re.fullmatch(r"[-+.\deE]*", value.value.strip())
    ms = value.number(default=1.0) * source.unit_ms if plain else read_length_s(value) * 1000
    if ms <= 0:
        value.wrong(f"a duration is above 0; found {value.shown}")
        return None
    text = f"duration:{COMPARISONS[operator]}{ms:f}".rstrip("0").rstrip(".") + "ms"
    good = EventCount(EventSignal.SPANS, text, parse_events(value, EventSignal.SPANS, text), source.events.weight)
    return EventRatio(total=source.events, good=good)


def _raw(sli: SliSpec, promql: PromqlOptions) -> Indicator | None:
    source = sli.sources["raw"]
    if source.sort is SourceSort.EVENTS:
        source.part.wrong("'raw' is a ratio that a metric holds; over spans or logs write good (or bad) and total")
        return None
    if read_series_query(source.query, promql) is None:
        return None
    wrong_way = Looks.SUCCESS if sli.failures else Looks.FAILURE
    if looks(source.query.value) is wrong_way and "/" not in source.query.value:
        source.query.remark(f"rawType is {'failure' if sli.failures else 'success'}, yet the query seems to count the opposite")
    return SeriesValue(source.query.text(), inverted=sli.failures)


def _good_of_total(sli: SliSpec, promql: PromqlOptions) -> Indicator | None:
    role = "good" if "good" in sli.sources else "bad"
    if role not in sli.sources or "total" not in sli.sources:
        return None
    some, total = sli.sources[role], sli.sources["total"]
    if looks(some.query.value) is (Looks.FAILURE if role == "good" else Looks.SUCCESS):
        meant = "failures" if role == "good" else "successes"
        some.query.remark(f"the query under {role!r} seems to count {meant}; if so, move it under {'bad' if role == 'good' else 'good'!r}")
    if some.sort is not total.sort:
        some.part.wrong(f"{role!r} counts {some.sort.value} and 'total' {total.sort.value}; both must come from the same sort of source")
        return None
    if some.events is not None and total.events is not None:
        return _event_ratio(some.events, total.events, some.part, inverted=role == "bad")
    queries = read_series_query(some.query, promql), read_series_query(total.query, promql)
    if queries[0] is None or queries[1] is None:
        return None
    return series_ratio(some.query, total.query, (queries[0], queries[1]), inverted=role == "bad", counter=sli.counter)


def _event_ratio(some: EventCount, total: EventCount, part: Part, *, inverted: bool) -> EventRatio | None:
    if some.signal is not total.signal:
        part.wrong(
            f"one side counts {some.signal.value}, the other {total.signal.value}; a ratio is of events of one signal "
            "(for two streams there is the indicator 'completeness' of kind Objective)"
        )
        return None
    if some.weight != total.weight and some.weight:
        part.wrong(f"the weight {some.weight!r} is not that of 'total', {total.weight!r}; both sides must count the same")
    return EventRatio(total=total, good=replace(some, weight=total.weight), inverted=inverted)
