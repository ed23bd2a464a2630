"""
Prometheus text and OpenMetrics text, read against what the target is known to expose.

    scan (kernel)       every line into a row: hash of the series' text, value, time
    recognise_keys      rows into entries of the target's table; what is left is new
    the slow way        new metadata lines, odd numbers, new exemplars, new series: parsed before anything is asked or remembered

Source: Prometheus, "Exposition formats"; OpenMetrics 1.0.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tocsin.errors import ParseError
from tocsin.wire.prometheus.numerals import slow_number
from tocsin.wire.prometheus.reading import Families, NewExemplar, NewSeries, Reading, ask, to_ask, too_many
from tocsin.wire.prometheus.scraped import ReadOptions, Resolve
from tocsin.wire.prometheus.series_text import (
    Flaw,
    MetadataLine,
    normalised,
    parse_exemplar,
    parse_metadata,
    parse_seconds,
    parse_series,
)
from tocsin.wire.prometheus.target_table import TargetTable, days_of, recognise_keys
from tocsin.wire.prometheus.text_scan import (
    EXEMPLAR,
    EXPLICIT,
    FLAWS,
    METADATA,
    ROW,
    SLOW_TIME,
    SLOW_VALUE,
    find_new_exemplars,
    scan,
)

SEED_TEXT, SEED_OPENMETRICS = np.uint64(0x517CC1B727220A95), np.uint64(0x27220A95517CC1B7)
EXCERPT_BYTES = 120


class TextReader:
    """
    Reads answers of one target in one of the two text formats.

    Args:
        table: What is known of the target's series.
        resolve: Asked about new ones.
        options: How answers are read.
        openmetrics: Which format.
    """

    def __init__(self, table: TargetTable, resolve: Resolve, options: ReadOptions, *, openmetrics: bool) -> None:
        self._table = table
        self._resolve = resolve
        self._options = options
        self._openmetrics = openmetrics

    def read(self, body: bytes, *, timestamp_ms: int) -> Reading:
        """
        An answer.

        Args:
            body: The answer, inflated.
            timestamp_ms: When it was asked for, milliseconds since 1970-01-01 UTC.

        Raises:
            ParseError: A line is not of the format; says which, and why. Nothing is remembered of the answer.
        """
        data = np.frombuffer(body, np.uint8)
        rows = self._scan(body, data, timestamp_ms)
        self._read_slow(body, rows)
        if not self._options.honor_timestamps:
            rows["timestamp_ms"] = timestamp_ms
            rows["flags"] &= 255 - EXPLICIT
        table = self._table
        keys, times = np.ascontiguousarray(rows["key"]), np.ascontiguousarray(rows["timestamp_ms"])
        numbers = recognise_keys(keys, days_of(times), table.keys, table.numbers, table.entries)
        find_new_exemplars(data, rows, numbers, table.entries)
        exemplars = [self._exemplar(body, rows[row], row) for row in np.flatnonzero(rows["flags"] & EXEMPLAR).tolist()]
        if numbers.min(initial=0) < 0:
            self._meet(body, rows, keys, times, numbers)
            known = (
                numbers >= 0
            )  # comments that begin like metadata are not; they are found in Prometheus text alone, which has no exemplars
            numbers, times, rows = numbers[known], times[known], rows[known]
        return Reading(
            numbers=numbers,
            timestamps_ms=times,
            values=np.ascontiguousarray(rows["value"]),
            explicit=(rows["flags"] & EXPLICIT) != 0,
            exemplars=exemplars,
        )

    def _scan(self, body: bytes, data: NDArray[np.uint8], timestamp_ms: int) -> NDArray[np.void]:
        lines = body.count(b"\n") + 1
        if lines > self._options.samples_max + 1:
            raise too_many(lines - 1, self._options.samples_max)
        rows = np.empty(lines, ROW)
        seed = SEED_OPENMETRICS if self._openmetrics else SEED_TEXT
        count, flaw, at = scan(data, self._openmetrics, seed, timestamp_ms, rows)
        if flaw:
            raise flaw_error(body, at, FLAWS[flaw])
        return rows[:count]

    def _read_slow(self, body: bytes, rows: NDArray[np.void]) -> None:
        """Numbers that the kernel left."""
        for row in np.flatnonzero(rows["flags"] & SLOW_VALUE).tolist():
            record = rows[row]
            value = slow_number(body[record["value_start"] : record["value_end"]])
            if value is None:
                raise flaw_error(body, int(record["value_start"]), "the value is no number that a double can hold")
            record["value"] = value
        for row in np.flatnonzero(rows["flags"] & SLOW_TIME).tolist():
            record = rows[row]
            try:
                record["timestamp_ms"] = parse_seconds(body[record["time_start"] : record["time_end"]], 0)
            except Flaw as flaw:
                raise flaw_error(body, int(record["time_start"]), flaw.reason) from None

    def _exemplar(self, body: bytes, record: np.void, row: int) -> NewExemplar:
        start = int(record["exemplar"])
        try:
            exemplar = parse_exemplar(body[start : record["line_end"]], timestamp_ms=int(record["timestamp_ms"]))
        except Flaw as flaw:
            raise flaw_error(body, start + flaw.at, flaw.reason) from None
        return NewExemplar(row, int(record["exemplar_key"]), exemplar)

    def _meet(
        self, body: bytes, rows: NDArray[np.void], keys: NDArray[np.uint64], times: NDArray[np.int64], numbers: NDArray[np.int32]
    ) -> None:
        """Parse what is new, remember it and ask about it; its entries into `numbers`."""
        is_metadata = (rows["flags"] & METADATA) != 0
        new = np.flatnonzero((numbers < 0) & ~is_metadata)
        # What is said of a metric is needed for new series only, and then from known lines too.
        lines = self._metadata(body, rows, np.flatnonzero(is_metadata if len(new) else is_metadata & (numbers < 0)))
        ask(self._table, self._resolve, self._new_series(body, rows, to_ask(keys, times, new), lines))
        numbers[new] = self._table.numbers_by_key(keys[new])
        for row in np.flatnonzero(is_metadata & (numbers < 0)).tolist():
            if row in lines:
                numbers[row] = self._table.remember_line(int(keys[row]))

    def _metadata(self, body: bytes, rows: NDArray[np.void], places: NDArray[np.int64]) -> dict[int, MetadataLine]:
        """Lines of metadata by row; comments that looked like some are not among them."""
        lines: dict[int, MetadataLine] = {}
        for row in places.tolist():
            start = int(rows[row]["start"])
            try:
                line = parse_metadata(body[start : rows[row]["end"]], openmetrics=self._openmetrics)
            except Flaw as flaw:
                raise flaw_error(body, start + flaw.at, flaw.reason) from None
            if line is not None:
                lines[row] = line
        return lines

    def _new_series(self, body: bytes, rows: NDArray[np.void], places: list[int], lines: dict[int, MetadataLine]) -> Iterator[NewSeries]:
        families = Families()
        for line in lines.values():
            families.note(line.family, **{line.kind.lower(): line.text})
        # As in Prometheus, the last TYPE line above decides whether `le` and `quantile` are bounds, whatever family it names.
        typed = [row for row, line in lines.items() if line.kind == "TYPE"]
        for row in places:
            record = rows[row]
            start = int(record["start"])
            above = bisect_right(typed, row)
            try:
                pairs = parse_series(body[start : record["end"]], openmetrics=self._openmetrics)
            except Flaw as flaw:
                raise flaw_error(body, start + flaw.at, flaw.reason) from None
            labels = normalised(pairs, lines[typed[above - 1]].text if above else "")
            yield NewSeries(int(record["key"]), labels, families.of(labels.metric), int(record["timestamp_ms"]))


def flaw_error(body: bytes, at: int, reason: str) -> ParseError:
    """The error for a flaw at a byte: names the line, counted from 1, and shows its beginning."""
    start = body.rfind(b"\n", 0, at) + 1
    line = body[start:].split(b"\n", 1)[0]
    shown = line[:EXCERPT_BYTES].decode("utf-8", "backslashreplace") + ("..." if len(line) > EXCERPT_BYTES else "")
    number = body.count(b"\n", 0, start) + 1
    return ParseError(f"line {number}, byte {at - start + 1}: {reason}: {shown!r}", position=at)
