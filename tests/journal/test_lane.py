"""Group commit, back-pressure, and a disk that says no."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.journal.builders import (
    BROKEN,
    NO_SPACE,
    WAIT_S,
    FailingDisk,
    FakeClock,
    Opener,
    append,
    batch,
    bodies,
    options,
    take,
)

from tocsin.errors import JournalError, LimitExceeded, Overloaded
from tocsin.journal.frame import FRAME_BYTES_MAX
from tocsin.journal.journal import Journal
from tocsin.journal.scan import read_frames
from tocsin.journal.statistics import LaneStatistics
from tocsin.model.batch import Segment
from tocsin.model.signal import Signal


def lane(journal: Journal) -> LaneStatistics:
    """Figures of the traces lane."""
    return journal.statistics().lanes[Signal.TRACES]


def hold_one(journal: Journal, disk: FailingDisk) -> Future[None]:
    """A batch whose commit has begun and can't end."""
    disk.hold_sync()
    first = journal.append(batch(b"first"))
    assert disk.sync_begun.wait(WAIT_S)
    return first


# ----------------------------------------------------------------------------------------------------------------- going in


def test_nothing_is_acknowledged_before_the_sync_ends(journal: Journal, disk: FailingDisk) -> None:
    """While the sync runs the future is pending; when it has ended the future resolves."""
    first = hold_one(journal, disk)
    assert not first.done()
    disk.release_sync()
    assert first.result(WAIT_S) is None


def test_what_queues_up_during_a_sync_shares_the_next_one(journal: Journal, disk: FailingDisk) -> None:
    """Fifty batches that arrive during one commit become durable by one more."""
    hold_one(journal, disk)
    futures = [journal.append(batch(b"later", records=3)) for _ in range(50)]
    disk.release_sync()
    for future in futures:
        future.result(WAIT_S)
    segment = take(journal)
    assert (segment.frames, segment.records) == (51, 151)
    figures = lane(journal)
    assert (figures.commits, figures.acknowledged_batches, figures.acknowledged_records) == (2, 51, 151)
    assert figures.acknowledged_bytes == 51 * 5


def test_a_commit_takes_no_more_than_its_limit(opened: Opener, disk: FailingDisk) -> None:
    """A long queue is committed in several steps, so that the first ones need not wait for the last."""
    journal = opened(options(commit_bytes_max=1024))
    hold_one(journal, disk)
    futures = [journal.append(batch(bytes(512))) for _ in range(6)]
    disk.release_sync()
    for future in futures:
        future.result(WAIT_S)
    assert lane(journal).commits == 1 + 3


def test_batches_of_many_threads_all_arrive_once(journal: Journal) -> None:
    """Eight threads send at once, a loader takes meanwhile: every body is in exactly one segment."""
    taken: list[Segment] = []
    done = threading.Event()

    def load() -> None:
        while not done.is_set():
            if segment := journal.take(Signal.TRACES, timeout_s=0.01):
                taken.append(segment)

    loader = threading.Thread(target=load)
    loader.start()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: append(journal, b"%d" % number), range(400)))
    done.set()
    loader.join()
    while segment := journal.take(Signal.TRACES, timeout_s=0.1):
        taken.append(segment)
    assert sorted(int(body) for segment in taken for body in bodies(segment)) == list(range(400))
    assert len({segment.token for segment in taken}) == len(taken)


def test_more_buffers_than_one_write_takes(opened: Opener, disk: FailingDisk) -> None:
    """A commit of thousands of small frames goes to the disk whole, whatever the number of buffers per call."""
    journal = opened()
    hold_one(journal, disk)
    futures = [journal.append(batch(b"%d" % number)) for number in range(2000)]
    disk.release_sync()
    futures[-1].result(WAIT_S)
    assert bodies(take(journal)) == [b"first", *(b"%d" % number for number in range(2000))]


def test_who_has_gone_is_not_written(journal: Journal, disk: FailingDisk) -> None:
    """A batch whose caller cancelled while it was queued is left out; one that is being written can't be cancelled any more."""
    first = hold_one(journal, disk)
    gone = journal.append(batch(b"gone"))
    stays = journal.append(batch(b"stays"))
    assert gone.cancel()
    assert not first.cancel()
    disk.release_sync()
    stays.result(WAIT_S)
    assert bodies(take(journal)) == [b"first", b"stays"]


