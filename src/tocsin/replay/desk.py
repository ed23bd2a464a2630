"""The one door of this room for `api/` and `app/`: backtests that run one at a time, and guards that are frozen."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tocsin.alert.definition import RuleSet
from tocsin.alert.routing.config import AlertingConfig, read_config
from tocsin.errors import Conflict, InvalidInput, NotFound, TocsinError
from tocsin.model.alert import Silence
from tocsin.model.instant import TimeRange
from tocsin.oncall.files.plan import read_plan
from tocsin.oncall.roster import Roster
from tocsin.replay.backtest import Backtest, Ground, Trial
from tocsin.replay.desk_records import BacktestAnswer, BacktestRequest, BacktestRun, RunState
from tocsin.replay.evidence import KnownIncident
from tocsin.replay.guards.definition import FrozenGuard
from tocsin.replay.guards.freeze import FreezeRequest, SliceSource, freeze
from tocsin.replay.incident_files import read_incidents
from tocsin.replay.sent_files import SentFiles

STOP_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class ReplayParts:
    """
    What the desk works with; functions give what is in force at the time.

    Args:
        ground: What backtests stand on.
        slices: Where guards are frozen out of.
        rules: The rules in force.
        read_rules: Reads rule files together with the objectives in force; raises InvalidInput with all mistakes.
        objective_files: Files with the objectives in force.
        config: Routes, receivers, inhibition.
        roster: Chains and schedules; None when nobody is called.
        silences: All that were made.
        incidents: Those that were recorded and touch a stretch.
        significant: Stretches in which an objective lost more than a share of its budget.
    """

    ground: Ground
    slices: SliceSource
    rules: Callable[[], RuleSet]
    read_rules: Callable[[Sequence[Path]], RuleSet]
    objective_files: Callable[[], Sequence[Path]]
    config: Callable[[], AlertingConfig]
    roster: Callable[[], Roster | None]
    silences: Callable[[], Sequence[Silence]]
    incidents: Callable[[TimeRange], Sequence[KnownIncident]]
    significant: Callable[[TimeRange, float], Sequence[KnownIncident]]


@dataclass(frozen=True, slots=True)
class ReplayStatistics:
    """
    Backtests and guards.

    Args:
        backtests: Backtests that were started.
        backtests_failed: Those that failed or were cancelled.
        backtests_running: Gauge: 1 while one runs.
        guards_frozen: Guards that were made of what is stored.
    """

    backtests: int = 0
    backtests_failed: int = 0
    backtests_running: int = 0
    guards_frozen: int = 0


class _Cancelled(TocsinError):
    """Somebody wants the backtest no more."""


@dataclass(slots=True)
class _Job:
    """The backtest of this moment."""

    run: BacktestRun
    cancelled: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


class ReplayDesk:
    """
    Backtests and guards over what is stored. Safe to use from several threads.

    Args:
        parts: What it works with.
    """

    def __init__(self, parts: ReplayParts) -> None:
        self._parts = parts
        self._clock = parts.ground.clock
        self._lock = threading.Lock()
        self._job: _Job | None = None
        self._statistics = ReplayStatistics()

    def statistics(self) -> ReplayStatistics:
        """What was done since the start."""
        with self._lock:
            running = self._job is not None and self._job.run.state is RunState.RUNNING
            return replace(self._statistics, backtests_running=int(running))

    def start(self, request: BacktestRequest) -> BacktestRun:
        """
        Begin a backtest, unless one runs.

        Raises:
            InvalidInput: A file does not read; every mistake is said.
            Conflict: Another one runs.
        """
        trials, incidents, judged_by = self._prepared(request)
        with self._lock:
            if self._job is not None and self._job.run.state is RunState.RUNNING:
                done = self._job.run.progress * 100
                raise Conflict(f"backtest {self._job.run.number} runs, {done:.0f} % of it is done; wait for it, or cancel it")
            number = self._statistics.backtests + 1
            self._statistics = replace(self._statistics, backtests=number)
            job = self._job = _Job(BacktestRun(number, RunState.RUNNING, 0.0, self._clock.now_ns()))
            work = (job, request, trials, incidents, judged_by)
            job.thread = threading.Thread(target=self._work, args=work, name="backtest", daemon=True)
            job.thread.start()
            return job.run

    def run(self) -> BacktestRun:
        """
        The backtest that runs, or ran last.

        Raises:
            NotFound: None was started yet.
        """
        with self._lock:
            if self._job is None:
                raise NotFound("no backtest was started since the server was; `tocsin backtest` starts one")
            return self._job.run

    def cancel(self) -> BacktestRun:
        """Have the backtest that runs end after its present piece; raises NotFound when none was started."""
        run = self.run()
        with self._lock:
            if self._job is not None:
                self._job.cancelled.set()
        return run

    def close(self) -> None:
        """End what runs; idempotent."""
        with self._lock:
            job = self._job
        if job is not None and job.thread is not None:
            job.cancelled.set()
            job.thread.join(STOP_WAIT_S)

    def backtest(
        self, request: BacktestRequest, *, progress: Callable[[float], None] = lambda _: None, time_limit_s: float | None = None
    ) -> BacktestAnswer:
        """
        Run a backtest in this thread.

        Args:
            request: What to try.
            progress: Told how far it is, 0 to 1.
            time_limit_s: Longest time for one set of rules, seconds.

        Raises:
            InvalidInput: A file does not read; every mistake is said.
            Timeout: It took too long.
        """
        return self._tried(request, *self._prepared(request), progress=progress, time_limit_s=time_limit_s)

    def freeze(self, request: FreezeRequest) -> FrozenGuard:
        """
        Make a guard of what is stored.

        Raises:
            NotFound: No rule is called so.
            InvalidInput: The stretch is empty.
            LimitExceeded: The slice would be too large.
        """
        limit = round(self._parts.ground.options.slice_mb_max * 1e6)
        bounded = replace(request, size_bytes_max=min(request.size_bytes_max, limit))
        guard = freeze(bounded, self._parts.rules(), self._parts.slices, objective_files=self._parts.objective_files())
        with self._lock:
            self._statistics = replace(self._statistics, guards_frozen=self._statistics.guards_frozen + 1)
        return guard

    def _work(self, job: _Job, request: BacktestRequest, trials: list[Trial], incidents: Sequence[KnownIncident], judged_by: str) -> None:
        def progress(share: float) -> None:
            if job.cancelled.is_set():
                raise _Cancelled("the backtest was cancelled")
            self._change(job, replace(job.run, progress=share))

        try:
            limit_s = self._parts.ground.options.time_limit_s
            answer = self._tried(request, trials, incidents, judged_by, progress=progress, time_limit_s=limit_s)
            self._change(job, replace(job.run, state=RunState.DONE, progress=1.0, answer=answer))
        except _Cancelled as error:
            self._fail(job, RunState.CANCELLED, str(error), "cancelled")
        except TocsinError as error:
            self._fail(job, RunState.FAILED, str(error), error.code)
        except Exception:
            self._fail(job, RunState.FAILED, "the backtest failed by a mistake of ours; the log has it", "internal")
            raise

    def _fail(self, job: _Job, state: RunState, error: str, code: str) -> None:
        self._change(job, replace(job.run, state=state, error=error, code=code))
        with self._lock:
            self._statistics = replace(self._statistics, backtests_failed=self._statistics.backtests_failed + 1)

    def _change(self, job: _Job, run: BacktestRun) -> None:
        with self._lock:
            job.run = run

    def _tried(
        self,
        request: BacktestRequest,
        trials: list[Trial],
        incidents: Sequence[KnownIncident],
        judged_by: str,
        *,
        progress: Callable[[float], None],
        time_limit_s: float | None,
    ) -> BacktestAnswer:
        backtest = Backtest(self._parts.ground)
        reports = []
        for number, trial in enumerate(trials):
            part = _Part(progress, number, len(trials))
            reports.append(backtest.run(trial, request.over, incidents, progress=part, time_limit_s=time_limit_s))
        return BacktestAnswer(tuple(reports), len(incidents), judged_by)

    def _prepared(self, request: BacktestRequest) -> tuple[list[Trial], Sequence[KnownIncident], str]:
        """The sets of rules to try, and what they are judged by."""
        parts = self._parts
        with TemporaryDirectory(prefix="tocsin-backtest-") as folder:
            written = SentFiles(Path(folder))
            rules = written.read(request.rules, parts.read_rules) if request.rules else parts.rules()
            others = [("against", written.read(request.against, parts.read_rules))] if request.against else []
            others += [("in force", parts.rules())] if request.against_current else []
            config = written.read_one(request.config, read_config) if request.config else parts.config()
            roster = Roster(written.read(request.oncall, read_plan)) if request.oncall else parts.roster()
            known = written.read_one(request.incidents, read_incidents) if request.incidents else None
        if not any(group.rules for group in rules.groups):
            raise InvalidInput("there are no rules to try; name a file with some")
        silences = tuple(parts.silences()) if request.silences else ()
        named = [(", ".join(file.name for file in request.rules) or "in force", rules), *others]
        if request.against and others:
            named[1] = (", ".join(file.name for file in request.against), others[0][1])
        trials = [Trial(name, found, config, roster, silences, request.step_s) for name, found in named]
        if known is not None:
            return trials, known, "file"
        if request.significant is not None:
            return trials, parts.significant(request.over, request.significant), "significant"
        return trials, parts.incidents(request.over), "recorded"


@dataclass(frozen=True, slots=True)
class _Part:
    """Progress of one of several trials as progress of them all."""

    told: Callable[[float], None]
    number: int
    count: int

    def __call__(self, share: float) -> None:
        self.told((self.number + share) / self.count)
