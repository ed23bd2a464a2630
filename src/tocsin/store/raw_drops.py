"""
What retention dropped of spans, logs and samples, written down so that counts made from them stay right.

    begun     which time the rows of the partition cover, written before anything is dropped
    done      ... and after; only now does the time count as dropped
    undone    the engine refused, all rows are still there

Who counts events by reading them again must know when the rows are gone: what was counted stays, and what arrives later for that time is
counted beside it. A drop that a crash interrupted is finished when the store is opened, before anything is loaded, so a time is either
whole or dropped whenever anybody reads it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import TocsinError
from tocsin.store.engine import Engine
from tocsin.store.sql import Parameter, Sql, quote_string

BEGUN, DONE, UNDONE = 0, 1, 2
MINUTE_S = 60
RECORDED_TABLES = ("spans", "logs", "chunks")  # those from which events and samples are counted anew

Dropping: TypeAlias = Callable[[str, int, int], AbstractContextManager[None]]
"""
Entered around a drop with the table, and the first second and the second after the last that its rows cover.

Nothing of that table is loaded meanwhile. Whoever counts settles what it has not counted yet, and counts nothing until it is left.
Raises Conflict when the rows are needed for longer; then they stay until retention looks again.
"""


@dataclass(frozen=True, slots=True)
class RawDrop:
    """Rows of `table` whose event times lie from `start_s` to before `end_s` (whole minutes, seconds since 1970) were dropped."""

    table: str
    start_s: int
    end_s: int


@dataclass(frozen=True, slots=True)
class RawDrops:
    """All that was dropped."""

    drops: Sequence[RawDrop] = ()

    def layers(self, table: str, minutes: NDArray[np.int64]) -> NDArray[np.int64]:
        """How often rows of each minute were dropped: 0 where none were. `minutes` are seconds since 1970, any shape."""
        found = np.zeros(minutes.shape, dtype=np.int64)
        for drop in self.drops:
            if drop.table == table:
                found += (minutes >= drop.start_s) & (minutes < drop.end_s)
        return found

    def newest_end_s(self, table: str) -> int:
        """The end of the newest time that was dropped, 0 when none was."""
        return max((drop.end_s for drop in self.drops if drop.table == table), default=0)


class LoadGate:
    """Lets loads of a table pass side by side, and stops them while something of it is dropped."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._loading = 0
        self._closed = False

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Around a load; waits while the gate is closed."""
        with self._changed:
            self._changed.wait_for(lambda: not self._closed)
            self._loading += 1
        try:
            yield
        finally:
            with self._changed:
                self._loading -= 1
                self._changed.notify_all()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Stops new loads, waits for those under way, and opens the gate at the end."""
        with self._changed:
            self._changed.wait_for(lambda: not self._closed)
            self._closed = True
            self._changed.wait_for(lambda: self._loading == 0)
        try:
            yield
        finally:
            with self._changed:
                self._closed = False
                self._changed.notify_all()


def read_drops(engine: Engine) -> RawDrops:
    """What was dropped until now."""
    statement = Sql("SELECT name, toUnixTimestamp(start), toUnixTimestamp(end) FROM raw_dropped FINAL WHERE state = 1 ORDER BY id")
    return RawDrops(tuple(RawDrop(str(name), int(start), int(end)) for name, start, end in engine.query(statement).rows))


def drop_recorded(engine: Engine, table: str, partition_id: str, *, start_s: int, end_s: int) -> None:
    """
    Drop a partition and write it down.

    Args:
        engine: Where the table is.
        table: Which.
        partition_id: The engine's id of the partition.
        start_s: The event time of its first row, seconds since 1970.
        end_s: Just after the event time of its last row. Both are widened to whole minutes.

    Raises:
        StoreError: The engine refused; it is written down that nothing was dropped.
    """
    number = int(engine.query(Sql("SELECT max(id) FROM raw_dropped")).rows[0][0]) + 1
    drop = RawDrop(table, start_s // MINUTE_S * MINUTE_S, -(-end_s // MINUTE_S) * MINUTE_S)
    _write(engine, number, drop, partition_id, BEGUN)
    try:
        drop_partition(engine, table, partition_id)
    except TocsinError:
        _write(engine, number, drop, partition_id, UNDONE)
        raise
    _write(engine, number, drop, partition_id, DONE)


def finish_drops(engine: Engine) -> int:
    """Finish what a crash interrupted; returns how many drops that were. To be called before anything is loaded."""
    begun = engine.query(
        Sql("SELECT id, name, partition, toUnixTimestamp(start), toUnixTimestamp(end) FROM raw_dropped FINAL WHERE state = 0")
    )
    for number, table, partition_id, start_s, end_s in begun.rows:
        drop_partition(engine, str(table), str(partition_id))
        _write(engine, int(number), RawDrop(str(table), int(start_s), int(end_s)), str(partition_id), DONE)
    return len(begun.rows)


def drop_partition(engine: Engine, table: str, partition_id: str) -> None:
    """Drop a partition whole; one that is not there changes nothing."""
    engine.execute(Sql(f"ALTER TABLE {table} DROP PARTITION ID {quote_string(partition_id)}"))


def _write(engine: Engine, number: int, drop: RawDrop, partition_id: str, state: int) -> None:
    statement = (
        "INSERT INTO raw_dropped (id, name, partition, start, end, state) SELECT {id:UInt64}, {name:String}, {partition:String}, "
        "toDateTime({start:Int64}, 'UTC'), toDateTime({end:Int64}, 'UTC'), {state:UInt8}"
    )
    values: dict[str, Parameter] = {"id": number, "name": drop.table, "partition": partition_id, "state": state}
    engine.execute(Sql(statement, {**values, "start": drop.start_s, "end": drop.end_s}))
