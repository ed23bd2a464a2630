"""How far the engine is behind, from counters."""

from __future__ import annotations

from tocsin.app.lag import LagWatch
from tocsin.journal.statistics import JournalStatistics, LaneStatistics
from tocsin.model.signal import Signal


class Scene:
    """A journal whose counters the test sets, and a clock that it moves."""

    def __init__(self) -> None:
        self.lane = LaneStatistics()
        self.time_s = 100.0

    def statistics(self) -> JournalStatistics:
        """The journal's counters."""
        return JournalStatistics({signal: LaneStatistics() for signal in Signal} | {Signal.LOGS: self.lane}, 0, 0, 0, None)

    def now_ns(self) -> int:
        """Not asked for."""
        return 0

    def monotonic_s(self) -> float:
        """The time that the test set."""
        return self.time_s


def test_nothing_waiting_is_no_lag() -> None:
    """Without a backlog the lag is zero, however long nothing came."""
    scene = Scene()
    watch = LagWatch(scene.statistics, clock=scene)
    scene.time_s += 1000
    assert watch.look() == dict.fromkeys(Signal, 0.0)


def test_the_oldest_waiting_segment_counts() -> None:
    """The lag grows while the same segment waits, and falls to the next one's when it is settled."""
    scene = Scene()
    watch = LagWatch(scene.statistics, clock=scene)
    scene.lane = LaneStatistics(backlog_segments=1)
    assert watch.look()[Signal.LOGS] == 0
    scene.time_s += 4
    scene.lane = LaneStatistics(backlog_segments=2)
    assert watch.look()[Signal.LOGS] == 4
    scene.time_s += 3
    assert watch.look()[Signal.LOGS] == 7
    scene.lane = LaneStatistics(backlog_segments=1, segments_completed=1)
    assert watch.look()[Signal.LOGS] == 3


def test_a_busy_lane_that_keeps_up_has_little_lag() -> None:
    """A backlog that is never empty is no lag as long as segments pass through it."""
    scene = Scene()
    watch = LagWatch(scene.statistics, clock=scene)
    for second in range(60):
        scene.lane = LaneStatistics(backlog_segments=2, segments_completed=5 * second)
        assert watch.look()[Signal.LOGS] <= 1
        scene.time_s += 1


def test_quarantine_and_splits_do_not_count_as_waiting() -> None:
    """A segment that was split and put aside has left; what came after it is what waits."""
    scene = Scene()
    watch = LagWatch(scene.statistics, clock=scene)
    scene.lane = LaneStatistics(backlog_segments=1)
    watch.look()
    scene.time_s += 10
    scene.lane = LaneStatistics(backlog_segments=1, segments_split=1, segments_quarantined=2)
    assert watch.look()[Signal.LOGS] == 0
