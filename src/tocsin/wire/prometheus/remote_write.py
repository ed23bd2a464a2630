"""
The door for Prometheus remote write, 1.0 and 2.0.

    headers -> inflate (bounded) -> kernels walk it -> series -> histograms, exemplars -> blocks -> acceptor -> durable? -> outcome

Always holds: samples of known series cost no Python object; what is valid is stored whatever else the request holds; what is refused is
counted and said; labels count as sent only once the block that holds them is durable.

Taken though senders should not: labels in any order, labels with empty values (they don't exist), samples out of order or twice (the store
sorts, the last received wins), a time series with samples and histograms. Start (created) timestamps are read and dropped: nothing asks for
them. A request that fails half way may be sent again whole.

Source: Prometheus Remote-Write 1.0 and 2.0 specifications.
"""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field

import numpy as np

from tocsin.clock import Clock, Entropy, RealEntropy
from tocsin.errors import InvalidInput, JournalError, TocsinError
from tocsin.model.batch import Acceptor, Batch
from tocsin.model.sample_block import SampleBlock
from tocsin.model.signal import Signal
from tocsin.wire.prometheus.options import RemoteWriteOptions
from tocsin.wire.prometheus.refusal_tally import RefusalTally
from tocsin.wire.prometheus.registry import SeriesRegistry
from tocsin.wire.prometheus.series_table import SeriesTable
from tocsin.wire.prometheus.warming import discard, smallest_request
from tocsin.wire.prometheus.write_blocks import split_blocks
from tocsin.wire.prometheus.write_content import WriteContent, inflate_write, negotiate
from tocsin.wire.prometheus.write_duplicates import keep_last
from tocsin.wire.prometheus.write_items import ItemReader
from tocsin.wire.prometheus.write_kernels import TOO_EARLY, TOO_LATE
from tocsin.wire.prometheus.write_messages import WriteMessages
from tocsin.wire.prometheus.write_outcome import WriteOutcome
from tocsin.wire.prometheus.write_request import OpenRequest, open_request
from tocsin.wire.prometheus.write_series import ResolvedSeries, SeriesResolver

NANOSECONDS_PER_MS = 1_000_000


@dataclass(slots=True)
class PendingWrite:
    """
    A request that was handed to the journal.

    Args:
        version: 1 or 2.
        blocks: What was handed over, each with the future that says when it is durable; none when nothing was worth it.
        tally: What was refused.
        resolved: Its series.
        error: Why not all of it could be handed over.
    """

    version: int
    blocks: list[tuple[SampleBlock, Future[None]]]
    tally: RefusalTally
    resolved: ResolvedSeries
    error: TocsinError | None = None


@dataclass(frozen=True, slots=True)
class RemoteWriteStatistics:
    """
    What came through remote write.

    Args:
        requests: Requests, unreadable ones included.
        requests_v2: Those of them that spoke version 2.0.
        unreadable: Those that do not parse, or hold more than one request may.
        postponed: Those that were told to come again: too much was in flight, or the journal did not take them.
        samples: Samples that became durable.
        histograms: Native histograms that did.
        exemplars: Exemplars that did.
        refused: Samples, histograms and exemplars that were not taken, by reason.
        definitions: Times that the labels of a series travelled.
        received_bytes: Size of the bodies as they came.
        inflated_bytes: Size of the bodies after decompression.
        remembered_series: Gauge: label sets, as raw bytes, that are found without parsing.
        table_bytes: Gauge: memory that they take.
    """

    requests: int
    requests_v2: int
    unreadable: int
    postponed: int
    samples: int
    histograms: int
    exemplars: int
    refused: dict[str, int]
    definitions: int
    received_bytes: int
    inflated_bytes: int
    remembered_series: int
    table_bytes: int


@dataclass(slots=True)
class _Counts:
    requests: int = 0
    requests_v2: int = 0
    unreadable: int = 0
    postponed: int = 0
    samples: int = 0
    histograms: int = 0
    exemplars: int = 0
    definitions: int = 0
    received_bytes: int = 0
    inflated_bytes: int = 0
    refused: dict[str, int] = field(default_factory=dict)


