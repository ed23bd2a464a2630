"""
The indicators of kind Objective, each in one line.

    availability: {}                               requests that the service did not fail
    latency: {under: 300ms}                        requests that were faster
    success_under: {under: 300ms}                  requests that did not fail and were faster
    throughput: {at_least: 1000, per: s}           minutes with at least so many requests
    correctness: {signal: logs, total: 'event:answer', good: 'correct:true'}
    freshness: {signal: spans, query: 'name:refresh', within: 10m}
    completeness: {in: {query: 'name:receive', weight: records}, out: {query: 'name:store', weight: records}}
    batch: {query: 'name:nightly-export root:true', within: 2h}
    promql: {bad: ..., total: ...}                 further forms stand in `own_series`

Requests are spans of kind server and consumer. Every query is asked of the objective's own service, unless it says itself whose events they
all are: `service:a x:1`, `(service:a OR service:b) x:1`, `service:*` for everybody's. `operation` and `query` narrow it further. A batch
counts spans that match, good when they did not fail and took no longer than `within`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tocsin.query.promql.options import PromqlOptions
from tocsin.slo.definition import EventCount, EventFreshness, EventRate, EventRatio, EventSignal, Indicator, StreamRatio
from tocsin.slo.files.metric_source import SIGNALS, parse_events
from tocsin.slo.files.own_series import read_promql
from tocsin.slo.files.parts import Fields, Part
from tocsin.slo.files.quantities import read_length_s
from tocsin.store.plan import And, Field, Not, Or, Predicate, Scope, leaves

REQUESTS = "(kind:server OR kind:consumer)"
NARROWING = ("operation", "query")
PER_S = {"s": 1.0, "m": 60.0, "h": 3600.0}
SERVICE = Field("service", Scope.INTRINSIC)
FAILED = "error:true"


def read_indicator(role: str, part: Part, service: str, promql: PromqlOptions) -> Indicator | None:
    """
    What is counted; None when something is wrong.

    Args:
        role: One of `ROLES`.
        part: What stands there.
        service: Of which service.
        promql: What is switched on.
    """
    return read_promql(part, promql) if role == "promql" else _EVENTS[role](part, service)


def quoted(text: str) -> str:
    """A text as a phrase of a query."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _count(part: Part, signal: EventSignal, service: str, texts: list[str], query: Part | None = None, weight: str = "") -> EventCount:
    """
    Events of a service.

    Args:
        part: Where to point at when all of it together does not parse.
        signal: Spans or logs.
        service: Whose, unless the query says whose all of them are.
        texts: Conditions of our own.
        query: The user's, last.
        weight: Attribute that is added up.
    """
    written = query.text("a query") if query is not None else ""
    says_whose = False
    if query is not None and written:
        before = len(query.notes.mistakes)
        predicate = parse_events(query, signal)
        if len(query.notes.mistakes) > before:
            return EventCount(signal, written)
        says_whose = _says_whose(predicate)
        if service and not says_whose and any(_is_of_service(leaf) for leaf in leaves(predicate)):
            query.remark(
                f"the query names a service for a part of what it asks, so only events of {service!r} count; to count those of others, "
                "write (service:a OR service:b) beside the rest, or service:* for everybody's"
            )
    conditions = [*([] if says_whose or not service else [f"service:{quoted(service)}"]), *texts]
    conditions += [f"({written})" if conditions else written] if written else []
    text = " ".join(conditions)
    return EventCount(signal, text, parse_events(query or part, signal, text), weight)


def _says_whose(predicate: Predicate) -> bool:
    """Whether every event that satisfies it satisfies a condition on its service."""
    match predicate:
        case And(parts):
            return any(_says_whose(part) for part in parts)
        case Or(parts):
            return all(_says_whose(part) for part in parts)
        case Not():
            return False
        case _:
            return _is_of_service(predicate)


def _is_of_service(leaf: Predicate) -> bool:
    return getattr(leaf, "field", None) == SERVICE


def _requests(fields: Fields, service: str) -> EventCount:
    """Requests of a service, narrowed by `operation` and `query`."""
    operation = fields.text("operation")
    texts = [REQUESTS, *([f"operation:{quoted(operation)}"] if operation else [])]
    return _count(fields.part, EventSignal.SPANS, service, texts, fields.optional("query"))


def _good(part: Part, text: str) -> EventCount:
    return EventCount(EventSignal.SPANS, text, parse_events(part, EventSignal.SPANS, text))


