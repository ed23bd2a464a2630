"""
The store: an engine with our tables in it.

    segment -> load() -> rows; engine.query() -> answers; expire() -> less rows
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from tocsin.clock import Clock
from tocsin.model.batch import Segment
from tocsin.model.signal import Signal
from tocsin.store.chdb import ChdbEngine
from tocsin.store.clickhouse import ClickHouseEngine
from tocsin.store.decode_metrics import families_select
from tocsin.store.engine import Engine, EngineStatistics, SettingValue
from tocsin.store.migrate import migrate
from tocsin.store.options import StoreOptions
from tocsin.store.otlp_schema import FAMILIES
from tocsin.store.raw_drops import Dropping, LoadGate, finish_drops
from tocsin.store.retention import expire
from tocsin.store.sql import Sql
from tocsin.store.tables import LOADS, SEGMENT_TABLES, TELEMETRY_TABLES, Load, retention_days

# Small parts of samples carry the bounds of their columns, so that a query of the last minutes opens few of them: it saves such a query two
# or three milliseconds of seven, and costs a load a thirtieth. Large ones it would cost more, and they are few.
SAMPLE_SIGNALS = frozenset({Signal.METRICS, Signal.SAMPLES})
BOUNDED_RECORDS_MAX = 50_000
DECODED_BYTES_PER_BLOCK = 32 * 1024 * 1024  # decoded at a time, bytes: bounds the memory that nested columns take before they are flat


@dataclass(frozen=True, slots=True)
class TableStatistics:
    """
    A table as it stands.

    Args:
        rows: Gauge: rows stored.
        bytes_on_disk: Gauge: what they take on disk, compressed, with indexes.
        parts: Gauge: groups of files that the engine merges in the background.
    """

    rows: int
    bytes_on_disk: int
    parts: int


@dataclass(frozen=True, slots=True)
class IntakeStatistics:
    """
    What was stored of one signal and done to it, since the data directory was made.

    Args:
        stored_records: Spans, log records, data points or samples stored.
        redactions: Values that were redacted before they were stored.
        cuts: Values that were longer than `store.attribute_bytes_max` and were cut.
        early: Records whose event time lay more than five minutes after their receipt.
        late: Records whose event time lay more than five minutes before their receipt.
    """

    stored_records: int
    redactions: int
    cuts: int
    early: int
    late: int


@dataclass(frozen=True, slots=True)
class StoreStatistics:
    """
    The store as it stands.

    Args:
        engine: The engine's counters.
        rows_expired: Rows dropped by retention since the start.
        tables: Every table that holds telemetry.
        intake: What was stored, by signal.
    """

    engine: EngineStatistics
    rows_expired: int
    tables: Mapping[str, TableStatistics]
    intake: Mapping[Signal, IntakeStatistics]


class Store:
    """
    Telemetry on an engine.

    Args:
        engine: Holds the tables; closed with the store.
        options: Redaction, limits, retention.
        clock: What retention calls now.
    """

    def __init__(self, engine: Engine, options: StoreOptions, *, clock: Clock) -> None:
        self.engine = engine
        self._options = options
        self._clock = clock
        self._rows_expired = 0
        self.migrated = migrate(engine)
        finish_drops(engine)
        self._gates = {"spans": LoadGate(), "logs": LoadGate()}
        self._selects = {load.name: load.select(options) for loads in LOADS.values() for load in loads}

    @classmethod
    def open(cls, data_dir: Path, options: StoreOptions, *, clock: Clock) -> Store:
        """
        Open the store that the options name: a server by URL, or the embedded engine on `data_dir/engine`.

        Raises:
            Conflict: Another process, or this one, has the engine's directory open.
            StoreError: The engine does not start or can't be reached.
        """
        if options.engine.url is not None:
            return cls(ClickHouseEngine(options.engine.url.get_secret_value(), options.engine), options, clock=clock)
        return cls(ChdbEngine(data_dir / "engine", options.engine), options, clock=clock)

    def load(self, segment: Segment) -> None:
        """
        Insert every record of a segment, with the rollups made from them; a segment that is in already changes nothing.

        Raises:
            StoreError, LimitExceeded, Timeout: The engine refused; repeating is safe.
        """
        for load in self._needed(segment):
            select = Sql(self._selects[load.name], {"segment": segment_number(segment)})
            settings = _load_settings(load, segment)
            gate = self._gates.get(load.name)
            with gate.loading() if gate is not None else nullcontext():
                self.engine.load(load.table, select, segment.path, structure=load.schema.structure, settings=settings)

    def _needed(self, segment: Segment) -> Sequence[Load]:
        """The loads that will find something in the segment: planning an insert costs tens of milliseconds, even of nothing."""
        loads = LOADS[segment.signal]
        if len(loads) == 1:
            return loads
        settings = _format_settings(FAMILIES.messages)
        counts = self.engine.peek(Sql(families_select()), segment.path, structure=FAMILIES.structure, settings=settings)
        return loads if counts is None else [load for load in loads if counts.records()[0][load.name]]

    def holds_part_of(self, segment: Segment) -> bool:
        """
        Whether any record of the segment is stored.

        Of samples that were folded into chunks since, it says no. The loader asks before it loads a segment in halves, which have tokens
        of their own, so those samples may be in twice then. That changes no answer: of one series and instant a reader takes one sample.
        """
        for table in SEGMENT_TABLES[segment.signal]:
            counted = Sql(f"SELECT count() FROM {table} WHERE segment = {{segment:UInt64}}", {"segment": segment_number(segment)})
            if self.engine.query(counted).rows[0][0]:
                return True
        return False

    def expire(self, *, dropping: Dropping | None = None) -> dict[str, int]:
        """
        Drop what is older than its retention; returns rows dropped by table.

        Args:
            dropping: Entered around each drop of telemetry that counts are made from, see `raw_drops.Dropping`; loading waits meanwhile.
        """
        days = retention_days(self._options.retention)
        dropped = expire(self.engine, days, now_ns=self._clock.now_ns(), gates=self._gates, dropping=dropping)
        self._rows_expired += sum(dropped.values())
        return dropped

    def statistics(self) -> StoreStatistics:
        """Counters, and the tables as they stand; costs the engine a few milliseconds."""
        parts = Sql(
            "SELECT table, sum(rows), sum(bytes_on_disk), count() FROM system.parts WHERE active AND database = currentDatabase() "
            "AND table IN {tables:Array(String)} GROUP BY table ORDER BY table",
            {"tables": list(TELEMETRY_TABLES)},
        )
        taken = Sql(
            "SELECT signal, sum(records), sum(redactions), sum(cuts), sum(early), sum(late) FROM intake GROUP BY signal ORDER BY signal"
        )
        return StoreStatistics(
            engine=self.engine.statistics(),
            rows_expired=self._rows_expired,
            tables={name: TableStatistics(*counts) for name, *counts in self.engine.query(parts).rows},
            intake={Signal(name): IntakeStatistics(*counts) for name, *counts in self.engine.query(taken).rows},
        )

    def close(self) -> None:
        """Close the engine; idempotent."""
        self.engine.close()


def segment_number(segment: Segment) -> int:
    """The number, 64 bits, by which rows name the segment that they came from: the start of the SHA-256 of its token."""
    return int.from_bytes(hashlib.sha256(segment.token.encode()).digest()[:8], "little")


def _load_settings(load: Load, segment: Segment) -> Mapping[str, SettingValue]:
    """One block per partition and insert, so that the token alone decides whether it is in; see the decision record on loading."""
    return {
        **_format_settings(load.schema.messages),
        "insert_deduplication_token": f"{segment.token}/{load.name}",
        "deduplicate_blocks_in_dependent_materialized_views": 1,
        "max_insert_threads": 1,
        "min_insert_block_size_rows": 2**40,
        "min_insert_block_size_bytes": 2**40,
        "max_partitions_per_insert_block": 0,
        "async_insert": 0,
        # Rows of a rollup that are alike are merged in the background, as those of other inserts are: here it took a fifth of a load.
        "optimize_on_insert": 0,
        # Planning costs more than decoding where segments are small; this one step took a third of it and gains nothing here.
        "query_plan_merge_expressions": 0,
        "materialize_statistics_on_insert": int(segment.signal in SAMPLE_SIGNALS and segment.records <= BOUNDED_RECORDS_MAX),
    }


def _format_settings(messages: str) -> Mapping[str, SettingValue]:
    return {
        "format_schema_source": "string",
        "format_schema": messages,
        "format_schema_message_name": "Request",
        "input_format_protobuf_oneof_presence": 1,
        "input_format_max_block_size_bytes": DECODED_BYTES_PER_BLOCK,
    }
