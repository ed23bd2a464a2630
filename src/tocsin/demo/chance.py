"""Chance that repeats: every roll depends on the seed and on what it decides, not on what was rolled before it."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from statistics import NormalDist

_STANDARD_NORMAL = NormalDist()
_DIGEST_BYTES = 6
_DIGEST_RANGE: float = 2.0 ** (8 * _DIGEST_BYTES)


@dataclass(frozen=True, slots=True)
class Chance:
    """Rolls for one seed. Services that run in parallel, in any order, agree on what happens to a request."""

    seed: int

    def ratio(self, *about: str | int) -> float:
        """A number in (0, 1), evenly spread over different `about`: `chance.ratio("decline", request_id)`."""
        text = "\0".join(map(str, (self.seed, *about)))
        digest = hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).digest()
        return (int.from_bytes(digest, "big") + 0.5) / _DIGEST_RANGE

    def happens(self, share: float, *about: str | int) -> bool:
        """True for the given share (0 to 1) of different `about`."""
        return self.ratio(*about) < share

    def latency_s(self, median_s: float, *about: str | int, spread: float = 0.35) -> float:
        """
        A duration out of a log-normal distribution, as the latencies of real dependencies are.

        Args:
            median_s: Half of the durations are shorter, seconds, > 0.
            about: What takes this long.
            spread: Standard deviation of the logarithm; 0.35 puts p99 at 2.3 times the median, 1.0 at ten times.

        Returns:
            Seconds, > 0.
        """
        return median_s * math.exp(spread * _STANDARD_NORMAL.inv_cdf(self.ratio("latency", *about)))

    def wait_s(self, mean_s: float, *about: str | int) -> float:
        """The time until the next arrival of a steady stream (exponential distribution of the given mean), seconds, > 0."""
        return -mean_s * math.log(self.ratio("wait", *about))

    def pick(self, count: int, *about: str | int) -> int:
        """An index in 0 ... count - 1."""
        return int(self.ratio("pick", *about) * count)
