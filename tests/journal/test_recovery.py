"""What a start makes of the files that the last process left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.journal.builders import BROKEN, Crash, FailingDisk, Opener, append, batch, bodies, options, take

from tocsin.errors import Conflict, JournalError, Overloaded
from tocsin.journal.journal import Journal
from tocsin.journal.quarantine import QuarantineKind
from tocsin.journal.statistics import RecoveryReport
from tocsin.model.batch import Segment
from tocsin.model.signal import Signal


def report(journal: Journal) -> RecoveryReport:
    """What the start of this journal found."""
    return journal.statistics().recovery


def left_open(opened: Opener, crashed: Crash, *sent: bytes) -> Path:
    """The open file of a process that was killed after these bodies were acknowledged."""
    journal = opened()
    append(journal, *sent)
    crashed(journal)
    (path,) = (journal._directory / "traces").glob("*.open")
    return path


def left_closed(opened: Opener, *sent: bytes) -> Segment:
    """A closed segment that a process left at its end."""
    journal = opened()
    append(journal, *sent)
    segment = take(journal)
    journal.close()
    return segment


def test_a_fresh_folder_is_clean(opened: Opener) -> None:
    """The first start creates its folders and finds nothing."""
    journal = opened()
    assert report(journal) == RecoveryReport()
    assert report(journal).clean


def test_an_open_file_is_closed_and_offered(opened: Opener, crashed: Crash) -> None:
    """Acknowledged batches of a killed process are offered by the next one, under the same token."""
    path = left_open(opened, crashed, b"one", b"two")
    journal = opened()
    segment = take(journal)
    assert bodies(segment) == [b"one", b"two"]
    assert segment.token == f"traces-{path.stem}"
    assert report(journal) == RecoveryReport(segments=1, frames=2, records=2)


@pytest.mark.parametrize("torn", [b"\x7f", b"\x7fhalf a frame", b"\x80", bytes(500)])
def test_a_torn_end_is_cut(opened: Opener, crashed: Crash, torn: bytes) -> None:
    """What a crash left of an unfinished write goes; everything before it stays."""
    path = left_open(opened, crashed, b"one", b"two")
    with path.open("ab") as file:
        file.write(torn)
    journal = opened()
    assert bodies(take(journal)) == [b"one", b"two"]
    assert (report(journal).tails_cut, report(journal).bytes_cut) == (1, len(torn))
    assert not report(journal).corrupt
    assert journal.quarantined() == []


def test_a_file_of_nothing_but_a_torn_frame_is_removed(opened: Opener, crashed: Crash) -> None:
    """Nothing acknowledged was in it, so nothing is offered."""
    path = left_open(opened, crashed, b"one")
    path.write_bytes(path.read_bytes()[:-1])
    journal = opened()
    assert journal.take(Signal.TRACES, timeout_s=0) is None
    assert list(path.parent.iterdir()) == []


def test_empty_and_unfinished_files_are_removed(opened: Opener, tmp_path: Path) -> None:
    """A file without bytes and a file that never got its name leave no trace."""
    opened().close()
    lane = tmp_path / "journal" / "logs"
    (lane / "000000000001-9f31c07a55e2d4b8.open").touch()
    (lane / "000000000002-9f31c07a55e2d4b8.segment").touch()
    (lane / "000000000003-9f31c07a55e2d4b8.segment.tmp").write_bytes(b"half")
    journal = opened()
    assert list(lane.iterdir()) == []
    assert report(journal) == RecoveryReport()


def test_numbers_go_on_where_they_stopped(opened: Opener) -> None:
    """New segments sort behind those that were found."""
    old = left_closed(opened, b"old")
    journal = opened()
    append(journal, b"new")
    assert [bodies(take(journal)), bodies(take(journal))] == [[b"old"], [b"new"]]
    assert old.token.startswith("traces-000000000001-")


@pytest.mark.parametrize("closed", [True, False])
def test_damage_keeps_the_original_and_offers_the_rest(opened: Opener, crashed: Crash, closed: bool) -> None:
    """Of a damaged file the valid frames go on under the same token, and the original is kept with its reason."""
    sent = [bytes([number]) * 50 for number in range(5)]
    path = left_closed(opened, *sent).path if closed else left_open(opened, crashed, *sent)
    damaged = bytearray(path.read_bytes())
    damaged[100] ^= 0xFF
    path.write_bytes(damaged)
    journal = opened()
    segment = take(journal)
    assert bodies(segment) == [sent[0], *sent[2:]]
    assert (segment.frames, segment.records, segment.size_bytes) == (4, 4, segment.path.stat().st_size)
    assert report(journal).corrupt == (f"traces-{path.stem}",) == (segment.token,)
    assert report(journal).bytes_corrupt == 50 + 22 + 1
    (kept,) = journal.quarantined()
    assert kept.kind is QuarantineKind.CORRUPT
    assert kept.path.read_bytes() == damaged
    assert "4 valid frames" in kept.reason
    assert json.loads((kept.path.parent / (kept.path.name + ".json")).read_text())["signal"] == "traces"
    assert not path.with_suffix(".open").exists()
    assert journal.statistics().corrupt_originals == 1


def test_a_file_without_a_valid_frame_goes_to_quarantine_whole(opened: Opener) -> None:
    """Nothing can be offered of it, but nothing is thrown away either."""
    segment = left_closed(opened, b"body")
    segment.path.write_bytes(b"rubbish" * 20)
    journal = opened()
    assert journal.take(Signal.TRACES, timeout_s=0) is None
    assert not segment.path.exists()
    assert journal.quarantined()[0].path.read_bytes() == b"rubbish" * 20


def test_a_repair_that_was_interrupted_leaves_one_file(opened: Opener, crashed: Crash) -> None:
    """A crash between the repaired file's name and the original's removal is tidied by the next start."""
    path = left_open(opened, crashed, b"one", b"two")
    path.with_suffix(".segment").write_bytes(path.read_bytes())
    journal = opened()
    assert bodies(take(journal)) == [b"one", b"two"]
    assert not path.exists()
    assert report(journal).segments == 1


def test_files_that_are_not_ours_are_left_and_named(opened: Opener, tmp_path: Path) -> None:
    """A stranger in the folder is reported, not touched."""
    opened().close()
    stranger = tmp_path / "journal" / "metrics" / "notes.txt"
    stranger.write_text("mine")
    assert report(opened()).ignored == ("notes.txt",)
    assert stranger.read_text() == "mine"


@pytest.mark.parametrize("call", ["truncate", "rename"])
def test_a_file_that_can_not_be_brought_in_order_stays(opened: Opener, crashed: Crash, disk: FailingDisk, call: str) -> None:
    """A start on an ailing disk serves what it can, names the rest, and the next start gets it."""
    path = left_open(opened, crashed, b"one")
    disk.failures[call] = BROKEN
    journal = opened()
    assert journal.take(Signal.TRACES, timeout_s=0) is None
    (unreadable,) = report(journal).unreadable
    assert path.stem in unreadable
    assert "Input/output error" in unreadable
    disk.failures.clear()
    journal.close()
    assert bodies(take(opened())) == [b"one"]


def test_an_unreadable_folder_says_so(opened: Opener, disk: FailingDisk) -> None:
    """A start that can't work at all fails with the reason, and lets the lock go."""
    disk.failures["sync_directory"] = BROKEN
    with pytest.raises(JournalError, match=r"can't be opened.*Input/output error"):
        opened()
    disk.failures.clear()
    opened()


def test_a_second_opener_is_told_who_has_it(opened: Opener, journal: Journal) -> None:
    """The lock names the process that holds it and what to do; after close it is free."""
    with pytest.raises(Conflict, match=r"in use by process \d+; stop that process"):
        opened()
    journal.close()
    opened()


def test_before_start_nothing_is_taken(tmp_path: Path, journal: Journal) -> None:
    """A journal that was not started says 'later'."""
    idle = Journal(tmp_path / "other", options=options(), clock=journal._clock, entropy=journal._entropy)
    with pytest.raises(Overloaded, match="not started"):
        idle.append(batch())
    assert idle.statistics().lanes[Signal.LOGS].backlog_bytes == 0
    idle.close()