def test_the_frame_carries_its_instant_and_count(journal: Journal, clock: FakeClock) -> None:
    """Instant of receipt and number of records can be read back without decoding the body."""
    clock.now = 1_600_000_000_123_456_789
    journal.append(batch(records=42)).result(WAIT_S)
    segment = take(journal)
    salt = int(segment.token.split("-")[2][:8], 16)
    (frame,) = read_frames(segment.path.read_bytes(), salt=salt)
    assert (frame.received, frame.records) == (1_600_000_000_123_456_789, 42)


# ------------------------------------------------------------------------------------------------------------ back-pressure


def test_a_full_queue_refuses_at_once(opened: Opener, disk: FailingDisk) -> None:
    """When more waits in memory than allowed, the next batch is refused, and taken again when the queue has drained."""
    journal = opened(options(queue_bytes_max=2048))
    hold_one(journal, disk)
    waiting = [journal.append(batch(bytes(900))) for _ in range(2)]
    with pytest.raises(Overloaded, match="queue_bytes_max") as refusal:
        journal.append(batch(bytes(900)))
    assert refusal.value.retry_after_s > 0
    assert 1800 <= lane(journal).queued_bytes <= 2048
    assert lane(journal).refused_batches == 1
    disk.release_sync()
    for future in waiting:
        future.result(WAIT_S)
    append(journal, bytes(900))
    assert lane(journal).queued_bytes == 0


def test_one_batch_above_the_limit_gets_in_alone(opened: Opener) -> None:
    """A batch larger than the whole queue is taken when nothing else waits: otherwise its sender would be told 'later' for ever."""
    journal = opened(options(queue_bytes_max=1024))
    append(journal, bytes(5000))
    assert take(journal).frames == 1


def test_a_full_backlog_refuses_until_the_engine_catches_up(opened: Opener) -> None:
    """What waits on disk counts from the acknowledgement to the completion."""
    journal = opened(options(backlog_bytes_max=2048))
    append(journal, bytes(1500), bytes(1500))
    with pytest.raises(Overloaded, match="backlog_bytes_max"):
        journal.append(batch())
    segment = take(journal)
    with pytest.raises(Overloaded, match="backlog_bytes_max"):
        journal.append(batch())
    journal.complete(segment)
    append(journal, b"again")
    assert lane(journal).backlog_segments == 1


def test_the_backlog_of_a_former_life_counts(opened: Opener) -> None:
    """Segments found at start are backlog like any other."""
    first = opened()
    append(first, bytes(3000))
    first.close()
    again = opened(options(backlog_bytes_max=2048))
    with pytest.raises(Overloaded, match="backlog_bytes_max"):
        again.append(batch())


def test_one_signal_does_not_starve_another(opened: Opener) -> None:
    """A full backlog of traces leaves the door open for logs."""
    journal = opened(options(backlog_bytes_max=1024))
    append(journal, bytes(2000))
    append(journal, b"log", signal=Signal.LOGS)
    assert bodies(take(journal, Signal.LOGS)) == [b"log"]


def test_a_nearly_full_disk_refuses_and_is_looked_at_once_a_second(opened: Opener, disk: FailingDisk, clock: FakeClock) -> None:
    """Below the minimum of free bytes nothing is taken; the disk is asked once a second, not per batch."""
    journal = opened(options(free_bytes_min=1000))
    disk.free = 999
    for _ in range(5):
        with pytest.raises(Overloaded, match="free_bytes_min"):
            journal.append(batch())
    assert disk.calls.count("free_bytes") == 1
    assert journal.statistics().free_bytes == 999
    disk.free = 1000
    clock.seconds += 1
    append(journal, b"fits")


def test_a_disk_that_does_not_say_is_not_full(opened: Opener, disk: FailingDisk) -> None:
    """When the free space can't be read, batches are taken: the disk's own refusal will be handled."""
    disk.failures["free_bytes"] = BROKEN
    append(opened(options(free_bytes_min=1000)), b"taken")


def test_a_batch_larger_than_a_frame_is_the_callers_mistake(journal: Journal) -> None:
    """What no frame can hold is refused for good, not for later."""
    with pytest.raises(LimitExceeded, match="larger than"):
        journal.append(batch(bytes(FRAME_BYTES_MAX)))


