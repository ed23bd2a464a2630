"""How long answers take over a store of millions: each question asked many times, each time about something else."""

from __future__ import annotations

import time
import urllib.parse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.server import Server

ASKED = 25


@dataclass(frozen=True, slots=True)
class Question:
    """A question's times, milliseconds, over HTTP as a client sees them; `goal_ms` bounds the 95th percentile, where there is a goal."""

    name: str
    goal_ms: float | None
    ms_p50: float
    ms_p95: float
    found: int


def ask_all(server: Server) -> list[Question]:
    """Ask everything that the desk is asked at night."""
    traces = [row[0] for row in server.sql("SELECT lower(hex(trace_id)) FROM spans WHERE rand() % 20000 = 0 LIMIT 60")]
    requests = [row[0] for row in server.sql("SELECT attributes['request.id'] FROM spans WHERE rand() % 20000 = 0 LIMIT 60")]
    logged = [row[0] for row in server.sql("SELECT attributes['request.id'] FROM logs WHERE rand() % 20000 = 0 LIMIT 60")]
    numbers = [row[0] for row in server.sql("SELECT substring(body, -6) FROM logs WHERE rand() % 20000 = 0 LIMIT 60")]
    day = "start=now-1d"
    return [
        ask("trace by id", 25, traces, lambda value: server.get(f"/api/traces/{value}")["spans"]),
        ask(
            "spans by an attribute's value",
            100,
            requests,
            lambda value: len(server.get(f"/api/traces?query={quoted('request.id:' + value)}&{day}")["traces"]),
        ),
        ask(
            "logs by an attribute's value",
            100,
            logged,
            lambda value: len(server.get(f"/api/logs?query={quoted('request.id:' + value)}&{day}")["records"]),
        ),
        ask("token in log bodies", 100, numbers, lambda value: len(server.get(f"/api/logs?query={quoted(value)}&{day}")["records"])),
        ask("correlate a request id", 150, requests, lambda value: len(server.get(f"/api/correlate/{value}?{day}")["entries"])),
        ask("services, last day", 30, [""] * ASKED, lambda _: len(server.get(f"/api/services?{day}"))),
        ask("services, last hour", 30, [""] * ASKED, lambda _: len(server.get("/api/services?start=now-1h"))),
        ask("newest 100 logs", None, [""] * ASKED, lambda _: len(server.get(f"/api/logs?{day}&limit=100")["records"])),
    ]


def quoted(text: str) -> str:
    """`text` for a URL."""
    return urllib.parse.quote(text)


def ask(name: str, goal_ms: float | None, values: Sequence[str], question: Callable[[str], int]) -> Question:
    """Ask one question about each of the values in turn; `question` returns what it found, for nothing found would be fast."""
    times, found = [], 0
    for value in values[: ASKED + 2]:
        begun = time.perf_counter()
        found += bool(question(value))
        times.append((time.perf_counter() - begun) * 1000)
    kept = np.array(times[2:])  # the first two warm the connection's thread and the engine's caches
    return Question(name, goal_ms, float(np.percentile(kept, 50)), float(np.percentile(kept, 95)), found)
