"""How fast telemetry gets in: the bare engine, then the whole way from a socket to a queryable row, on the same tables."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.generator import RECORDS_PER_BODY
from benchmarks.sender import make_source
from benchmarks.server import Server
from tocsin.clock import RealClock
from tocsin.journal.frame import encode_frame
from tocsin.model.batch import Segment
from tocsin.model.signal import Signal
from tocsin.store.options import StoreOptions
from tocsin.store.store import Store

TABLES = {"traces": "spans", "logs": "logs", "metrics": "samples"}
WORDS = {"traces": "spans", "logs": "log records", "metrics": "samples"}
SEGMENT_BODIES = {"traces": 80, "logs": 120, "metrics": 280}  # about 15 MB each, as the journal makes them under load
CONNECTIONS = 4
PROBE_INTERVAL_S = 1.0  # a probe's questions cost the machine that is measured: few of them
PROBE_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Ingest:
    """One signal's figures; rates in records per second, times in milliseconds, memory in bytes."""

    signal: str
    bare_rate: float
    rate: float
    seconds: float
    records: int
    refused: int
    ack_ms_p50: float
    ack_ms_p99: float
    visible_ms_p50: float
    visible_ms_p99: float
    memory_peak_bytes: int
    server_cpu_s: float

    @property
    def ratio(self) -> float:
        """End to end over the bare engine."""
        return self.rate / self.bare_rate


def bare_engine(folder: Path, signal: str, *, segments: int) -> float:
    """Records per second that the engine inserts from prepared segments, one right after the other, merges running."""
    source, count = make_source(signal, 1), SEGMENT_BODIES[signal]
    paths = [folder / f"bare-{signal}-{number}.segment" for number in range(segments)]
    for path in paths:
        path.write_bytes(b"".join(_frame(source.body(time.time_ns())) for _ in range(count)))
    store = Store.open(folder / f"bare-{signal}", StoreOptions(), clock=RealClock())
    begun = time.perf_counter()
    for path in paths:
        store.load(Segment(Signal(signal), path, path.stem, count, count * RECORDS_PER_BODY, path.stat().st_size))
    spent = time.perf_counter() - begun
    store.close()
    for path in paths:
        path.unlink()
    return segments * count * RECORDS_PER_BODY / spent


def end_to_end(server: Server, signal: str, *, bare_rate: float, seconds: float, rate: float = 0.0) -> Ingest:
    """Send for `seconds`, wait until all that was acknowledged is queryable, and divide by the time of both together."""
    before, cpu = server.stored(signal), server.cpu_s()
    server.memory_peak_bytes()
    probe = VisibilityProbe(server, signal)
    begun = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "benchmarks.sender",
        signal,
        str(server.port),
        str(seconds),
        str(rate),
        str(CONNECTIONS),
        str(int(begun)),
    ]
    sender = subprocess.run(command, capture_output=True, text=True, check=False)
    if sender.returncode:
        raise SystemExit(f"the load failed: {sender.stderr[-2000:]}")
    outcome = json.loads(sender.stdout)
    while server.stored(signal) - before < outcome["records"]:
        time.sleep(0.05)
    taken = time.monotonic() - begun
    visible = np.array(probe.stop() or [float("nan")])
    return Ingest(
        signal=signal,
        bare_rate=bare_rate,
        rate=outcome["records"] / taken,
        seconds=taken,
        records=outcome["records"],
        refused=outcome["refused"],
        ack_ms_p50=outcome["ack_ms_p50"],
        ack_ms_p99=outcome["ack_ms_p99"],
        visible_ms_p50=float(np.percentile(visible, 50)),
        visible_ms_p99=float(np.percentile(visible, 99)),
        memory_peak_bytes=server.memory_peak_bytes(),
        server_cpu_s=server.cpu_s() - cpu,
    )


class VisibilityProbe:
    """From acknowledgement to answer: posts one record of the loaded signal now and then, and asks until it is there."""

    def __init__(self, server: Server, signal: str) -> None:
        self._server = server
        self._signal = signal
        self._delays_ms: list[float] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> list[float]:
        """End probing; returns the delays seen, milliseconds."""
        self._stopping.set()
        self._thread.join()
        return self._delays_ms

    def _run(self) -> None:
        number = time.time_ns()
        while not self._stopping.wait(PROBE_INTERVAL_S):
            number += 1
            body, question = PROBES[self._signal](f"{number:032x}", time.time_ns())
            if not self._server.post(f"/v1/{self._signal}", body):
                continue
            begun = time.perf_counter()
            while not self._server.sql(question)[0][0]:
                time.sleep(PROBE_POLL_S)
            self._delays_ms.append((time.perf_counter() - begun) * 1000)


def _probe_span(identity: str, now_ns: int) -> tuple[dict[str, Any], str]:
    span = {"traceId": identity, "spanId": identity[16:], "name": "probe", "startTimeUnixNano": str(now_ns), "endTimeUnixNano": str(now_ns)}
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    return body, f"SELECT count() FROM trace_index WHERE trace_id = unhex('{identity}')"


def _probe_log(identity: str, now_ns: int) -> tuple[dict[str, Any], str]:
    record = {"traceId": identity, "spanId": identity[16:], "timeUnixNano": str(now_ns), "body": {"stringValue": "probe"}}
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    since = now_ns // 10**9 - 5
    recent = f"toStartOfFiveMinutes(ts) >= toStartOfFiveMinutes(toDateTime({since})) AND ts >= toDateTime({since})"
    return body, f"SELECT count() FROM logs WHERE {recent} AND trace_id = unhex('{identity}')"


def _probe_point(identity: str, now_ns: int) -> tuple[dict[str, Any], str]:
    metric = {"name": f"probe.{identity}", "gauge": {"dataPoints": [{"timeUnixNano": str(now_ns), "asDouble": 1}]}}
    return {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}, f"SELECT count() FROM series WHERE name = 'probe.{identity}'"


PROBES = {"traces": _probe_span, "logs": _probe_log, "metrics": _probe_point}


def _frame(body: bytes) -> bytes:
    length, trailer = encode_frame(body, received=time.time_ns(), records=RECORDS_PER_BODY, salt=0)
    return length + body + trailer
