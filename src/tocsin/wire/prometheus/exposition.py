"""
What an exporter answers, read: Prometheus text (0.0.4, 1.0.0), OpenMetrics text (0.0.1, 1.0.0), Prometheus protobuf (delimited).

An answer is taken whole or not at all: what does not parse raises, and leaves no trace.

    reader = ExpositionReader(resolve, ReadOptions())      # one per target
    scraped = reader.read(body, "text/plain; version=0.0.4", timestamp_ms=1_700_000_000_000)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.model.labels import Labels
from tocsin.model.series import Metadata
from tocsin.wire.prometheus.content_type import Format, format_of
from tocsin.wire.prometheus.protobuf_exposition import ProtobufReader
from tocsin.wire.prometheus.reading import settle_reading
from tocsin.wire.prometheus.scraped import Fate, ReadOptions, Resolution, Resolve, Scraped
from tocsin.wire.prometheus.target_table import TargetTable
from tocsin.wire.prometheus.text import TextReader

WARM_TEXT = b'# HELP a b\n# TYPE a counter\na{b="c"} 1.5e3 1700000000000\n'
WARM_OPENMETRICS = b'# TYPE a counter\na_total{b="c"} 1.5 1700000000.5 # {d="e"} 1\n# EOF\n'
WARM_PROTOBUF = b"\x12\n\x01a\x18\x01\x22\x0b\x12\x09\t\x00\x00\x00\x00\x00\x00\xf0?"
"""A sample in each of the formats."""


@dataclass(frozen=True, slots=True)
class ReaderStatistics:
    """
    What a reader keeps.

    Args:
        entries: Gauge: series and lines of metadata that are known of the target.
        table_bytes: Gauge: memory of their table.
    """

    entries: int
    table_bytes: int


class ExpositionReader:
    """
    Reads the answers of one target, and keeps what became of its series. Not for several threads at once.

    Args:
        resolve: Asked about series that are new.
        options: How answers are read.
    """

    def __init__(self, resolve: Resolve, options: ReadOptions | None = None) -> None:
        self._options = options or ReadOptions()
        self._table = TargetTable()
        self._readers: dict[Format, TextReader | ProtobufReader] = {
            Format.TEXT: TextReader(self._table, resolve, self._options, openmetrics=False),
            Format.OPENMETRICS: TextReader(self._table, resolve, self._options, openmetrics=True),
            Format.PROTOBUF: ProtobufReader(self._table, resolve, self._options),
        }

    def read(self, body: bytes, content_type: str, *, timestamp_ms: int) -> Scraped:
        """
        What an answer says.

        Args:
            body: The answer, inflated.
            content_type: Its header; empty without one.
            timestamp_ms: When it was asked for, milliseconds since 1970-01-01 UTC: the time of samples that have none of their own.

        Raises:
            ParseError: The body is not of its format; the message names the line, or the byte, and the reason.
            InvalidInput: The content type is none of the formats'.
            Exception: What `resolve` raises.
        """
        self._table.begin()
        reader = self._readers[format_of(content_type, fallback=self._options.fallback_content_type)]
        return settle_reading(reader.read(body, timestamp_ms=timestamp_ms), self._table)

    def forget(self, series_ids: NDArray[np.uint64]) -> None:
        """Ask about these series again when they are seen: their definitions did not become durable, or the registry forgot them."""
        self._table.forget_days(self._table.numbers_of(series_ids))

    def statistics(self) -> ReaderStatistics:
        """What the reader keeps now."""
        return ReaderStatistics(entries=self._table.size, table_bytes=self._table.size_bytes)


def warm() -> None:
    """Have the kernels compiled, or loaded from the cache, before the first scrape needs them (some seconds without a cache)."""
    reader = ExpositionReader(_kept)
    bodies = {Format.TEXT: WARM_TEXT, Format.OPENMETRICS: WARM_OPENMETRICS, Format.PROTOBUF: WARM_PROTOBUF}
    for item, body in bodies.items():
        reader.read(body, item.value, timestamp_ms=1_700_000_000_000)


def _kept(labels: Labels, metadata: Metadata | None, timestamp_ms: int) -> Resolution:  # noqa: ARG001 - as `Resolve` has it
    return Resolution(Fate.KEPT, 1 + hash(labels) % 2**63, labels.metric)
