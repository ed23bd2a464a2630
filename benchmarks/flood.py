"""
What a flood of alerts costs: 50,000 of them at once, from one bad rule on every pod of a large cluster.

    POST /alertmanager/api/v2/alerts   25 batches of 2,000 alerts of ten services, then the same again with an end
    webhook                            counts what it is told
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.questions import Question
from benchmarks.server import Server

ALERTS = 50_000
BATCH = 2_000
SERVICES = 10
GROUP_WAIT_S = 2
TOLD_WITHIN_S = 60.0
QUESTION_GOAL_MS = 1000.0
ASKED_EVERY_S = 0.25


@dataclass(frozen=True, slots=True)
class Flood:
    """
    What a server made of it.

    Args:
        alerts: Alerts that were posted.
        posted_s: Seconds until all were taken, that is on the disk.
        told_s: Seconds from the first post until every group was told.
        notifications: Webhooks that came, to the end of the flood and of its end.
        largest_bytes: The largest of them.
        memory_before, memory_peak: Resident bytes.
        questions: Times of a question asked meanwhile.
    """

    alerts: int
    posted_s: float
    told_s: float
    notifications: int
    largest_bytes: int
    memory_before: int
    memory_peak: int
    questions: list[Question]


class _Receiver:
    """A webhook that counts."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.services: set[str] = set()

    def take(self, body: bytes) -> None:
        page = json.loads(body)
        self.sizes.append(len(body))
        self.services.add(page["groupLabels"].get("service", ""))


def measure_flood(folder: Path) -> Flood:
    """Flood a server of its own."""
    receiver = _Receiver()
    with _listening(receiver) as url:
        config = folder / "alertmanager.yml"
        config.write_text(json.dumps(_routes(url)), encoding="utf-8")
        options = folder / "flood.yaml"
        options.write_text(json.dumps({"alert": {"config": str(config), "resend_s": 1}}), encoding="utf-8")
        with Server(folder / "flood", extra=("--config", str(options))) as server:
            return _flooded(server, receiver)


def _flooded(server: Server, receiver: _Receiver) -> Flood:
    before = server.process.memory_info().rss
    times: list[float] = []
    asking = threading.Event()
    asker = threading.Thread(target=_ask, args=(server, times, asking))
    asker.start()
    begun = time.monotonic()
    _post(server, ended=False)
    posted_s = time.monotonic() - begun
    while len(receiver.services) < SERVICES and time.monotonic() - begun < TOLD_WITHIN_S:
        time.sleep(0.05)
    told_s = time.monotonic() - begun
    _post(server, ended=True)
    time.sleep(2 * GROUP_WAIT_S + 5)
    asking.set()
    asker.join()
    question = Question("the list of rules, meanwhile", QUESTION_GOAL_MS, _quantile(times, 0.5), _quantile(times, 0.95), len(times))
    return Flood(
        ALERTS, posted_s, told_s, len(receiver.sizes), max(receiver.sizes, default=0), before, server.memory_peak_bytes(), [question]
    )


def _ask(server: Server, times: list[float], over: threading.Event) -> None:
    while not over.wait(ASKED_EVERY_S):
        begun = time.perf_counter()
        server.get("/prometheus/api/v1/rules")
        times.append((time.perf_counter() - begun) * 1000)


def _post(server: Server, *, ended: bool) -> None:
    for start in range(0, ALERTS, BATCH):
        batch = [_alert(number, ended=ended) for number in range(start, start + BATCH)]
        if not server.post("/alertmanager/api/v2/alerts", batch):
            raise SystemExit("the server refused alerts")


def _alert(number: int, *, ended: bool) -> dict[str, Any]:
    labels = {"alertname": "PodDown", "service": f"service-{number % SERVICES}", "pod": f"pod-{number:05d}", "severity": "page"}
    end = {"endsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())} if ended else {}
    return {"labels": labels, "annotations": {"summary": f"pod {number} does not answer"}, **end}


def _routes(url: str) -> dict[str, Any]:
    route = {"receiver": "pager", "group_by": ["service"], "group_wait": f"{GROUP_WAIT_S}s", "group_interval": f"{2 * GROUP_WAIT_S}s"}
    return {"route": route, "receivers": [{"name": "pager", "webhook_configs": [{"url": url}]}]}


def _quantile(times: list[float], share: float) -> float:
    ordered = sorted(times) or [0.0]
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@contextmanager
def _listening(receiver: _Receiver) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as its base says
            """Nothing is said of single calls."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
