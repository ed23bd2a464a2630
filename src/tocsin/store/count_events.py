"""
Statements that count spans or log records per minute, for many indicators in one walk over the rows.

    events of `checkout`, two indicators, 12:01 and 12:02   ->   minute  | good, total, excluded good, excluded total | ... of the second

An event belongs to an indicator when `total` holds; it is good when `good` holds as well (or does not, when that describes the bad ones);
it goes to the excluded columns when one of the exclusions holds. Conditions are rendered without looking up resources beforehand: a
resource that appears a moment later must count at once, and the engine asks each distinct resource only once anyway.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from tocsin.store.engine import Engine, SettingValue
from tocsin.store.plan import And, Equals, Everything, Field, Or, Predicate, Scope
from tocsin.store.read_range import Within, in_range, instant
from tocsin.store.render import LOGS, SPANS, Table, render
from tocsin.store.sql import ParameterNames, Sql

NANOSECONDS = 1_000_000_000
COLUMNS = 4  # good, total, excluded good, excluded total
STREAMS_PER_STATEMENT = 40
RANGES_PER_STATEMENT = 32
COUNT_SETTINGS: Mapping[str, SettingValue] = {"max_execution_time": 120, "max_threads": 1, "use_query_condition_cache": 0}
SERVICE = Field("service", Scope.INTRINSIC)


@dataclass(frozen=True, slots=True)
class ExcludedEvents:
    """Events that satisfy the predicate from `start` to before `end` (nanoseconds since 1970, None: open) do not count."""

    predicate: Predicate
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class CountedEvents:
    """
    What one indicator counts.

    Args:
        total: Which events.
        good: Which of them are good.
        inverted: `good` describes the bad ones.
        weight: The attribute whose number is added up; empty to count events. Events without it, or below 0, count 0.
        good_weight: The same for good (or bad) events.
        excluded: Events that count neither as good nor as bad.
    """

    total: Predicate
    good: Predicate = field(default_factory=Everything)
    inverted: bool = False
    weight: str = ""
    good_weight: str = ""
    excluded: tuple[ExcludedEvents, ...] = ()


@dataclass(frozen=True, slots=True)
class Minutes:
    """Minutes from `start_s` (included) to `end_s` (left out), seconds since 1970, multiples of 60."""

    start_s: int
    end_s: int


def services_of(predicate: Predicate) -> frozenset[str] | None:
    """The services whose events alone can satisfy a predicate; None when events of any service can."""
    match predicate:
        case Equals(field, value) if field == SERVICE:
            return frozenset({str(value)})
        case And(parts):
            known = [services for part in parts if (services := services_of(part)) is not None]
            return frozenset.intersection(*known) if known else None
        case Or(parts):
            each = [services_of(part) for part in parts]
            known = [services for services in each if services is not None]
            return frozenset().union(*known) if known and len(known) == len(each) else None
        case _:
            return None


def without_service(predicate: Predicate) -> Predicate:
    """What a predicate asks besides the service, as far as it asks that of every event; the rest of it, unchanged, otherwise."""
    if _is_service(predicate):
        return Everything()
    if isinstance(predicate, And):
        rest = tuple(part for part in predicate.parts if not _is_service(part))
        return rest[0] if len(rest) == 1 else And(rest)
    return predicate


def _is_service(predicate: Predicate) -> bool:
    """Whether a predicate asks for the service and nothing else."""
    match predicate:
        case Equals(field, _):
            return field == SERVICE
        case Or(parts):
            return bool(parts) and all(_is_service(part) for part in parts)
        case _:
            return False


def count_events(
    engine: Engine, table: Table, asked: Sequence[tuple[CountedEvents, frozenset[str] | None]], *, ranges: Sequence[Minutes]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """
    Count events of every minute of some ranges.

    What differs in nothing but the service is counted by one expression for all of them: fifty services with the same four indicators
    take one walk over their rows, and four expressions.

    Args:
        engine: Where the rows are.
        table: Spans or logs.
        asked: What to count, and of which services; None, for all of them, stands alone.
        ranges: Disjoint, in order.

    Returns:
        The minutes, seconds since 1970, [minutes]; and good, total, excluded good, excluded total, [minutes, asked, 4].
    """
    minutes = np.concatenate([np.arange(each.start_s, each.end_s, 60, dtype=np.int64) for each in ranges])
    counts = np.zeros((len(minutes), len(asked), COLUMNS))
    known = [services for _, services in asked if services is not None]
    assert len(known) in {0, len(asked)}, "what is asked of all services stands alone"
    named = sorted(frozenset().union(*known)) if known else None
    shapes = list(dict.fromkeys(_shape(events, services) for events, services in asked))
    for first in range(0, len(shapes), STREAMS_PER_STATEMENT):
        some = shapes[first : first + STREAMS_PER_STATEMENT]
        for begin in range(0, len(ranges), RANGES_PER_STATEMENT):
            statement = count_statement(table, some, services=named, ranges=ranges[begin : begin + RANGES_PER_STATEMENT])
            found = _fetched(engine, statement, len(some) * COLUMNS)
            values = found["values"].reshape(-1, len(some), COLUMNS)
            rows = np.searchsorted(minutes, found["minute"])
            for place, (events, services) in enumerate(asked):
                shape = _shape(events, services)
                if shape in some:
                    mine = _rows_of(services, named, found["service"])
                    np.add.at(counts[:, place], rows[mine], values[mine, some.index(shape)])
    return minutes, counts


def _rows_of(services: frozenset[str] | None, named: Sequence[str] | None, whose: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Which rows are of some services, by the places of those among the named ones."""
    if services is None or named is None:
        return np.ones(len(whose), dtype=bool)
    return np.isin(whose, [named.index(service) + 1 for service in services])


