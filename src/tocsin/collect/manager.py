"""
The collector: one thread with an event loop that asks every target at its instants, and a few threads that read what comes.

    timetable -> due? -> one task per scrape (a slow target keeps nobody waiting) -> workers read -> journal
    files of targets are looked at every few seconds: new targets begin, those that are gone end with stale markers

An event loop rather than a thread per target: a target that drips its answer for ten seconds costs a socket, and the time limit lies over
the whole of a scrape, the lookup of its name included.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tocsin.clock import Clock, Entropy
from tocsin.collect.append import MakeReader
from tocsin.collect.job import Job, Surroundings, make_jobs
from tocsin.collect.options import CollectOptions
from tocsin.collect.schedule import Timetable, next_instant_ms
from tocsin.collect.scrape import Health, Room, Scrape, TargetStatus
from tocsin.collect.sources import InProcess
from tocsin.collect.tally import CollectStatistics, Tally
from tocsin.collect.targets import Target
from tocsin.collect.transport import Budget
from tocsin.model.batch import Acceptor
from tocsin.wire.prometheus.exposition import ExpositionReader, warm
from tocsin.wire.prometheus.registry import SeriesRegistry

logger = logging.getLogger(__name__)

WORKERS = 2  # reading is compiled code without the interpreter's lock, for the most part
WAITERS = 32  # threads that look up names and call functions of this process
LOOK_S = 5.0  # between two looks at files of targets
TICK_S = 1.0  # longest sleep: a clock that was set is noticed after it
GRACE_S = 2.0  # scrapes that are under way at the end may take this long
FAREWELL_S = 10.0  # the stale markers of the end may take this long


class Collector:
    """
    Scrapes, probes and measures, from `start` to `stop`.

    Args:
        options: What is collected.
        registry: Limits and ids of series, shared with the other Prometheus doors.
        acceptor: The way into the journal.
        clock: Time.
        entropy: Chance.
        in_process: Functions of this process that are collected like targets.
        directory: What relative paths of files of targets start from.
        make_reader: Makes readers of answers; tests put fakes here.
        make_ready: Called in a worker before the first scrape: compiling what reads answers takes seconds where no cache is.
    """

    def __init__(
        self,
        options: CollectOptions,
        *,
        registry: SeriesRegistry,
        acceptor: Acceptor,
        clock: Clock,
        entropy: Entropy,
        in_process: Sequence[InProcess] = (),
        directory: Path = Path(),
        make_reader: MakeReader = ExpositionReader,
        make_ready: Callable[[], None] = warm,
    ) -> None:
        self._options = options
        self._acceptor = acceptor
        self._clock = clock
        self._make_ready = make_ready
        self._tally = Tally()
        self._budget = Budget(options.scrape.memory_bytes_max)
        surroundings = Surroundings(registry, make_reader, clock, entropy, self._budget, directory)
        self._jobs = make_jobs(options, in_process, surroundings)
        # Replaced as a whole, so that other threads may read it.
        self._running: Mapping[tuple[str, Target], Scrape] = {}
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._started = threading.Event()

    def start(self) -> None:
        """Begin; returns once the first targets are known."""
        assert self._thread is None, "a collector starts once"
        self._thread = threading.Thread(target=self._run, name="collect", daemon=True)
        self._thread.start()
        self._started.wait()

    def stop(self) -> None:
        """End all series with stale markers, and return; the journal must still take them. Does nothing when not started."""
        if self._thread is None or self._loop is None or self._stopping is None:
            return
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(GRACE_S + FAREWELL_S + 5)
        self._thread = None

    def targets(self) -> list[TargetStatus]:
        """Every target that is asked, by job and address."""
        return sorted((scrape.status() for scrape in self._running.values()), key=lambda status: (status.job, status.url))

    def dropped(self) -> Mapping[str, Sequence[Mapping[str, str]]]:
        """Labels of targets that the rules dropped, by job; at most as many as the job keeps."""
        return {job.name: job.listing.dropped for job in self._jobs if job.listing.dropped}

    def mistakes(self) -> list[str]:
        """What is wrong with files of targets and single targets now, one sentence each."""
        return [mistake for job in self._jobs for mistake in job.mistakes()]

    def statistics(self) -> CollectStatistics:
        """Gauges of the moment and counts since start."""
        tally, statuses = self._tally, [scrape.status() for scrape in self._running.values()]
        return CollectStatistics(
            targets=dict(Counter(status.job for status in statuses)),
            targets_up=dict(Counter(status.job for status in statuses if status.health is Health.UP)),
            targets_dropped={job.name: job.listing.dropped_count for job in self._jobs},
            mistakes=len(self.mistakes()),
            scrapes=tally.groups("scrapes"),
            failures=tally.groups("failures"),
            samples_scraped=tally.total("samples_scraped"),
            samples_appended=tally.total("samples_appended"),
            samples_left_out=tally.total("samples_left_out"),
            stale_markers=tally.total("stale_markers"),
            appends_refused=tally.groups("appends_refused"),
            scrapes_missed=tally.total("scrapes_missed"),
            body_bytes=tally.total("body_bytes"),
            body_bytes_held=self._budget.held,
            crashes=tally.total("crashes"),
        )

    def _run(self) -> None:
        workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="collect-read")
        waiters = ThreadPoolExecutor(WAITERS, thread_name_prefix="collect-wait")
        loop = asyncio.new_event_loop()
        loop.set_default_executor(waiters)
        try:
            loop.run_until_complete(self._main(loop, workers))
        except Exception:
            logger.exception("the collector crashed; nothing is scraped until the next start")
            self._tally.count("crashes")
        finally:
            self._started.set()
            # Not waited for: a function of this process that hangs must not keep it from ending.
            waiters.shutdown(wait=False, cancel_futures=True)
            workers.shutdown(wait=False, cancel_futures=True)
            loop.close()

    async def _main(self, loop: asyncio.AbstractEventLoop, workers: ThreadPoolExecutor) -> None:
        self._loop, self._stopping = loop, asyncio.Event()
        gate = asyncio.Semaphore(self._options.scrape.concurrency_max)
        room = Room(self._acceptor, self._clock, workers, self._budget, gate, self._tally)
        rounds = Rounds(self._jobs, room)
        try:
            while not self._stopping.is_set():
                await rounds.look()
                self._running = rounds.running
                if not self._started.is_set():
                    self._started.set()
                    await loop.run_in_executor(workers, self._make_ready)
                _ = rounds.begin_due()
                await _sleep(self._stopping, rounds.wait_s())
        finally:
            await rounds.finish()
            self._running = {}
            for job in self._jobs:
                await job.close()


class Rounds:
    """
    What the loop does each time it wakes: look at files, begin what is due. For one event loop.

    Args:
        jobs: All jobs.
        room: What all scrapes share.
    """

    def __init__(self, jobs: Sequence[Job], room: Room) -> None:
        self._jobs = jobs
        self._room = room
        self._timetable: Timetable[tuple[str, Target]] = Timetable()
        self._tasks: set[asyncio.Task[None]] = set()
        self._steps: dict[tuple[str, Target], asyncio.Task[None]] = {}
        self._look_s = float("-inf")
        self._now_ms = room.now_ms()
        self._said: set[str] = set()
        self.running: dict[tuple[str, Target], Scrape] = {}

    async def look(self) -> None:
        """Look at files of targets when it is time, begin new targets, end those that are gone."""
        now_s = self._room.clock.monotonic_s()
        if now_s - self._look_s < LOOK_S:
            return
        self._look_s = now_s
        changed = [job for job in self._jobs if not job.settled and await asyncio.to_thread(job.refresh)]
        if changed:
            self._reconcile(changed)
        mistakes = {mistake for job in self._jobs for mistake in job.mistakes()}
        for mistake in sorted(mistakes - self._said):
            logger.warning("targets: %s", mistake)
        self._said = mistakes

    def begin_due(self) -> list[asyncio.Task[None]]:
        """Begin every scrape that is due; one whose predecessor is not done is missed, and counted."""
        now_ms = self._room.now_ms()
        if now_ms < self._now_ms - 1000 * TICK_S:  # the clock was set back: what was planned lies too far ahead
            self._timetable = Timetable()
            for key in self.running:
                self._plan(key, now_ms)
        self._now_ms = now_ms
        begun = []
        for instant_ms, key in self._timetable.due(now_ms):
            scrape = self.running.get(key)
            if scrape is None:
                continue
            self._plan(key, now_ms)
            if key in self._steps:
                self._room.tally.count("scrapes_missed")
                continue
            task = self._keep(scrape.step(instant_ms))
            self._steps[key] = task
            task.add_done_callback(lambda _, key=key: self._steps.pop(key, None))  # type: ignore[misc]
            begun.append(task)
        return begun

    def wait_s(self) -> float:
        """Seconds until something is due."""
        return self._timetable.wait_s(self._room.now_ms(), at_most=TICK_S)

    async def finish(self) -> None:
        """Let what is under way end, for a while; then end all series."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=GRACE_S)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        ends = [asyncio.ensure_future(scrape.end()) for scrape in self.running.values()]
        self.running = {}
        if ends:
            _, late = await asyncio.wait(ends, timeout=FAREWELL_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*ends, return_exceptions=True)

    def _reconcile(self, jobs: Sequence[Job]) -> None:
        names = {job.name for job in jobs}
        running = {key: scrape for key, scrape in self.running.items() if key[0] not in names}
        now_ms = self._room.now_ms()
        for job in jobs:
            refusal = job.refusal()
            for target in job.listing.targets:
                key = (job.name, target)
                scrape = self.running.get(key)
                if scrape is None:
                    scrape = job.scrape(target, self._room)
                    self._plan(key, now_ms)
                scrape.refuse(refusal)
                running[key] = scrape
        gone = {key: scrape for key, scrape in self.running.items() if key not in running}
        self.running = running
        for key, scrape in gone.items():
            _ = self._keep(self._end(key, scrape))

    async def _end(self, key: tuple[str, Target], scrape: Scrape) -> None:
        """End a target's series after its last step."""
        step = self._steps.get(key)
        if step is not None:
            await asyncio.wait([step])
        await scrape.end()

    def _plan(self, key: tuple[str, Target], now_ms: int) -> None:
        target = key[1]
        self._timetable.put(next_instant_ms(after_ms=now_ms, interval_s=target.interval_s, digest=target.digest), key)

    def _keep(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Run work beside the loop, and hold on to it until it is done."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _sleep(stopping: asyncio.Event, seconds: float) -> None:
    """Sleep, or wake when it is over."""
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return