def test_a_closed_journal_refuses(journal: Journal) -> None:
    """After close, append says 'later': the server may be back."""
    journal.close()
    with pytest.raises(Overloaded, match="closed"):
        journal.append(batch())


def test_close_drains_the_queue(journal: Journal, disk: FailingDisk) -> None:
    """What was queued when close was called becomes durable and is acknowledged."""
    first = hold_one(journal, disk)
    queued = [journal.append(batch(b"queued")) for _ in range(3)]
    closing = threading.Thread(target=journal.close)
    closing.start()
    disk.release_sync()
    closing.join(WAIT_S)
    assert all(future.done() and future.exception() is None for future in [first, *queued])
    assert take(journal).frames == 4


# ---------------------------------------------------------------------------------------------------------- the disk says no


@pytest.mark.parametrize("call", ["create", "write", "sync", "sync_directory"])
def test_a_refused_commit_fails_its_batches_and_the_lane_goes_on(journal: Journal, disk: FailingDisk, call: str) -> None:
    """Whichever call fails, nothing is acknowledged, nothing of it is ever offered, and the next batch is taken when the disk is well."""
    disk.failures[call] = NO_SPACE
    with pytest.raises(JournalError, match="No space left") as failure:
        journal.append(batch(b"refused")).result(WAIT_S)
    assert failure.value.retryable
    del disk.failures[call]
    append(journal, b"taken")
    assert bodies(take(journal)) == [b"taken"]
    assert lane(journal).commits_failed == 1


@pytest.mark.parametrize("call", ["write", "sync"])
def test_what_was_acknowledged_before_a_failure_stays(journal: Journal, disk: FailingDisk, call: str) -> None:
    """A failing commit takes nothing from the ones before it, and leaves none of its own bytes between them and the next."""
    append(journal, b"before")
    disk.failures[call] = BROKEN
    with pytest.raises(JournalError):
        journal.append(batch(b"refused")).result(WAIT_S)
    del disk.failures[call]
    append(journal, b"after")
    found = []
    while segment := journal.take(Signal.TRACES, timeout_s=0.2):
        found += bodies(segment)
    assert found == [b"before", b"after"]


def test_a_full_disk_costs_no_new_file(journal: Journal, disk: FailingDisk) -> None:
    """After a failed write that could be cut back, the same file goes on."""
    append(journal, b"before")
    disk.failures["write"] = NO_SPACE
    for _ in range(3):
        with pytest.raises(JournalError):
            journal.append(batch(b"refused")).result(WAIT_S)
    disk.failures.clear()
    append(journal, b"after")
    assert bodies(take(journal)) == [b"before", b"after"]
    assert disk.calls.count("create") == 1


@pytest.mark.parametrize("call", ["sync", "truncate"])
def test_a_file_whose_end_is_in_doubt_is_left(journal: Journal, disk: FailingDisk, call: str) -> None:
    """After a failed sync, or a failed write that can't be cut back, a new file is begun; the old one is offered once it could be cut."""
    append(journal, b"before")
    disk.failures["write" if call == "truncate" else "sync"] = BROKEN
    disk.failures["truncate"] = BROKEN
    with pytest.raises(JournalError):
        journal.append(batch(b"refused")).result(WAIT_S)
    disk.failures = {"truncate": BROKEN}
    append(journal, b"after")
    assert bodies(take(journal)) == [b"after"]
    assert lane(journal).backlog_segments == 2
    disk.failures.clear()
    assert bodies(take(journal)) == [b"before"]


def test_a_file_that_can_not_be_renamed_is_offered_later(journal: Journal, disk: FailingDisk) -> None:
    """A refused rename delays a segment, no more."""
    append(journal, b"body")
    disk.failures["rename"] = BROKEN
    assert journal.take(Signal.TRACES, timeout_s=0.1) is None
    disk.failures.clear()
    assert bodies(take(journal)) == [b"body"]


def test_a_bug_in_a_commit_does_not_leave_callers_waiting(journal: Journal) -> None:
    """A batch that can't be encoded (a bug of the caller) fails alone; the writer lives."""
    with pytest.raises(JournalError):
        journal.append(batch(records=-1)).result(WAIT_S)
    append(journal, b"next")
    assert bodies(take(journal)) == [b"next"]


# ---------------------------------------------------------------------------------------------------------------- going out


