"""
The table of counts per minute: what the keeper writes and every budget reads.

A minute of an objective may have several rows that add up, told apart by their layer:

    layer = 2 * drops + stream      stream 0: what an objective counts      drops: how often retention dropped raw rows of that minute
                                    stream 1: the second of two streams            before the rows were counted that this row stands for

Of a layer the row with the highest version holds. A minute is counted by reading its raw rows again, so the newest layer is always written
whole; the layers before it stand for rows that are gone, and stay as they are. Hours are sums of minutes, made after them by
`insert_minutes`; whoever inserts repeats what a crash interrupted, so both agree whenever nothing is under way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tocsin.store.engine import Engine, SettingValue
from tocsin.store.raw_drops import drop_partition
from tocsin.store.sql import ParameterNames, Sql

COLUMNS: Mapping[str, str] = {
    "objective": "String",
    "minute": "UInt32",
    "layer": "UInt16",
    "good": "Float64",
    "total": "Float64",
    "excluded_good": "Float64",
    "excluded_total": "Float64",
    "version": "UInt64",
}
HOUR_S = 3600
SUMS = 5  # good, total, excluded good, excluded total, minutes
RANGES_PER_STATEMENT = 100
INSERT_SETTINGS: Mapping[str, SettingValue] = {"max_insert_threads": 1, "max_partitions_per_insert_block": 0, "async_insert": 0}
# A row's partition follows from its key, so rows that replace each other never lie in two.
FINAL_SETTINGS: Mapping[str, SettingValue] = {"max_execution_time": 30, "do_not_merge_across_partitions_select_final": 1}


@dataclass(frozen=True, slots=True)
class MinuteRows:
    """
    Rows of one objective.

    Args:
        objective: Its key.
        minutes: Seconds since 1970, multiples of 60, [rows].
        layers: See the head of this file, [rows].
        counts: Good, total, excluded good, excluded total, [rows, 4].
    """

    objective: str
    minutes: NDArray[np.int64]
    layers: NDArray[np.int64]
    counts: NDArray[np.float64]


def insert_minutes(engine: Engine, rows: Sequence[MinuteRows], *, version: int) -> int:
    """Write rows of one version, and the hours that they lie in; returns how many. Repeating it is safe."""
    rows = [some for some in rows if len(some.minutes)]
    if not rows:
        return 0
    engine.insert("slo_minutes", COLUMNS, b"".join(_encoded(some, version) for some in rows), settings=INSERT_SETTINGS)
    hours = np.unique(np.concatenate([some.minutes for some in rows]) // HOUR_S * HOUR_S)
    _sum_hours(engine, sorted({some.objective for some in rows}), hours, version)
    return sum(len(some.minutes) for some in rows)


def _sum_hours(engine: Engine, objectives: Sequence[str], hours: NDArray[np.int64], version: int) -> None:
    """Add the minutes of some hours up, for all of the objectives: too many do no harm."""
    names = ParameterNames()
    edges = np.flatnonzero(np.diff(hours) > HOUR_S)
    starts, ends = [hours[0], *hours[edges + 1]], [*hours[edges], hours[-1]]
    for first in range(0, len(starts), RANGES_PER_STATEMENT):
        some = slice(first, first + RANGES_PER_STATEMENT)
        ranges = [(int(start), int(end) + HOUR_S) for start, end in zip(starts[some], ends[some], strict=True)]
        statement = (
            Sql(
                "INSERT INTO slo_hours (objective, hour, good, total, excluded_good, excluded_total, minutes, version) "
                "SELECT objective, toStartOfHour(at) AS of_hour, sum(g), sum(t), sum(xg), sum(xt), countIf(t > 0), "
            )
            + names.bind("UInt64", version)
            + Sql(" FROM (")
            + _minutes(list(objectives), ranges, names)
            + Sql(") GROUP BY objective, of_hour")
        )
        engine.execute(statement, settings={**FINAL_SETTINGS, "max_partitions_per_insert_block": 0})


def _minutes(objectives: list[str], ranges: Sequence[tuple[int, int]], names: ParameterNames) -> Sql:
    """Minutes in any of the ranges, layers added up: objective, at, g, t, xg, xt."""
    sums = "sum(good) AS g, sum(total) AS t, sum(excluded_good) AS xg, sum(excluded_total) AS xt"
    return (
        Sql(f"SELECT objective, minute AS at, {sums} FROM slo_minutes FINAL WHERE objective IN ")
        + names.bind("Array(String)", objectives)
        + Sql(" AND ")
        + _in_any("minute", ranges, names)
        + Sql(" GROUP BY objective, at")
    )


def _in_any(column: str, ranges: Sequence[tuple[int, int]], names: ParameterNames) -> Sql:
    parts = [
        Sql(f"({column} >= toDateTime(")
        + names.bind("Int64", _second(start))
        + Sql(f", 'UTC') AND {column} < toDateTime(")
        + names.bind("Int64", _second(end))
        + Sql(", 'UTC'))")
        for start, end in ranges
    ]
    return Sql("(") + Sql.join(" OR ", parts) + Sql(")") if parts else Sql("0")


def read_minutes(engine: Engine, objective: str, start_s: int, end_s: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """
    Counts of the minutes from `start_s` to before `end_s` (seconds since 1970) that have any, layers added up.

    Returns:
        The minutes in order, [minutes], and good, total, excluded good, excluded total, [minutes, 4].
    """
    statement = Sql(
        "SELECT toUnixTimestamp(minute), good, total, excluded_good, excluded_total FROM slo_minutes FINAL "
        "WHERE objective = {objective:String} AND minute >= toDateTime({start:Int64}, 'UTC') AND minute < toDateTime({end:Int64}, 'UTC')",
        {"objective": objective, "start": _second(start_s), "end": _second(end_s)},
    )
    body = engine.fetch(statement, output_format="RowBinary", settings=FINAL_SETTINGS)
    found = np.frombuffer(body, dtype=np.dtype([("minute", "<u4"), ("counts", "<f8", (4,))]))
    # Layers are added up here, which takes a third of the time that the engine takes for it.
    order = np.argsort(found["minute"], kind="stable")
    ordered, counts = found["minute"][order].astype(np.int64), found["counts"][order]
    firsts = np.flatnonzero(np.diff(ordered, prepend=-1))
    return (ordered, counts) if len(firsts) == len(ordered) else (ordered[firsts], np.add.reduceat(counts, firsts, axis=0))


def counted_layers(engine: Engine, objective: str, start_s: int, end_s: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Minutes and layers of an objective's rows that say something, within a range in seconds since 1970."""
    statement = Sql(
        "SELECT toUnixTimestamp(minute), layer FROM slo_minutes FINAL WHERE objective = {objective:String} "
        "AND minute >= toDateTime({start:Int64}, 'UTC') AND minute < toDateTime({end:Int64}, 'UTC') AND (total > 0 OR good > 0 "
        "OR excluded_total > 0 OR excluded_good > 0)",
        {"objective": objective, "start": _second(start_s), "end": _second(end_s)},
    )
    body = engine.fetch(statement, output_format="RowBinary", settings=FINAL_SETTINGS)
    found = np.frombuffer(body, dtype=np.dtype([("minute", "<u4"), ("layer", "<u2")]))
    return found["minute"].astype(np.int64), found["layer"].astype(np.int64)


