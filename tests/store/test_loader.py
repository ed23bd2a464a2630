"""The loader against a journal and a store that fail in every way: nothing is lost or doubled, what can't be stored is set aside."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tocsin.clock import ReplayClock
from tocsin.errors import InvalidInput, JournalError, LimitExceeded, StoreError, Timeout, TocsinError
from tocsin.model.batch import Segment
from tocsin.model.signal import Signal
from tocsin.store.faults import EngineUnavailable, fault
from tocsin.store.loader import ATTEMPTS_BEFORE_QUARANTINE, LaneStatistics, Loader
from tocsin.store.store import segment_number

WAIT_S = 20.0
SIZE_BYTES = 100
FRAME_RECORDS = 3
DISK_FULL = "Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space. (NOT_ENOUGH_SPACE)"
AWAY = EngineUnavailable("the engine is not reachable at http://db:8123")


@dataclass
class FakeJournal:
    """A source of segments whose frames are letters; a token is its letters and how often it was cut."""

    ready: list[Segment] = field(default_factory=list)
    contents: dict[str, str] = field(default_factory=dict)
    completed: list[str] = field(default_factory=list)
    quarantined: dict[str, str] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def offer(self, letters: str, *, signal: Signal = Signal.TRACES) -> Segment:
        """Put a segment of so many frames on offer."""
        with self.changed:
            segment = self.make(f"{letters}#{len(self.contents)}", letters, signal)
            self.ready.append(segment)
            self.changed.notify_all()
            return segment

    def make(self, token: str, letters: str, signal: Signal) -> Segment:
        """A segment of these frames."""
        self.contents[token] = letters
        return Segment(signal, Path(token), token, len(letters), FRAME_RECORDS * len(letters), SIZE_BYTES * len(letters))

    def take(self, signal: Signal, *, timeout_s: float) -> Segment | None:
        """See `SegmentSource`."""
        with self.changed:
            self._fail()
            self.changed.wait_for(lambda: any(segment.signal is signal for segment in self.ready), timeout_s)
            found = next((segment for segment in self.ready if segment.signal is signal), None)
            if found:
                self.ready.remove(found)
            return found

    def complete(self, segment: Segment) -> None:
        """See `SegmentSource`."""
        with self.changed:
            self._fail()
            self.completed.append(segment.token)
            self.changed.notify_all()

    def quarantine(self, segment: Segment, reason: str) -> None:
        """See `SegmentSource`."""
        with self.changed:
            self._fail()
            self.quarantined[segment.token] = reason
            self.changed.notify_all()

    def split(self, segment: Segment) -> list[Segment]:
        """See `SplittingSource`."""
        with self.changed:
            self._fail()
        letters = self.contents[segment.token]
        middle = len(letters) // 2
        parts = (("a", letters[:middle]), ("b", letters[middle:]))
        return [self.make(f"{segment.token}-{half}", part, segment.signal) for half, part in parts]

    def wait(self, settled: int) -> bool:
        """Whether so many segments were completed or set aside in time."""
        with self.changed:
            return self.changed.wait_for(lambda: len(self.completed) + len(self.quarantined) >= settled, WAIT_S)

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)


class FakeStore:
    """Keeps letters by token, as the engine does; `faults` decides what goes wrong."""

    def __init__(self, journal: FakeJournal, faults: Callable[[str], Exception | None] | Sequence[Exception] = ()) -> None:
        self.rows: dict[str, str] = {}
        self.attempts: list[str] = []
        self.partial: set[str] = set()
        self.unsure: list[Exception] = []
        self._journal = journal
        self._faults = faults if callable(faults) else _one_after_the_other(list(faults))
        self.lock = threading.Lock()

    def load(self, segment: Segment) -> None:
        """See `Sink`."""
        with self.lock:
            letters = self._journal.contents[segment.token]
            self.attempts.append(segment.token)
            error = self._faults(letters)
            if error is not None:
                raise error
            self.rows[segment.token] = letters

    def holds_part_of(self, segment: Segment) -> bool:
        """See `Sink`."""
        if self.unsure:
            raise self.unsure.pop(0)
        return segment.token in self.rows or segment.token in self.partial

    @property
    def letters(self) -> Counter[str]:
        """Frames that are stored, and how often."""
        return Counter("".join(self.rows.values()))


def _one_after_the_other(errors: list[Exception]) -> Callable[[str], Exception | None]:
    return lambda letters: errors.pop(0) if errors else None


def poison(*letters: str, error: type[TocsinError] = StoreError) -> Callable[[str], Exception | None]:
    """The engine refuses whatever holds one of these frames."""
    return lambda held: error("cannot parse") if set(held) & set(letters) else None


def loader(journal: FakeJournal, store: FakeStore, *signals: Signal) -> Loader:
    """A loader that does not wait between attempts."""
    return Loader(journal, store, clock=ReplayClock(0), signals=signals or (Signal.TRACES,), retry_s=(0.0,))


def run(
    letters: str, faults: Callable[[str], Exception | None] | Sequence[Exception] = ()
) -> tuple[FakeJournal, FakeStore, LaneStatistics]:
    """Load one segment in this thread; returns what became of it."""
    journal = FakeJournal()
    store = FakeStore(journal, faults)
    journal.offer(letters)
    loading = loader(journal, store)
    assert loading.load_pending() == 1
    return journal, store, loading.statistics()[Signal.TRACES]


def test_a_segment_is_loaded_and_deleted() -> None:
    """The ordinary way: loaded, completed, counted."""
    journal, store, statistics = run("ab")
    assert journal.completed == ["ab#0"]
    assert store.letters == Counter("ab")
    assert (statistics.segments, statistics.records, statistics.bytes, statistics.failures) == (1, 6, 200, 0)


@pytest.mark.parametrize("error", [fault(DISK_FULL), AWAY, fault("Code: 252. DB::Exception: Too many parts (300). (TOO_MANY_PARTS)")])
def test_a_fault_of_the_machine_is_waited_for(error: Exception) -> None:
    """However often the disk is full or the server away, the segment stays whole and is loaded when it works again."""
    journal, store, statistics = run("abcd", [error] * 20)
    assert journal.completed == ["abcd#0"]
    assert store.letters == Counter("abcd")
    assert (statistics.failures, statistics.splits, statistics.quarantined, statistics.waiting, statistics.last_error) == (20, 0, 0, 0, "")


def test_a_full_disk_is_recognized_behind_a_long_message() -> None:
    """The engine names its error at the end of a text that may hold a whole statement."""
    error = fault(f"Code: 243. DB::Exception: Cannot reserve 1 MiB: While executing {'x' * 5000}. (NOT_ENOUGH_SPACE)")
    assert isinstance(error, EngineUnavailable)
    assert str(error).endswith("(NOT_ENOUGH_SPACE)")
    assert len(str(error)) < 800


def test_one_refusal_is_tried_again() -> None:
    """What fails once may have been bad luck: the same segment is tried again before it is cut."""
    journal, store, statistics = run("abcd", [StoreError("?")])
    assert store.attempts == ["abcd#0", "abcd#0"]
    assert (statistics.splits, statistics.failures) == (0, 1)
    assert journal.completed


def test_refusals_count_from_the_first_one() -> None:
    """Attempts that failed because the engine was away don't count against the segment."""
    _, _, statistics = run("ab", [AWAY, AWAY, AWAY, StoreError("?")])
    assert (statistics.splits, statistics.quarantined) == (0, 0)


