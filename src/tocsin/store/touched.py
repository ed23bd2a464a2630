"""
Which minutes must be counted anew: read from `touched`, and after a loss of power from `resources`.

    segments 7, 9        ->  traces  checkout  12:01, 12:02
                             logs    worker    12:02

The views that fill `touched` are made of what a segment brought, so asking for exactly the segments that are loaded misses nothing and
finds no minute whose rows are not there yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.store.engine import Engine
from tocsin.store.sql import Sql, quote_string

SEGMENTS_PER_STATEMENT = 1000
RECENT_S = 120  # whose receipt tells how far a backlog is loaded: longer than the machine keeps writes to itself
KEPT_S = 7200  # rows of `touched` stay so long after all was counted
COLUMNS = "signal, service, toUnixTimestamp(minute)"


@dataclass(frozen=True, slots=True)
class Touch:
    """Something of `signal` (`traces`, `logs` or `samples`) arrived for the service in the minute, seconds since 1970."""

    signal: str
    service: str
    minute_s: int


@dataclass(frozen=True, slots=True)
class Settled:
    """
    How far counting got.

    Args:
        loaded_s: What was loaded before is counted; the engine's clock, seconds since 1970.
        received_s: How far receipt was of what was loaded last, by Tocsin's clock.
        version: No count that was written until then has a higher one.
    """

    loaded_s: int
    received_s: int
    version: int


def touched_by(engine: Engine, segments: Sequence[int]) -> list[Touch]:
    """What these segments touched, each once per statement."""
    found: list[Touch] = []
    for begin in range(0, len(segments), SEGMENTS_PER_STATEMENT):
        chosen = list(segments[begin : begin + SEGMENTS_PER_STATEMENT])
        found += _touches(engine, Sql("segment IN {segments:Array(UInt64)}", {"segments": chosen}))
    return found


def touched_since(engine: Engine, loaded_s: int) -> list[Touch]:
    """What was touched by loads that began at or after an instant of the engine's clock, seconds since 1970."""
    return _touches(engine, Sql("loaded >= toDateTime({since:Int64}, 'UTC')", {"since": max(0, loaded_s)}))


def received_since(engine: Engine, received_s: int) -> list[Touch]:
    """The same by receipt, for spans and logs, in pieces of five minutes: every minute of each."""
    statement = (
        "SELECT signal, service, toUnixTimestamp(bucket) FROM resources WHERE signal IN ('traces', 'logs') "
        "GROUP BY signal, service, bucket HAVING max(received) >= toDateTime({since:Int64}, 'UTC')"
    )
    rows = engine.query(Sql(statement, {"since": max(0, received_s)})).rows
    return [Touch(str(signal), str(service), int(start) + 60 * place) for signal, service, start in rows for place in range(5)]


def engine_now_s(engine: Engine) -> int:
    """The engine's clock, seconds since 1970."""
    return int(engine.query(Sql("SELECT toUnixTimestamp(now())")).rows[0][0])


def read_settled(engine: Engine) -> Settled | None:
    """How far the last pass got that wrote it down; None when none did."""
    statement = "SELECT toUnixTimestamp(loaded), toUnixTimestamp(received), version FROM slo_settled FINAL"
    rows = engine.query(Sql(statement)).rows
    return Settled(*(int(value) for value in rows[0])) if rows else None


def write_settled(engine: Engine, settled: Settled) -> None:
    """Write down how far counting got; `version` must be higher than any before."""
    statement = (
        "INSERT INTO slo_settled (keeper, loaded, received, version) SELECT 1, toDateTime({loaded:Int64}, 'UTC'), "
        "toDateTime({received:Int64}, 'UTC'), {version:UInt64}"
    )
    values = {"loaded": settled.loaded_s, "received": settled.received_s, "version": settled.version}
    engine.execute(Sql(statement, values))


def receipt_s(engine: Engine, loaded_s: int) -> int | None:
    """How far receipt is of what was loaded shortly before `loaded_s` and since, seconds since 1970; None when nothing was."""
    statement = "SELECT count(), toUnixTimestamp(min(received)) FROM touched WHERE loaded >= toDateTime({recent:Int64}, 'UTC')"
    count, received = engine.query(Sql(statement, {"recent": max(0, loaded_s - RECENT_S)})).rows[0]
    return int(received) if count else None


def forget_touched(engine: Engine, settled_s: int) -> int:
    """Drop the hours of `touched` that are counted; returns how many."""
    old = Sql(
        "SELECT DISTINCT partition_id FROM system.parts WHERE active AND database = currentDatabase() AND table = 'touched' "
        "AND toUnixTimestamp(toDateTime(partition, 'UTC')) + 3600 < {before:Int64}",
        {"before": settled_s - KEPT_S},
    )
    hours = [str(row[0]) for row in engine.query(old).rows]
    for hour in hours:
        engine.execute(Sql(f"ALTER TABLE touched DROP PARTITION ID {quote_string(hour)}"))
    return len(hours)


def _touches(engine: Engine, condition: Sql) -> list[Touch]:
    statement = Sql(f"SELECT {COLUMNS} FROM touched WHERE ") + condition + Sql(" GROUP BY signal, service, minute")
    return [Touch(str(signal), str(service), int(minute)) for signal, service, minute in engine.query(statement).rows]
