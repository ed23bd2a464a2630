"""
Time and chance, passed in.

Nothing else in Tocsin reads the machine's clock or its randomness (a test in `tests/tidy` says so): whoever needs
one of them takes a `Clock` or an `Entropy`, so every judgement can be replayed at any past moment and every
fault found by a seeded test can be found again.
"""

from __future__ import annotations

import random
import secrets
import time
from typing import Protocol

NANOSECONDS_PER_SECOND = 1_000_000_000


class Clock(Protocol):
    """Where the present comes from."""

    def now_ns(self) -> int:
        """The present instant, nanoseconds since 1970-01-01 UTC."""
        ...

    def monotonic_s(self) -> float:
        """Seconds from an arbitrary start; never goes back. For durations, never for instants."""
        ...


class RealClock:
    """The machine's own clock."""

    def now_ns(self) -> int:
        """The machine's time, nanoseconds since 1970-01-01 UTC."""
        return time.time_ns()

    def monotonic_s(self) -> float:
        """The machine's monotonic clock, seconds."""
        return time.monotonic()


class ReplayClock:
    """
    A clock that starts at a given instant and runs at a given speed, to judge old data as if it were now.

    Args:
        start_ns: The instant that the first reading gives, nanoseconds since 1970-01-01 UTC.
        speed: Replayed seconds per real second, >= 0. 0 stands still, 60 runs a minute per second.
        source: The clock that drives it; only its monotonic reading is used.
    """

    def __init__(self, start_ns: int, *, speed: float = 1.0, source: Clock | None = None) -> None:
        self._source: Clock = source or RealClock()
        self._start_ns = start_ns
        self._speed = speed
        self._origin_s = self._source.monotonic_s()

    def now_ns(self) -> int:
        """The replayed instant, nanoseconds since 1970-01-01 UTC."""
        elapsed_s = self._source.monotonic_s() - self._origin_s
        return self._start_ns + round(elapsed_s * self._speed * NANOSECONDS_PER_SECOND)

    def monotonic_s(self) -> float:
        """Real seconds: a replay changes what 'now' is, not how long a timeout lasts."""
        return self._source.monotonic_s()


class Entropy(Protocol):
    """Where chance comes from."""

    def token_hex(self, size_bytes: int) -> str:
        """`size_bytes` random bytes as lower-case hexadecimal, twice as many characters."""
        ...


class RealEntropy:
    """The operating system's randomness."""

    def token_hex(self, size_bytes: int) -> str:
        """Unpredictable bytes as hexadecimal."""
        return secrets.token_hex(size_bytes)


class SeededEntropy:
    """Randomness that repeats for the same seed; for tests, demos and benchmarks only."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def token_hex(self, size_bytes: int) -> str:
        """The next bytes of the seeded sequence, as hexadecimal."""
        return self._random.randbytes(size_bytes).hex()
