"""
How the intrinsic fields of log records and spans compare: levels and kinds by name, durations with units, ids by their digits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from tocsin.errors import InvalidInput, ParseError
from tocsin.model.instant import parse_duration_ns
from tocsin.model.telemetry import SPAN_KINDS, SPAN_STATUSES
from tocsin.query.conditions import Convert, as_text, comparison_on, condition_on, content, number_of, number_or_text, pieces_of
from tocsin.query.lucene import Clause
from tocsin.query.scan import RANGE, Kind, Token
from tocsin.store.plan import And, Between, Equals, Exists, Field, Gap, Not, Or, Predicate, Scope

INT64_MAX = 2**63 - 1
FAILED = Equals(Field("status", Scope.INTRINSIC), SPAN_STATUSES.index("error"))

# Source: OpenTelemetry log data model, SeverityNumber: each name covers four numbers. Synonyms are what common loggers write.
LEVELS: Mapping[str, tuple[int, int]] = {
    **dict.fromkeys(("trace", "verbose", "finest"), (1, 4)),
    **dict.fromkeys(("debug", "finer"), (5, 8)),
    **dict.fromkeys(("info", "information", "notice"), (9, 12)),
    **dict.fromkeys(("warn", "warning"), (13, 16)),
    **dict.fromkeys(("error", "err", "severe"), (17, 20)),
    **dict.fromkeys(("fatal", "critical", "crit", "alert", "emergency", "panic"), (21, 24)),
}


class Sort(Enum):
    """How an intrinsic field compares."""

    TEXT = "text"
    NUMBER = "number"
    DURATION = "duration"
    LEVEL = "level"
    KIND = "kind"
    STATUS = "status"
    TRACE_ID = "trace id"
    SPAN_ID = "span id"
    BODY = "body"
    ROOT = "root"
    ERROR = "error"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Intrinsic:
    """A part of every record: its name in plans, and how it compares."""

    name: str
    sort: Sort


def _as_number(text: str, token: Token) -> float:
    number = number_of(text)
    if number is None:
        raise ParseError(
            f"{text!r} at position {token.position} is not a number: write one, as in severity_number:>=17", position=token.position
        )
    return number


def _as_duration(text: str, token: Token) -> float:
    micro = re.fullmatch(r"(\d+(?:\.\d+)?)(us|µs|ns)", text)
    if micro:
        return round(float(micro[1]) * (1 if micro[2] == "ns" else 1000))
    try:
        return min(parse_duration_ns(text), INT64_MAX)
    except InvalidInput as error:
        message = f"{text!r} at position {token.position} is not a length of time: write a unit, as in duration:>250ms"
        raise ParseError(message, position=token.position) from error


def _as_level(text: str, token: Token, *, highest: bool = False) -> float:
    if (number := number_of(text)) is not None:
        return number
    if text.lower() not in LEVELS:
        known = "trace, debug, info, warn, error, fatal"
        raise ParseError(
            f"{text!r} at position {token.position} is not a level that compares: write one of {known}", position=token.position
        )
    return LEVELS[text.lower()][highest]


def _of_text(field: Field, clause: Clause) -> Predicate:
    return condition_on(field, clause, as_text)


def _of_number(convert: Convert) -> Callable[[Field, Clause], Predicate]:
    def condition(field: Field, clause: Clause) -> Predicate:
        _only_plain(clause)
        asked = condition_on(field, clause, convert)
        if isinstance(asked, Equals):
            number = convert(str(asked.value), clause.value)
            return Between(field, number, number)
        return asked

    return condition


def _of_level(field: Field, clause: Clause) -> Predicate:
    value = clause.value
    if clause.comparison:
        # level:>warn starts above the last number of WARN, level:<=warn includes it.
        return comparison_on(field, clause, lambda text, token: _as_level(text, token, highest=clause.comparison in {">", "<="}))
    if value.kind is Kind.RANGE:
        return _level_range(field, value)
    asked = condition_on(Field("severity_text", Scope.INTRINSIC), clause, as_text)
    if isinstance(asked, Equals) and (number := number_of(str(asked.value))) is not None:
        return Between(field, number, number)
    if isinstance(asked, Equals) and (numbers := LEVELS.get(str(asked.value).lower())):
        return Between(field, *numbers)
    return Exists(field) if isinstance(asked, Exists) else asked


def _level_range(field: Field, value: Token) -> Predicate:
    match = RANGE.fullmatch(value.text)
    assert match is not None, "the scanner lets no other range through"
    low_included, high_included = match["open"] == "[", match["close"] == "]"
    low = 0.0 if match["low"] == "*" else _as_level(match["low"], value, highest=not low_included)
    high = 24.0 if match["high"] == "*" else _as_level(match["high"], value, highest=high_included)
    return Between(field, low, high, low_included or match["low"] == "*", high_included or match["high"] == "*")


def _of_names(names: tuple[str, ...]) -> Callable[[Field, Clause], Predicate]:
    def condition(field: Field, clause: Clause) -> Predicate:
        name = content(clause.value).lower()
        if clause.comparison or clause.value.kind not in {Kind.TERM, Kind.PHRASE} or name not in names:
            message = f"{field.name} is one of {', '.join(names)}, found {clause.value.text!r} at position {clause.value.position}"
            raise ParseError(f"{message}: write {field.name}:{names[-1]} for example", position=clause.value.position)
        return Equals(field, names.index(name))

    return condition


def _of_id(digits: int) -> Callable[[Field, Clause], Predicate]:
    def condition(field: Field, clause: Clause) -> Predicate:
        asked = condition_on(field, clause, as_text)
        if isinstance(asked, Equals):
            value = str(asked.value).lower()
            if not re.fullmatch(rf"[0-9a-f]{{{digits}}}", value):
                message = f"{asked.value!r} at position {clause.value.position} is not a {field.name}: it has {digits} hexadecimal digits"
                raise ParseError(f"{message}; write {field.name}:{value[:6]}* for a part of it", position=clause.value.position)
            return Equals(field, value)
        return asked

    return condition


def _of_body(field: Field, clause: Clause) -> Predicate:
    asked = condition_on(field, clause, as_text)
    return Equals(field, asked.value) if isinstance(asked, Equals) else asked


def _of_root(field: Field, clause: Clause) -> Predicate:
    is_root = Not(Exists(field))
    return is_root if _truth(clause) else Exists(field)


def _of_error(_status: Field, clause: Clause) -> Predicate:
    """`error:true` on spans: the attribute `error` decides where a span has one, else its status."""
    attribute = Field("error")
    if clause.comparison or clause.value.kind not in {Kind.TERM, Kind.PHRASE} or content(clause.value).lower() not in {"true", "false"}:
        return condition_on(attribute, clause, number_or_text)
    wanted = _truth(clause)
    status: Predicate = FAILED if wanted else Not(FAILED)
    return Or((Equals(attribute, str(wanted).lower()), And((Not(Exists(attribute)), status))))


def _of_event(field: Field, clause: Clause) -> Predicate:
    """`event:exception` on spans: a span event of that name, or an attribute `event`."""
    return Or((condition_on(field, clause, as_text), condition_on(Field("event"), clause, number_or_text)))


def _truth(clause: Clause) -> bool:
    word = content(clause.value).lower()
    if clause.comparison or word not in {"true", "false"}:
        name = clause.field.text if clause.field else ""
        message = f"{name} is true or false, found {clause.value.text!r} at position {clause.value.position}: write {name}:true"
        raise ParseError(message, position=clause.value.position)
    return word == "true"


def _only_plain(clause: Clause) -> None:
    pieces = pieces_of(clause.value.text) if clause.value.kind is Kind.TERM else ()
    if clause.value.kind is Kind.REGEX or (pieces != (Gap.MANY,) and any(isinstance(piece, Gap) for piece in pieces)):
        name = clause.field.text if clause.field else ""
        message = f"{name} is a number and takes no wildcard or regular expression (position {clause.value.position})"
        raise ParseError(f"{message}: write a range such as {name}:[1 TO 5]", position=clause.value.position)


SORTS: Mapping[Sort, Callable[[Field, Clause], Predicate]] = {
    Sort.TEXT: _of_text,
    Sort.NUMBER: _of_number(_as_number),
    Sort.DURATION: _of_number(_as_duration),
    Sort.LEVEL: _of_level,
    Sort.KIND: _of_names(SPAN_KINDS),
    Sort.STATUS: _of_names(SPAN_STATUSES),
    Sort.TRACE_ID: _of_id(32),
    Sort.SPAN_ID: _of_id(16),
    Sort.BODY: _of_body,
    Sort.ROOT: _of_root,
    Sort.ERROR: _of_error,
    Sort.EVENT: _of_event,
}
