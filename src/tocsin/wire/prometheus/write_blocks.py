"""
What a door took, cut into blocks that the journal likes: large enough to be cheap, small beside a segment.

A block has at most BLOCK_SAMPLES_MAX samples (1.5 MB), and about BLOCK_BYTES_MAX each of definitions, histograms and exemplars.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tocsin.model.labels import Labels
from tocsin.model.sample_block import ExemplarSample, HistogramSample, SampleBlock, SeriesDefinition

BLOCK_SAMPLES_MAX = 65_536
BLOCK_BYTES_MAX = 1 << 20

_NO_IDS: NDArray[np.uint64] = np.zeros(0, np.uint64)
_NO_TIMES: NDArray[np.int64] = np.zeros(0, np.int64)
_NO_VALUES: NDArray[np.float64] = np.zeros(0, np.float64)

Item = TypeVar("Item")


def split_blocks(
    series_ids: NDArray[np.uint64],
    timestamps_ms: NDArray[np.int64],
    values: NDArray[np.float64],
    *,
    series: Sequence[SeriesDefinition] = (),
    histograms: Sequence[HistogramSample] = (),
    exemplars: Sequence[ExemplarSample] = (),
) -> Iterator[SampleBlock]:
    """The same as blocks; none when there is nothing. Arguments as in `SampleBlock`."""
    starts = range(0, len(series_ids), BLOCK_SAMPLES_MAX)
    samples = (
        (series_ids[at : at + BLOCK_SAMPLES_MAX], timestamps_ms[at : at + BLOCK_SAMPLES_MAX], values[at : at + BLOCK_SAMPLES_MAX])
        for at in starts
    )
    pieces = zip_longest(
        samples,
        _pieces(series, _definition_size),
        _pieces(histograms, _histogram_size),
        _pieces(exemplars, _exemplar_size),
    )
    for arrays, some_series, some_histograms, some_exemplars in pieces:
        ids, times, numbers = arrays or (_NO_IDS, _NO_TIMES, _NO_VALUES)
        yield SampleBlock(ids, times, numbers, some_series or (), some_histograms or (), some_exemplars or ())


def _pieces(items: Sequence[Item], size_of: Callable[[Item], int]) -> Iterator[list[Item]]:
    piece: list[Item] = []
    size = 0
    for item in items:
        piece.append(item)
        size += size_of(item)
        if size >= BLOCK_BYTES_MAX:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def _labels_size(labels: Labels) -> int:
    return sum(len(name) + len(value) + 6 for name, value in labels.pairs)


def _definition_size(definition: SeriesDefinition) -> int:
    return 32 + _labels_size(definition.labels) + len(definition.help)


def _histogram_size(sample: HistogramSample) -> int:
    histogram = sample.histogram
    return 96 + 8 * (len(histogram.positive.counts) + len(histogram.negative.counts) + len(histogram.custom_values))


def _exemplar_size(sample: ExemplarSample) -> int:
    return 64 + len(sample.metric) + _labels_size(sample.labels)
