"""The desk of replays: one backtest at a time, files that were sent, incidents to judge by, guards."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.replay.desk_world import CALM, DEAF, MINUTE, NOW, RULES, START, replay_desk

from tocsin.errors import Conflict, InvalidInput, LimitExceeded, NotFound, Timeout
from tocsin.model.instant import TimeRange
from tocsin.replay.desk import ReplayDesk
from tocsin.replay.desk_records import BacktestRequest, RunState, TextFile
from tocsin.replay.guards.freeze import FreezeRequest
from tocsin.slo.files.notes import DefinitionMistakes

ALL = BacktestRequest(TimeRange(START, NOW))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ReplayDesk]:
    """A desk over two days with one loud half hour, which was an incident."""
    one = replay_desk(tmp_path)
    yield one
    one.close()


def finished(desk: ReplayDesk) -> None:
    """Wait for what runs."""
    job = desk._job
    assert job is not None
    assert job.thread is not None
    job.thread.join(20)


def test_rules_in_force_by_recorded_incidents(desk: ReplayDesk) -> None:
    """Without a file everything that is in force is tried."""
    answer = desk.backtest(ALL)
    (report,) = answer.reports
    assert (report.name, answer.incidents, answer.judged_by) == ("in force", 1, "recorded")
    assert (report.score.precision, report.score.recall) == (1.0, 1.0)


def test_two_sets_side_by_side(desk: ReplayDesk) -> None:
    """New rules first, what they are compared with second, each under its name."""
    request = replace(ALL, rules=(TextFile("new.yaml", DEAF),), against=(TextFile("old.yaml", CALM),))
    assert [(report.name, report.score.recall) for report in desk.backtest(request).reports] == [("new.yaml", 0.0), ("old.yaml", 1.0)]
    request = replace(ALL, rules=(TextFile("new.yaml", DEAF),), against_current=True)
    assert [report.name for report in desk.backtest(request).reports] == ["new.yaml", "in force"]


def test_incidents_of_a_file_and_significant_events(desk: ReplayDesk) -> None:
    """What there was may be said, or be what objectives lost."""
    sent = TextFile("incidents.yaml", "- {name: other, start: 2026-11-17T10:00:00Z, end: 2026-11-17T11:00:00Z}")
    answer = desk.backtest(replace(ALL, incidents=sent))
    assert (answer.judged_by, answer.reports[0].score.recall) == ("file", 0.0)
    assert desk.backtest(replace(ALL, significant=0.1)).reports[0].score.recall == 1.0


def test_mistakes_name_the_files_as_they_were_sent(desk: ReplayDesk) -> None:
    """No path of the server stands in a message."""
    with pytest.raises(InvalidInput) as caught:
        desk.start(replace(ALL, rules=(TextFile("shop/new.yaml", "groups: [{name: a, rules: [{alert: A, expr: 'sum('}]}]"),)))
    assert str(caught.value).startswith("shop/new.yaml:1:")
    assert "tocsin-backtest" not in str(caught.value)
    with pytest.raises(InvalidInput, match="config:1"):
        desk.start(replace(ALL, config=TextFile("config", "rout: {}")))
    with pytest.raises(InvalidInput, match="there are no rules to try"):
        desk.start(replace(ALL, rules=(TextFile("empty.yaml", "groups: []"),)))


def test_a_run_goes_on_behind_the_desk(desk: ReplayDesk) -> None:
    """It is started, shows how far it is, and keeps its answer."""
    with pytest.raises(NotFound, match="no backtest was started"):
        desk.run()
    run = desk.start(ALL)
    assert (run.number, run.state, run.started_at) == (1, RunState.RUNNING, NOW)
    finished(desk)
    run = desk.run()
    assert (run.state, run.progress) == (RunState.DONE, 1.0)
    assert run.answer is not None
    assert desk.statistics().backtests == 1


def test_one_at_a_time_and_cancelled(tmp_path: Path) -> None:
    """A second one is refused while one runs; cancelled it ends after its piece."""
    desk = replay_desk(tmp_path, piece_s=600)
    entered, leave = threading.Event(), threading.Event()
    tried = desk._tried

    def slowly(*given: object, **named: object) -> object:
        entered.set()
        leave.wait(20)
        return tried(*given, **named)  # type: ignore[arg-type]

    desk._tried = slowly  # type: ignore[method-assign, assignment]
    desk.start(ALL)
    entered.wait(20)
    with pytest.raises(Conflict, match="backtest 1 runs, 0 % of it is done"):
        desk.start(ALL)
    assert desk.statistics().backtests_running == 1
    desk.cancel()
    leave.set()
    finished(desk)
    assert (desk.run().state, desk.run().code) == (RunState.CANCELLED, "cancelled")
    assert desk.statistics().backtests_failed == 1
    desk.close()


def test_a_run_that_fails_says_why(tmp_path: Path) -> None:
    """Too long a stretch is told with its option."""
    desk = replay_desk(tmp_path, range_max_s=3600)
    desk.start(ALL)
    finished(desk)
    run = desk.run()
    assert (run.state, run.code) == (RunState.FAILED, "limit_exceeded")
    assert "replay.range_max_s" in run.error
    with pytest.raises(Timeout):
        replay_desk(tmp_path).backtest(ALL, time_limit_s=-1)


def test_a_guard_of_what_is_stored(tmp_path: Path) -> None:
    """Frozen within the limit of the options."""
    desk = replay_desk(tmp_path)
    request = FreezeRequest("high", "High", START + 600 * MINUTE, within_s=60)
    guard = desk.freeze(request)
    assert guard.files["rules/rules.yaml"] == RULES.encode()
    assert desk.statistics().guards_frozen == 1
    with pytest.raises(LimitExceeded):
        replay_desk(tmp_path, slice_mb_max=0.0001).freeze(request)
    assert issubclass(DefinitionMistakes, InvalidInput)
