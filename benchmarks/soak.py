"""Half load for half an hour: memory must stay flat."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.ingest import CONNECTIONS
from benchmarks.server import Server

HALF_LOAD = {"traces": 17_000, "logs": 15_000, "metrics": 45_000}  # records per second, all three at once: half of what two cores take
WARM_SHARE = 0.25  # caches fill in the first quarter, which does not count
GROWTH_GOAL = 0.10


def run(folder: Path, *, minutes: float) -> int:
    """Soak for `minutes`; prints memory over time; returns 0 when it stayed flat and nothing is missing."""
    with Server(folder / "soak") as server:
        senders = [_sender(signal, server.port, minutes * 60, rate) for signal, rate in HALF_LOAD.items()]
        outcomes = {signal: json.loads(sender.communicate()[0]) for signal, sender in zip(HALF_LOAD, senders, strict=True)}
        memory = np.array(server.memory_bytes, dtype=float)
        missing = _missing(server, outcomes)
    steady = memory[memory[:, 0] > memory[-1, 0] * WARM_SHARE]
    tenth = max(1, len(steady) // 10)
    first, last = steady[:tenth, 1].mean(), steady[-tenth:, 1].mean()
    growth = last / first - 1
    for part in np.array_split(memory, 10):
        sys.stdout.write(f"{part[0, 0]:7.0f} s  {part[:, 1].mean() / 1e6:7.0f} MB mean  {part[:, 1].max() / 1e6:7.0f} MB peak\n")
    for signal, outcome in outcomes.items():
        sys.stdout.write(f"{signal}: {outcome['records']:,} acknowledged, {missing[signal]:,} missing, {outcome['refused']} refusals\n")
    sys.stdout.write(f"memory grew by {growth:.1%} from the second quarter on (goal: less than {GROWTH_GOAL:.0%})\n")
    return 0 if growth < GROWTH_GOAL and not any(missing.values()) else 1


def _sender(signal: str, port: int, seconds: float, rate: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.sender", signal, str(port), str(seconds), str(rate), str(CONNECTIONS), "5"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _missing(server: Server, outcomes: dict[str, dict[str, int]]) -> dict[str, int]:
    """Acknowledged records that are not stored, once loading stands still."""
    before: dict[str, int] = {}
    while (now := {signal: server.stored(signal) for signal in outcomes}) != before:
        before = now
        time.sleep(3)
    return {signal: outcome["records"] - now[signal] for signal, outcome in outcomes.items()}