def _availability(part: Part, service: str) -> Indicator:
    fields = part.fields("availability", NARROWING)
    return EventRatio(_requests(fields, service), _good(part, FAILED), inverted=True)


def _faster(fields: Fields, name: str, operator: str) -> str:
    """The condition on the duration; `under` leaves the bound out, `within` takes it in."""
    length = fields.needed(name, f"as in {name}: 300ms" if name == "under" else f"as in {name}: 2h")
    seconds = read_length_s(length) if length is not None else 60.0
    return f"duration:{operator}{seconds * 1000:.6f}".rstrip("0").rstrip(".") + "ms"


def _latency(part: Part, service: str) -> Indicator:
    fields = part.fields("latency", ("under", *NARROWING))
    return EventRatio(_requests(fields, service), _good(part, _faster(fields, "under", "<")))


def _success_under(part: Part, service: str) -> Indicator:
    fields = part.fields("success_under", ("under", *NARROWING))
    return EventRatio(_requests(fields, service), _good(part, f"{_faster(fields, 'under', '<')} -{FAILED}"))


def _throughput(part: Part, service: str) -> Indicator:
    fields = part.fields("throughput", ("at_least", "per", "signal", *NARROWING))
    least = fields.needed("at_least", "as in at_least: 1000")
    number = least.number(default=1.0) if least is not None else 1.0
    if least is not None and number <= 0:
        least.wrong(f"'at_least' is a number of events above 0; found {least.shown}")
    per = fields.optional("per")
    per_s = number / PER_S[per.choice(tuple(PER_S))] if per is not None else number
    if _signal(fields) is EventSignal.LOGS:
        if "operation" in fields:
            fields.found["operation"].wrong("log records have no operation; write a query")
        return EventRate(_count(part, EventSignal.LOGS, service, [], fields.needed("query", "which log records count")), per_s)
    return EventRate(_requests(fields, service), per_s)


def _signal(fields: Fields) -> EventSignal:
    part = fields.optional("signal")
    return EventSignal(part.choice(SIGNALS)) if part is not None else EventSignal.SPANS


def _correctness(part: Part, service: str) -> Indicator | None:
    fields = part.fields("correctness", ("signal", "total", "good", "bad"))
    signal, total = _signal(fields), fields.needed("total", "the query of all events that could be correct")
    role = fields.one_of(("good", "bad"), "the query of those that are")
    if total is None or not role:
        return None
    some = fields.found[role]
    good = EventCount(signal, some.text("a query"), parse_events(some, signal))
    return EventRatio(_count(part, signal, service, [], total), good, inverted=role == "bad")


def _freshness(part: Part, service: str) -> Indicator | None:
    fields = part.fields("freshness", ("signal", "query", "within"))
    query = fields.needed("query", "the event that says that data is fresh")
    within = fields.needed("within", "as in within: 10m")
    if query is None or within is None:
        return None
    seconds = read_length_s(within)
    if seconds % 1 or seconds < 1:
        within.wrong(f"'within' has whole seconds; found {within.shown}")
    return EventFreshness(_count(part, _signal(fields), service, [], query), max(1, int(seconds)))


def _completeness(part: Part, service: str) -> Indicator | None:
    fields = part.fields("completeness", ("in", "out"))
    came, went = fields.needed("in", "what should arrive"), fields.needed("out", "what arrived")
    if came is None or went is None:
        return None
    return StreamRatio(total=_stream(came, service), good=_stream(went, service))


def _stream(part: Part, service: str) -> EventCount:
    fields = part.fields("a stream", ("signal", "query", "weight"))
    query = fields.needed("query", "as in query: 'name:receive'")
    return _count(part, _signal(fields), service, [], query, fields.text("weight"))


def _batch(part: Part, service: str) -> Indicator | None:
    fields = part.fields("batch", ("query", "within"))
    query = fields.needed("query", "the span of a run, as in query: 'name:nightly-export root:true'")
    good = _good(part, f"{_faster(fields, 'within', '<=')} -{FAILED}")
    return EventRatio(_count(part, EventSignal.SPANS, service, [], query), good) if query is not None else None


_EVENTS: Mapping[str, Callable[[Part, str], Indicator | None]] = {
    "availability": _availability,
    "latency": _latency,
    "success_under": _success_under,
    "throughput": _throughput,
    "correctness": _correctness,
    "freshness": _freshness,
    "completeness": _completeness,
    "batch": _batch,
}
ROLES = (*_EVENTS, "promql")
