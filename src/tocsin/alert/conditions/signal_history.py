"""
Where in the past a golden signal may have been beyond a threshold: told from bins, so that a replay need not draw a wall for every minute.

    30 days, every minute       43,200 walls              without
                                a statement per day, and a wall for each minute that is near the threshold or beyond it

What is ruled out here is certain. Where bins leave a doubt (a bin is 9 % wide; whether a service is judged by its entry spans shows in the
whole window alone) the wall is asked, so a replay says what the wall would have said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import gcd
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tocsin.alert.conditions.thresholds import held
from tocsin.alert.definition import SignalBreach
from tocsin.model.instant import NANOSECONDS, Instant
from tocsin.query.percentiles import BINS_PER_DOUBLING
from tocsin.query.reading import Reading
from tocsin.store.read_request_bins import request_bins
from tocsin.store.read_services import COARSE_S, FINE_S, Seconds
from tocsin.store.sql import ParameterNames

CHUNK_S = 86_400
SCREENED = ("latency", "traffic", "errors")
NS_PER_S = 1e9
Counts: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]


class SignalHistory:
    """
    Rules out instants at which a condition can't have held. Safe to use from several threads.

    Args:
        reading: Asks the store.
        plain_errors: Nothing but failures counts as an error: no implicit ones, no slow ones.
    """

    def __init__(self, reading: Reading, *, plain_errors: bool = True) -> None:
        self._reading = reading
        self._plain_errors = plain_errors

    def may_hold(self, condition: SignalBreach, times: Sequence[Instant]) -> list[bool]:
        """
        Whether a condition may hold at each of many instants, ascending; False is certain.

        Raises:
            TocsinError: The store can't be asked now.
        """
        if condition.threshold is None or condition.signal not in SCREENED or (condition.signal == "errors" and not self._plain_errors):
            return [True] * len(times)
        if condition.signal == "traffic" and held(0.0, condition.comparison, condition.threshold):
            return [True] * len(times)  # a service without requests has no rows
        found: list[bool] = []
        for chunk in _chunks(times):
            found += self._in_chunk(condition, condition.threshold, chunk)
        return found

    def _in_chunk(self, condition: SignalBreach, threshold: float, times: Sequence[Instant]) -> list[bool]:
        ends = [-(-at // (FINE_S * NANOSECONDS)) * FINE_S for at in times]
        starts = [(at // NANOSECONDS - condition.window_s) // FINE_S * FINE_S for at in times]
        step_s = gcd(*starts, *ends, COARSE_S)
        first_s = starts[0]
        service = condition.service or None
        statement = request_bins(Seconds(first_s, ends[-1]), step_s=step_s, service=service, names=ParameterNames())
        low = np.array([(start - first_s) // step_s for start in starts])
        high = np.array([(end - first_s) // step_s for end in ends])
        may = np.zeros(len(times), dtype=np.bool_)
        for _, rows in groupby(self._reading.rows(statement), key=lambda row: row[0]):
            for requests, failed, bins in _judged(list(rows), int(high[-1])):
                windows = requests[high] - requests[low]
                may |= _beyond(condition, threshold, windows, failed[high] - failed[low], bins)
        return [bool(one) for one in may]


def _chunks(times: Sequence[Instant]) -> Iterator[list[Instant]]:
    chunk: list[Instant] = []
    for at in times:
        if chunk and at - chunk[0] >= CHUNK_S * NANOSECONDS:
            yield chunk
            chunk = []
        chunk.append(at)
    if chunk:
        yield chunk


def _judged(rows: Sequence[Sequence[Any]], steps: int) -> Iterator[tuple[Counts, Counts, NDArray[np.int64]]]:
    """Running sums of requests by bin, [steps + 1, bins], of failures, [steps + 1], and the bins: of entry spans, and of all."""
    bins = np.unique(np.array([row[3] for row in rows], dtype=np.int64))
    for entry_only in (True, False):
        chosen = [row for row in rows if row[2] or not entry_only]
        if not chosen:
            continue
        requests, failed = np.zeros((steps + 1, len(bins))), np.zeros(steps + 1)
        numbers = np.array([row[1] for row in chosen], dtype=np.int64) + 1
        places = np.searchsorted(bins, np.array([row[3] for row in chosen], dtype=np.int64))
        np.add.at(requests, (numbers, places), np.array([row[4] for row in chosen], dtype=np.float64))
        np.add.at(failed, numbers, np.array([row[5] for row in chosen], dtype=np.float64))
        yield requests.cumsum(axis=0), failed.cumsum(), bins


def _beyond(condition: SignalBreach, threshold: float, requests: Counts, failed: Counts, bins: NDArray[np.int64]) -> Flags:
    """Of each window, [windows, bins], whether its figure may lie beyond the threshold."""
    total = requests.sum(axis=1)
    there: Flags = total > 0
    if condition.signal == "errors":
        ratios = np.divide(failed, total, out=np.zeros_like(total), where=there)
        return np.logical_and(there, _any_held(condition, threshold, ratios))
    if condition.signal == "traffic":
        lengths = (condition.window_s, condition.window_s + 2 * FINE_S)  # widened to whole ten seconds on both sides, or on neither
        return np.logical_and(there, _any_held(condition, threshold, *(total / length for length in lengths)))
    below = requests.cumsum(axis=1)
    bounds = []
    for rank in (np.floor(total * condition.percentile), np.ceil(total * condition.percentile) + 1):
        place = (below < np.clip(rank, 1, total)[:, np.newaxis]).sum(axis=1).clip(0, len(bins) - 1)
        bounds += [2.0 ** ((bins[place] + edge) / BINS_PER_DOUBLING) / NS_PER_S for edge in (0, 1)]
    return np.logical_and(there, _any_held(condition, threshold, *bounds))


def _any_held(condition: SignalBreach, threshold: float, *figures: Counts) -> Flags:
    found = np.zeros(len(figures[0]), dtype=np.bool_)
    for figure in figures:
        found |= np.array([held(float(one), condition.comparison, threshold) for one in figure], dtype=np.bool_)
    return found
