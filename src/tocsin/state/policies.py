"""How each objective's budget policy stands, and how it came to that."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, RowMapping, Select, func, insert, select

from tocsin.model.budget import PolicyTransition
from tocsin.state.database import Database
from tocsin.state.rows import record_of, row_of
from tocsin.state.tables import POLICY_TRANSITIONS

LIMIT = 1000


class Policies:
    """Keeps transitions of policies; safe to call from several threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest(self, objective: str) -> PolicyTransition | None:
        """How the policy of `objective` stands; None before its first state."""
        with self._database.reading() as connection:
            return _newest(connection, objective)

    def newest_of_all(self) -> Mapping[str, PolicyTransition]:
        """How every policy stands, by objective."""
        columns = POLICY_TRANSITIONS.c
        age = func.row_number().over(partition_by=columns.objective, order_by=(columns.at.desc(), columns.number.desc()))
        ranked = select(POLICY_TRANSITIONS, age.label("age")).subquery()
        with self._database.reading() as connection:
            rows = connection.execute(select(ranked).where(ranked.c.age == 1).order_by(ranked.c.objective)).mappings()
            return {row["objective"]: _record(row) for row in rows}

    def record(self, transition: PolicyTransition) -> bool:
        """
        Keep a transition, unless the policy is in that state already: then another thread or process was first.

        Returns:
            Whether it was kept.
        """
        ratio = None if math.isnan(transition.remaining_ratio) else transition.remaining_ratio
        row = row_of(replace(transition, remaining_ratio=0.0), POLICY_TRANSITIONS) | {"remaining_ratio": ratio}
        with self._database.transaction() as connection:
            self._database.serialize(connection, f"policy {transition.objective}")
            newest = _newest(connection, transition.objective)
            if newest and (newest.policy, newest.state) == (transition.policy, transition.state):
                return False
            connection.execute(insert(POLICY_TRANSITIONS).values(row))
            return True

    def history(self, objective: str, limit: int = LIMIT) -> Sequence[PolicyTransition]:
        """The last `limit` transitions of an objective, the newest first."""
        with self._database.reading() as connection:
            return [_record(row) for row in connection.execute(_of(objective).limit(limit)).mappings()]


def _newest(connection: Connection, objective: str) -> PolicyTransition | None:
    row = connection.execute(_of(objective).limit(1)).mappings().one_or_none()
    return _record(row) if row else None


def _of(objective: str) -> Select[*tuple[object, ...]]:
    columns = POLICY_TRANSITIONS.c
    return select(POLICY_TRANSITIONS).where(columns.objective == objective).order_by(columns.at.desc(), columns.number.desc())


def _record(row: RowMapping) -> PolicyTransition:
    ratio = row["remaining_ratio"]
    return record_of(PolicyTransition, row, remaining_ratio=math.nan if ratio is None else ratio)
