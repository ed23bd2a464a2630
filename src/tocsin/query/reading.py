"""What every question needs: an engine to ask, the clock, and conditions made ready for a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tocsin.clock import Clock
from tocsin.query.period import read_period
from tocsin.store.engine import Engine
from tocsin.store.plan import Predicate, leaves
from tocsin.store.read_range import Within
from tocsin.store.read_vocabulary import matching_names, matching_resources
from tocsin.store.render import SPANS, Table, Vocabulary, render
from tocsin.store.sql import ParameterNames, Sql

READ_SETTINGS = {"max_execution_time": 30}


@dataclass(frozen=True, slots=True)
class Reading:
    """An engine to ask and the clock that says what `now` is; shared by the questions of one desk."""

    engine: Engine
    clock: Clock

    def rows(self, statement: Sql) -> list[list[Any]]:
        """What a statement returns."""
        return self.engine.query(statement, settings=READ_SETTINGS).rows

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
