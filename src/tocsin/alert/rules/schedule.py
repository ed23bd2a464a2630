"""
When groups are evaluated: at instants that are `interval` apart and lie where the group's key puts them.

    interval 60 s, key "rules.yml;shop"  ->  ..., 12:00:17.3, 12:01:17.3, ...    the same on every start, spread over all groups

So groups don't crowd at the full minute, and a restart goes on at the same instants. Whoever is late skips what it missed.
"""

from __future__ import annotations

import hashlib

from tocsin.alert.definition import RuleGroup
from tocsin.model.instant import NANOSECONDS, Instant

MILLISECOND_NS = 1_000_000


class Schedule:
    """
    The instants of one group.

    Args:
        group: The group.
    """

    def __init__(self, group: RuleGroup) -> None:
        self.interval_ns = max(MILLISECOND_NS, round(group.interval_s * NANOSECONDS))
        digest = hashlib.blake2b(group.key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        # Whole milliseconds: samples have no finer instants.
        self.offset_ns = int.from_bytes(digest, "little") % (self.interval_ns // MILLISECOND_NS) * MILLISECOND_NS

    def latest(self, now: Instant) -> Instant:
        """The last of its instants that is not after `now`."""
        return now - (now - self.offset_ns) % self.interval_ns

    def after(self, at: Instant) -> Instant:
        """The first of its instants after `at`."""
        return self.latest(at) + self.interval_ns

    def between(self, first: Instant, last: Instant) -> int:
        """How many of its instants lie strictly between two of them; 0 when the second is not later."""
        return max(0, (last - first) // self.interval_ns - 1)
