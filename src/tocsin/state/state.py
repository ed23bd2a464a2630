"""
The relational state: what people and judgements decided, each kind of record in a repository of its own.

    with State.open(data, options) as state: state.exclusions.add(...); state.audit.list()

What a method has returned from is on the disk.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from tocsin.model.instant import Instant
from tocsin.state.alerting import Alerting
from tocsin.state.audit import Audit
from tocsin.state.database import Database, StateStatistics
from tocsin.state.deployments import Deployments
from tocsin.state.exceptions import Exceptions
from tocsin.state.exclusions import Exclusions
from tocsin.state.gate import Gate
from tocsin.state.incidents import Incidents
from tocsin.state.marks import Marks
from tocsin.state.oncall import Oncall
from tocsin.state.options import StateOptions
from tocsin.state.policies import Policies
from tocsin.state.progress import Progress
from tocsin.state.rule_states import RuleStates

DAY_NS = 86_400_000_000_000


class State:
    """
    Every repository over one database. Safe to use from several threads.

    Args:
        database: Closed with the state.
        options: How long what is kept.
    """

    def __init__(self, database: Database, options: StateOptions) -> None:
        self.database = database
        self._options = options
        self.deployments = Deployments(database)
        self.exclusions = Exclusions(database)
        self.marks = Marks(database)
        self.exceptions = Exceptions(database)
        self.policies = Policies(database)
        self.gate = Gate(database)
        self.progress = Progress(database)
        self.rule_states = RuleStates(database)
        self.alerting = Alerting(database)
        self.oncall = Oncall(database)
        self.incidents = Incidents(database)
        self.audit = Audit(database)

    @classmethod
    def open(cls, data_dir: Path, options: StateOptions) -> State:
        """
        Open the database that the options name, `data_dir/state.sqlite` by default, and bring its tables up to date.

        Raises:
            ConfigError: `state.url` is wrong, or the driver of PostgreSQL is not installed.
            StoreError: It can't be reached, is no database, or was written by a newer Tocsin.
        """
        return cls(Database.open(data_dir, options), options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def expire(self, now_ns: Instant) -> int:
        """Drop answers of the gate older than `state.gate_days`, the only thing here that grows by itself; returns how many."""
        days = self._options.gate_days
        return self.gate.expire(now_ns - round(days * DAY_NS)) if days is not None else 0

    def statistics(self) -> StateStatistics:
        """The database's counters."""
        return self.database.statistics()

    def close(self) -> None:
        """Close every connection; idempotent."""
        self.database.close()
