"""
Percentiles from logarithmic bins.

Bin b counts durations in (2^(b/8), 2^((b+1)/8)] nanoseconds; bin -1 those of 0 and 1 ns. Bins of any rows add up, so the percentile of an
hour comes from all its requests on all servers, never from averages of percentiles. Each bin knows its shortest and its longest request;
the answer is the geometric middle of the two. It is exact where they are equal (one request, or all alike), and off by a factor of at most
2^(1/16), 4.5 %, whatever the distribution. (Interpolating inside the bin looks smoother, but can be off by 9 %.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

BINS_PER_DOUBLING = 8
ERROR_FACTOR_MAX = 2 ** (1 / 16)
NANOSECONDS_PER_MS = 1e6


class Bin(NamedTuple):
    """
    What is known of the requests in a bin.

    Args:
        requests: How many, >= 1.
        shortest_ns: The shortest of them, nanoseconds.
        longest_ns: The longest.
    """

    requests: int
    shortest_ns: int
    longest_ns: int

    @property
    def middle_ns(self) -> float:
        """The geometric middle of the shortest and the longest, nanoseconds."""
        if self.shortest_ns == self.longest_ns:  # exactly, without the rounding of a root
            return float(self.shortest_ns)
        return math.sqrt(self.shortest_ns * self.longest_ns)

    def slower(self, counted: int, limit_ns: float) -> tuple[float, bool]:
        """
        About how many of `counted` requests of this bin took longer than `limit_ns`, and whether that is exact.

        A bin on one side of the limit counts wholly or not at all. In one that the limit divides, they are taken to be spread evenly over
        the logarithms between its shortest and its longest request; when all of the bin are counted, those two stay on their own sides.

        Args:
            counted: 0 to all of the bin's requests.
            limit_ns: Nanoseconds, > 0.
        """
        if counted <= 0 or self.longest_ns <= limit_ns:
            return 0.0, True
        if self.shortest_ns > limit_ns:
            return float(counted), True
        shortest = max(0.5, self.shortest_ns)  # 0 ns has no logarithm
        about = counted * math.log(self.longest_ns / max(limit_ns, shortest)) / math.log(self.longest_ns / shortest)
        if counted < self.requests:
            return about, False
        return min(max(about, 1.0), counted - 1.0), counted == 2

    def joined(self, other: Bin | None) -> Bin:
        """The requests of both, which are of the same bin."""
        if other is None:
            return self
        shortest, longest = min(self.shortest_ns, other.shortest_ns), max(self.longest_ns, other.longest_ns)
        return Bin(self.requests + other.requests, shortest, longest)


def bin_middle_ns(bin_number: int) -> float:
    """The geometric middle of a bin's bounds, nanoseconds: for whoever knows nothing of its requests but their number."""
    return float(2 ** ((bin_number + 0.5) / BINS_PER_DOUBLING))


def bin_bounds_ms(bin_number: int) -> tuple[float, float]:
    """The bounds of a bin, milliseconds: the lower one left out, the upper one included; bin -1 starts at 0."""
    low = 0.0 if bin_number < 0 else 2 ** (bin_number / BINS_PER_DOUBLING) / NANOSECONDS_PER_MS
    return low, 2 ** ((bin_number + 1) / BINS_PER_DOUBLING) / NANOSECONDS_PER_MS


def percentile_ms(bins: Mapping[int, Bin], quantile: float) -> float | None:
    """
    The smallest duration that at least the share `quantile` of requests does not exceed, within 4.5 %.

    Args:
        bins: What is known by bin.
        quantile: 0 < quantile <= 1.

    Returns:
        Milliseconds; None without requests.
    """
    total = sum(known.requests for known in bins.values())
    if total == 0:
        return None
    wanted, passed = quantile * total, 0
    for number in sorted(bins):
        passed += bins[number].requests
        if passed >= wanted:
            return bins[number].middle_ns / NANOSECONDS_PER_MS
    return bins[max(bins)].middle_ns / NANOSECONDS_PER_MS
