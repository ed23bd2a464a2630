"""
Tocsin beside Prometheus and VictoriaMetrics: the same requests into each, the same questions to each, one after the other on this machine.

Each gets the same remote write bodies over two connections, acknowledged one by one; then it may settle; then it is asked. Questions end at
different instants, so that no cache of answers helps. The peers come from `scripts/peers`.
"""

from __future__ import annotations

import json
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from typing import Any, Self

import psutil

from benchmarks.node_series import Body, bodies

PEERS = Path(__file__).parent.parent / ".peers" / "usr" / "bin"
SENDERS = 2
START_TIMEOUT_S = 60.0
SETTLE_TIMEOUT_S = 600.0
RUNS = 5
OWN = "Tocsin"
TABLES = ("samples", "samples_folding", "chunks", "series")
WRITE_HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
    "User-Agent": "tocsin-benchmarks",
}
QUESTIONS = (  # name, PromQL, hours, step in seconds
    ("rate of 3,200 counters by machine, 1 h", "sum by (instance) (rate(node_cpu_seconds_total[5m]))", 1, 15),
    ("rate of 3,200 counters by machine, 6 h", "sum by (instance) (rate(node_cpu_seconds_total[5m]))", 6, 60),
    ("rate of 3,200 counters by machine, 24 h", "sum by (instance) (rate(node_cpu_seconds_total[5m]))", 24, 300),
    ("sum of all 10,000 series, 1 h", 'sum({job="node"})', 1, 15),
    ("sum of all 10,000 series, 6 h", 'sum({job="node"})', 6, 60),
    ("sum of all 10,000 series, 24 h", 'sum({job="node"})', 24, 300),
    ("newest in 10 min of all 10,000 series, 24 h", 'count by (instance) (last_over_time({job="node"}[10m]))', 24, 300),
    ("max over time of 1,600 gauges, 24 h", "max by (zone) (max_over_time(node_memory_MemFree_bytes[10m]))", 24, 300),
    ("share of idle processors, 6 h", 'avg by (cpu) (rate(node_cpu_seconds_total{mode="idle"}[5m]))', 6, 60),
    ("newest of one metric", "topk(5, node_load1)", 0, 0),
)


@dataclass(frozen=True, slots=True)
class Program:
    """
    One that is measured.

    Args:
        name: Of the program.
        command: Its command line; `{data}` and `{port}` are filled in.
        write: Path of remote write.
        query: Path of the query API.
        ready: Path that answers when it serves.
        settle: Path that is asked with POST to have everything in its final form; empty for none.
    """

    name: str
    command: tuple[str, ...]
    write: str
    query: str
    ready: str
    settle: str = ""


PROGRAMS = (
    Program(
        OWN,
        (sys.executable, "-m", "tocsin", "up", "--data", "{data}", "--http", "127.0.0.1:{port}", "--grpc", "127.0.0.1:0"),
        write="/prometheus/api/v1/write",
        query="/prometheus/api/v1",
        ready="/readyz",
        settle="/api/metrics/settle",
    ),
    Program(
        "Prometheus",
        (
            str(PEERS / "prometheus"), "--config.file={data}/prometheus.yml", "--storage.tsdb.path={data}/tsdb",
            "--web.enable-remote-write-receiver",
            "--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=15d", "--query.max-samples=200000000",
            "--log.level=error",
        ),
        write="/api/v1/write",
        query="/api/v1",
        ready="/-/ready",
    ),
    Program(
        "VictoriaMetrics",
        (
            str(PEERS / "victoria-metrics"), "-storageDataPath={data}/storage", "-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=3y",
            "-search.maxPointsPerTimeseries=100000", "-loggerLevel=ERROR",
        ),
        write="/api/v1/write",
        query="/api/v1",
        ready="/health",
        settle="/internal/force_flush",
    ),
)  # fmt: skip


@dataclass(slots=True)
class Outcome:
    """
    What one program did.

    Args:
        name: The program.
        samples: Samples sent.
        seconds: From the first request to the last acknowledgement.
        bytes_per_sample: On disk when settled, with the index, without write-ahead logs.
        memory_peak_bytes: Largest resident size seen.
        answers_ms: Median by question, milliseconds.
        sums: Sum of all numbers of each answer, to compare answers.
    """

    name: str
    samples: int = 0
    seconds: float = 0.0
    bytes_per_sample: float = 0.0
    memory_peak_bytes: int = 0
    answers_ms: dict[str, float] = field(default_factory=dict)
    sums: dict[str, float] = field(default_factory=dict)


def compare(folder: Path, *, hours: float, names: Sequence[str] = (OWN, "Prometheus", "VictoriaMetrics")) -> list[Outcome]:
    """Measure the named programs one after the other; those that are not there are left out."""
    end_ms = int(time.time() * 1000) // 60_000 * 60_000 - 60_000
    start_ms = end_ms - int(hours * 3_600_000)
    made = list(bodies(start_ms=start_ms, hours=hours))
    found = []
    for program in PROGRAMS:
        if program.name in names and (program.name == OWN or Path(program.command[0]).exists()):
            found.append(_measure(program, folder / program.name.lower(), made, start_ms, end_ms))
            print(f"  {found[-1]}", file=sys.stderr, flush=True)
    return found


