"""
Measure everything and print it with the machine's name on it.

    python -m benchmarks [--seconds 60] [--rows 10000000] [--keep DIR]    rates, ratios, disk, memory, answer times, idle cost
    python -m benchmarks metrics [--hours 24] [--keep DIR]                Prometheus' metrics beside Prometheus and VictoriaMetrics, alone
    python -m benchmarks judging [--seconds 60] [--keep DIR]              what objectives and golden signals cost, alone
    python -m benchmarks alerting [--seconds 60] [--keep DIR]             what 5,000 rules cost, and a flood of 50,000 alerts, alone
    python -m benchmarks soak [--minutes 30]                              half load for long; memory must stay flat

Generator and server share the machine. A figure is only as good as the machine was quiet; the ratios to the bare engine, measured in the
same run, say more. Results are kept in `benchmarks/results/`.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks import report, rules, soak
from benchmarks.flood import measure_flood
from benchmarks.idle import idle_cost
from benchmarks.ingest import bare_engine, end_to_end
from benchmarks.judging import measure
from benchmarks.peers import compare
from benchmarks.questions import ask_all
from benchmarks.rows import disk_figures, fill
from benchmarks.server import Server

SIGNALS = ("traces", "logs", "metrics")
BARE_SEGMENTS = 30  # ten seconds and more of each signal


def main(arguments: list[str]) -> int:
    """Run what the command line asks for; 0 when every goal was met, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure Tocsin on this machine.")
    parser.add_argument("what", nargs="?", choices=("bench", "metrics", "judging", "alerting", "soak"), default="bench")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each signal is sent")
    parser.add_argument("--rows", type=int, default=10_000_000, help="spans and log records stored when questions are asked")
    parser.add_argument("--minutes", type=float, default=30.0, help="how long the soak lasts")
    parser.add_argument("--hours", type=float, default=24.0, help="of samples in the comparison with Prometheus and VictoriaMetrics")
    parser.add_argument("--keep", type=Path, default=None, help="a folder for the data, kept afterwards")
    options = parser.parse_args(arguments)
    folder = options.keep or Path(tempfile.mkdtemp(prefix="tocsin-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if options.what == "soak":
            return soak.run(folder, minutes=options.minutes)
        if options.what == "metrics":
            return beside_peers(folder, hours=options.hours)
        if options.what == "judging":
            return judge(folder, seconds=options.seconds)
        if options.what == "alerting":
            return alert(folder, seconds=options.seconds)
        return bench(folder, seconds=options.seconds, rows=options.rows, hours=options.hours)
    finally:
        if options.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def beside_peers(folder: Path, *, hours: float) -> int:
    """Prometheus' kind of metrics alone; prints and keeps the report."""
    page = report.Page()
    page.machine()
    page.peers(compare(folder, hours=hours), hours=hours)
    return page.finish()


def judge(folder: Path, *, seconds: float) -> int:
    """Objectives and golden signals alone; prints and keeps the report."""
    page = report.Page()
    page.machine()
    page.judging(measure(folder, seconds=seconds))
    return page.finish()


def alert(folder: Path, *, seconds: float) -> int:
    """Rules and alerts alone; prints and keeps the report."""
    page = report.Page()
    page.machine()
    page.rules(rules.measure(folder, seconds=seconds))
    page.flood(measure_flood(folder))
    return page.finish()


def bench(folder: Path, *, seconds: float, rows: int, hours: float) -> int:
    """The whole measurement; prints and keeps the report."""
    page = report.Page()
    page.machine()
    page.idle(idle_cost(folder))
    rates = {signal: bare_engine(folder, signal, segments=BARE_SEGMENTS) for signal in SIGNALS}
    with Server(folder / "data") as server:
        for signal in SIGNALS:
            page.ingest(end_to_end(server, signal, bare_rate=rates[signal], seconds=seconds))
        for signal in ("traces", "logs"):
            fill(server, signal, rows=rows)
        page.disk(disk_figures(server))
        page.questions(ask_all(server))
    shutil.rmtree(folder / "data", ignore_errors=True)
    page.judging(measure(folder, seconds=seconds))
    page.rules(rules.measure(folder, seconds=seconds))
    page.flood(measure_flood(folder))
    page.peers(compare(folder, hours=hours), hours=hours)
    return page.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
