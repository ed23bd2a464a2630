"""
Which tables may have changed: numbers that let a reader keep what it learnt until something is written.

    before = changes.number({"chunks"})       first the number, then the question
    ... ask the engine ...
    changes.number({"chunks"}) == before      what was learnt still holds

A write raises the number before the engine hears of it, and as long as it runs there is no number at all. So an equal number says that no
write has begun since the question; what the engine does on its own (merges) changes no answer.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager

# Whoever writes to one of the last three writes to `series` and `histograms` too, by materialized views.
SERIES_TABLES = frozenset({"series", "histograms", "points", "sample_blocks", "targets"})
FOLDING_TABLES = frozenset({"samples_folding"})
CHUNK_TABLES = frozenset({"chunks"})
WATCHED = SERIES_TABLES | FOLDING_TABLES | CHUNK_TABLES


class Changes:
    """Counts what is written. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun: Counter[str] = Counter()
        self._running: Counter[str] = Counter()

    @contextmanager
    def writing(self, text: str) -> Iterator[None]:
        """
        Around a statement that writes.

        Args:
            text: The statement, or the tables that it writes to: every watched table whose name is a word of it counts as written to.
        """
        tables = WATCHED.intersection(re.findall(r"\w+", text))
        with self._lock:
            self._begun.update(tables)
            self._running.update(tables)
        try:
            yield
        finally:
            with self._lock:
                self._running.subtract(tables)

    def number(self, tables: Collection[str]) -> int | None:
        """The same as before if nothing was written to these (watched) tables since; None while something is."""
        with self._lock:
            if any(self._running[table] for table in tables):
                return None
            return sum(self._begun[table] for table in tables)
