"""What a server costs that nobody sends to or asks."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.server import Server

SETTLE_S = 5.0
WATCHED_S = 30.0


@dataclass(frozen=True, slots=True)
class Idle:
    """Seconds from the command to serving; resident bytes; share of one core."""

    started_s: float
    memory_bytes: int
    cpu_share: float


def idle_cost(folder: Path) -> Idle:
    """Start on an empty directory, wait, watch."""
    with Server(folder / "idle") as server:
        time.sleep(SETTLE_S)
        cpu, begun = server.cpu_s(), time.monotonic()
        time.sleep(WATCHED_S)
        share = (server.cpu_s() - cpu) / (time.monotonic() - begun)
        return Idle(server.started_s, server.process.memory_info().rss, share)