def sum_cells(engine: Engine, objectives: Sequence[str], bounds: Sequence[int]) -> dict[str, NDArray[np.float64]]:
    """
    Sums of many objectives over consecutive stretches of time, in one statement.

    Args:
        engine: Where the tables are.
        objectives: Their keys.
        bounds: Where the stretches begin and the last one ends, increasing multiples of 60, seconds since 1970, >= 2 of them.

    Returns:
        By key good, total, excluded good, excluded total and the minutes with events, [stretches, 5]; keys without any row are missing.
    """
    hours, minutes = _whole_hours([_second(bound) for bound in bounds])
    names = ParameterNames()
    keys = list(objectives)
    cell = Sql(", ") + names.bind("Array(UInt32)", [_second(bound) for bound in bounds]) + Sql(") AS cell, ")
    parts = []
    if minutes:
        parts.append(
            Sql("SELECT objective, roundDown(toUInt32(at)")
            + cell
            + Sql("g, t, xg, xt, toFloat64(t > 0) AS m FROM (")
            + _minutes(keys, minutes, names)
            + Sql(")")
        )
    if hours:
        parts.append(
            Sql("SELECT objective, roundDown(toUInt32(hour)")
            + cell
            + Sql("good AS g, total AS t, excluded_good AS xg, excluded_total AS xt, minutes AS m FROM slo_hours FINAL WHERE objective IN ")
            + names.bind("Array(String)", keys)
            + Sql(" AND ")
            + _in_any("hour", hours, names)
        )
    statement = Sql("SELECT objective, cell, sum(g), sum(t), sum(xg), sum(xt), sum(m) FROM (") + Sql.join(" UNION ALL ", parts)
    found: dict[str, NDArray[np.float64]] = {}
    places = {_second(bound): place for place, bound in enumerate(bounds)}
    for objective, start, *numbers in engine.query(statement + Sql(") GROUP BY objective, cell"), settings=FINAL_SETTINGS).rows:
        found.setdefault(str(objective), np.zeros((len(bounds) - 1, SUMS)))[places[int(start)]] = numbers
    return found


