"""
Conditions of our own kinds of rules: exactly one of them in each rule.

    promql: rate(http_requests_total{code=~"5.."}[5m]) > 1
    burn: {objective: checkout-availability, factor: 14.4, long: 1h, short: 5m}          or  any: [{factor, long, short}, ...]
    logs: {query: 'service:orders event:slow_query', over: 2m, above: 5, by: [service]}
    spans: {query: 'error:true', of: 'kind:server', over: 10m, above: 5%}                a share; also ratio: {of: ...}
    newPattern: {query: 'severity:error', over: 10m, atLeast: 3}
    signal: {signal: latency, service: checkout, percentile: 99, over: 5m, above: 1s}    without a threshold the wall's limits decide
    atLeast: {count: 2, of: [{name: slow, signal: ...}, {name: failing, spans: ...}], by: [service], fastBurn: '*'}

Thresholds are `above`, `orMore`, `below` or `orLess`. Queries are Lucene syntax, read here, so that a query that does not parse is found
when the file is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tocsin.alert.conditions.events import label_of
from tocsin.alert.conditions.signals import PERCENTILES, SIGNALS
from tocsin.alert.definition import (
    AtLeast,
    BurnAbove,
    BurnPair,
    Comparison,
    Condition,
    EventsCompare,
    NewPattern,
    Promql,
    SignalBreach,
)
from tocsin.errors import InvalidInput
from tocsin.model.spelling import did_you_mean
from tocsin.query.promql.features import check_features
from tocsin.query.promql.options import PromqlOptions
from tocsin.query.promql.parser import parse
from tocsin.slo.definition import EventSignal, Objective
from tocsin.slo.files.metric_source import parse_events
from tocsin.slo.files.own_policies import SHORT_SHARE
from tocsin.slo.files.parts import Fields, Part, Sort
from tocsin.slo.files.quantities import in_percent, read_length_s, read_share

THRESHOLDS: Mapping[str, Comparison] = {
    "above": Comparison.ABOVE,
    "orMore": Comparison.AT_LEAST,
    "below": Comparison.BELOW,
    "orLess": Comparison.AT_MOST,
}
EVENT_FIELDS = ("query", "over", "count", "ratio", "of", *THRESHOLDS, "by", "eventsMin")
BY_MAX = 5
# Different for every record, or not one value: an alert for each would be a flood.
NEVER_BY = frozenset({"trace_id", "span_id", "parent_span_id", "root", "duration", "body", "message", "event", "status_message"})


@dataclass(frozen=True, slots=True)
class Known:
    """
    What conditions are read with.

    Args:
        objectives: Those in force, by key.
        promql: What is switched on.
        bad_min: Bad events that a window must hold before a burn rate alerts, unless the rule says.
        service: The service that the rule is about; empty for none.
    """

    objectives: Mapping[str, Objective]
    promql: PromqlOptions
    bad_min: float
    service: str = ""


def read_condition(fields: Fields, known: Known) -> Condition | None:
    """The condition of a rule, or of one part of a composite; None when something is wrong with it."""
    role = fields.one_of(CONDITIONS)
    if not role:
        return None
    part = fields.found[role]
    before = len(part.notes.mistakes)
    condition = _READERS[role](part, known)
    return condition if len(part.notes.mistakes) == before else None


def _promql(part: Part, known: Known) -> Condition | None:
    text = part.text("a PromQL expression")
    if not text:
        part.wrong("expected a PromQL expression, found nothing")
        return None
    try:
        expression = parse(text)
        check_features(expression, known.promql)
    except InvalidInput as error:
        part.wrong(f"could not parse the expression: {error}", getattr(error, "position", None))
        return None
    return Promql(text, expression)


def _burn(part: Part, known: Known) -> Condition | None:
    fields = part.fields("a burn rate", ("objective", "factor", "long", "short", "any", "badEvents"))
    name = fields.needed("objective", "the name of an SLO")
    several = fields.elements("any", "pairs of windows")
    if "any" in fields and {"factor", "long", "short"} & set(fields.found):
        fields.wrong("write one pair as factor, long and short, or several under any; not both")
    pairs = [_pair(one.fields("a pair of windows", ("factor", "long", "short"))) for one in several] or [_pair(fields)]
    objective = known.objectives.get(name.text()) if name is not None else None
    if name is not None and objective is None:
        near = did_you_mean(name.text(), known.objectives)
        name.wrong(f"no objective is called {name.shown} in any of the SLO files in force{near or '; `tocsin slo` lists all'}")
    bad = fields.optional("badEvents")
    for pair in pairs:
        if objective is not None and pair.factor * objective.allowed_ratio >= 1:
            part.wrong(impossible_burn(objective, pair.factor))
    if objective is None:
        return None
    first, *more = pairs
    bad_min = bad.number() if bad is not None else known.bad_min
    return BurnAbove(objective.key, first.factor, first.long_s, first.short_s, bad_min, tuple(more))


def impossible_burn(objective: Objective, factor: float) -> str:
    """The sentence for a burn rate that not even a total failure reaches."""
    return (
        f"a burn rate above {factor:.4g} can never be: with a target of {in_percent(objective.target)} even a total failure of "
        f"{objective.key!r} burns at 1 / (1 - {objective.target}) = {1 / objective.allowed_ratio:.4g}; lower the factor"
    )


def _pair(fields: Fields) -> BurnPair:
    factor, long, short = (
        fields.needed("factor", "the burn rate above which it alerts, as in factor: 14.4"),
        fields.needed("long", "as in long: 1h"),
        fields.optional("short"),
    )
    rate = factor.number(default=1.0) if factor is not None else 1.0
    if factor is not None and rate <= 0:
        factor.wrong(f"a burn rate that alerts is above 0, 1 spends the budget in exactly the window; found {factor.shown}")
    long_s = int(read_length_s(long, whole_minutes=True)) if long is not None else 3600
    twelfth_s = max(60, long_s // SHORT_SHARE // 60 * 60)
    short_s = int(read_length_s(short, whole_minutes=True)) if short is not None else twelfth_s
    if short is not None and short_s > long_s:
        short.wrong(f"'short' must not be longer than 'long'; found {short.shown}; did you swap them?")
    return BurnPair(rate, long_s, short_s)


def _events(part: Part, signal: EventSignal) -> Condition | None:
    fields = part.fields(f"a condition on {signal.value}", EVENT_FIELDS)
    query, over = fields.needed("query", "Lucene syntax, as in query: 'service:checkout error:true'"), _over(fields)
    of = fields.optional("of")
    ratio = fields.optional("ratio")
    if ratio is not None:
        of = ratio.fields("a ratio", ("of",)).needed("of", "the query of all events") or of
    if "count" in fields and fields.flag("count", default=True) and of is not None:
        fields.found["count"].wrong("count: true compares the number itself; leave out 'of' and 'ratio', or leave out 'count'")
    comparison, threshold = _threshold(fields, lambda one: read_share(one, "a threshold of a ratio") if of is not None else one.number())
    if query is None or threshold is None:
        return None
    by = _by(fields)
    if by and of is None and comparison in (Comparison.BELOW, Comparison.AT_MOST):
        part.remark("split by attributes only values that events still have are seen: what fell silent altogether is not; leave out 'by'")
    least = fields.optional("eventsMin")
    if least is not None and of is None:
        least.wrong("'eventsMin' is how many events a ratio needs; without 'of' there is none")
    return EventsCompare(
        signal.value,
        query.text("a query"),
        over,
        comparison,
        threshold,
        parse_events(query, signal),
        of.text("a query") if of is not None else "",
        parse_events(of, signal) if of is not None else None,
        least.number(default=1.0) if least is not None else 1.0,
        by,
    )


def _by(fields: Fields) -> tuple[str, ...]:
    parts = fields.elements("by", "names of attributes")
    names = [part.text("the name of an attribute") for part in parts]
    labels: dict[str, str] = {}
    for part, name in zip(parts, names, strict=True):
        if name in NEVER_BY:
            part.wrong(f"{name!r} differs from record to record, so there would be an alert for each; split by what has few values")
        elif labels.setdefault(label_of(name), name) != name:
            part.wrong(f"{name!r} and {labels[label_of(name)]!r} would both become the label {label_of(name)!r}; leave one out")
    if len(parts) > BY_MAX:
        parts[BY_MAX].wrong(f"a condition is split by at most {BY_MAX} attributes, found {len(parts)}")
    return tuple(dict.fromkeys(names))


def _over(fields: Fields) -> int:
    part = fields.needed("over", "as in over: 5m")
    seconds = read_length_s(part) if part is not None else 60.0
    if part is not None and seconds % 1:
        part.wrong(f"'over' has whole seconds; found {part.shown}")
    return max(1, int(seconds))


def _threshold(fields: Fields, read: Callable[[Part], float], *, needed: bool = True) -> tuple[Comparison, float | None]:
    there = [name for name in THRESHOLDS if name in fields.found]
    if not there and not needed:
        return Comparison.ABOVE, None
    name = fields.one_of(tuple(THRESHOLDS), "as in above: 5")
    return (THRESHOLDS[name], read(fields.found[name])) if name else (Comparison.ABOVE, None)


def _new_pattern(part: Part, known: Known) -> Condition | None:  # noqa: ARG001 - one signature for all
    fields = part.fields("a new pattern", ("query", "over", "atLeast"))
    query, over, least = fields.needed("query", "as in query: 'severity:error'"), _over(fields), fields.optional("atLeast")
    if query is None:
        return None
    return NewPattern(query.text("a query"), over, parse_events(query, EventSignal.LOGS), least.number(default=1.0) if least else 1.0)


def _signal(part: Part, known: Known) -> Condition | None:
    fields = part.fields("a golden signal", ("signal", "service", "over", "percentile", *THRESHOLDS))
    kind = fields.needed("signal", f"one of {', '.join(SIGNALS)}")
    signal = kind.choice(SIGNALS) if kind is not None else SIGNALS[0]
    percentile = fields.optional("percentile")
    if percentile is not None and signal != "latency":
        percentile.wrong(f"only latency has percentiles; {signal} has one figure")
    readers: Mapping[str, Callable[[Part], float]] = {
        "latency": read_length_s,
        "traffic": lambda one: one.number(),
        "errors": lambda one: read_share(one, "a threshold of errors"),
        "saturation": lambda one: read_share(one, "a threshold of saturation"),
    }
    comparison, threshold = _threshold(fields, readers[signal], needed=False)
    service = fields.text("service") or known.service
    return SignalBreach(signal, service, _over(fields), comparison, threshold, _percentile(percentile))


def _percentile(part: Part | None) -> float:
    if part is None:
        return PERCENTILES[-1]
    text = part.text("a percentile").lower().removeprefix("p").removesuffix("%").strip()
    by_text = {spelling: one for one in PERCENTILES for spelling in (f"{one * 100:g}", f"{one:g}", f"{one:.2f}")}
    if text not in by_text:
        part.wrong(f"a percentile is one of {', '.join(f'{one * 100:g}' for one in PERCENTILES)}; found {part.shown}")
    return by_text.get(text, PERCENTILES[-1])


def _at_least(part: Part, known: Known) -> Condition | None:
    fields = part.fields("a composite", ("count", "of", "by", "fastBurn", "fastBurnFactor", "stale"))
    count_part, items = fields.needed("count", "how many of them must hold, as in count: 2"), fields.elements("of", "conditions")
    named: list[tuple[str, Condition]] = []
    for place, item in enumerate(items, 1):
        inner = item.fields("a condition", ("name", *CONDITIONS))
        condition = read_condition(inner, known)
        name = inner.text("name") or next((role for role in CONDITIONS if role in inner.found), f"condition {place}")
        if name in {other for other, _ in named}:
            item.wrong(f"two conditions are called {name!r}; the text of the alert could not tell them apart")
        if condition is not None:
            named.append((name, condition))
    count = int(count_part.number(default=1.0)) if count_part is not None else 1
    if not items:
        fields.wrong("a composite needs conditions under 'of'")
    elif count_part is not None and not 1 <= count <= len(items):
        count_part.wrong(f"'count' is at least 1 and at most the number of conditions, {len(items)}; found {count_part.shown}")
    by = tuple(one.text("the name of a label") for one in fields.elements("by", "names of labels")) if "by" in fields else ("service",)
    factor, stale = fields.optional("fastBurnFactor"), fields.optional("stale")
    return AtLeast(
        count,
        tuple(named),
        by,
        _fast_burn(fields.optional("fastBurn"), known),
        factor.number(default=14.4) if factor is not None else 14.4,
        int(read_length_s(stale)) if stale is not None else 300,
    )


def _fast_burn(part: Part | None, known: Known) -> tuple[str, ...]:
    """Objectives whose fast burn alone is enough; `*` becomes those of the rule's service, where it says one."""
    wanted = ["*"]
    if part is not None:
        items = part.items if part.sort is Sort.LIST else [part]
        wanted = [item.text("an objective, '*' for every one of the service, or false for none") for item in items]
        if part.sort is Sort.SCALAR and wanted[0].lower() in {"false", "no", "off", ""}:
            return ()
        for item, key in zip(items, wanted, strict=True):
            if key != "*" and key not in known.objectives:
                item.wrong(f"no objective is called {item.shown}{did_you_mean(key, known.objectives)}")
    if "*" not in wanted or not known.service:
        return tuple(dict.fromkeys(wanted))
    own = [one.key for one in known.objectives.values() if one.service == known.service]
    return tuple(dict.fromkeys([*(key for key in wanted if key != "*"), *own]))


_READERS: Mapping[str, Callable[[Part, Known], Condition | None]] = {
    "promql": _promql,
    "burn": _burn,
    "logs": lambda part, known: _events(part, EventSignal.LOGS),  # noqa: ARG005 - one signature for all
    "spans": lambda part, known: _events(part, EventSignal.SPANS),  # noqa: ARG005
    "newPattern": _new_pattern,
    "signal": _signal,
    "atLeast": _at_least,
}
CONDITIONS = tuple(_READERS)
