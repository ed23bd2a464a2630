"""
Statements that say which attribute values the bad events of an indicator have, and how common those are among all events.

    rows of the range -> those that count (total, not excluded) -> each with its weight and how much of it is bad
        1. by service, operation, resource                                   every row
        2. by key and value of each attribute                                a sample: `SampleOf`
        3. by pairs of the values that stand out                             every row

Reading maps is what costs, so what is large is thinned out twice: whole minutes of the range (their granules are then not read at all), and
events before their attributes are unfolded, the bad ones less than the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.store.count_events import CountedEvents, ExcludedEvents
from tocsin.store.read_range import Within, in_range, instant
from tocsin.store.render import LOGS, Table, render
from tocsin.store.sql import ParameterNames, Sql

VALUE_CHARACTERS_MAX = 200
GROUPS_MAX = 20_000
VALUES_PER_KEY_MAX = 50
VALUES_MAX = 5_000


@dataclass(frozen=True, slots=True)
class EventsRead:
    """
    Which rows are looked at, and what counts among them.

    Args:
        table: Spans or logs.
        events: The indicator.
        within: The range of time.
        services: Of which services alone; None for all.
        minutes_apart: One of so many minutes is looked at; 1 for all.
    """

    table: Table
    events: CountedEvents
    within: Within
    services: frozenset[str] | None = None
    minutes_apart: int = 1


@dataclass(frozen=True, slots=True)
class SampleOf:
    """One in so many events is unfolded; of bad ones, and of the others."""

    bad: int = 1
    others: int = 1


@dataclass(frozen=True, slots=True)
class Trait:
    """
    A value that events may have.

    Args:
        place: Where it stands: `service`, `operation`, `resource` or `attribute`.
        key: The attribute's key; for a part of the resource its key there.
        values: The value; for a part of the resource every resource that has it.
    """

    place: str
    key: str
    values: Sequence[str]


def rows_in(read: EventsRead, names: ParameterNames) -> Sql:
    """How many rows the range has, whatever they are: one number."""
    return Sql("SELECT count()") + _from(read, names)


def by_origin(read: EventsRead, names: ParameterNames) -> Sql:
    """
    Which set a row counts (`all`, `service`, `operation`, `resource`), its value, events, bad events, weight, bad weight, first instant.

    The row for `all` comes first, even where nothing counts.
    """
    operation = _operation(read.table)
    columns = Sql(f"service, toString({operation}) AS operation, resource, ts, ")
    inner = Sql("SELECT ") + columns + _amounts(read, names) + _from(read, names) + _counting(read, names)
    kind = "multiIf(grouping(service) = 0, 'service', grouping(operation) = 0, 'operation', grouping(resource) = 0, 'resource', 'all')"
    value = "multiIf(grouping(service) = 0, toString(service), grouping(operation) = 0, operation, toString(resource))"
    return (
        Sql(f"SELECT {kind} AS sort, {value}, count() AS events, countIf(bad > 0), sum(weight), sum(bad) AS spent, ")
        + Sql("toUnixTimestamp64Nano(min(ts)) FROM (")
        + inner
        + Sql(
            ") GROUP BY GROUPING SETS ((), (service), (operation), (resource)) ORDER BY sort = 'all' DESC, spent DESC, events DESC LIMIT "
        )
        + names.bind("UInt32", GROUPS_MAX)
    )


def by_attribute(read: EventsRead, sample: SampleOf, names: ParameterNames) -> Sql:
    """
    Key, value, weight and bad weight of attributes, estimated for all events that are looked at.

    Keys whose values are mostly different for each event (ids) are left out; of the others the values with the most bad events, or, where
    nothing is bad, with the most events.
    """
    bad, others = names.bind("UInt32", sample.bad), names.bind("UInt32", sample.others)
    one_in = Sql(", toUInt32(if(bad > 0, ") + bad + Sql(", ") + others + Sql(")) AS one_in")
    inner = Sql("SELECT ts, span_id, attributes, ") + _amounts(read, names) + one_in + _from(read, names) + _counting(read, names)
    grouped = (
        Sql(f"SELECT key, substringUTF8(text, 1, {VALUE_CHARACTERS_MAX}) AS value, sum(weight * one_in) AS all_of, ")
        + Sql("sum(bad * one_in) AS spent, count() AS events FROM (")
        + inner
        + Sql(") ARRAY JOIN mapKeys(attributes) AS key, mapValues(attributes) AS text ")
        + Sql("WHERE one_in = 1 OR cityHash64(ts, span_id) % one_in = 0 GROUP BY key, value")
    )
    return (
        Sql("SELECT key, value, all_of, spent FROM (SELECT *, count() OVER (PARTITION BY key) AS distinct_values, ")
        + Sql("sum(events) OVER (PARTITION BY key) AS carriers FROM (")
        + grouped
        + Sql(")) WHERE distinct_values * 2 <= carriers ORDER BY spent DESC, all_of DESC, key, value ")
        + Sql(f"LIMIT {VALUES_PER_KEY_MAX} BY key LIMIT {VALUES_MAX}")
    )


def by_pair(read: EventsRead, traits: Sequence[Trait], names: ParameterNames) -> Sql:
    """One row: weight and bad weight of the events that have both of two traits, for each pair (0, 1), (0, 2), ... (1, 2), ..."""
    columns = [Sql("(") + _has(trait, read.table, names) + Sql(f") AS c{number}") for number, trait in enumerate(traits)]
    pairs = [(one, other) for one in range(len(traits)) for other in range(one + 1, len(traits))]
    sums = ", ".join(f"sumIf(weight, c{one} AND c{other}), sumIf(bad, c{one} AND c{other})" for one, other in pairs)
    inner = Sql("SELECT ") + Sql.join(", ", columns) + Sql(", ") + _amounts(read, names) + _from(read, names) + _counting(read, names)
    return Sql(f"SELECT {sums} FROM (") + inner + Sql(")")


def _operation(table: Table) -> str:
    return "event_name" if table is LOGS else "name"


def _from(read: EventsRead, names: ParameterNames) -> Sql:
    conditions = in_range(read.within, names)
    if read.minutes_apart > 1:
        apart = names.bind("UInt32", read.minutes_apart)
        conditions.append(Sql("intDiv(toUnixTimestamp(ts), 60) % ") + apart + Sql(" = intDiv(") + apart + Sql(", 2)"))
    if read.services is not None:
        conditions.append(Sql("service IN ") + names.bind("Array(String)", sorted(read.services)))
    return Sql(f" FROM {read.table.name} WHERE ") + Sql.join(" AND ", conditions or [Sql("1")])


def _counting(read: EventsRead, names: ParameterNames) -> Sql:
    """Further conditions: the event is one of the indicator's, and no exclusion takes it out."""
    parts = [Sql(" AND (") + render(read.events.total, read.table, names) + Sql(")")]
    parts += [Sql(" AND NOT (") + _excluded(one, read.table, names) + Sql(")") for one in read.events.excluded]
    return Sql.join("", parts)


