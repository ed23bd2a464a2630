"""Filling a store to a size, and what the rows cost on disk."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass

from benchmarks.ingest import CONNECTIONS, TABLES
from benchmarks.server import Server

FILL_SECONDS = 20.0
QUIET_S = 5.0
MERGE_TIMEOUT_S = 300.0
# What belongs to a record of each kind: its own table and all that is derived from it.
SHARES = {"traces": ("spans", "trace_index", "requests_10s", "requests_5m"), "logs": ("logs",)}
GOALS = {"traces": 60.0, "logs": 65.0}


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes on disk per record of a signal, all its tables and indexes together, once merges are done."""

    signal: str
    rows: int
    bytes_per_row: float
    goal: float | None


def fill(server: Server, signal: str, *, rows: int) -> None:
    """Send until the signal's table has `rows` rows."""
    while (missing := rows - server.count(TABLES[signal])) > 0:
        command = [sys.executable, "-m", "benchmarks.sender", signal, str(server.port), str(FILL_SECONDS), "0", str(CONNECTIONS)]
        sent = subprocess.run([*command, str(time.monotonic_ns() % 10**9)], capture_output=True, text=True, check=True)
        if not json.loads(sent.stdout)["records"]:
            raise SystemExit(f"the server takes nothing, {missing} rows are missing")
        _wait_until_loaded(server, signal)


def disk_figures(server: Server) -> list[Disk]:
    """Wait until merges are done, then divide."""
    _wait_for_merges(server)
    sizes = {name: (int(rows), int(size)) for name, rows, size in _parts(server)}
    figures = []
    for signal, tables in SHARES.items():
        rows = sizes.get(TABLES[signal], (0, 0))[0]
        if rows:
            figures.append(Disk(signal, rows, sum(sizes.get(table, (0, 0))[1] for table in tables) / rows, GOALS[signal]))
    return figures


def _parts(server: Server) -> list[tuple[str, int, int]]:
    tables = server.get("/api/status")["statistics"]["store"]["tables"]
    return [(name, table["rows"], table["bytes_on_disk"]) for name, table in sorted(tables.items())]


def _wait_until_loaded(server: Server, signal: str) -> None:
    before = -1
    while (now := server.count(TABLES[signal])) != before:
        before = now
        time.sleep(1.5)


def _wait_for_merges(server: Server) -> None:
    """Until the sizes stand still for some seconds."""
    deadline = time.monotonic() + MERGE_TIMEOUT_S
    before: list[tuple[str, int, int]] = []
    while (now := _parts(server)) != before and time.monotonic() < deadline:
        before = now
        time.sleep(QUIET_S)
