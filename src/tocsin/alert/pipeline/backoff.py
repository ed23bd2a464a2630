"""How long to wait after a failure: twice as long each time, with chance, so that many senders do not come back at once."""

from __future__ import annotations

import math

from tocsin.clock import Entropy

FIRST_S = 1.0
LONGEST_S = 120.0
_DOUBLINGS_MAX = 16
_CHANCE_BYTES = 4
_CHANCES = 0x1_0000_0000  # values of so many bytes


def backoff_s(failures: int, entropy: Entropy, *, retry_after_s: float | None = None) -> float:
    """
    Seconds until the next attempt.

    Args:
        failures: How many there were in a row, >= 1.
        entropy: Decides between half of the time and all of it.
        retry_after_s: What the receiver asked for; never less than this.
    """
    longest = min(math.ldexp(FIRST_S, min(failures - 1, _DOUBLINGS_MAX)), LONGEST_S)
    chance = int(entropy.token_hex(_CHANCE_BYTES), 16) / _CHANCES
    return max(longest * (0.5 + chance / 2), retry_after_s or 0.0)
