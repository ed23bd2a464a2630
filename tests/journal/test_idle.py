"""What a journal does when there is nothing to do: nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.journal.builders import FailingDisk, FakeClock, options

from tocsin.clock import RealEntropy
from tocsin.journal.journal import Journal
from tocsin.journal.lane import Lane
from tocsin.model.signal import Signal


def test_an_idle_lane_sleeps_while_the_loader_waits(
    tmp_path: Path, disk: FailingDisk, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A taker that waits for a segment wakes the writer once, not for ever: the two once kept each other awake on a whole core."""
    turns: list[bool] = []
    turn = Lane.turn

    def counted(lane: Lane, *, wait: bool) -> bool:
        turns.append(wait)
        return turn(lane, wait=wait)

    monkeypatch.setattr(Lane, "turn", counted)
    journal = Journal(tmp_path / "journal", options=options(), clock=clock, entropy=RealEntropy(), filesystem=disk)
    journal.start()
    try:
        for _ in range(3):
            assert journal.take(Signal.LOGS, timeout_s=0.05) is None
    finally:
        journal.close()
    assert len(turns) < 20
