"""Slowing answers down to the engine's pace, so that what is acknowledged is soon queryable."""

from __future__ import annotations

from concurrent.futures import Future

import pytest
from tests.journal.builders import WAIT_S, FakeClock, Opener, append, batch, options, take

from tocsin.journal import lane as lane_module


def test_answers_wait_while_the_engine_is_behind(opened: Opener) -> None:
    """With more on disk than is easy the next batch is held; as soon as the engine has taken a segment it is committed."""
    journal = opened(options(backlog_bytes_easy=1000))
    append(journal, b"x" * 2000)
    segment = take(journal)
    held: Future[None] = journal.append(batch(b"held"))
    with pytest.raises(TimeoutError):
        held.result(0.1)
    journal.complete(segment)
    held.result(WAIT_S)


def test_an_engine_that_stands_still_delays_and_refuses_nothing(opened: Opener, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """However far behind the engine is, a batch is held for a bounded time and then acknowledged."""
    monkeypatch.setattr(lane_module, "HOLD_S_MAX", 0.05)
    journal = opened(options(backlog_bytes_easy=1000))
    append(journal, b"x" * 2000)
    held = journal.append(batch(b"held"))
    with pytest.raises(TimeoutError):
        held.result(0.1)
    clock.seconds += 1
    held.result(WAIT_S)


def test_a_held_queue_is_committed_when_the_journal_closes(opened: Opener) -> None:
    """Closing waits for nobody's pace."""
    journal = opened(options(backlog_bytes_easy=1000))
    append(journal, b"x" * 2000)
    held = journal.append(batch(b"held"))
    journal.close()
    held.result(0)


def test_the_open_file_is_handed_out_while_answers_wait(opened: Opener) -> None:
    """Holding the queue must not hold the engine: what is written already can be taken."""
    journal = opened(options(backlog_bytes_easy=1000))
    append(journal, b"x" * 2000)
    journal.append(batch(b"held"))
    assert take(journal).frames == 1
