"""
What a clause of a query means: which keys are parts of a log record or span, and which are attributes.

Attributes are found wherever they sit: on the record, in the resource, in a span's events and links. A prefix narrows that: `log.` or
`span.` to the record's own, `resource.`, `event.`, `link.`; an attribute whose key really starts so is found too. Values of attributes
compare as stored text, numbers by value; `service`, `level`, `duration` and the other intrinsic fields below compare as what they are.
"""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.query.conditions import bare_condition, condition_on, content, number_or_text
from tocsin.query.intrinsic import SORTS, Intrinsic, Sort
from tocsin.query.lucene import Clause, Meaning, parse
from tocsin.query.scan import Kind, Token
from tocsin.store.plan import And, Field, Or, Predicate, Scope

SHARED = {
    "service": Intrinsic("service", Sort.TEXT),
    "service.name": Intrinsic("service", Sort.TEXT),
    "scope": Intrinsic("scope", Sort.TEXT),
    "trace_id": Intrinsic("trace_id", Sort.TRACE_ID),
    "span_id": Intrinsic("span_id", Sort.SPAN_ID),
}
LOG_FIELDS: Mapping[str, Intrinsic] = {
    **SHARED,
    "level": Intrinsic("severity", Sort.LEVEL),
    "severity": Intrinsic("severity", Sort.LEVEL),
    "severity_text": Intrinsic("severity_text", Sort.TEXT),
    "severity_number": Intrinsic("severity_number", Sort.NUMBER),
    "body": Intrinsic("body", Sort.BODY),
    "message": Intrinsic("body", Sort.BODY),
    "event_name": Intrinsic("event_name", Sort.TEXT),
}
SPAN_FIELDS: Mapping[str, Intrinsic] = {
    **SHARED,
    "name": Intrinsic("name", Sort.TEXT),
    "operation": Intrinsic("name", Sort.TEXT),
    "kind": Intrinsic("kind", Sort.KIND),
    "status": Intrinsic("status", Sort.STATUS),
    "status_message": Intrinsic("status_message", Sort.TEXT),
    "duration": Intrinsic("duration", Sort.DURATION),
    "parent_span_id": Intrinsic("parent_span_id", Sort.SPAN_ID),
    "event": Intrinsic("event", Sort.EVENT),
    "root": Intrinsic("parent_span_id", Sort.ROOT),
    "error": Intrinsic("status", Sort.ERROR),
}
LOG_SCOPES = {"log.": Scope.RECORD, "attributes.": Scope.RECORD, "resource.": Scope.RESOURCE}
SPAN_SCOPES = {"span.": Scope.RECORD, "attributes.": Scope.RECORD, "resource.": Scope.RESOURCE, "event.": Scope.EVENT, "link.": Scope.LINK}


def parse_log_query(text: str) -> Predicate:
    """What a query asks of log records; raises as `lucene.parse` does."""
    return parse(text, log_meaning)


def parse_span_query(text: str) -> Predicate:
    """What a query asks of spans; raises as `lucene.parse` does."""
    return parse(text, span_meaning)


def fields_predicate(values: Mapping[str, object], meaning: Meaning) -> Predicate:
    """`event="tool", error=True` as the query `event:"tool" AND error:true`: every value exactly as given, no wildcards."""
    parts = [meaning(Clause(Token(Kind.FIELD, name, 0), "", Token(Kind.PHRASE, _text(value), 0))) for name, value in values.items()]
    return And(tuple(parts))


def log_meaning(clause: Clause) -> Predicate:
    """The condition that a clause puts on log records."""
    return _meaning(clause, LOG_FIELDS, LOG_SCOPES)


def span_meaning(clause: Clause) -> Predicate:
    """The condition that a clause puts on spans."""
    return _meaning(clause, SPAN_FIELDS, SPAN_SCOPES)


def field_named(name: str, intrinsics: Mapping[str, Intrinsic], scopes: Mapping[str, Scope]) -> list[Field]:
    """The fields that a name stands for: one, or two when it has the prefix of a scope."""
    if name in intrinsics:
        return [Field(intrinsics[name].name, Scope.INTRINSIC)]
    narrowed = [Field(name.removeprefix(prefix), scope) for prefix, scope in scopes.items() if name.startswith(prefix) and name != prefix]
    return [*narrowed, Field(name)]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _meaning(clause: Clause, intrinsics: Mapping[str, Intrinsic], scopes: Mapping[str, Scope]) -> Predicate:
    if clause.field is None:
        return bare_condition(clause.value)
    name = clause.field.text
    if name in {"has", "_exists_"} and not clause.comparison and clause.value.kind in {Kind.TERM, Kind.PHRASE}:
        name, clause = content(clause.value), Clause(clause.field, "", Token(Kind.TERM, "*", clause.value.position))
    intrinsic = intrinsics.get(name)
    if intrinsic is not None:
        return SORTS[intrinsic.sort](Field(intrinsic.name, Scope.INTRINSIC), clause)
    parts = [condition_on(field, clause, number_or_text) for field in field_named(name, intrinsics, scopes)]
    return parts[0] if len(parts) == 1 else Or(tuple(parts))