def _whole_hours(bounds: Sequence[int]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Stretches cut into whole hours and the minutes at their ends; what touches is one."""
    hours: list[tuple[int, int]] = []
    minutes: list[tuple[int, int]] = []
    for start, end in pairwise(bounds):
        first, last = -(-start // HOUR_S) * HOUR_S, end // HOUR_S * HOUR_S
        if first >= last:
            _add(minutes, start, end)
        else:
            _add(minutes, start, first)
            _add(hours, first, last)
            _add(minutes, last, end)
    return hours, minutes


def _add(pieces: list[tuple[int, int]], start: int, end: int) -> None:
    if start == end:
        return
    if pieces and pieces[-1][1] == start:
        start, _ = pieces.pop()
    pieces.append((start, end))


def newest_minutes(engine: Engine, objectives: Sequence[str]) -> dict[str, int]:
    """Of each objective the newest minute that has a row, seconds since 1970; those without any are missing."""
    statement = "SELECT objective, toUnixTimestamp(max(minute)) FROM slo_minutes WHERE objective IN {keys:Array(String)} GROUP BY objective"
    return {str(key): int(minute) for key, minute in engine.query(Sql(statement, {"keys": list(objectives)})).rows}


def oldest_observation_s(engine: Engine, objective: str, from_s: int) -> int | None:
    """The first minute from `from_s` on (seconds since 1970) in which an objective counted anything; None without any."""
    statement = Sql(
        "SELECT toUnixTimestamp(minute) FROM slo_minutes FINAL WHERE objective = {objective:String} "
        "AND minute >= toDateTime({start:Int64}, 'UTC') AND (total > 0 OR excluded_total > 0) ORDER BY minute LIMIT 1",
        {"objective": objective, "start": _second(from_s)},
    )
    rows = engine.query(statement, settings=FINAL_SETTINGS).rows
    return int(rows[0][0]) if rows else None


def delete_counts(engine: Engine, objective: str) -> None:
    """Delete every count of an objective."""
    for table in ("slo_minutes", "slo_hours"):
        engine.execute(Sql(f"DELETE FROM {table} WHERE objective = {{objective:String}}", {"objective": objective}))


def drop_counts_before(engine: Engine, before_s: int) -> int:
    """Drop partitions of counts that ended before an instant, seconds since 1970; returns how many."""
    dropped = 0
    for table in ("slo_minutes", "slo_hours"):
        old = Sql(
            "SELECT partition_id FROM system.parts WHERE active AND database = currentDatabase() AND table = {table:String} "
            "GROUP BY partition_id HAVING toUnixTimestamp(max(max_time)) < {before:Int64}",
            {"table": table, "before": before_s},
        )
        partitions = [str(row[0]) for row in engine.query(old).rows]
        for partition in partitions:
            drop_partition(engine, table, partition)
        dropped += len(partitions)
    return dropped


def _encoded(rows: MinuteRows, version: int) -> bytes:
    """The rows in RowBinary."""
    key = rows.objective.encode()
    name = _varint(len(key)) + key
    fields = [("name", f"V{len(name)}"), ("minute", "<u4"), ("layer", "<u2"), ("counts", "<f8", (4,)), ("version", "<u8")]
    packed = np.empty(len(rows.minutes), dtype=np.dtype(fields))
    packed["name"] = np.void(name)
    packed["minute"], packed["layer"], packed["counts"], packed["version"] = rows.minutes, rows.layers, rows.counts, version
    return packed.tobytes()


def _varint(number: int) -> bytes:
    digits = bytearray()
    while number > 127:
        digits.append(number & 127 | 128)
        number >>= 7
    return bytes([*digits, number])


def _second(instant_s: int) -> int:
    """What the engine's DateTime can hold."""
    return min(max(instant_s, 0), 2**32 - 1)
