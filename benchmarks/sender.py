"""
The load: one process, a few connections, each with one request under way, as fast as the server acknowledges or at a given rate.

    python -m benchmarks.sender SIGNAL PORT SECONDS RATE CONNECTIONS SEED     prints one JSON object at the end

Targets loopback alone and ends by itself. RATE is records per second over all connections, 0 for as fast as it goes. Requests that the
server asks to come back later are sent again after the pause it names.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from dataclasses import asdict, dataclass, field

import numpy as np

from benchmarks.generator import RECORDS_PER_BODY, Logs, Metrics, Spans

DAY_NS = 86_400_000_000_000
RETRY_S_MAX = 5.0


@dataclass(slots=True)
class Outcome:
    """What one run of the load saw: acknowledged records and bytes, refusals, seconds, acknowledgement times (milliseconds)."""

    records: int = 0
    size_bytes: int = 0
    refused: int = 0
    seconds: float = 0.0
    ack_ms: list[float] = field(default_factory=list)


def make_source(signal: str, seed: int) -> Spans | Logs | Metrics:
    """The generator of a signal's bodies."""
    if signal == "metrics":
        return Metrics(seed, start_ns=time.time_ns() - DAY_NS)
    return Spans(seed) if signal == "traces" else Logs(seed)


def send_for(signal: str, port: int, *, seconds: float, rate: float, connections: int, seed: int) -> Outcome:
    """Run the load; returns the outcome of all connections together."""
    outcomes = [Outcome() for _ in range(connections)]
    deadline = time.monotonic() + seconds
    interval = RECORDS_PER_BODY * connections / rate if rate else 0.0
    threads = [
        threading.Thread(target=_send, args=(signal, port, deadline, interval, seed * 1000 + index, outcome))
        for index, outcome in enumerate(outcomes)
    ]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = Outcome(seconds=time.monotonic() - begun)
    for outcome in outcomes:
        total.records += outcome.records
        total.size_bytes += outcome.size_bytes
        total.refused += outcome.refused
        total.ack_ms += outcome.ack_ms
    return total


def _send(signal: str, port: int, deadline: float, interval: float, seed: int, outcome: Outcome) -> None:
    source = make_source(signal, seed)
    connection = Connection(signal, port)
    due = time.monotonic()
    while time.monotonic() < deadline:
        if interval:
            due += interval
            time.sleep(max(0.0, due - time.monotonic()))
        body = source.body(time.time_ns())
        while True:
            begun = time.perf_counter()
            status, retry_after_s = connection.post(body)
            if status == 200:
                break
            outcome.refused += 1
            if status not in (429, 503):
                raise SystemExit(f"the server answered {status}")
            time.sleep(min(retry_after_s, RETRY_S_MAX))
        outcome.ack_ms.append((time.perf_counter() - begun) * 1000)
        outcome.records += RECORDS_PER_BODY
        outcome.size_bytes += len(body)
    connection.close()


class Connection:
    """One kept-alive HTTP/1.1 connection that posts OTLP bodies; as little client as possible, since client and server share the cores."""

    def __init__(self, signal: str, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = (
            f"POST /v1/{signal} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/x-protobuf\r\nContent-Length: "
        ).encode()

    def post(self, body: bytes) -> tuple[int, float]:
        """Send one body; returns the status and the pause asked for, seconds."""
        self._socket.sendall(self._head + str(len(body)).encode() + b"\r\n\r\n")
        self._socket.sendall(body)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._receive()
        head, _, rest = answer.partition(b"\r\n\r\n")
        headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        missing = int(headers.get(b"content-length", b"0")) - len(rest)
        while missing > 0:
            missing -= len(self._receive())
        return int(head[9:12]), float(headers.get(b"retry-after", b"1"))

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _receive(self) -> bytes:
        data = self._socket.recv(65_536)
        if not data:
            raise SystemExit("the server closed the connection")
        return data


def main(arguments: list[str]) -> None:
    """Run the load that the command line names and print its outcome."""
    signal, port, seconds, rate, connections, seed = arguments
    outcome = send_for(signal, int(port), seconds=float(seconds), rate=float(rate), connections=int(connections), seed=int(seed))
    result = asdict(outcome)
    times = np.array(result.pop("ack_ms") or [0.0])
    result |= {"ack_ms_p50": float(np.percentile(times, 50)), "ack_ms_p99": float(np.percentile(times, 99))}
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
