"""
What is known of the tables without asking: a statement costs a millisecond or more, whatever it finds, and a small query asked nine.

Everything here holds as long as nothing was written to the tables that it is about (`Engine.changes`); its number is taken before the
question. Where nobody can tell, each question is asked each time. So using what is known is the same as asking now, and the order in which
tables are asked (`tocsin.store.fold`) stays what it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tocsin.store.changes import CHUNK_TABLES, FOLDING_TABLES, SERIES_TABLES
from tocsin.store.engine import Engine, SettingValue
from tocsin.store.read_metrics import Span, anything, chunk_ends, parts_of, table_rows, windows_of

WINDOWS_MAX = 32  # windows of chunks that are remembered
WINDOWS_LEARNT_MAX = 3  # of one range: a longer one hardly ever has no chunks at all


@dataclass(frozen=True, slots=True)
class Holdings:
    """
    The tables that say which series there are.

    Args:
        version: Of `series`: while it stays the same, so do the series; None where nobody can tell.
        histograms: Native histograms, whatever they are.
    """

    version: frozenset[str] | None
    histograms: int


class KnownTables:
    """
    Asks once, and again when something was written. Safe to use from several threads.

    Args:
        engine: Where the tables are.
        settings: For statements.
    """

    def __init__(self, engine: Engine, settings: Mapping[str, SettingValue]) -> None:
        self._engine = engine
        self._settings = settings
        # Each is replaced, never changed: threads need no lock.
        self._holdings: tuple[int, Holdings] | None = None
        self._nothing_folding: int | None = None
        self._chunk_ends: tuple[int, dict[int, int]] | None = None

    def holdings(self) -> Holdings:
        """Which series there are, by their version, and how many histograms."""
        number = self._engine.changes(SERIES_TABLES)
        if number is None:
            count = self._engine.fetch(table_rows("histograms"), output_format="RowBinary", settings=self._settings)
            return Holdings(None, int.from_bytes(count[:8], "little"))
        if self._holdings is not None and self._holdings[0] == number:
            return self._holdings[1]
        parts = self._engine.query(parts_of(("series", "histograms")), settings=self._settings).rows
        series = frozenset(str(name) for table, name, _ in parts if table == "series")
        found = Holdings(series, sum(int(count) for table, _, count in parts if table == "histograms"))
        self._holdings = number, found
        return found

    def nothing_folding(self) -> bool:
        """Whether `samples_folding` is empty now: asking that costs less than asking for what is wanted."""
        number = self._engine.changes(FOLDING_TABLES)
        if number is not None and self._nothing_folding == number:
            return True
        if self._engine.fetch(anything("samples_folding"), output_format="RowBinary"):
            return False
        self._nothing_folding = number
        return True

    def nothing_settled(self, span: Span) -> bool:
        """Whether it is known that no chunk of any series has to do with a range: nobody asks for that."""
        known = self._chunk_ends
        if known is None or known[0] != self._engine.changes(CHUNK_TABLES):
            return False
        return all(known[1].get(window, span.start_ms) < span.start_ms for window in windows_of(span))

    def learn_settled(self, span: Span) -> None:
        """Find out where chunks end in the windows of a range, for the next one; worth it where a range of some series had no chunks."""
        windows = windows_of(span)
        number = self._engine.changes(CHUNK_TABLES)
        if number is None or len(windows) > WINDOWS_LEARNT_MAX:
            return
        known = self._chunk_ends
        kept = known[1] if known is not None and known[0] == number else {}
        if all(window in kept for window in windows):
            return
        ends = {int(window): int(end) for window, end in self._engine.query(chunk_ends(windows), settings=self._settings).rows}
        kept = {**kept, **{window: ends.get(window, -1) for window in windows}}
        self._chunk_ends = number, dict(list(kept.items())[-WINDOWS_MAX:])
