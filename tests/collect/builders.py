"""What tests of collecting start from: a clock by hand, a registry, what a block holds in plain words, HTTP servers on loopback."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from tocsin.collect.append import TargetSeries
from tocsin.collect.options import JobOptions, TargetsOptions
from tocsin.collect.scrape import Room, Scrape, Source
from tocsin.collect.tally import Tally
from tocsin.collect.targets import Target
from tocsin.collect.transport import Answer, Budget, Share
from tocsin.model.batch import Batch
from tocsin.model.labels import Labels
from tocsin.model.sample_block import SampleBlock
from tocsin.model.series import STALE_NAN_BITS
from tocsin.testing.acceptor import FakeAcceptor
from tocsin.wire.prometheus.exposition import ExpositionReader
from tocsin.wire.prometheus.options import CardinalityOptions
from tocsin.wire.prometheus.registry import SeriesRegistry
from tocsin.wire.prometheus.scraped import ReadOptions

NOW_MS = 1_790_000_010_000
TEXT = "text/plain; version=0.0.4"
STALE = "stale"


class HandClock:
    """A clock that moves when told to."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self.ms = now_ms

    def now_ns(self) -> int:
        """The instant."""
        return self.ms * 1_000_000

    def monotonic_s(self) -> float:
        """The same as seconds."""
        return self.ms / 1000

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.ms += round(seconds * 1000)


def job_of(**options: Any) -> JobOptions:
    """A job called `shop` with these options, as a file would give them."""
    return JobOptions.model_validate({"job_name": "shop", **options})


def registry_of(clock: HandClock, **limits: int) -> SeriesRegistry:
    """A registry with these limits."""
    return SeriesRegistry(CardinalityOptions(**limits), clock=clock)


def series_of(job: TargetsOptions, registry: SeriesRegistry, **labels: str) -> TargetSeries:
    """What remembers the series of a target of the job."""
    is_scrape = isinstance(job, JobOptions)
    track = isinstance(job, JobOptions) and job.track_timestamps_staleness
    return TargetSeries(
        Labels({"job": job.job_name, "instance": "a:1", **labels}),
        job,
        registry=registry,
        make_reader=ExpositionReader,
        read_options=ReadOptions(
            honor_timestamps=not isinstance(job, JobOptions) or job.honor_timestamps, track_timestamps_staleness=track
        ),
        honor_labels=isinstance(job, JobOptions) and job.honor_labels,
        bucket_limit=job.native_histogram_bucket_limit if is_scrape and isinstance(job, JobOptions) else 0,
    )


@dataclass
class Store:
    """Reads blocks as the store would: it knows a series from its definition on."""

    labels: dict[int, Labels] = field(default_factory=dict)

    def read(self, block: SampleBlock) -> dict[str, float | str]:
        """Series in words (`up{...}`) with their last value; a stale marker is `stale`."""
        self.labels.update({definition.series_id: definition.labels for definition in block.series})
        stale = block.values.view(np.uint64) == STALE_NAN_BITS
        return {
            repr(self.labels[int(identity)]): STALE if is_stale else float(value)
            for identity, value, is_stale in zip(block.series_ids, block.values, stale, strict=True)
        }


class ListedSource:
    """A target that gives prepared answers, one after the other; an exception among them is raised, the last one repeats."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.before: Callable[[], None] = lambda: None

    async def fetch(self, target: Target, share: Share) -> Answer:
        """The next answer."""
        self.before()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        share.take(len(answer))
        return Answer(answer.encode(), TEXT)


class KeptBlocks:
    """Remembers the blocks that a target's series make, since what reaches the journal is bytes."""

    def __init__(self, series: TargetSeries) -> None:
        self.blocks: list[SampleBlock] = []
        self._series = series
        self._draft = series.draft
        self._ending = series.ending
        series.draft = self._keep_draft  # type: ignore[method-assign]
        series.ending = self._keep_ending  # type: ignore[method-assign]

    def _keep_draft(self, *args: Any, **kwargs: Any) -> Any:
        draft = self._draft(*args, **kwargs)
        self.blocks.append(draft.block)
        return draft

    def _keep_ending(self, *args: Any, **kwargs: Any) -> Any:
        draft = self._ending(*args, **kwargs)
        if draft is not None:
            self.blocks.append(draft.block)
        return draft


@dataclass
class Bench:
    """One target under test, with all that surrounds it."""

    scrape: Scrape
    series: TargetSeries
    acceptor: FakeAcceptor
    clock: HandClock
    tally: Tally
    kept: KeptBlocks
    store: Store = field(default_factory=Store)

    def step(self, scheduled_ms: int | None = None) -> dict[str, float | str]:
        """One scrape; what its block says."""
        asyncio.run(self.scrape.step(self.clock.ms if scheduled_ms is None else scheduled_ms))
        return self.store.read(self.kept.blocks[-1])

    def end(self) -> dict[str, float | str]:
        """The end of the target; what its block says."""
        asyncio.run(self.scrape.end())
        return self.store.read(self.kept.blocks[-1])


def target_of(url: str = "http://a:1/metrics", *, job: str = "shop", interval_s: float = 15.0, timeout_s: float = 10.0) -> Target:
    """A target."""
    return Target(job, url, Labels({"job": job, "instance": "a:1"}), {"__address__": "a:1"}, interval_s, timeout_s)


def room_of(clock: HandClock, acceptor: Callable[[Batch], Any], *, tally: Tally | None = None, concurrency: int = 8) -> Room:
    """What scrapes share; its worker runs everything at once."""
    return Room(acceptor, clock, ThreadPoolExecutor(1), Budget(1 << 24), asyncio.Semaphore(concurrency), tally or Tally())


def bench_of(source: Source, *, job: JobOptions | None = None, **limits: int) -> Bench:
    """A target of the job with its source, on a clock by hand."""
    clock, acceptor, tally = HandClock(), FakeAcceptor(), Tally()
    series = series_of(job or job_of(), registry_of(clock, **limits))
    kept = KeptBlocks(series)
    scrape = Scrape(target_of(), source, series, room=room_of(clock, acceptor, tally=tally))
    return Bench(scrape, series, acceptor, clock, tally, kept)


@contextmanager
def server_of(answer: Callable[[BaseHTTPRequestHandler], None], *, wrap: Callable[[Any], Any] | None = None) -> Iterator[int]:
    """An HTTP server on loopback that answers every GET, HEAD and POST with the function; gives its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer(self)

        do_HEAD = do_POST = do_GET  # noqa: N815 - http.server asks for these names

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *args: Any) -> None:
            """Clients that hang up are what the tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    if wrap is not None:
        server.socket = wrap(server.socket)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def reply(handler: BaseHTTPRequestHandler, body: bytes, *, code: int = 200, **headers: Any) -> None:
    """Answer with a body; `Content_Type="..."` sets the header Content-Type."""
    handler.send_response(code)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)
