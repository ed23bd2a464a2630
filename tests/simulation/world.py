"""
A small world around the journal: clients that send, an engine that deduplicates by token, a loader, and a disk that betrays them.

The world remembers what was acknowledged and judges at the end. It has one thread: the journal's writers are turned by hand, so
that a seed repeats exactly.
"""

from __future__ import annotations

import random
from concurrent.futures import Future
from pathlib import Path

from tests.simulation.disk import Crash, Faults, SimulatedDisk

from tocsin.clock import SeededEntropy
from tocsin.errors import JournalError, Overloaded
from tocsin.journal.journal import Journal
from tocsin.journal.naming import parse_token
from tocsin.journal.options import JournalOptions
from tocsin.journal.quarantine import QuarantineKind
from tocsin.journal.scan import read_frames
from tocsin.model.batch import Batch, Segment
from tocsin.model.signal import Signal

DIRECTORY = Path("/journal")
OPTIONS = JournalOptions(
    queue_bytes_max=20_000, commit_bytes_max=2_000, backlog_bytes_max=60_000, segment_bytes_max=4_000, segment_age_s_min=0, free_bytes_min=0
)
NUMBER_BYTES = 4
POISON_EVERY = 97  # the engine refuses a segment that holds a batch whose number divides by this


class CountingClock:
    """A clock that advances a little whenever it is read."""

    def __init__(self) -> None:
        self._now_ns = 1_700_000_000_000_000_000

    def now_ns(self) -> int:
        """A nanosecond later than before."""
        self._now_ns += 1
        return self._now_ns

    def monotonic_s(self) -> float:
        """The same, in seconds."""
        return self.now_ns() / 1e9


