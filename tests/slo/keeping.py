"""A store, a keeper and telemetry for the tests of counting: what was ever sent is remembered, to be counted by brute force."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tocsin.model.budget import CountProgress, Exclusion
from tocsin.model.signal import Signal
from tocsin.query.fields import parse_log_query, parse_span_query
from tocsin.slo.counting.counts import StoredCounts
from tocsin.slo.counting.keeper import Keeper
from tocsin.slo.counting.progress import ProgressBook
from tocsin.slo.counting.series_counts import SeriesQueries
from tocsin.slo.definition import Definitions, EventCount, EventSignal, Indicator, Objective, RollingWindow
from tocsin.slo.options import SloOptions
from tocsin.store.options import RetentionOptions, StoreOptions
from tocsin.store.sql import Parameter, Sql
from tocsin.store.store import Store

SECOND = 10**9
START_S = 1_780_000_020  # 2026-05-28, a Thursday, the start of a minute
DAY_S = 86_400
RETENTION_DAYS = 10


class HandClock:
    """Stands where it is put."""

    def __init__(self, now_s: int = START_S) -> None:
        self.now_s = now_s
        self.monotonic = 0.0

    def now_ns(self) -> int:
        """The instant that the test set."""
        return self.now_s * SECOND

    def monotonic_s(self) -> float:
        """Moved by hand too."""
        return self.monotonic


@dataclass
class MemoryProgress:
    """Progress that lasts as long as the test."""

    kept: dict[str, CountProgress] = field(default_factory=dict)

    def all(self) -> Mapping[str, CountProgress]:
        """Everything."""
        return self.kept

    def put(self, progress: Sequence[CountProgress]) -> None:
        """Keep some."""
        self.kept.update({each.objective: each for each in progress})

    def remove(self, objectives: Collection[str]) -> None:
        """Forget some."""
        for objective in objectives:
            self.kept.pop(objective, None)


@dataclass(frozen=True)
class Event:
    """A span (or log) as it was sent."""

    service: str
    at_ns: int
    failed: bool
    path: str = "/"
    records: float = 1
    signal: str = "traces"


class World:
    """
    A store with a keeper; restarts make a new keeper on the same tables.

    Args:
        folder: Where everything lies.
    """

    def __init__(self, folder: Path) -> None:
        self.clock = HandClock()
        self.retention = RetentionOptions(traces_days=RETENTION_DAYS, logs_days=RETENTION_DAYS, metrics_days=RETENTION_DAYS)
        self.store = Store.open(folder / "data", StoreOptions(retention=self.retention), clock=self.clock)
        quicken(self.store)
        self._segments = 0
        self.progress = MemoryProgress()
        self.objectives: dict[str, Objective] = {}
        self.exclusions: list[Exclusion] = []
        self.metrics: SeriesQueries | None = None
        self.options = SloOptions()
        self.sent: list[Event] = []
        self.fault: Exception | None = None
        self.restart()

    def restart(self) -> None:
        """Another process: nothing but what is stored is known."""
        self.book = ProgressBook(self.progress)
        self.keeper = Keeper(
            self.store.engine,
            self.book,
            definitions=lambda: Definitions(objectives=dict(self.objectives)),
            exclusions=self._excluded,
            clock=self.clock,
            options=self.options,
            metrics=self.metrics,
        )
        self.counts = StoredCounts(self.store.engine, self.book)

    def _excluded(self) -> list[Exclusion]:
        if self.fault is not None:
            raise self.fault
        return list(self.exclusions)

    def define(self, key: str, indicator: Indicator, service: str = "shop") -> Objective:
        """An objective over thirty days; one with the same key is replaced."""
        self.objectives[key] = Objective(key, key, service, 0.99, indicator, RollingWindow(30 * DAY_S))
        return self.objectives[key]

    def exclude(self, key: str, query: str, *, start_s: int | None = None, end_s: int | None = None) -> Exclusion:
        """An exclusion with a query for one objective."""
        start, end = (None if edge is None else edge * SECOND for edge in (start_s, end_s))
        self.exclusions.append(Exclusion(f"x{len(self.exclusions)}", key, "", start, end, query, "ana", "planned"))
        return self.exclusions[-1]

    def send(self, *events: Event, received_s: int | None = None, told: bool = True) -> int:
        """Store events of one signal as if they came in one segment, and tell the keeper unless it shall have died before."""
        self._segments += 1
        insert(self.store, self._segments, events, received_s or self.clock.now_s)
        self.sent += events
        if told:
            self.keeper.segment_loaded(Signal(events[0].signal), self._segments)
        return self._segments

    def expire(self) -> dict[str, int]:
        """Have retention drop what is due."""
        return self.store.expire(dropping=self.keeper.dropping)

    def close(self) -> None:
        """Close the store."""
        self.store.close()


def spans(query: str, weight: str = "") -> EventCount:
    """Spans by a query."""
    return EventCount(EventSignal.SPANS, query, parse_span_query(query), weight)


def log_records(query: str, weight: str = "") -> EventCount:
    """Log records by a query."""
    return EventCount(EventSignal.LOGS, query, parse_log_query(query), weight)


def quicken(store: Store) -> None:
    """Take out what these tests do not look at: views that fill other tables, and waiting for the disk."""
    views = store.engine.query(Sql("SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'MaterializedView'"))
    for (name,) in views.rows:
        if not name.startswith(("touched", "resources_from_spans", "resources_from_logs")):
            store.engine.execute(Sql(f"DROP VIEW {name}"))
    for table in ("spans", "logs", "resources", "slo_minutes", "slo_hours", "slo_settled", "raw_dropped"):
        store.engine.execute(Sql(f"ALTER TABLE {table} MODIFY SETTING fsync_after_insert = 0, fsync_part_directory = 0"))


def insert(store: Store, segment: int, events: Sequence[Event], received_s: int) -> None:
    """Put events into their table as a load does, without the decoding, which takes most of a load's time."""
    text = (
        "INSERT INTO {table} (ts, service, {failed}, attributes, received, segment) SELECT fromUnixTimestamp64Nano(e.1, 'UTC'), e.2, e.3, "
        "map('path', e.4, 'records', e.5), toDateTime({{received:Int64}}, 'UTC'), {{segment:UInt64}} FROM (SELECT arrayJoin(arrayZip("
        "{{at:Array(Int64)}}, {{service:Array(String)}}, {{failed:Array(Int8)}}, {{path:Array(String)}}, {{records:Array(String)}})) AS e)"
    )
    table, failed, states = ("logs", "severity_number", (9, 17)) if events[0].signal == "logs" else ("spans", "status", (1, 2))
    values: dict[str, Parameter] = {
        "at": [event.at_ns for event in events],
        "service": [event.service for event in events],
        "failed": [states[event.failed] for event in events],
        "path": [event.path for event in events],
        "records": [f"{event.records:g}" for event in events],
        "received": received_s,
        "segment": segment,
    }
    store.engine.execute(Sql(text.format(table=table, failed=failed), values), settings={"max_partitions_per_insert_block": 0})