def _excluded(excluded: ExcludedEvents, table: Table, names: ParameterNames) -> Sql:
    parts = [Sql("(") + render(excluded.predicate, table, names) + Sql(")")]
    if excluded.start is not None:
        parts.append(Sql("ts >= ") + instant(excluded.start, names))
    if excluded.end is not None:
        parts.append(Sql("ts < ") + instant(excluded.end, names))
    return Sql.join(" AND ", parts)


def _amounts(read: EventsRead, names: ParameterNames) -> Sql:
    """Columns `weight`, what the event counts, and `bad`, how much of that is bad."""
    events = read.events
    whole = _weight(events.weight, names)
    part = _weight(events.good_weight or events.weight, names)
    held = Sql("if(") + render(events.good, read.table, names) + Sql(", ") + part + Sql(", 0)")
    bad = held if events.inverted else Sql("greatest(0, ") + whole + Sql(" - ") + held + Sql(")")
    return Sql("toFloat64(") + whole + Sql(") AS weight, toFloat64(") + bad + Sql(") AS bad")


def _weight(attribute: str, names: ParameterNames) -> Sql:
    """The attribute's number where it is finite and above 0, else 0; without an attribute 1."""
    if not attribute:
        return Sql("1")
    number = Sql("toFloat64OrZero(attributes[") + names.bind("String", attribute) + Sql("])")
    return Sql("if(isFinite(") + number + Sql("), greatest(") + number + Sql(", 0), 0)")


def _has(trait: Trait, table: Table, names: ParameterNames) -> Sql:
    values = names.bind("Array(String)", list(trait.values))
    if trait.place == "attribute":
        return Sql("substringUTF8(attributes[") + names.bind("String", trait.key) + Sql(f"], 1, {VALUE_CHARACTERS_MAX}) IN ") + values
    column = {"service": "service", "resource": "resource", "operation": _operation(table)}[trait.place]
    return Sql(f"{column} IN ") + values
