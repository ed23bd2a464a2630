"""Prometheus' protobuf exposition."""

from __future__ import annotations

from tocsin.wire.prometheus.reading import Reading
from tocsin.wire.prometheus.scraped import ReadOptions, Resolve
from tocsin.wire.prometheus.target_table import TargetTable


class ProtobufReader:
    """Reads answers of one target in protobuf."""

    def __init__(self, table: TargetTable, resolve: Resolve, options: ReadOptions) -> None:
        self._table = table
        self._resolve = resolve
        self._options = options

    def read(self, body: bytes, *, timestamp_ms: int) -> Reading:
        """An answer."""
        raise NotImplementedError
