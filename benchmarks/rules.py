"""
What evaluating 5,000 rules every 15 seconds costs, and what a query beside it feels of it.

    load        100 machines with 100 series each, a sample every 15 s by remote write, an hour of it before
    rules       50 groups of 100 rules: the rate of one series above a number, a rate summed by machine, a recording, one per machine
    without     the load and the questions alone
    with        the same with the rules
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.node_series import INTERVAL_MS, MACHINES, MODES, Body, bodies
from benchmarks.questions import Question, quoted
from benchmarks.server import Server

GROUPS = 50
INTERVAL_S = INTERVAL_MS // 1000
HISTORY_H = 1.0
ONE_STEP_H = 1.2 * INTERVAL_S / 3600  # so much of a series is one sample
SETTLE_S = 45.0
ASKED = 50
APART_S = 0.2
QUESTION_QUERIES = (
    ("a rate summed over 100 machines, now", 'sum by (mode) (rate(node_cpu_seconds_total{mode!="idle"}[5m]))'),
    ("one machine's load, now", 'node_load1{instance="machine-042:9100"}'),
)
NETWORK = tuple(f"node_network_{what}_total" for what in ("receive_bytes", "transmit_bytes", "receive_packets", "receive_errs"))
DISK = tuple(f"node_disk_{what}_total" for what in ("read_bytes", "written_bytes", "io_time_seconds"))
MEMORY = tuple(f"node_memory_{what}_bytes" for what in ("MemFree", "MemAvailable", "Dirty"))


@dataclass(frozen=True, slots=True)
class RuleRun:
    """
    What a server with rules took.

    Args:
        rules: Rules.
        groups: Groups of them.
        seconds: How long was measured.
        evaluations: Evaluations of rules in that time.
        failed: Those that failed.
        missed: Evaluations of groups that were left out.
        share_without: Share of one core that the load takes.
        share_with: Share of one core with the rules.
        questions_without: Times of questions beside the load.
        questions_with: Times of questions beside load and rules.
    """

    rules: int
    groups: int
    seconds: float
    evaluations: int
    failed: int
    missed: int
    share_without: float
    share_with: float
    questions_without: list[Question]
    questions_with: list[Question]

    @property
    def share(self) -> float:
        """What the rules cost, as a share of one core."""
        return self.share_with - self.share_without

    @property
    def rate(self) -> float:
        """Rules evaluated per second."""
        return self.evaluations / self.seconds


@dataclass(frozen=True, slots=True)
class _Measured:
    share: float
    evaluations: int
    failed: int
    missed: int
    questions: list[Question]


def measure(folder: Path, *, seconds: float) -> RuleRun:
    """Both, on data directories of their own."""
    files = write_rules(folder)
    without = _loaded(folder / "without", None, seconds)
    measured = _loaded(folder / "with", files, seconds)
    return RuleRun(
        GROUPS * MACHINES,
        GROUPS,
        seconds,
        measured.evaluations,
        measured.failed,
        measured.missed,
        without.share,
        measured.share,
        without.questions,
        measured.questions,
    )


def write_rules(folder: Path) -> Path:
    """Every group in one file; each has a rule per machine."""
    groups = [
        {"name": f"group-{number:02d}", "interval": f"{INTERVAL_S}s", "rules": [_rule(number, machine) for machine in range(MACHINES)]}
        for number in range(GROUPS)
    ]
    path = folder / "rules.yml"
    path.write_text(json.dumps({"groups": groups}), encoding="utf-8")  # JSON is YAML
    return path


def _rule(group: int, machine: int) -> dict[str, object]:
    """Of ten groups one records, two sum, the others compare the rate of one series; a few of their alerts fire."""
    instance = f'instance="machine-{machine:03d}:9100"'
    if group % 10 == 9:
        name = NETWORK[group // 10 % len(NETWORK)]
        expression = f"sum by (instance) (rate({name}{{{instance}}}[5m]))"
        return {"record": f"machine:{name}:rate5m", "expr": expression, "labels": {"shard": f"{group}-{machine}"}}
    annotations = {"summary": "{{ $labels.instance }} is at {{ $value | humanize }}"}
    labels = {"severity": "ticket"}
    if group % 10 in {7, 8}:
        expression = f"sum by (instance) (rate({DISK[group % len(DISK)]}{{{instance}}}[5m])) > 1e12"
    elif group % 10 == 6:
        expression = f"{MEMORY[group // 10 % len(MEMORY)]}{{{instance}}} < 0"
    else:
        expression = f'rate(node_cpu_seconds_total{{{instance},cpu="{group % 4}",mode="{MODES[group % len(MODES)]}"}}[5m]) > 0.99'
    return {"alert": f"Group{group:02d}Machine{machine:03d}", "expr": expression, "for": "1m", "labels": labels, "annotations": annotations}


def _loaded(data: Path, files: Path | None, seconds: float) -> _Measured:
    """Processor time of the server under the load, what it evaluated, and how long questions took beside it."""
    with Server(data, extra=_configuration(data, files)) as server:
        now_ms = time.time_ns() // 1_000_000
        _write(server, bodies(start_ms=now_ms - round(HISTORY_H * 3_600_000), hours=HISTORY_H))
        _go_on(server, SETTLE_S)
        before, cpu_s, begun = _counts(server), server.cpu_s(), time.monotonic()
        _go_on(server, seconds)
        share = (server.cpu_s() - cpu_s) / (time.monotonic() - begun)
        evaluations, failed, missed = (after - count for after, count in zip(_counts(server), before, strict=True))
        questions = [_ask(server, name, query) for name, query in QUESTION_QUERIES]
    return _Measured(share, evaluations, failed, missed, questions)


def _configuration(data: Path, files: Path | None) -> tuple[str, ...]:
    if files is None:
        return ()
    path = data.with_suffix(".yaml")
    path.write_text(json.dumps({"rules": {"files": [str(files)]}}), encoding="utf-8")
    return ("--config", str(path))


def _go_on(server: Server, seconds: float) -> None:
    """A sample of every series every 15 seconds."""
    begun = time.monotonic()
    for step in range(max(1, round(seconds / INTERVAL_S))):
        time.sleep(max(0.0, begun + step * INTERVAL_S - time.monotonic()))
        _write(server, bodies(start_ms=time.time_ns() // 1_000_000, hours=ONE_STEP_H))
    time.sleep(max(0.0, begun + seconds - time.monotonic()))


def _write(server: Server, requests: Iterator[Body]) -> None:
    for body in requests:
        headers = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"}
        request = urllib.request.Request(f"http://127.0.0.1:{server.port}/prometheus/api/v1/write", body.data, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status in {200, 204}, f"the server answered {answer.status}"


def _counts(server: Server) -> tuple[int, int, int]:
    """Evaluations of rules, failed ones, and evaluations of groups left out; 0 where nothing is evaluated."""
    rules = server.get("/api/status")["statistics"].get("rules", {})
    return rules.get("evaluations", 0), rules.get("evaluations_failed", 0), rules.get("iterations_missed", 0)


def _ask(server: Server, name: str, query: str) -> Question:
    path = f"/prometheus/api/v1/query?query={quoted(query)}"
    times, found = [], 0
    for _ in range(ASKED):
        time.sleep(APART_S)  # so that they fall beside evaluations and between them
        begun = time.perf_counter()
        found += bool(server.get(path)["data"]["result"])
        times.append((time.perf_counter() - begun) * 1000)
    return Question(name, None, float(np.percentile(times, 50)), float(np.percentile(times, 95)), found)
