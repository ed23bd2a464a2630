"""
The first promise, attacked: the server is killed again and again while three signals come in, with event times on both sides of the
midnight that starts a new week (a new partition). Every acknowledged record must be there exactly once, and the rollups must equal
the raw data.
"""

from __future__ import annotations

import os
import random
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.spine.server import Server, wait_until

from tocsin.model.instant import parse_instant

KILLS = int(os.environ.get("TOCSIN_TEST_KILLS", "4"))
SEED = int(os.environ.get("TOCSIN_TEST_SEED", "11"))
RECORDS_PER_REQUEST = 40
MIDNIGHT = parse_instant("2026-11-16T00:00:00Z")  # a Monday: spans, rollups and samples of both sides go to different partitions
PAUSE_S = (0.3, 2.5)  # how long the load runs before a kill


class Load:
    """Sends requests over one signal, remembers which were acknowledged and which got no answer."""

    def __init__(self, signal_name: str, seed: int) -> None:
        self.signal = signal_name
        self.acknowledged: set[int] = set()
        self.unanswered: set[int] = set()
        self.refused = 0
        self._random = random.Random(seed)
        self._next = 0
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def run(self, url: str) -> None:
        """Start sending to a server."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._send, args=(url,))
        self._thread.start()

    def stop(self) -> None:
        """Stop sending; returns when the last request is answered or lost."""
        self._stopping.set()
        assert self._thread is not None
        self._thread.join()

    def _send(self, url: str) -> None:
        with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
            while not self._stopping.is_set():
                number, self._next = self._next, self._next + 1
                try:
                    answer = client.post(f"/v1/{self.signal}", json=BODIES[self.signal](number, self._random))
                except httpx.TransportError:
                    self.unanswered.add(number)
                    return
                if answer.is_success:
                    self.acknowledged.add(number)
                else:
                    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
                    self.refused += 1


def spans(number: int, rng: random.Random) -> dict[str, Any]:
    """A request of spans named by their request; half of them start before midnight."""
    records = [
        {
            "traceId": f"{number + 1:032x}",
            "spanId": f"{number * RECORDS_PER_REQUEST + index + 1:016x}",
            "name": f"request {number}",
            "kind": 2,
            "startTimeUnixNano": str(start := MIDNIGHT + rng.randint(-(10**10), 10**10)),
            "endTimeUnixNano": str(start + rng.randint(0, 10**9)),
            "status": {"code": rng.choice([0, 1, 2])},
        }
        for index in range(RECORDS_PER_REQUEST)
    ]
    return {"resourceSpans": [{"resource": _resource(), "scopeSpans": [{"spans": records}]}]}


def logs(number: int, rng: random.Random) -> dict[str, Any]:
    """A request of log records that carry their request's number."""
    records = [
        {
            "timeUnixNano": str(MIDNIGHT + rng.randint(-(10**10), 10**10)),
            "body": {"stringValue": f"line {index}"},
            "attributes": [{"key": "request", "value": {"intValue": str(number)}}],
        }
        for index in range(RECORDS_PER_REQUEST)
    ]
    return {"resourceLogs": [{"resource": _resource(), "scopeLogs": [{"logRecords": records}]}]}


def metrics(number: int, rng: random.Random) -> dict[str, Any]:
    """A request of gauge points whose value is their request's number."""
    points = [
        {"timeUnixNano": str(MIDNIGHT + rng.randint(-(10**10), 10**10)), "asDouble": number, "attributes": [_attribute("i", str(index))]}
        for index in range(RECORDS_PER_REQUEST)
    ]
    return {"resourceMetrics": [{"resource": _resource(), "scopeMetrics": [{"metrics": [{"name": "g", "gauge": {"dataPoints": points}}]}]}]}


