"""
PromQL as an indicator of kind Objective.

    promql: {bad: 'sum(http_requests_total{code=~"5.."})', total: 'sum(http_requests_total)'}     counters; their increase counts
    promql: {good: ..., total: ..., counter: false}                                  values are numbers of events per minute
    promql: {failure_ratio: ...}      promql: {success_ratio: ...}                   a share, 0 to 1, one observation per minute
    promql: {query: 'queue_depth', below: 100}                                       a value against a threshold, per series and minute
"""

from __future__ import annotations

from tocsin.query.promql.options import PromqlOptions
from tocsin.slo.definition import Indicator, Operator, SeriesThreshold, SeriesValue
from tocsin.slo.files.lints import Looks, looks
from tocsin.slo.files.parts import Fields, Part
from tocsin.slo.files.series_queries import read_series_query, series_ratio

THRESHOLDS = {"below": Operator.BELOW, "at_most": Operator.AT_MOST, "above": Operator.ABOVE, "at_least": Operator.AT_LEAST}
FORMS = ("good", "bad", "success_ratio", "failure_ratio", "query")


def read_promql(part: Part, promql: PromqlOptions) -> Indicator | None:
    """The indicator; None when something is wrong."""
    fields = part.fields("promql", (*FORMS, "total", "counter", *THRESHOLDS))
    form = fields.one_of(FORMS, "good or bad go with total, query with below, at_most, above or at_least")
    if not form:
        return None
    _only(fields, ("total", "counter"), form in {"good", "bad"}, "good or bad")
    _only(fields, tuple(THRESHOLDS), form == "query", "query")
    expression = read_series_query(fields.found[form], promql)
    if form in {"success_ratio", "failure_ratio"}:
        return SeriesValue(fields.found[form].text(), inverted=form == "failure_ratio")
    if form == "query":
        name = fields.one_of(tuple(THRESHOLDS), "the threshold that good values keep")
        threshold = fields.found[name].number() if name else 0.0
        return SeriesThreshold(fields.found[form].text(), THRESHOLDS[name or "below"], threshold)
    total_part = fields.needed("total", "the query of all events")
    total = read_series_query(total_part, promql) if total_part is not None else None
    if expression is None or total is None or total_part is None:
        return None
    some = fields.found[form]
    if looks(some.value) is (Looks.FAILURE if form == "good" else Looks.SUCCESS):
        some.remark(f"the query under {form!r} seems to count {'failures' if form == 'good' else 'successes'}")
    counter = fields.flag("counter", default=True)
    return series_ratio(some, total_part, (expression, total), inverted=form == "bad", counter=counter)


def _only(fields: Fields, names: tuple[str, ...], allowed: bool, with_what: str) -> None:
    for name in names:
        if name in fields and not allowed:
            fields.found[name].wrong(f"{name!r} goes with {with_what}")
