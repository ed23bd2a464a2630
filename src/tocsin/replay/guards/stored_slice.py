"""Slices out of the store: series through PromQL's source, spans and logs page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tocsin.model.instant import NANOSECONDS, TimeRange
from tocsin.model.series import SeriesSource
from tocsin.model.telemetry import LogRecord, Span
from tocsin.query.reading import Reading
from tocsin.store.read_range import Within
from tocsin.store.read_records import log_record, span
from tocsin.store.read_slice import SliceTable, slice_records

PIECE_NS = 60 * NANOSECONDS
PAGE_RECORDS = 10_000
_Record = TypeVar("_Record", Span, LogRecord)


@dataclass(frozen=True, slots=True)
class StoredSlice:
    """
    A `SliceSource` over a store.

    Args:
        series: Series that were sent, without those that are derived from spans and logs.
        reading: Asks the engine.
    """

    series: SeriesSource
    reading: Reading

    def spans(self, within: TimeRange, services: Sequence[str]) -> Iterator[Span]:
        """Spans of a range, oldest first; of all services when none is named."""
        return self._records("spans", within, services, span)

    def logs(self, within: TimeRange, services: Sequence[str]) -> Iterator[LogRecord]:
        """Log records of a range, oldest first."""
        return self._records("logs", within, services, log_record)

    def _records(
        self, table: SliceTable, within: TimeRange, services: Sequence[str], read: Callable[[Sequence[Any]], _Record]
    ) -> Iterator[_Record]:
        for start in range(within.start, within.end, PIECE_NS):
            piece, skip = Within(start, min(start + PIECE_NS, within.end)), 0
            while True:
                rows = self.reading.rows(slice_records(table, piece, services, skip=skip, limit=PAGE_RECORDS))
                yield from map(read, rows)
                skip += len(rows)
                if len(rows) < PAGE_RECORDS:
                    break