BODIES = {"traces": spans, "logs": logs, "metrics": metrics}
GAUGES = "(SELECT * FROM samples WHERE series_id IN (SELECT series_id FROM series WHERE metric = 'g'))"  # without target_info
STORED = {
    "traces": "SELECT toUInt64(replaceOne(name, 'request ', '')), count(), uniqExact(span_id) FROM spans GROUP BY 1",
    "logs": "SELECT toUInt64(attributes['request']), count(), uniqExact(body) FROM logs GROUP BY 1",
    "metrics": f"SELECT toUInt64(value), count(), uniqExact(series_id) FROM {GAUGES} GROUP BY 1",
}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_acknowledged_is_lost_or_doubled_by_kills(tmp_path: Path) -> None:
    """SIGKILL at random moments under load, several times: acknowledged requests are whole and single, lost ones whole or absent."""
    rng = random.Random(SEED)
    loads = [Load(name, rng.randrange(2**32)) for name in BODIES]
    for _ in range(KILLS):
        server = Server(tmp_path / "data")
        for load in loads:
            load.run(server.url)
        threading.Event().wait(rng.uniform(*PAUSE_S))
        server.kill()
        for load in loads:
            load.stop()
    with Server(tmp_path / "data") as server:
        for load in loads:
            assert len(load.acknowledged) > KILLS, "the load must have been taken, or the test shows nothing"
            _wait_until_stored(server, load)
            _check_stored(server, load)
        _check_rollups(server)
        assert server.get("/api/status")["statistics"]["journal"]["quarantined_segments"] == 0


def _wait_until_stored(server: Server, load: Load) -> None:
    """The partitions of one insert become visible one after the other, so a request may be seen in part for a moment."""

    def stored() -> bool:
        lanes = server.get("/api/status")["statistics"]["journal"]["lanes"]
        return not lanes[load.signal]["backlog_segments"]

    wait_until(stored, timeout_s=60, what=f"the engine to take all {load.signal} (seed {SEED})")
    stored_numbers = {number for number, _, _ in server.rows(STORED[load.signal])}
    missing = load.acknowledged - stored_numbers
    assert not missing, f"{load.signal}: acknowledged and lost: {sorted(missing)} (seed {SEED})"


def _check_stored(server: Server, load: Load) -> None:
    rows = server.rows(STORED[load.signal])
    counts = Counter({number: count for number, count, _ in rows})
    wrong = {number: count for number, count in counts.items() if count != RECORDS_PER_REQUEST}
    assert not wrong, f"{load.signal}: requests stored in part or twice: {wrong} (seed {SEED})"
    assert all(distinct == RECORDS_PER_REQUEST for _, _, distinct in rows), f"{load.signal}: a record stands in for another (seed {SEED})"
    unexplained = counts.keys() - load.acknowledged - load.unanswered
    assert not unexplained, f"{load.signal}: stored but never sent: {unexplained}"


def _check_rollups(server: Server) -> None:
    raw = "SELECT toUnixTimestamp(toStartOfInterval(ts, INTERVAL {} SECOND)), status = 2, count() FROM spans GROUP BY 1, 2 ORDER BY 1, 2"
    rolled = "SELECT toUnixTimestamp(bucket), failed, sum(requests) FROM {} GROUP BY 1, 2 ORDER BY 1, 2"
    for seconds, table in ((10, "requests_10s"), (300, "requests_5m")):
        assert server.rows(rolled.format(table)) == server.rows(raw.format(seconds)), f"{table} differs from the spans (seed {SEED})"
    assert server.rows("SELECT sum(spans) FROM trace_index") == server.rows("SELECT count() FROM spans")
    for name, table in (("traces", "spans"), ("logs", "logs"), ("metrics", GAUGES)):
        taken = f"SELECT sum(records) FROM intake WHERE signal = '{name}'"
        assert server.rows(taken) == server.rows(f"SELECT count() FROM {table}"), name


def _resource() -> dict[str, Any]:
    return {"attributes": [_attribute("service.name", "killed")]}


def _attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}