class RemoteWriteDoor:
    """
    Takes remote write requests. Safe to use from several threads.

    Args:
        registry: Admits series; shared with the other Prometheus doors.
        accept: Takes blocks, for good.
        options: Limits.
        clock: The present.
        entropy: Keys the hash of labels, so that no sender can make two label sets look like one.
    """

    def __init__(
        self,
        registry: SeriesRegistry,
        accept: Acceptor,
        options: RemoteWriteOptions | None = None,
        *,
        clock: Clock,
        entropy: Entropy | None = None,
    ) -> None:
        self.options = options or RemoteWriteOptions()
        self._registry = registry
        self._accept = accept
        self._clock = clock
        self._seed = int((entropy or RealEntropy()).token_hex(8), 16)
        # More than there may be series: one has a raw form per version of the protocol and order of labels; refused ones come on top.
        self._table = SeriesTable(entries_max=4 * registry.options.series_max)
        self._resolver = SeriesResolver(registry, self._table, refused_s=self.options.refused_s)
        self._items = ItemReader(registry, self._resolver, self.options)
        self._messages = WriteMessages()
        self._lock = threading.Lock()
        self._counts = _Counts()

    def write(self, body: bytes, *, content_type: str = "", content_encoding: str = "") -> WriteOutcome:
        """
        Take a request and wait until it is durable, for who has a thread to spare.

        Raises:
            InvalidInput: As `take`.
        """
        return self.settle(self.take(body, negotiate(content_type, content_encoding)))

    def take(self, body: bytes, content: WriteContent) -> PendingWrite:
        """
        Read a request and hand what is valid to the acceptor.

        Args:
            body: As it came.
            content: What its headers say, see `negotiate`.

        Raises:
            ParseError: The body is not what its headers say.
            LimitExceeded: It is larger, or holds more, than one request may.
        """
        try:
            request = self._open(body, content)
            tally = RefusalTally()
            resolved, blocks = self._read(request, tally)
        except InvalidInput:
            self._count_request(content, body, 0, unreadable=1)
            raise
        self._count_request(content, body, len(request.data), unreadable=0)
        pending = PendingWrite(content.version, [], tally, resolved)
        try:
            for block in blocks:
                future = self._accept(Batch(Signal.SAMPLES, block.encode(), block.records))
                pending.blocks.append((block, future))
        except TocsinError as error:  # what was handed over before stays: the sender repeats it, and the store removes duplicates
            pending.error = error
        return pending

    def settle(self, pending: PendingWrite) -> WriteOutcome:
        """What became of a request, once its blocks are durable; waits for them."""
        error = pending.error
        samples = histograms = exemplars = definitions = 0
        for block, future in pending.blocks:
            try:
                future.result()
            except CancelledError:
                error = JournalError("the journal was closed before the samples were durable; send them again")
                continue
            except TocsinError as failure:
                error = failure
                continue
            samples += len(block.series_ids)
            histograms += len(block.histograms)
            exemplars += len(block.exemplars)
            definitions += len(block.series)
            self._registry.confirm(block.series)
        if error is None:
            self._resolver.settle(pending.resolved)
        tally = pending.tally
        with self._lock:
            counts = self._counts
            counts.postponed += error is not None
            counts.samples += samples
            counts.histograms += histograms
            counts.exemplars += exemplars
            counts.definitions += definitions
            for reason, parts in tally.by_reason.items():
                counts.refused[reason.value] = counts.refused.get(reason.value, 0) + parts.total
        return WriteOutcome(pending.version, samples, histograms, exemplars, tally.total, tally.message(), error)

    def count_postponed(self) -> None:
        """A request was told to come again before the door saw it."""
        with self._lock:
            self._counts.requests += 1
            self._counts.postponed += 1

    def statistics(self) -> RemoteWriteStatistics:
        """Counts since start."""
        with self._lock:
            counts = self._counts
            return RemoteWriteStatistics(
                requests=counts.requests,
                requests_v2=counts.requests_v2,
                unreadable=counts.unreadable,
                postponed=counts.postponed,
                samples=counts.samples,
                histograms=counts.histograms,
                exemplars=counts.exemplars,
                refused=dict(counts.refused),
                definitions=counts.definitions,
                received_bytes=counts.received_bytes,
                inflated_bytes=counts.inflated_bytes,
                remembered_series=len(self._table),
                table_bytes=self._table.size_bytes,
            )

    def warm(self) -> None:
        """Compile the kernels, or load them from numba's cache, so that the first request is not slow. Nothing is stored."""
        registry = SeriesRegistry(clock=self._clock)
        door = RemoteWriteDoor(registry, discard, self.options, clock=self._clock)
        for version in (1, 2):
            data = smallest_request(version, self._clock.now_ns() // NANOSECONDS_PER_MS)
            for _ in range(2):
                outcome = door.settle(door.take(data, WriteContent(version, "identity")))
                assert outcome.samples == 1, outcome
        registry.touch(np.ones(1, np.uint64))

    def _open(self, body: bytes, content: WriteContent) -> OpenRequest:
        options = self.options
        data = inflate_write(body, content.encoding, bytes_max=options.inflated_bytes_max)
        window = self._registry.window_ms()
        return open_request(data, content.version, seed=self._seed, window=window, options=options, messages=self._messages)

    def _read(self, request: OpenRequest, tally: RefusalTally) -> tuple[ResolvedSeries, list[SampleBlock]]:
        now_ms, now_s = self._clock.now_ns() // NANOSECONDS_PER_MS, self._clock.monotonic_s()
        if said := request.family_metadata():
            stale = self._registry.describe(*said)
            if len(stale):
                self._table.undefine(stale)
        self._count_left_out(request, tally)
        resolved = self._resolver.resolve(request, tally, now_ms=now_ms, now_s=now_s)
        items = self._items.read(request, resolved, tally, now_ms=now_ms)
        walked, count = request.walked, request.samples
        ids = np.repeat(resolved.series_ids, walked.counts)
        times, bits = walked.times[:count], walked.values[:count]
        if resolved.refusals.any():
            kept = ids != 0
            ids, times, bits = ids[kept], times[kept], bits[kept]
        count = keep_last(ids, times, bits, np.uint64(self._seed))
        ids, times, values = ids[:count], times[:count], bits[:count].view(np.float64)
        definitions = list(resolved.definitions.values())
        blocks = split_blocks(ids, times, values, series=definitions, histograms=items.histograms, exemplars=items.exemplars)
        return resolved, list(blocks)

    def _count_left_out(self, request: OpenRequest, tally: RefusalTally) -> None:
        totals = request.walked.left_out.sum(axis=0)
        for side in (TOO_EARLY, TOO_LATE):
            if count := int(totals[side]):
                reason, message = self._registry.time_flaw(int(request.walked.examples[side]))
                tally.add(reason, message, samples=count)
                self._registry.count_refused(reason, count)

    def _count_request(self, content: WriteContent, body: bytes, inflated_bytes: int, *, unreadable: int) -> None:
        with self._lock:
            counts = self._counts
            counts.requests += 1
            counts.requests_v2 += content.version == 2
            counts.unreadable += unreadable
            counts.received_bytes += len(body)
            counts.inflated_bytes += inflated_bytes
