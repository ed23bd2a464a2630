"""Halving a segment until the frame that the engine refuses is alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.journal.builders import BROKEN, Crash, FailingDisk, Opener, append, bodies, take

from tocsin.errors import JournalError
from tocsin.journal.journal import Journal
from tocsin.model.batch import Segment
from tocsin.model.signal import Signal


def taken(journal: Journal, count: int) -> Segment:
    """A taken segment with the bodies 0, 1, 2, ..."""
    append(journal, *(b"%d" % number for number in range(count)))
    return take(journal)


def test_halves_hold_everything_in_order(journal: Journal) -> None:
    """Two new files with derived tokens replace the one; frames, records and bytes add up, the backlog is unchanged."""
    segment = taken(journal, 5)
    first, second = journal.split(segment)
    assert (bodies(first), bodies(second)) == ([b"0", b"1"], [b"2", b"3", b"4"])
    assert (first.token, second.token) == (f"{segment.token}-a", f"{segment.token}-b")
    assert first.frames + second.frames == segment.frames
    assert first.records + second.records == segment.records
    assert first.size_bytes + second.size_bytes == segment.size_bytes
    assert not segment.path.exists()
    lane = journal.statistics().lanes[Signal.TRACES]
    assert (lane.backlog_bytes, lane.backlog_segments, lane.segments_split) == (segment.size_bytes, 2, 1)
    for half in (first, second):
        journal.complete(half)
    assert journal.statistics().lanes[Signal.TRACES].backlog_bytes == 0


def test_halving_finds_the_one_that_is_refused(journal: Journal) -> None:
    """Splitting whatever holds the poison ends with it alone in quarantine and everything else loaded."""
    waiting = [taken(journal, 23)]
    loaded: list[bytes] = []
    while waiting:
        segment = waiting.pop()
        if b"17" not in bodies(segment):
            loaded += bodies(segment)
            journal.complete(segment)
        elif segment.frames > 1:
            waiting += journal.split(segment)
        else:
            journal.quarantine(segment, "poison")
    assert sorted(map(int, loaded)) == [number for number in range(23) if number != 17]
    assert [entry.frames for entry in journal.quarantined()] == [1]


def test_a_single_frame_comes_back_as_it_is(journal: Journal) -> None:
    """There is nothing to split in it."""
    segment = taken(journal, 1)
    assert journal.split(segment) == [segment]
    assert segment.path.exists()


def test_halves_are_offered_again_after_a_restart(opened: Opener, crashed: Crash) -> None:
    """Halves are segments like any other, with their own tokens."""
    first = opened()
    halves = first.split(taken(first, 4))
    crashed(first)
    journal = opened()
    assert [take(journal), take(journal)] == halves


def test_halves_beside_their_whole_are_dropped(opened: Opener, crashed: Crash) -> None:
    """A crash before the whole was removed leaves three files; nobody had the halves yet, so the whole alone goes on."""
    first = opened()
    segment = taken(first, 4)
    whole = segment.path.read_bytes()
    first.split(segment)
    crashed(first)
    segment.path.write_bytes(whole)
    journal = opened()
    assert take(journal) == segment
    assert journal.take(Signal.TRACES, timeout_s=0) is None
    assert [path.name for path in segment.path.parent.iterdir()] == [segment.path.name]


@pytest.mark.parametrize("call", ["create", "write", "sync", "rename", "sync_directory", "remove"])
def test_a_split_that_fails_can_be_repeated(journal: Journal, disk: FailingDisk, call: str) -> None:
    """Whichever call fails, the segment is still the caller's, and the next attempt gives the same halves."""
    segment = taken(journal, 4)
    disk.failures[call] = BROKEN
    with pytest.raises(JournalError, match="can't be split"):
        journal.split(segment)
    disk.failures.clear()
    first, second = journal.split(segment)
    assert (bodies(first), bodies(second)) == ([b"0", b"1"], [b"2", b"3"])


def test_a_split_whose_last_sync_failed_can_be_repeated(journal: Journal, disk: FailingDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even when the whole is gone already, a second call gives the halves."""
    segment = taken(journal, 4)
    removed = disk.remove

    def remove_and_break(path: Path) -> None:
        removed(path)
        if path == segment.path:
            disk.failures["sync_directory"] = BROKEN

    monkeypatch.setattr(disk, "remove", remove_and_break)
    with pytest.raises(JournalError):
        journal.split(segment)
    assert not segment.path.exists()
    disk.failures.clear()
    first, second = journal.split(segment)
    assert (bodies(first), bodies(second)) == ([b"0", b"1"], [b"2", b"3"])
    assert (first.frames, first.records, second.frames) == (2, 2, 2)


def test_a_damaged_segment_is_not_split(journal: Journal) -> None:
    """Halves of damage would hide it; a restart repairs it."""
    segment = taken(journal, 4)
    segment.path.write_bytes(segment.path.read_bytes()[:-1])
    with pytest.raises(JournalError, match="damaged since it was closed"):
        journal.split(segment)
