"""
Retention: partitions that nobody needs any more are dropped whole.

A partition is a week of event time (a month before 2026, a year before 2020), of fresh samples half an hour of receipt. It goes when its
newest row was *received* longer ago than the retention says: old data that was replayed yesterday is as new as yesterday, while for live
data both times are the same.
Dropping whole partitions costs nothing and keeps a row at most a week longer than asked. The clock is Tocsin's own, so a replay ages as
it plays. What is dropped of spans, logs and chunks is written down (`raw_drops`), because counts are made from them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from tocsin.errors import Conflict
from tocsin.model.instant import NANOSECONDS
from tocsin.store.engine import Engine
from tocsin.store.raw_drops import RECORDED_TABLES, Dropping, drop_partition, drop_recorded
from tocsin.store.sql import Sql

SECONDS_PER_DAY = 86_400
EVENT_TIME = {"spans": "ts", "logs": "ts", "chunks": "start"}

log = logging.getLogger("tocsin.store.retention")


class Gate(Protocol):
    """What stops the loading of a table while something of it is dropped."""

    def closed(self) -> AbstractContextManager[None]:
        """Nothing is loaded until it is left."""
        ...


@dataclass(frozen=True, slots=True)
class _Partition:
    """A partition that is due, with its rows; for recorded tables the seconds that their event times cover."""

    id: str
    rows: int
    start_s: int = 0
    end_s: int = 0


def expire(
    engine: Engine,
    days_by_table: Mapping[str, float | None],
    *,
    now_ns: int,
    gates: Mapping[str, Gate] | None = None,
    dropping: Dropping | None = None,
) -> dict[str, int]:
    """
    Drop what is older than its retention.

    Args:
        engine: Where the tables are.
        days_by_table: How long each table keeps rows, days; None for ever.
        now_ns: The present, nanoseconds since 1970-01-01 UTC.
        gates: Stop loading while something of a table is dropped, by table.
        dropping: Entered around drops of the tables that counts are made from.

    Returns:
        Rows dropped, by table; only tables that lost any.
    """
    dropped: dict[str, int] = {}
    for table, days in days_by_table.items():
        if days is None:
            continue
        cutoff_s = now_ns // NANOSECONDS - round(days * SECONDS_PER_DAY)
        for partition in _expired_partitions(engine, table, cutoff_s):
            if table in RECORDED_TABLES:
                with (gates or {})[table].closed() if table in (gates or {}) else nullcontext():
                    rows = _drop_recorded(engine, table, partition.id, cutoff_s, dropping)
            else:
                drop_partition(engine, table, partition.id)
                rows = partition.rows
            if rows:
                dropped[table] = dropped.get(table, 0) + rows
                log.info("retention dropped partition %s of %s: %d rows received more than %g days ago", partition.id, table, rows, days)
    return dropped


def _drop_recorded(engine: Engine, table: str, partition_id: str, cutoff_s: int, dropping: Dropping | None) -> int:
    """Drop a partition that counts are made from, unless something came for it meanwhile, or it is still needed; returns its rows."""
    due = _due(engine, table, [partition_id], cutoff_s)
    if not due:
        return 0
    (partition,) = due
    try:
        with dropping(table, partition.start_s, partition.end_s) if dropping is not None else nullcontext():
            drop_recorded(engine, table, partition.id, start_s=partition.start_s, end_s=partition.end_s)
    except Conflict as needed:
        log.info("retention keeps partition %s of %s for now: %s", partition_id, table, needed)
        return 0
    return partition.rows


def _expired_partitions(engine: Engine, table: str, cutoff_s: int) -> list[_Partition]:
    """Partitions of the table whose event time ended and whose newest row came before the cutoff."""
    ended = Sql(
        "SELECT DISTINCT partition_id FROM system.parts WHERE active AND database = currentDatabase() AND table = {table:String} "
        "AND toUnixTimestamp(toDate(partition)) < {cutoff:Int64}",
        {"table": table, "cutoff": cutoff_s},
    )
    candidates = [str(row[0]) for row in engine.query(ended).rows]
    return _due(engine, table, candidates, cutoff_s) if candidates else []


def _due(engine: Engine, table: str, candidates: list[str], cutoff_s: int) -> list[_Partition]:
    time = EVENT_TIME.get(table)
    extent = f", toUnixTimestamp(toDateTime(min({time}))), toUnixTimestamp(toDateTime(max({time}))) + 1" if time else ""
    newest = Sql(
        f"SELECT _partition_id, count(){extent} FROM {table} WHERE _partition_id IN {{ids:Array(String)}} GROUP BY _partition_id "
        "HAVING toUnixTimestamp(toDateTime(max(received))) < {cutoff:Int64}",
        {"ids": candidates, "cutoff": cutoff_s},
    )
    return [_Partition(str(row[0]), *(int(number) for number in row[1:])) for row in engine.query(newest).rows]
