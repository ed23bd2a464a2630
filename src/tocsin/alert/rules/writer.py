"""
Where samples of rules go: into the journal, as blocks.

The journal says later whether a block is on the disk; nobody waits for it here, because until the store has a sample it is seen through
`RecentSeries`, and an evaluation that could not store what it found must still tell its alerts. What is refused is counted.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np

from tocsin.errors import TocsinError
from tocsin.model.batch import Acceptor, Batch
from tocsin.model.labels import Labels
from tocsin.model.native_histogram import NativeHistogram
from tocsin.model.sample_block import DAY_MS, HistogramSample, SampleBlock, SeriesDefinition, series_id
from tocsin.model.signal import Signal
from tocsin.query.series.recent import SeriesSample

SERIES_MAX = 500_000  # whose ids are remembered; then all are forgotten, and described again

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WriterStatistics:
    """
    What rules stored.

    Args:
        samples: Samples handed to the journal.
        blocks: Blocks of them.
        blocks_refused: Blocks that the journal did not take; their samples are lost.
    """

    samples: int
    blocks: int
    blocks_refused: int


class RuleWriter:
    """
    Puts samples into the journal. Safe to use from several threads.

    Args:
        accept: The journal's door.
    """

    def __init__(self, accept: Acceptor) -> None:
        self._accept = accept
        self._lock = threading.Lock()
        self._known: dict[Labels, tuple[int, int]] = {}  # id, and the last day on which it was described
        self._samples = self._blocks = self._refused = 0

    def write(self, samples: Sequence[SeriesSample]) -> None:
        """Store samples; those that can't be are counted, never raised."""
        if not samples:
            return
        with self._lock:
            block = self._block(samples)
            self._samples += len(samples)
            self._blocks += 1
        try:
            self._accept(Batch(Signal.SAMPLES, block.encode(), block.records)).add_done_callback(lambda done: self._done(done, block))
        except TocsinError as error:
            self._lost(block, error)

    def statistics(self) -> WriterStatistics:
        """What was stored since the start."""
        with self._lock:
            return WriterStatistics(self._samples, self._blocks, self._refused)

    def _block(self, samples: Sequence[SeriesSample]) -> SampleBlock:
        definitions: list[SeriesDefinition] = []
        ids = [self._id(sample, definitions) for sample in samples]
        floats = [
            (number, sample.timestamp_ms, sample.value)
            for number, sample in zip(ids, samples, strict=True)
            if not isinstance(sample.value, NativeHistogram)
        ]
        histograms = [
            HistogramSample(number, sample.timestamp_ms, sample.value)
            for number, sample in zip(ids, samples, strict=True)
            if isinstance(sample.value, NativeHistogram)
        ]
        return SampleBlock(
            np.array([number for number, _, _ in floats], dtype=np.uint64),
            np.array([at_ms for _, at_ms, _ in floats], dtype=np.int64),
            np.array([value for _, _, value in floats], dtype=np.float64),
            definitions,
            histograms,
        )

    def _id(self, sample: SeriesSample, definitions: list[SeriesDefinition]) -> int:
        day = sample.timestamp_ms // DAY_MS
        known = self._known.get(sample.labels)
        if known is not None and known[1] == day:
            return known[0]
        number = series_id(sample.labels) if known is None else known[0]
        if len(self._known) >= SERIES_MAX:
            self._known.clear()
        self._known[sample.labels] = number, day
        definitions.append(SeriesDefinition(number, day, sample.labels))
        return number

    def _done(self, done: Future[None], block: SampleBlock) -> None:
        error = done.exception()
        if error is not None:
            self._lost(block, error)

    def _lost(self, block: SampleBlock, error: BaseException) -> None:
        """A block did not reach the disk: its series are described again with their next samples."""
        logger.warning("samples of rules were not stored: %s", error)
        with self._lock:
            self._refused += 1
            self._forget(definition.labels for definition in block.series)

    def _forget(self, series: Iterable[Labels]) -> None:
        for labels in series:
            self._known.pop(labels, None)