@pytest.mark.parametrize("bad", ["a", "h", "d", "ah", "de", "abcdefgh"])
def test_only_the_poison_is_set_aside(bad: str) -> None:
    """The segment is halved until what the engine refuses is alone; everything else is in once."""
    journal, store, statistics = run("abcdefgh", poison(*bad))
    assert store.letters == Counter(set("abcdefgh") - set(bad))
    assert Counter("".join(journal.contents[token] for token in journal.quarantined)) == Counter(bad)
    assert statistics.quarantined == len(bad)
    assert set(journal.completed) == set(store.rows)


def test_what_is_too_large_is_halved_at_once() -> None:
    """Memory that did not suffice for the whole may suffice for a half; trying the whole again would not help."""
    journal, store, statistics = run("abcdefgh", lambda letters: LimitExceeded("memory") if len(letters) > 2 else None)
    assert store.letters == Counter("abcdefgh")
    assert (statistics.splits, statistics.failures, statistics.quarantined) == (3, 3, 0)
    assert len(journal.completed) == 4


def test_a_request_too_large_for_the_moment_is_given_time() -> None:
    """A single request that finds no memory is tried again before it is set aside: others use the memory, too."""
    journal, _, statistics = run("a", [LimitExceeded("memory")] * (ATTEMPTS_BEFORE_QUARANTINE - 1))
    assert journal.completed == ["a#0"]
    assert statistics.quarantined == 0
    journal, _, statistics = run("a", [LimitExceeded("memory")] * ATTEMPTS_BEFORE_QUARANTINE)
    assert list(journal.quarantined) == ["a#0"]