def test_segments_come_oldest_first_and_once(opened: Opener) -> None:
    """Each closed segment is handed out once, in the order of writing."""
    journal = opened(options(segment_bytes_max=1024))
    append(journal, *(bytes([number]) * 1100 for number in range(4)))
    segments = [take(journal) for _ in range(4)]
    assert [bodies(segment)[0][0] for segment in segments] == [0, 1, 2, 3]
    assert journal.take(Signal.TRACES, timeout_s=0) is None


def test_the_open_file_is_not_closed_before_its_age(opened: Opener, clock: FakeClock) -> None:
    """A young file keeps growing although somebody asks; when it is old enough it is handed out."""
    journal = opened(options(segment_age_s_min=5), threads=False)
    journal.append(batch(b"one"))
    journal.turn()
    assert journal.take(Signal.TRACES, timeout_s=0) is None
    clock.seconds = 4.9
    journal.append(batch(b"two"))
    journal.turn()
    assert journal.take(Signal.TRACES, timeout_s=0) is None
    clock.seconds = 5.0
    journal.turn()
    assert bodies(take(journal)) == [b"one", b"two"]


def test_nobody_asking_leaves_the_file_open(opened: Opener, clock: FakeClock) -> None:
    """While the engine is busy the file grows, whatever its age: larger segments are cheaper to load."""
    journal = opened(threads=False)
    for number in range(5):
        journal.append(batch(b"%d" % number))
        journal.turn()
        clock.seconds += 100
    assert lane(journal).segments_closed == 0
    assert lane(journal).backlog_segments == 1


def test_sealing_offers_everything_at_once(opened: Opener) -> None:
    """After a seal all that was acknowledged can be taken without waiting, however young, and a second one finds nothing to do."""
    journal = opened(options(segment_age_s_min=60))
    append(journal, b"young")
    append(journal, b"log", signal=Signal.LOGS)
    assert journal.take(Signal.TRACES, timeout_s=0) is None
    assert journal.seal(timeout_s=WAIT_S)
    for signal, body in ((Signal.TRACES, b"young"), (Signal.LOGS, b"log")):
        segment = journal.take(signal, timeout_s=0)
        assert segment
        assert bodies(segment) == [body]
    assert journal.seal(timeout_s=WAIT_S)
    assert journal.take(Signal.TRACES, timeout_s=0) is None


def test_sealing_says_when_the_disk_does_not_let_it(journal: Journal, disk: FailingDisk) -> None:
    """A file that can't be closed is not claimed to be on offer; when the disk is well again it is."""
    append(journal, b"body")
    disk.failures["rename"] = BROKEN
    assert not journal.seal(timeout_s=0.05)
    disk.failures.clear()
    assert journal.seal(timeout_s=WAIT_S)
    assert bodies(take(journal)) == [b"body"]


def test_a_waiting_taker_is_woken(journal: Journal) -> None:
    """Take blocks until something is written, then returns it."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(take, journal)
        append(journal, b"at last")
        assert bodies(waiting.result(WAIT_S)) == [b"at last"]


def test_close_wakes_takers_with_nothing(journal: Journal) -> None:
    """A loader that waits when the journal closes gets None at once."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(journal.take, Signal.LOGS, timeout_s=WAIT_S)
        journal.close()
        assert waiting.result(WAIT_S) is None


def test_completing_removes_the_file_and_the_backlog(journal: Journal) -> None:
    """The engine has it: the file is gone; saying so twice changes nothing."""
    append(journal, b"body")
    segment = take(journal)
    journal.complete(segment)
    journal.complete(segment)
    assert not segment.path.exists()
    figures = lane(journal)
    assert (figures.backlog_bytes, figures.backlog_segments, figures.segments_completed) == (0, 0, 1)


def test_a_file_that_can_not_be_removed_is_tried_again(journal: Journal, disk: FailingDisk) -> None:
    """Completing never fails; what stayed is removed with the next one."""
    append(journal, b"one")
    first = take(journal)
    disk.failures["remove"] = BROKEN
    journal.complete(first)
    assert lane(journal).removals_failed == 1
    disk.failures.clear()
    append(journal, b"two")
    journal.complete(take(journal))
    assert not first.path.exists()


def test_files_are_for_their_owner_alone(journal: Journal) -> None:
    """Telemetry that is not redacted yet can't be read by other users."""
    append(journal, b"secret")
    segment = take(journal)
    assert segment.path.stat().st_mode & 0o077 == 0
    assert isinstance(segment.path, Path)
