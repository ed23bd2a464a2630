"""Conditions on time that both the partitions and the sort key of `logs` and `spans` can use, and the order that follows the sort key."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.model.instant import INSTANT_MAX
from tocsin.store.sql import ParameterNames, Sql

SORT_BUCKET_NS = 300 * 1_000_000_000  # toStartOfFiveMinutes, the first column of the sort key


@dataclass(frozen=True, slots=True)
class Within:
    """Instants from `start` (included) to `end` (left out), nanoseconds since 1970; None where the range is open."""

    start: int | None = None
    end: int | None = None


def in_range(within: Within, names: ParameterNames) -> list[Sql]:
    """The conditions that a record's `ts` lies in the range; none for an open one."""
    conditions = []
    if within.start is not None:
        start = min(max(within.start, 0), INSTANT_MAX)
        conditions += [_bound("ts >= ", start, names), _bucket("toStartOfFiveMinutes(ts) >= ", start, names)]
    if within.end is not None:
        end = min(max(within.end, 0), INSTANT_MAX)
        conditions += [_bound("ts < ", end, names), _bucket("toStartOfFiveMinutes(ts) <= ", end, names)]
    return conditions


def where(conditions: list[Sql]) -> Sql:
    """`WHERE a AND b`, nothing for no condition."""
    return Sql(" WHERE ") + Sql.join(" AND ", conditions) if conditions else Sql("")


def instant(at: int, names: ParameterNames) -> Sql:
    """An instant as the engine's DateTime64(9)."""
    return Sql("fromUnixTimestamp64Nano(") + names.bind("Int64", at) + Sql(", 'UTC')")


def _bound(comparison: str, at: int, names: ParameterNames) -> Sql:
    return Sql(comparison) + instant(at, names)


def _bucket(comparison: str, at: int, names: ParameterNames) -> Sql:
    """The sort key's own column: its type is DateTime, seconds."""
    bucket_s = at // SORT_BUCKET_NS * 300
    return Sql(comparison) + Sql("toDateTime(") + names.bind("Int64", min(bucket_s, 2**32 - 1)) + Sql(", 'UTC')")
