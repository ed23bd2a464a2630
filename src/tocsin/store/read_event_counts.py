"""
Statements that count spans or log records over time, split by attributes: what rules over events ask.

    SELECT bucket, by0, countIf(<numerator>), countIf(<denominator>) FROM logs WHERE <time> AND (<numerator> OR <denominator>) GROUP BY ...

An attribute is found on the record first, then in its resource. Values are cut to VALUE_CHARACTERS_MAX characters, because they become
labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.store.plan import Field, Predicate, Scope
from tocsin.store.read_logs import LEVEL_NAME
from tocsin.store.read_range import Within, in_range, where
from tocsin.store.render import LOGS, Table, render
from tocsin.store.sql import ParameterNames, Sql

VALUE_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class EventBuckets:
    """
    Consecutive stretches of equal length.

    Args:
        start: Where the first begins, nanoseconds since 1970.
        step_ns: Length of each, nanoseconds, > 0.
        count: How many, >= 1.
    """

    start: int
    step_ns: int
    count: int

    @property
    def within(self) -> Within:
        """All of them."""
        return Within(self.start, self.start + self.count * self.step_ns)


def event_counts(
    table: Table, counted: Predicate, of: Predicate | None, by: Sequence[Field], buckets: EventBuckets, *, limit: int, names: ParameterNames
) -> Sql:
    """
    Number of the bucket from 0 on, a value for each of `by` (empty where there is none), events of `counted`, events of `of` (0 without).

    Buckets without any event are missing. Only the `limit` combinations of values with the most events are counted, of all buckets
    together: whoever needs to know whether there are more asks for one more.

    Args:
        table: Spans or logs.
        counted: Which events.
        of: Which events those are compared with; None for none.
        by: What splits them; empty for all together.
        buckets: When.
        limit: Combinations of values, at most.
        names: For placeholders.
    """
    numerator = render(counted, table, names)
    denominator = render(of, table, names) if of is not None else Sql("0")
    either = numerator if of is None else Sql("(") + numerator + Sql(" OR ") + denominator + Sql(")")
    source = Sql(f" FROM {table.name}") + where([*in_range(buckets.within, names), either])
    start, step = names.bind("Int64", buckets.start), names.bind("Int64", buckets.step_ns)
    bucket = Sql("intDiv(toUnixTimestamp64Nano(ts) - ") + start + Sql(", ") + step + Sql(") AS bucket")
    values = [_value(field, table, names) + Sql(f" AS by{place}") for place, field in enumerate(by)]
    keys = "".join(f", by{place}" for place in range(len(by)))
    counts = Sql(", countIf(") + numerator + Sql("), countIf(") + denominator + Sql(")")
    statement = Sql("SELECT ") + Sql.join(", ", [bucket, *values]) + counts + source
    if by:
        largest = Sql("SELECT ") + Sql.join(", ", values) + source + Sql(f" GROUP BY {keys[2:]} ORDER BY count() DESC{keys} LIMIT ")
        statement += Sql(f" AND ({keys[2:]}) IN (SELECT {keys[2:]} FROM (") + largest + names.bind("UInt32", limit) + Sql("))")
    return statement + Sql(f" GROUP BY bucket{keys} ORDER BY bucket{keys}")


def _value(field: Field, table: Table, names: ParameterNames) -> Sql:
    """A field's value as text, empty where the record has none."""
    if field.scope is Scope.INTRINSIC:
        column = table.intrinsics[field.name]
        text = LEVEL_NAME if (table, field.name) == (LOGS, "severity") else f"toString({column.sql})"
        return Sql(f"substringUTF8({text}, 1, {VALUE_CHARACTERS_MAX})")
    key = names.bind("String", field.name)
    own = Sql("attributes[") + key + Sql("]")
    resource = Sql("ifNull(JSONExtract(resource, ") + key + Sql(", 'Nullable(String)'), '')")
    found = {Scope.RECORD: own, Scope.RESOURCE: resource}.get(field.scope)
    if found is None:
        found = Sql("if(mapContains(attributes, ") + key + Sql("), ") + own + Sql(", ") + resource + Sql(")")
    return Sql("substringUTF8(") + found + Sql(f", 1, {VALUE_CHARACTERS_MAX})")