def test_what_is_in_by_half_is_never_cut() -> None:
    """New tokens would double the rows that got in: such a segment is only tried again, then set aside whole under its own token."""
    journal = FakeJournal()
    store = FakeStore(journal, poison("c"))
    segment = journal.offer("abcd")
    store.partial.add(segment.token)
    loading = loader(journal, store)
    loading.load_pending()
    assert store.attempts == [segment.token] * ATTEMPTS_BEFORE_QUARANTINE
    assert "keeps its token" in journal.quarantined[segment.token]
    assert loading.statistics()[Signal.TRACES].splits == 0


def test_nothing_is_given_up_while_the_store_cannot_say_what_it_holds() -> None:
    """When the engine can't answer whether a part is in, only waiting is safe."""
    journal = FakeJournal()
    store = FakeStore(journal, [StoreError("?")] * 6)
    store.unsure = [StoreError("down"), RuntimeError("broken"), Timeout("slow"), InvalidInput("?")]
    journal.offer("ab")
    loading = loader(journal, store)
    loading.load_pending()
    assert store.letters == Counter("ab")
    assert loading.statistics()[Signal.TRACES].quarantined == 0


def test_an_unforeseen_error_kills_no_lane() -> None:
    """A bug in our own code is a refusal like any other: isolated, set aside, said; the next segment is loaded."""
    journal = FakeJournal()
    store = FakeStore(journal, lambda letters: ZeroDivisionError("bug") if "b" in letters else None)
    journal.offer("abc")
    journal.offer("d")
    loading = loader(journal, store)
    assert loading.load_pending() == 2
    assert store.letters == Counter("acd")
    assert list(journal.quarantined.values()) == ["ZeroDivisionError: bug"]


def test_a_journal_that_fails_is_asked_again() -> None:
    """Deleting, cutting and setting aside are repeated until they work; the segment is not loaded again for that."""
    journal = FakeJournal()
    store = FakeStore(journal, poison("b"))
    journal.offer("abc")
    journal.failures = [JournalError("disk"), OSError("disk")] * 5
    loading = loader(journal, store)
    loading.start()
    assert journal.wait(3)
    assert loading.stop(drain_s=WAIT_S)
    assert store.letters == Counter("ac")
    assert [journal.contents[token] for token in journal.quarantined] == ["b"]
    assert len(store.attempts) == len(set(store.attempts)) + 3, "each refused segment twice, all others once"


