"""What every question needs: an engine to ask, the clock, and conditions made ready for a table."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tocsin.clock import Clock
from tocsin.query.period import read_period
from tocsin.store.engine import Engine, SettingValue
from tocsin.store.plan import Predicate, leaves
from tocsin.store.read_range import Within
from tocsin.store.read_vocabulary import matching_names, matching_resources
from tocsin.store.render import SPANS, Table, Vocabulary, render
from tocsin.store.sql import ParameterNames, Sql

READ_SETTINGS: Mapping[str, SettingValue] = {
    "max_execution_time": 30,
    # Evaluated before reading, indexes fill the engine's cache of which granules a condition can hold in: the same question again,
    # as a dashboard asks it, takes a tenth of the time.
    "use_skip_indexes_on_data_read": 0,
    # A needle leaves a few granules to read: share those between threads too.
    "merge_tree_min_rows_for_concurrent_read": 16_384,
    "merge_tree_min_bytes_for_concurrent_read": 2_000_000,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """An engine to ask and the clock that says what `now` is; shared by the questions of one desk."""

    engine: Engine
    clock: Clock

    def rows(self, statement: Sql) -> list[list[Any]]:
        """What a statement returns."""
        return self.engine.query(statement, settings=READ_SETTINGS).rows

    def rows_of_both(self, first: Sql, second: Sql) -> tuple[list[list[Any]], list[list[Any]]]:
        """What two statements return that need not wait for each other; they run at the same time."""
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="reading") as pool:
            later = pool.submit(self.rows, second)
            return self.rows(first), later.result()

    def period(self, start: int | str | None, end: int | str | None) -> Within:
        """A caller's range of time."""
        return read_period(start, end, self.clock)

    def vocabulary(self, predicate: Predicate, table: Table) -> Vocabulary:
        """Which resources, and for spans which names, satisfy the conditions of a query: one or two small statements, or none."""
        asked = leaves(predicate)
        return Vocabulary(
            resources=self._looked_up(matching_resources(asked, table, ParameterNames())),
            names=self._looked_up(matching_names(asked, ParameterNames())) if table is SPANS else {},
        )

    def condition(self, predicate: Predicate, table: Table, vocabulary: Vocabulary, names: ParameterNames) -> Sql:
        """The query as SQL."""
        return render(predicate, table, names, vocabulary)

    def _looked_up(self, statement: tuple[Sql, list[Any]] | None) -> dict[Any, list[str]]:
        if statement is None:
            return {}
        rows = self.rows(statement[0])
        return dict(zip(statement[1], rows[0], strict=True)) if rows else {}
