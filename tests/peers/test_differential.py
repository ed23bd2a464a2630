"""PromQL beside a real Prometheus: the same series into both by remote write, several hundred queries, the same answers."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.peers.differential_queries import queries
from tests.peers.programs import Prometheus
from tests.peers.remote_write import HEADERS, STALE, body
from tests.spine.server import Server, wait_until

from tocsin.clock import RealClock

RELATIVE_ERROR_MAX = 1e-9
MINUTES = 70
INTERVAL_MS = 15_000
STEPS_MS = (60_000, 17_000)
Samples = list[tuple[int, float]]


def series(start_ms: int) -> Iterator[tuple[dict[str, str], Samples]]:
    """Counters with resets, gauges, gaps, stale markers, special values and a classic histogram."""
    rng = random.Random(5)
    instants = [start_ms + place * INTERVAL_MS for place in range(MINUTES * 60_000 // INTERVAL_MS)]
    for job, path, code in [("api", "/a", "200"), ("api", "/a", "500"), ("api", "/b", "200"), ("web", "/a", "200"), ("web", "/c", "500")]:
        labels = {"__name__": "requests_total", "job": job, "path": path, "code": code}
        yield labels, _counter(instants, rng, resets=0.01, mean=rng.uniform(0.1, 50))
    for place in ("attic", "cellar", "garden"):
        labels = {"__name__": "temperature", "place": place, "job": "web" if place == "attic" else "house"}
        yield labels, [(at, round(20 + 15 * math.sin(at / 7e5) + rng.gauss(0, 2), 2)) for at in instants]
    yield {"__name__": "flapping_total", "job": "api"}, _counter(instants, rng, resets=0.3, mean=3)
    yield {"__name__": "gappy", "job": "web"}, _with_gaps(instants, rng)
    special = [0.0, -0.0, 1e300, -1e300, 1e-300, math.inf, -math.inf, math.nan, 0.5, -2.5, 7.0]
    for number in range(2):
        yield {"__name__": "odd_values", "n": str(number)}, [(at + 7 * number, rng.choice(special)) for at in instants]
    yield from _histogram(instants, rng)


def _counter(instants: Sequence[int], rng: random.Random, *, resets: float, mean: float) -> Samples:
    value, found = rng.uniform(0, 100), []
    for at in instants:
        value = 0.0 if rng.random() < resets else value + round(rng.expovariate(1 / mean), 3)
        found.append((at + rng.randint(-900, 900), value))
    return found


def _with_gaps(instants: Sequence[int], rng: random.Random) -> Samples:
    found: Samples = []
    for place, at in enumerate(instants):
        if 60 < place < 90 or rng.random() < 0.2:
            continue
        found.append((at, STALE if place in {40, 120, 200} else rng.uniform(-50, 50)))
    return found


def _histogram(instants: Sequence[int], rng: random.Random) -> Iterator[tuple[dict[str, str], Samples]]:
    bounds = ("0.05", "0.1", "0.25", "1", "+Inf")
    for job in ("api", "web"):
        totals, rows = [0.0] * len(bounds), []
        for at in instants:
            new = 0
            for place in range(len(bounds)):
                new += rng.randint(0, 5)
                totals[place] += new
            rows.append((at, list(totals)))
        for place, bound in enumerate(bounds):
            yield {"__name__": "latency_seconds_bucket", "job": job, "le": bound}, [(at, counts[place]) for at, counts in rows]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_several_hundred_queries_agree_with_prometheus(tmp_path: Path) -> None:
    """Range queries at two steps: the same series, instants and values to 1e-9 relative; where Prometheus refuses, Tocsin does too."""
    end_ms = RealClock().now_ns() // 60_000_000_000 * 60_000
    start_ms = end_ms - MINUTES * 60_000
    sent = body(list(series(start_ms)))
    asked = list(queries())
    with (
        Prometheus(tmp_path / "prometheus", "{}\n", "--enable-feature=promql-experimental-functions") as peer,
        Server(tmp_path / "data", environment={"TOCSIN_PROMQL__EXPERIMENTAL_FUNCTIONS": "true"}) as server,
    ):
        for client, path in ((peer.client, "/api/v1/write"), (server.client, "/prometheus/api/v1/write")):
            answer = client.post(path, content=sent, headers=HEADERS)
            assert answer.is_success, answer.text
        wait_until(
            lambda: len(_answer(server, "count(latency_seconds_bucket)", end_ms, end_ms, 60_000)["data"]["result"]) == 1,
            timeout_s=30,
            what="data",
        )
        differences = []
        for number, query in enumerate(asked):
            step_ms = STEPS_MS[number % len(STEPS_MS)]
            first, last = start_ms + 20 * 60_000, end_ms
            theirs = peer.ask("query_range", query=query, start=first / 1000, end=last / 1000, step=step_ms / 1000)
            if difference := _difference(theirs, _answer(server, query, first, last, step_ms)):
                differences.append(f"{query}: {difference}")
    assert len(asked) >= 400
    assert not differences, f"{len(differences)} of {len(asked)} differ:\n" + "\n".join(differences[:40])


def _answer(server: Server, query: str, start_ms: int, end_ms: int, step_ms: int) -> Any:
    parameters: Mapping[str, str | float] = {"query": query, "start": start_ms / 1000, "end": end_ms / 1000, "step": step_ms / 1000}
    return server.client.get("/prometheus/api/v1/query_range", params=parameters).json()


def _difference(theirs: Any, ours: Any) -> str:
    """What differs, empty when nothing does."""
    if theirs["status"] != "success" or ours["status"] != "success":
        return (
            ""
            if theirs["status"] == ours["status"]
            else f"{theirs.get('error', 'an answer')!r} there, {ours.get('error', 'an answer')!r} here"
        )
    known = {_key(one["metric"]): dict(map(tuple, one["values"])) for one in theirs["data"]["result"]}
    found = {_key(one["metric"]): dict(map(tuple, one["values"])) for one in ours["data"]["result"]}
    if known.keys() != found.keys():
        return f"series: {sorted(known.keys() ^ found.keys())[:3]}"
    for key, points in known.items():
        if points.keys() != found[key].keys():
            return f"{key}: instants {sorted(points.keys() ^ found[key].keys())[:4]}"
        for at, text in points.items():
            if not _alike(float(text), float(found[key][at])):
                return f"{key} at {at}: {text} there, {found[key][at]} here"
    return ""


def _key(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))


def _alike(one: float, other: float) -> bool:
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    return one == other or abs(one - other) <= RELATIVE_ERROR_MAX * max(abs(one), abs(other))