def _shape(events: CountedEvents, services: frozenset[str] | None) -> CountedEvents:
    return events if services is None else replace(events, total=without_service(events.total))


def count_statement(table: Table, asked: Sequence[CountedEvents], *, services: Sequence[str] | None, ranges: Sequence[Minutes]) -> Sql:
    """
    Rows of minute, service and four numbers for each of `asked`.

    The service is its place among `services`, from 1, or 0 for all together. Minutes without any row of a service are missing.
    """
    names = ParameterNames()
    whose = (
        Sql("toUInt32(0)")
        if services is None
        else Sql("toUInt32(indexOf(") + names.bind("Array(String)", list(services)) + Sql(", service))")
    )
    columns = [Sql("toUnixTimestamp(toStartOfMinute(ts)) AS minute"), whose + Sql(" AS whose")]
    results = [Sql("minute, whose")]
    for place, events in enumerate(asked):
        columns += _conditions(table, events, place, names)
        results += _sums(events, place)
    rows = _rows(table, None if services is None else frozenset(services), ranges, names)
    return (
        Sql("SELECT ") + Sql.join(", ", results) + Sql(" FROM (SELECT ") + Sql.join(", ", columns) + rows + Sql(") GROUP BY minute, whose")
    )


def last_events(
    engine: Engine, table: Table, events: CountedEvents, *, services: frozenset[str] | None, within: Minutes
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """
    When events happened.

    Returns:
        Of each minute with events the instant of the last one, nanoseconds since 1970: of those that are not excluded, and of all.
    """
    names = ParameterNames()
    conditions = Sql.join(", ", _conditions(table, events, 0, names))
    statement = (
        Sql("SELECT toUnixTimestamp64Nano(maxIf(ts, NOT x0)), toUnixTimestamp64Nano(max(ts)) FROM (SELECT ts, ")
        + conditions
        + _rows(table, services, [within], names)
        + Sql(") WHERE t0 GROUP BY toStartOfMinute(ts)")
    )
    body = engine.fetch(statement, output_format="RowBinary", settings=COUNT_SETTINGS)
    found = np.sort(np.frombuffer(body, dtype="<i8").reshape(-1, 2).astype(np.int64), axis=0)
    return found[found[:, 0] > 0, 0], found[:, 1]


def first_event_s(engine: Engine, table: Table, events: CountedEvents, *, services: frozenset[str] | None, within: Minutes) -> int | None:
    """The minute of the first event within the range, seconds since 1970; None without any."""
    names = ParameterNames()
    total = render(events.total, table, names)
    statement = (
        Sql("SELECT count(), toUnixTimestamp(toStartOfMinute(min(ts)))") + _rows(table, services, [within], names) + Sql(" AND ") + total
    )
    count, minute = engine.query(statement, settings=COUNT_SETTINGS).rows[0]
    return int(minute) if count else None


def stored_extent_s(engine: Engine, table: str, column: str = "ts") -> tuple[int, int] | None:
    """The first minute of a table that holds rows, and the end of the last one, seconds since 1970; None for an empty table."""
    statement = (
        f"SELECT count(), toUnixTimestamp(toStartOfMinute(min({column}))), toUnixTimestamp(toStartOfMinute(max({column}))) FROM {table}"
    )
    count, first, last = engine.query(Sql(statement)).rows[0]
    return (int(first), int(last) + 60) if count else None


def table_of(signal: str) -> Table:
    """The table whose rows a signal (`traces`, `logs`) brings."""
    return LOGS if signal == "logs" else SPANS


def _conditions(table: Table, events: CountedEvents, place: int, names: ParameterNames) -> list[Sql]:
    """Columns t, g, x and, where numbers are added up, w and v."""
    columns = [
        Sql("(") + render(events.total, table, names) + Sql(f") AS t{place}"),
        Sql("NOT (" if events.inverted else "(") + render(events.good, table, names) + Sql(f") AS g{place}"),
        Sql("(") + _excluded(table, events.excluded, names) + Sql(f") AS x{place}"),
    ]
    if events.weight:
        columns.append(_weight(events.weight, names) + Sql(f" AS w{place}"))
    if events.good_weight:
        columns.append(_weight(events.good_weight, names) + Sql(f" AS v{place}"))
    return columns


def _sums(events: CountedEvents, place: int) -> list[Sql]:
    """Good, total, excluded good, excluded total."""
    sums = []
    for sort in (f"t{place} AND NOT x{place}", f"t{place} AND x{place}"):
        total = _sum(f"w{place}" if events.weight else "", sort)
        good = _sum(f"w{place}" if events.weight else "", f"{sort} AND g{place}")
        if events.good_weight and events.inverted:
            good = f"greatest(0, {total} - {_sum(f'v{place}', f'{sort} AND NOT g{place}')})"
        elif events.good_weight:
            good = _sum(f"v{place}", f"{sort} AND g{place}")
        sums += [Sql(good), Sql(total)]
    return sums


def _sum(weight: str, condition: str) -> str:
    return f"toFloat64(sumIf({weight}, {condition}))" if weight else f"toFloat64(countIf({condition}))"


def _weight(attribute: str, names: ParameterNames) -> Sql:
    """The attribute's number where it is finite and above 0, else 0."""
    number = Sql("toFloat64OrZero(attributes[") + names.bind("String", attribute) + Sql("])")
    return Sql("if(isFinite(") + number + Sql("), greatest(") + number + Sql(", 0), 0)")


def _excluded(table: Table, excluded: Sequence[ExcludedEvents], names: ParameterNames) -> Sql:
    if not excluded:
        return Sql("0")
    return Sql.join(" OR ", [_one_excluded(table, events, names) for events in excluded])


def _one_excluded(table: Table, events: ExcludedEvents, names: ParameterNames) -> Sql:
    parts = [render(events.predicate, table, names)]
    if events.start is not None:
        parts.append(Sql("ts >= ") + instant(events.start, names))
    if events.end is not None:
        parts.append(Sql("ts < ") + instant(events.end, names))
    return Sql("(") + Sql.join(" AND ", parts) + Sql(")")


def _rows(table: Table, services: frozenset[str] | None, ranges: Sequence[Minutes], names: ParameterNames) -> Sql:
    """FROM and WHERE: rows of the services in any of the ranges."""
    pieces = [Sql("(") + Sql.join(" AND ", in_range(_within(minutes), names)) + Sql(")") for minutes in ranges]
    conditions = [Sql("(") + Sql.join(" OR ", pieces) + Sql(")")]
    if services is not None:
        conditions.append(Sql("service IN ") + names.bind("Array(String)", sorted(services)))
    return Sql(f" FROM {table.name} WHERE ") + Sql.join(" AND ", conditions)


def _within(minutes: Minutes) -> Within:
    return Within(minutes.start_s * NANOSECONDS, minutes.end_s * NANOSECONDS)


def _fetched(engine: Engine, statement: Sql, width: int) -> NDArray[np.void]:
    body = engine.fetch(statement, output_format="RowBinary", settings=COUNT_SETTINGS)
    return np.frombuffer(body, dtype=np.dtype([("minute", "<u4"), ("service", "<u4"), ("values", "<f8", (width,))]))
