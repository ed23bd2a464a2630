"""What is asked of the replay's desk, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tocsin.model.instant import Instant, TimeRange
from tocsin.replay.backtest import BacktestReport

STEP_S = 60.0


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file that somebody sends: its name, for messages, and what stands in it."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class BacktestRequest:
    """
    What to try over the past.

    Args:
        over: The stretch.
        rules: Files with rules; none: those in force.
        against: Files with other rules, for a comparison.
        against_current: Compare with the rules in force.
        config: Routes, receivers, inhibition; None: what is in force.
        oncall: Files with people, schedules and chains; none: what is in force.
        incidents: A file with incidents; None: those that were recorded.
        significant: Take as incidents what cost an objective more than this share of its budget, 0 to 1; None: don't.
        silences: Whether silences that people made keep alerts quiet again.
        step_s: Least seconds between two evaluations.
    """

    over: TimeRange
    rules: tuple[TextFile, ...] = ()
    against: tuple[TextFile, ...] = ()
    against_current: bool = False
    config: TextFile | None = None
    oncall: tuple[TextFile, ...] = ()
    incidents: TextFile | None = None
    significant: float | None = None
    silences: bool = False
    step_s: float = STEP_S


class RunState(Enum):
    """How far a backtest has come."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class BacktestAnswer:
    """
    What a backtest found.

    Args:
        reports: One per set of rules, the one that is tried first.
        incidents: How many incidents it was judged by.
        judged_by: Where they come from: `recorded`, `file` or `significant`.
    """

    reports: tuple[BacktestReport, ...]
    incidents: int
    judged_by: str


@dataclass(frozen=True, slots=True)
class BacktestRun:
    """
    A backtest that was started.

    Args:
        number: Names it; counts up.
        state: How far it has come.
        progress: How much of it is done, 0 to 1.
        started_at: When.
        answer: What it found; None before it is done.
        error: Why it failed; empty when it did not.
        code: Stable name of the failure.
    """

    number: int
    state: RunState
    progress: float
    started_at: Instant
    answer: BacktestAnswer | None = None
    error: str = ""
    code: str = ""
