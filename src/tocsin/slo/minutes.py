"""
Counts per minute: what every judgement of this room rests on.

    minute        good  total  excluded_good  excluded_total
    29 000 000     998   1000              0               3
    29 000 001      no events: nought everywhere, which is no observation, neither good nor bad

Budgets and burn rates are sums of these, never means of ratios.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tocsin.model.budget import CountProgress

MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class MinuteCounts:
    """
    Consecutive minutes of one objective.

    Args:
        start_s: First minute, seconds since 1970, a multiple of 60.
        good: Good events per minute, [minutes]; noughts where nothing was seen.
        total: All events per minute, [minutes].
        excluded_good: Good events that a query excludes; they are not in `good`.
        excluded_total: All events that a query excludes; they are not in `total`.
    """

    start_s: int
    good: NDArray[np.float64]
    total: NDArray[np.float64]
    excluded_good: NDArray[np.float64]
    excluded_total: NDArray[np.float64]

    @property
    def end_s(self) -> int:
        """The end of the last minute, seconds since 1970."""
        return self.start_s + len(self.total) * MINUTE_S


@dataclass(frozen=True, slots=True)
class Sums:
    """
    Counts added up over a range.

    Args:
        good, total: Events that count.
        excluded_good, excluded_total: Events that a query excludes.
        minutes: Minutes with at least one event that counts.
    """

    good: float = 0.0
    total: float = 0.0
    excluded_good: float = 0.0
    excluded_total: float = 0.0
    minutes: int = 0


@dataclass(frozen=True, slots=True)
class MinuteRange:
    """Minutes from `start_s` (included) to `end_s` (left out), seconds since 1970, multiples of 60."""

    start_s: int
    end_s: int


class CountSource(Protocol):
    """Where counts are read. Safe to use from several threads."""

    def minutes(self, objective: str, within: MinuteRange) -> MinuteCounts:
        """Every minute of a range."""
        ...

    def sums(self, objectives: Sequence[str], ranges: Sequence[MinuteRange]) -> Mapping[str, Sequence[Sums]]:
        """For each objective the sums over each range, in their order; one statement whatever their number."""
        ...

    def progress(self) -> Mapping[str, CountProgress]:
        """How far each objective is counted, by key."""
        ...