class World:
    """
    One scenario.

    Args:
        seed: Everything that happens follows from it.
    """

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.disk = SimulatedDisk(self.chance)
        self.crashes = 0
        self._entropy = SeededEntropy(seed)
        self._clock = CountingClock()
        self._sent = 0
        self._judging = False
        self._waiting: dict[int, Future[None]] = {}
        self._acknowledged: set[int] = set()
        self._engine: dict[str, list[int]] = {}
        self._taken: list[Segment] = []
        self._half_refused: dict[str, bool] = {}  # tokens whose split (True) or quarantine (False) failed: to be called again
        self.journal = self._start()

    # -------------------------------------------------------------------------------------------------------- what happens

    def run(self, steps: int) -> None:
        """So many random things happen, with crashes in between."""
        for _ in range(steps):
            happening = self.chance.choices(
                (
                    self._send,
                    self._turn,
                    self._take,
                    self._load,
                    self._replay,
                    self._break,
                    self._heal,
                    self._plan_crash,
                    self._reopen,
                    self._seal,
                ),
                weights=(30, 30, 14, 20, 2, 3, 5, 2, 1, 1),
            )[0]
            try:
                happening()
            except Crash:
                self.restart(crash_again=0.3)
            self._collect()

    def taken_segment(self, frames: int) -> Segment:
        """A segment of so many acknowledged traces, taken and not yet loaded."""
        for _ in range(frames):
            self._sent += 1
            self._waiting[self._sent] = self.journal.append(Batch(Signal.TRACES, self._sent.to_bytes(NUMBER_BYTES, "big"), self._sent))
        self.journal.seal(timeout_s=0)
        self._collect()
        segment = self.journal.take(Signal.TRACES, timeout_s=0)
        assert segment
        assert segment.frames == frames
        return segment

    def load(self, segment: Segment) -> None:
        """The engine takes it, and its file goes."""
        self._insert(segment)
        self.journal.complete(segment)

    def _send(self) -> None:
        for _ in range(self.chance.randint(1, 5)):
            self._sent += 1
            body = self._sent.to_bytes(NUMBER_BYTES, "big") + self.chance.randbytes(self.chance.choice((0, 10, 100, 300, 1500)))
            try:
                self._waiting[self._sent] = self.journal.append(Batch(self.chance.choice(list(Signal)), body, self._sent))
            except Overloaded:
                continue
            if self.chance.random() < 0.02:
                self._waiting[self._sent].cancel()

    def _turn(self) -> None:
        self.journal.turn()

    def _seal(self) -> None:
        self.journal.seal(timeout_s=0)

    def _take(self) -> None:
        segment = self.journal.take(self.chance.choice(list(Signal)), timeout_s=0)
        if segment:
            self._taken.append(segment)

    def _load(self) -> None:
        if not self._taken:
            return
        segment = self._taken.pop(self.chance.randrange(len(self._taken)))
        mood = self.chance.random()
        if segment.token in self._half_refused:
            self._refuse(segment, split=self._half_refused[segment.token])
        elif segment.token in self._engine or (mood < 0.8 and not self._poisoned(segment)):
            self._insert(segment)
            if mood < 0.1:
                self._taken.append(segment)  # inserted, but the loader has not said so yet
            else:
                self.journal.complete(segment)
        else:
            self._refuse(segment, split=mood < 0.5)

    def _refuse(self, segment: Segment, *, split: bool) -> None:
        self._half_refused[segment.token] = split
        if not self._judging and self.chance.random() < 0.4:
            self.disk.crash_after(self.chance.randint(1, 30))
        try:
            if split and segment.frames > 1:
                self._taken += self.journal.split(segment)
            else:
                self.journal.quarantine(segment, "refused by the simulated engine")
        except JournalError:
            self._taken.append(segment)
        else:
            del self._half_refused[segment.token]

    def _replay(self) -> None:
        try:
            self.journal.replay_quarantined()
        except JournalError:
            return

    def _break(self) -> None:
        name = self.chance.choice(("write", "sync", "truncate", "rename", "remove", "create", "sync_directory", "free_bytes", "all"))
        chance = self.chance.choice((0.2, 0.5, 1.0))
        if name == "free_bytes":
            self.disk.faults.free_bytes = self.chance.randint(0, 3_000)
        elif name == "all":
            self.disk.faults = Faults(chance, chance, chance, chance, chance, chance, chance)
        else:
            setattr(self.disk.faults, name, chance)

    def _heal(self) -> None:
        self.disk.heal()

    def _plan_crash(self) -> None:
        self.disk.crash_after(self.chance.randint(1, 40))

    def _reopen(self) -> None:
        self.journal.close()
        self._collect()
        self._taken, self._half_refused = [], {}
        self.disk.heal()
        self.journal = self._start()

    # ------------------------------------------------------------------------------------------------------------- crashes

    def restart(self, *, crash_again: float = 0.0) -> None:
        """The machine crashes and comes back; with that chance, 0 to 1, it crashes once more while it starts."""
        self._collect()
        self._waiting, self._taken, self._half_refused = {}, [], {}
        while True:
            self.crashes += 1
            self.disk.crash()
            if self.chance.random() < crash_again:
                self.disk.crash_after(self.chance.randint(1, 15))
            try:
                self.journal = self._start()
            except Crash:
                continue
            return

    def _start(self) -> Journal:
        journal = Journal(DIRECTORY, options=OPTIONS, clock=self._clock, entropy=self._entropy, filesystem=self.disk)
        report = journal.start(threads=False)
        # One thing can't be told from damage: a process that restarts after a failed sync and a failed cut reads unacknowledged
        # frames from the page cache which are not on the disk. Their loss is reported too loudly then, and that is all.
        lies = self.disk.lies
        assert lies.issuperset(report.corrupt), f"a crash looked like damage: {report}"
        assert not report.unreadable, f"nothing is wrong with this disk: {report}"
        assert not report.ignored, f"only the journal writes here: {report}"
        return journal

    # ------------------------------------------------------------------------------------------------------------ judgement

    @property
    def acknowledged(self) -> int:
        """How many batches were acknowledged."""
        return len(self._acknowledged)

    def _collect(self) -> None:
        for number, future in list(self._waiting.items()):
            if future.done():
                del self._waiting[number]
                if not future.cancelled() and future.exception() is None:
                    self._acknowledged.add(number)

    def _numbers(self, data: bytes, token: str) -> list[int]:
        parsed = parse_token(token)
        assert parsed
        frames = list(read_frames(data, salt=parsed[1].salt))
        assert frames, "a closed segment has frames"
        assert frames[-1].end == len(data), "a closed segment is valid to its last byte"
        numbers = [int.from_bytes(data[frame.body : frame.body + NUMBER_BYTES], "big") for frame in frames]
        assert numbers == [frame.records for frame in frames]
        return numbers

    def _poisoned(self, segment: Segment) -> bool:
        return any(number % POISON_EVERY == 0 for number in self._numbers(self.disk.read(segment.path), segment.token))

    def _insert(self, segment: Segment) -> None:
        data = self.disk.read(segment.path)
        numbers = self._numbers(data, segment.token)
        assert (len(numbers), sum(numbers), len(data)) == (segment.frames, segment.records, segment.size_bytes)
        known = self._engine.setdefault(segment.token, numbers)
        lost = self._acknowledged.intersection(numbers) - set(known)
        assert not lost, f"the engine drops token {segment.token} as known, and with it {lost}"

    def judge(self) -> None:
        """Load everything that is left on a healthy disk, then: every acknowledged batch once, every other at most once."""
        self._judging = True
        self.disk.heal()
        self.disk.crash_after(1 << 60)
        self._drain()
        self._reopen()
        self._drain()
        places = list(self._engine.values())
        for entry in self.journal.quarantined():
            if entry.kind is QuarantineKind.REFUSED and entry.token not in self._engine:
                numbers = self._numbers(self.disk.read(entry.path), entry.token)
                assert (len(numbers), sum(numbers)) == (entry.frames, entry.records), entry
                places.append(numbers)
        found = [number for numbers in places for number in numbers]
        doubled = {number for number in found if found.count(number) > 1} if len(found) != len(set(found)) else set()
        assert not doubled, f"there twice: {sorted(doubled)}"
        missing = self._acknowledged - set(found)
        assert not missing, f"acknowledged but lost: {sorted(missing)}"

    def _drain(self) -> None:
        self._collect()
        for signal in Signal:
            while True:
                self.journal.turn()
                segment = self.journal.take(signal, timeout_s=0)
                self._taken += [segment] if segment else []
                if not self._taken and not self._pending(signal):
                    break
                while self._taken:
                    self._load()
        self._collect()

    def _pending(self, signal: Signal) -> bool:
        lane = self.journal.statistics().lanes[signal]
        return bool(lane.queued_bytes or lane.backlog_segments)