def test_lanes_do_not_wait_for_each_other() -> None:
    """Traces that the engine refuses hold up no logs."""
    journal = FakeJournal()
    store = FakeStore(journal, lambda letters: AWAY if letters == "t" else None)
    journal.offer("t", signal=Signal.TRACES)
    loading = loader(journal, store, Signal.TRACES, Signal.LOGS)
    loading.start()
    journal.offer("l", signal=Signal.LOGS)
    assert journal.wait(1)
    assert loading.stop() is False
    assert store.letters == Counter("l")
    assert loading.statistics()[Signal.TRACES].waiting == 1
    assert "not reachable" in loading.statistics()[Signal.TRACES].last_error


def test_draining_loads_what_is_there() -> None:
    """A stop that drains loads every closed segment first and says so."""
    journal = FakeJournal()
    store = FakeStore(journal)
    for letter in "abcdef":
        journal.offer(letter)
    loading = loader(journal, store)
    loading.start()
    assert loading.stop(drain_s=WAIT_S) is True
    assert store.letters == Counter("abcdef")


def test_draining_ends_while_the_machine_is_at_fault() -> None:
    """A drain that cannot finish ends in time, says so, and leaves the rest in the journal."""
    journal = FakeJournal()
    store = FakeStore(journal, lambda letters: AWAY)
    journal.offer("a")
    loading = loader(journal, store)
    loading.start()
    assert loading.stop(drain_s=0.05) is False
    assert journal.completed == []
    assert journal.quarantined == {}


def test_stopping_twice_or_before_starting_is_harmless() -> None:
    """Stopping needs no start, and may be repeated."""
    journal = FakeJournal()
    loading = loader(journal, FakeStore(journal))
    loading.stop()
    loading.stop()


@pytest.mark.parametrize("seed", range(40))
def test_nothing_is_lost_whatever_fails(seed: int) -> None:
    """Under any mixture of faults of engine and journal every frame ends up stored once, or in quarantine: never both, never neither."""
    chance = random.Random(seed)
    letters = [chr(0x4E00 + place) for place in range(chance.randrange(1, 60))]
    bad = {letter for letter in letters if chance.random() < 0.1}
    journal = FakeJournal()

    def faults(held: str) -> Exception | None:
        if chance.random() < 0.3:
            return chance.choice([AWAY, fault(DISK_FULL), StoreError("?"), LimitExceeded("m"), Timeout("t"), RuntimeError("bug")])
        return StoreError("poison") if bad & set(held) else None

    store = FakeStore(journal, faults)
    store.unsure = [StoreError("?") for _ in range(chance.randrange(4))]
    rest = list(letters)
    while rest:
        size = chance.randrange(1, 12)
        journal.offer("".join(rest[:size]))
        rest = rest[size:]
    journal.failures = [JournalError("disk") for _ in range(chance.randrange(10))]
    loading = loader(journal, store)
    loading.start()
    assert loading.stop(drain_s=WAIT_S), f"seed {seed}"
    aside = Counter("".join(journal.contents[token] for token in journal.quarantined))
    assert store.letters + aside == Counter(letters), f"seed {seed}"
    assert bad <= set(aside), f"seed {seed}"
    statistics = loading.statistics()[Signal.TRACES]
    assert statistics.records == FRAME_RECORDS * store.letters.total()
    assert statistics.quarantined == len(journal.quarantined)
    assert statistics.segments == len(journal.completed) == len(store.rows)


def test_whoever_waits_for_segments_is_told() -> None:
    """After all of it is stored, once, by the number that its rows carry; one that fails holds up nothing."""
    journal = FakeJournal()
    store = FakeStore(journal, [StoreError("once")])
    segment = journal.offer("ab")
    told: list[tuple[Signal, int, int]] = []

    def hear(signal: Signal, number: int) -> None:
        told.append((signal, number, store.letters.total()))
        raise RuntimeError("not now")

    loading = Loader(journal, store, clock=ReplayClock(0), signals=(Signal.TRACES,), retry_s=(0.0,), on_loaded=hear)
    assert loading.load_pending() == 1
    assert told == [(Signal.TRACES, segment_number(segment), 2)]
    assert journal.completed == ["ab#0"]
    assert loading.statistics()[Signal.TRACES].last_error == ""
