"""Segments that the engine refuses: put aside, listed, replayed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.journal.builders import BROKEN, FailingDisk, FakeClock, Opener, append, bodies, take

from tocsin.errors import InvalidInput, JournalError, NotFound
from tocsin.journal.journal import Journal
from tocsin.journal.quarantine import QuarantineKind
from tocsin.model.batch import Segment
from tocsin.model.signal import Signal


def refused(journal: Journal, *sent: bytes, signal: Signal = Signal.TRACES) -> Segment:
    """A segment that went to quarantine."""
    append(journal, *sent, signal=signal)
    segment = take(journal, signal)
    journal.quarantine(segment, "Code 33: cannot parse")
    return segment


def test_a_refused_segment_is_moved_with_its_reason(journal: Journal, tmp_path: Path, clock: FakeClock) -> None:
    """The file stands in quarantine beside a note that says why, when and how much; the backlog is free of it."""
    segment = refused(journal, b"one", b"two")
    path = tmp_path / "journal" / "quarantine" / f"{segment.token}.segment"
    assert path.exists()
    assert not segment.path.exists()
    assert json.loads(path.with_name(path.name + ".json").read_text()) == {
        "token": segment.token,
        "signal": "traces",
        "kind": "refused",
        "reason": "Code 33: cannot parse",
        "frames": 2,
        "records": 2,
        "size_bytes": segment.size_bytes,
        "time": "2023-11-14T22:13:20.000000000Z",
    }
    figures = journal.statistics()
    assert (figures.quarantined_segments, figures.quarantined_records) == (1, 2)
    assert figures.lanes[Signal.TRACES].segments_quarantined == 1
    assert figures.lanes[Signal.TRACES].backlog_bytes == 0


def test_quarantine_outlives_the_process(opened: Opener, clock: FakeClock) -> None:
    """The next process lists what the last one put aside."""
    first = opened()
    segment = refused(first, b"body", signal=Signal.METRICS)
    before = first.quarantined()
    first.close()
    clock.now += 10**12
    (entry,) = opened().quarantined()
    assert [entry] == before
    assert (entry.token, entry.signal, entry.kind) == (segment.token, Signal.METRICS, QuarantineKind.REFUSED)


def test_replay_offers_it_under_the_same_token(journal: Journal) -> None:
    """After a replay the segment is taken again, unchanged, and quarantine is empty."""
    segment = refused(journal, b"one", b"two")
    assert journal.replay_quarantined(segment.token) == [segment]
    again = take(journal)
    assert again == segment
    assert bodies(again) == [b"one", b"two"]
    assert journal.quarantined() == []
    assert journal.statistics().lanes[Signal.TRACES].backlog_bytes == segment.size_bytes


def test_replay_without_a_name_takes_all(journal: Journal) -> None:
    """Every refused segment goes back to its own signal."""
    refused(journal, b"trace")
    refused(journal, b"log", signal=Signal.LOGS)
    assert len(journal.replay_quarantined()) == 2
    assert bodies(take(journal, Signal.LOGS)) == [b"log"]
    assert bodies(take(journal)) == [b"trace"]


def test_replaying_what_is_not_there(journal: Journal) -> None:
    """An unknown token is an error, an empty quarantine is not."""
    with pytest.raises(NotFound, match="no segment 'traces-1'"):
        journal.replay_quarantined("traces-1")
    assert journal.replay_quarantined() == []


def test_the_original_of_a_damaged_file_is_not_replayed(opened: Opener) -> None:
    """Its valid frames went on already: asked for by name that is said, asked for all it is passed over."""
    first = opened()
    append(first, b"one", b"two")
    segment = take(first)
    first.close()
    damaged = bytearray(segment.path.read_bytes())
    damaged[2] ^= 1
    segment.path.write_bytes(damaged)
    journal = opened()
    with pytest.raises(InvalidInput, match="original of a damaged file"):
        journal.replay_quarantined(segment.token)
    assert journal.replay_quarantined() == []


def test_a_segment_that_was_damaged_in_quarantine_is_repaired_by_the_replay(journal: Journal) -> None:
    """What goes back to the engine is valid to its last byte, and the damaged original stays."""
    refused(journal, b"one", b"two")
    (entry,) = journal.quarantined()
    damaged = bytearray(entry.path.read_bytes())
    damaged[2] ^= 1
    entry.path.write_bytes(damaged)
    (segment,) = journal.replay_quarantined()
    assert bodies(segment) == [b"two"]
    assert [one.kind for one in journal.quarantined()] == [QuarantineKind.CORRUPT]


def test_a_lost_note_does_not_hide_the_segment(opened: Opener) -> None:
    """Without its note a segment is listed with what is known, and can be replayed."""
    first = opened()
    segment = refused(first, b"body")
    (entry,) = first.quarantined()
    first.close()
    entry.path.with_name(entry.path.name + ".json").write_text("{")
    journal = opened()
    assert "note can't be read" in journal.quarantined()[0].reason
    assert journal.replay_quarantined() == [segment]


def test_a_note_without_its_file_is_removed(opened: Opener, tmp_path: Path) -> None:
    """A crash between the note and the move leaves a note; the next start removes it and leaves strangers alone."""
    opened().close()
    folder = tmp_path / "journal" / "quarantine"
    (folder / "traces-000000000001-9f31c07a55e2d4b8.segment.json").write_text("{}")
    (folder / "traces-000000000001-9f31c07a55e2d4b8.corrupt.tmp").write_text("half")
    (folder / "stranger").write_text("mine")
    journal = opened()
    assert [path.name for path in folder.iterdir()] == ["stranger"]
    assert journal.quarantined() == []


@pytest.mark.parametrize("call", ["create", "write", "sync", "rename", "sync_directory"])
def test_a_failure_leaves_the_segment_to_be_put_aside_again(journal: Journal, disk: FailingDisk, call: str) -> None:
    """Whichever call fails, the caller still has the segment, and the next attempt succeeds."""
    append(journal, b"body")
    segment = take(journal)
    disk.failures[call] = BROKEN
    with pytest.raises(JournalError, match="can't be moved to quarantine"):
        journal.quarantine(segment, "refused")
    assert journal.statistics().lanes[Signal.TRACES].backlog_segments == 1
    disk.failures.clear()
    journal.quarantine(segment, "refused")
    assert [entry.token for entry in journal.quarantined()] == [segment.token]


@pytest.mark.parametrize("call", ["rename", "sync_directory"])
def test_a_replay_that_fails_can_be_repeated(journal: Journal, disk: FailingDisk, call: str) -> None:
    """A replay that the disk refused leaves the segment listed, and the next attempt succeeds."""
    segment = refused(journal, b"body")
    disk.failures[call] = BROKEN
    with pytest.raises(JournalError, match="can't be replayed"):
        journal.replay_quarantined()
    assert len(journal.quarantined()) == 1
    disk.failures.clear()
    assert journal.replay_quarantined() == [segment]
