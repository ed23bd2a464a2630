"""
Retention: partitions that nobody needs any more are dropped whole.

A partition is a week of event time (a month before 2026, a year before 2020), of fresh samples half an hour of receipt. It goes when its
newest row was *received* longer ago than the retention says: old data that was replayed yesterday is as new as yesterday, while for live
data both times are the same.
Dropping whole partitions costs nothing and keeps a row at most a week longer than asked. The clock is Tocsin's own, so a replay ages as
it plays.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from tocsin.model.instant import NANOSECONDS
from tocsin.store.engine import Engine
from tocsin.store.sql import Sql, quote_string

SECONDS_PER_DAY = 86_400

log = logging.getLogger("tocsin.store.retention")


def expire(engine: Engine, days_by_table: Mapping[str, float | None], *, now_ns: int) -> dict[str, int]:
    """
    Drop what is older than its retention.

    Args:
        engine: Where the tables are.
        days_by_table: How long each table keeps rows, days; None for ever.
        now_ns: The present, nanoseconds since 1970-01-01 UTC.

    Returns:
        Rows dropped, by table; only tables that lost any.
    """
    dropped: dict[str, int] = {}
    for table, days in days_by_table.items():
        if days is None:
            continue
        cutoff_s = now_ns // NANOSECONDS - round(days * SECONDS_PER_DAY)
        for partition_id, rows in _expired_partitions(engine, table, cutoff_s):
            engine.execute(Sql(f"ALTER TABLE {table} DROP PARTITION ID {quote_string(partition_id)}"))
            dropped[table] = dropped.get(table, 0) + rows
            log.info("retention dropped partition %s of %s: %d rows received more than %g days ago", partition_id, table, rows, days)
    return dropped


def _expired_partitions(engine: Engine, table: str, cutoff_s: int) -> list[tuple[str, int]]:
    """Partitions of the table whose event time ended and whose newest row came before the cutoff, with their number of rows."""
    ended = Sql(
        "SELECT DISTINCT partition_id FROM system.parts WHERE active AND database = currentDatabase() AND table = {table:String} "
        "AND toUnixTimestamp(toDate(partition)) < {cutoff:Int64}",
        {"table": table, "cutoff": cutoff_s},
    )
    candidates = [str(row[0]) for row in engine.query(ended).rows]
    if not candidates:
        return []
    newest = Sql(
        f"SELECT _partition_id, count() FROM {table} WHERE _partition_id IN {{ids:Array(String)}} GROUP BY _partition_id "
        "HAVING toUnixTimestamp(toDateTime(max(received))) < {cutoff:Int64}",
        {"ids": candidates, "cutoff": cutoff_s},
    )
    return [(str(row[0]), int(row[1])) for row in engine.query(newest).rows]