def _measure(program: Program, data: Path, made: Sequence[Body], start_ms: int, end_ms: int) -> Outcome:
    outcome = Outcome(program.name, samples=sum(body.samples for body in made))
    with _Running(program, data) as running:
        begun = time.monotonic()
        running.send(made)
        outcome.seconds = time.monotonic() - begun
        running.settle()
        for name, query, hours, step_s in QUESTIONS:
            if hours * 3_600_000 <= end_ms - start_ms:
                outcome.answers_ms[name], outcome.sums[name] = running.ask(query, hours, step_s, end_ms)
        outcome.memory_peak_bytes = running.memory_peak_bytes
        stored = running.own_bytes() if program.name == OWN else 0
    outcome.bytes_per_sample = (stored or _stored_bytes(data)) / outcome.samples
    shutil.rmtree(data, ignore_errors=True)
    return outcome


class _Running:
    """A program as a child process on a free port, its memory watched."""

    def __init__(self, program: Program, data: Path) -> None:
        data.mkdir(parents=True)
        (data / "prometheus.yml").write_text("global: {scrape_interval: 1h}\n")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._program = program
        self._url = f"http://127.0.0.1:{port}"
        command = [part.format(data=data, port=port) for part in program.command]
        with (data.parent / f"{data.name}.log").open("wb") as log:
            self._child = subprocess.Popen(command, stdout=log, stderr=log)
        self.memory_peak_bytes = 0
        self._leaving = threading.Event()
        self._watch = threading.Thread(target=self._watch_memory, daemon=True)
        self._wait(program.ready, START_TIMEOUT_S)
        self._watch.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.set()
        self._watch.join()
        self._child.terminate()
        self._child.wait(120)

    def send(self, made: Iterable[Body]) -> None:
        """Send everything over two connections; a refusal that asks to come back is obeyed."""
        queue: Queue[Body | None] = Queue(maxsize=2 * SENDERS)
        failures: list[Exception] = []
        senders = [threading.Thread(target=self._send, args=(queue, failures)) for _ in range(SENDERS)]
        for sender in senders:
            sender.start()
        for body in made:
            queue.put(body)
        for _ in senders:
            queue.put(None)
        for sender in senders:
            sender.join()
        if failures:
            raise failures[0]

    def settle(self) -> None:
        """Let it finish what it does behind the scenes: when it uses no processor for two seconds."""
        deadline = time.monotonic() + SETTLE_TIMEOUT_S
        if self._program.settle:
            urllib.request.urlopen(
                urllib.request.Request(self._url + self._program.settle, b"", method="POST"), timeout=SETTLE_TIMEOUT_S
            ).close()
        process = psutil.Process(self._child.pid)
        process.cpu_percent()
        while time.monotonic() < deadline:
            time.sleep(2)
            if process.cpu_percent() < 5:
                return

    def own_bytes(self) -> int:
        """What samples and series take on Tocsin's disk, without files of tables that only wait to be deleted."""
        with urllib.request.urlopen(self._url + "/api/status", timeout=60) as answer:
            tables = json.load(answer)["statistics"]["store"]["tables"]
        return sum(tables[name]["bytes_on_disk"] for name in TABLES if name in tables)

    def ask(self, query: str, hours: float, step_s: int, end_ms: int) -> tuple[float, float]:
        """Median milliseconds of several runs, and the sum of the first answer."""
        times, total = [], 0.0
        for run in range(RUNS):
            end_s = end_ms / 1000 - 60 * run
            values = {"query": query, "nocache": "1"}
            if hours:
                values |= {"start": str(end_s - hours * 3600), "end": str(end_s), "step": str(step_s)}
            else:
                values |= {"time": str(end_s)}
            path = f"{self._program.query}/{'query_range' if hours else 'query'}?{urllib.parse.urlencode(values)}"
            begun = time.monotonic()
            with urllib.request.urlopen(self._url + path, timeout=300) as answer:
                body = answer.read()
            times.append((time.monotonic() - begun) * 1000)
            if run == 0:
                total = _sum(json.loads(body)["data"]["result"])
        return statistics.median(times), total

    def _send(self, queue: Queue[Body | None], failures: list[Exception]) -> None:
        while (body := queue.get()) is not None:
            try:
                while not failures and not self._sent(body):
                    time.sleep(0.05)
            except Exception as error:  # noqa: BLE001 - told by the thread that waits
                failures.append(error)

    def _sent(self, body: Body) -> bool:
        request = urllib.request.Request(self._url + self._program.write, body.data, WRITE_HEADERS)
        try:
            with urllib.request.urlopen(request, timeout=120):
                return True
        except urllib.error.HTTPError as error:
            if error.code in {429, 503}:
                return False
            raise RuntimeError(f"{self._program.name}: {error.code} {error.read()[:500]!r}") from error

    def _wait(self, path: str, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(self._url + path, timeout=5):
                    return
            except OSError:
                if self._child.poll() is not None:
                    break
                time.sleep(0.05)
        raise SystemExit(f"{self._program.name} did not start")

    def _watch_memory(self) -> None:
        process = psutil.Process(self._child.pid)
        while not self._leaving.wait(0.25):
            self.memory_peak_bytes = max(self.memory_peak_bytes, process.memory_info().rss)


def _stored_bytes(data: Path) -> int:
    """What a peer that has ended left on disk, without its write-ahead log."""
    return sum(file.stat().st_size for file in data.rglob("*") if file.is_file() and "wal" not in file.parts)


def _sum(result: Sequence[dict[str, Any]]) -> float:
    return sum(float(value) for series in result for _, value in series.get("values") or [series["value"]])
