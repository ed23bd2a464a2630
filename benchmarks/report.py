"""The page that a run prints and keeps: the machine, then a table per topic, each figure beside its goal."""

from __future__ import annotations

import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from benchmarks.flood import Flood
from benchmarks.idle import Idle
from benchmarks.ingest import WORDS, Ingest
from benchmarks.judging import Judging
from benchmarks.peers import Outcome
from benchmarks.questions import Question
from benchmarks.rows import Disk
from benchmarks.rules import RuleRun

RESULTS = Path(__file__).parent / "results"
RATE_GOALS = {"traces": 120_000, "logs": 100_000, "metrics": 300_000}
RATIO_GOAL = 0.65
MEMORY_GOAL_BYTES = 1_500_000_000
VISIBLE_GOAL_MS = 1000
STARTED_GOAL_S = 3.0
IDLE_MEMORY_GOAL_BYTES = 450_000_000
IDLE_CPU_GOAL = 0.02
JUDGING_GOAL = 0.05
BULK_GOAL = 1_000_000
RULE_INTERVAL_S = 15
FLOOD_NOTIFICATIONS_GOAL = 100
FLOOD_MEMORY_GOAL_BYTES = 600_000_000
SAMPLE_BYTES_GOAL = 1.2
PEER_GOALS = {"Prometheus": 2.0, "VictoriaMetrics": 1.0}


class Page:
    """Collects lines, prints them as they come, keeps them in a file at the end."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._missed: list[str] = []

    def machine(self) -> None:
        """Say where and when."""
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
        self._say(f"# Tocsin on {_processor()}, {psutil.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB")
        self._say(
            f"Python {platform.python_version()}, commit {commit or 'unknown'}, {time.strftime('%Y-%m-%d %H:%M')} UTC. The load runs on the"
        )
        self._say("same cores as the server. `!` marks a missed goal.")

    def idle(self, idle: Idle) -> None:
        """What it costs at rest."""
        self._table("At rest", ("what", "measured", "goal"))
        self._row("start to serving", f"{idle.started_s:.2f} s", f"< {STARTED_GOAL_S:g} s", met=idle.started_s < STARTED_GOAL_S)
        memory = idle.memory_bytes
        self._row("memory", f"{memory / 1e6:.0f} MB", f"< {IDLE_MEMORY_GOAL_BYTES / 1e6:.0f} MB", met=memory < IDLE_MEMORY_GOAL_BYTES)
        self._row("processor", f"{idle.cpu_share:.1%} of a core", f"< {IDLE_CPU_GOAL:.0%}", met=idle.cpu_share < IDLE_CPU_GOAL)

    def ingest(self, ingest: Ingest) -> None:
        """How fast one signal gets in."""
        word, goal = WORDS[ingest.signal], RATE_GOALS[ingest.signal]
        self._table(
            f"In: {word}, {ingest.records:,} in {ingest.seconds:.0f} s, acknowledged after fsync and queryable",
            ("what", "measured", "goal"),
        )
        self._row("end to end", f"{ingest.rate:,.0f} /s", f">= {goal:,} /s", met=ingest.rate >= goal)
        self._row("the bare engine, same tables", f"{ingest.bare_rate:,.0f} /s", "")
        self._row("ratio", f"{ingest.ratio:.2f}", f">= {RATIO_GOAL}", met=ingest.ratio >= RATIO_GOAL)
        self._row("acknowledged after, p50 / p99", f"{ingest.ack_ms_p50:.0f} / {ingest.ack_ms_p99:.0f} ms", "")
        visible = f"{ingest.visible_ms_p50:.0f} / {ingest.visible_ms_p99:.0f} ms"
        self._row("queryable after that, p50 / p99", visible, f"p99 < {VISIBLE_GOAL_MS} ms", met=ingest.visible_ms_p99 < VISIBLE_GOAL_MS)
        peak = ingest.memory_peak_bytes
        self._row("memory, peak", f"{peak / 1e6:,.0f} MB", f"< {MEMORY_GOAL_BYTES / 1e6:,.0f} MB", met=peak < MEMORY_GOAL_BYTES)
        self._row("server's processor time per record", f"{ingest.server_cpu_s / ingest.records * 1e6:.1f} us", "")
        self._row("requests asked to come back later", f"{ingest.refused:,}", "")

    def disk(self, figures: Sequence[Disk]) -> None:
        """What a record costs on disk."""
        self._table("On disk, after merges, with indexes and rollups", ("what", "measured", "goal"))
        for figure in figures:
            goal = f"<= {figure.goal:g} B" if figure.goal else ""
            met = figure.goal is None or figure.bytes_per_row <= figure.goal
            self._row(f"{WORDS[figure.signal]}, {figure.rows:,} rows", f"{figure.bytes_per_row:.1f} B each", goal, met=met)

    def questions(self, questions: Sequence[Question]) -> None:
        """How long answers take."""
        self._table("Answers, over HTTP", ("question", "p50 / p95", "goal"))
        for question in questions:
            measured = f"{question.ms_p50:.0f} / {question.ms_p95:.0f} ms"
            goal = f"p95 < {question.goal_ms:g} ms" if question.goal_ms else ""
            self._row(question.name, measured, goal, met=question.goal_ms is None or question.ms_p95 < question.goal_ms)

    def judging(self, judging: Judging) -> None:
        """What objectives cost, and how fast judgements come."""
        load = f"{judging.spans / judging.seconds:,.0f} spans/s for {judging.seconds:.0f} s"
        self._table(f"Judging: {judging.objectives} objectives of 50 services, {load}", ("what", "measured", "goal"))
        self._row("the load without objectives", f"{judging.share_without:.1%} of a core", "")
        goal = f"< {JUDGING_GOAL:.0%}"
        self._row("keeping them current, on top", f"{judging.share:.1%} of a core", goal, met=judging.share < JUDGING_GOAL)
        self.questions(judging.questions)

    def rules(self, run: RuleRun) -> None:
        """What rules cost, and what questions feel of them."""
        title = f"Rules: {run.rules:,} in {run.groups} groups, every 15 s, over 10,000 series that go on, for {run.seconds:.0f} s"
        self._table(title, ("what", "measured", "goal"))
        due = run.rules / RULE_INTERVAL_S
        self._row("evaluated", f"{run.rate:,.0f} rules/s, {run.failed} failed", f"{due:,.0f}/s", met=run.failed == 0)
        self._row("evaluations of groups left out", str(run.missed), "0", met=run.missed == 0)
        self._row("the load without rules", f"{run.share_without:.1%} of a core", "")
        self._row("the rules, on top", f"{run.share:.1%} of a core", "")
        for without, beside in zip(run.questions_without, run.questions_with, strict=True):
            times = f"{beside.ms_p50:.0f} ms (p95 {beside.ms_p95:.0f}); without rules {without.ms_p50:.0f} ms (p95 {without.ms_p95:.0f})"
            self._row(beside.name, times, "")

    def flood(self, flood: Flood) -> None:
        """What a flood of alerts costs."""
        self._table(f"A flood: {flood.alerts:,} alerts at once, and their end, in ten groups", ("what", "measured", "goal"))
        self._row("all taken, on the disk", f"{flood.posted_s:.1f} s", "")
        self._row("every group told", f"{flood.told_s:.1f} s", "")
        met = flood.notifications <= FLOOD_NOTIFICATIONS_GOAL
        self._row("notifications", str(flood.notifications), f"<= {FLOOD_NOTIFICATIONS_GOAL}", met=met)
        self._row("the largest", f"{flood.largest_bytes / 1000:,.0f} kB", "")
        grown = flood.memory_peak - flood.memory_before
        goal = f"< {FLOOD_MEMORY_GOAL_BYTES / 1e6:.0f} MB"
        self._row("memory on top, peak", f"{grown / 1e6:,.0f} MB", goal, met=grown < FLOOD_MEMORY_GOAL_BYTES)
        self.questions(flood.questions)

    def peers(self, outcomes: Sequence[Outcome], *, hours: float) -> None:
        """The same samples into each, the same questions to each."""
        self._table(
            f"Beside peers: {outcomes[0].samples:,} samples, 10,000 series, {hours:g} h at 15 s",
            ("what", *(one.name for one in outcomes), "goal"),
        )
        own, others = outcomes[0], outcomes[1:]
        rates = [f"{one.samples / one.seconds / 1e6:.2f} M/s" for one in outcomes]
        self._peer_row(
            "in bulk, remote write, two connections", rates, f">= {BULK_GOAL / 1e6:g} M/s", met=own.samples / own.seconds >= BULK_GOAL
        )
        sizes = [f"{one.bytes_per_sample:.2f} B" for one in outcomes]
        self._peer_row("on disk per sample, settled", sizes, f"<= {SAMPLE_BYTES_GOAL:g} B", met=own.bytes_per_sample <= SAMPLE_BYTES_GOAL)
        self._peer_row("memory, peak", [f"{one.memory_peak_bytes / 1e6:,.0f} MB" for one in outcomes], "")
        for name, took in own.answers_ms.items():
            theirs = [one.answers_ms[name] for one in others]
            ratios = [
                f"{answer:.0f} ms" + (f" ({answer / took:.1f}x)" if one is not own else "")
                for one in outcomes
                for answer in [one.answers_ms[name]]
            ]
            goals = [f"{factor:g}x {one.name}" for one, factor in ((one, PEER_GOALS[one.name]) for one in others)]
            met = all(answer / took >= PEER_GOALS[one.name] for one, answer in zip(others, theirs, strict=True))
            judged = any(name.endswith(ending) for ending in (", 6 h", ", 24 h"))
            self._peer_row(name, ratios, ", ".join(goals) if judged else "", met=met or not judged)
        alike = [max((abs(one.sums[name] / own.sums[name] - 1) for name in own.sums if own.sums[name]), default=0.0) for one in others]
        apart = ", ".join(f"{one.name} {difference:.1e}" for one, difference in zip(others, alike, strict=True))
        self._say("")
        self._say(f"Sums of all numbers of an answer differ at most by: {apart}. (VictoriaMetrics counts rates in its own way.)")

    def finish(self) -> int:
        """Keep the page; returns 0 when every goal was met, else 1."""
        self._say("")
        self._say("Every goal was met." if not self._missed else f"Missed: {'; '.join(self._missed)}.")
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{time.strftime('%Y-%m-%d-%H%M')}.md"
        path.write_text("\n".join(self._lines) + "\n", encoding="utf-8")
        return 1 if self._missed else 0

    def _table(self, title: str, columns: Sequence[str]) -> None:
        self._say("")
        self._say(f"## {title}")
        self._say("")
        self._say("| " + " | ".join(columns) + " |")
        self._say("|" + "---|" * len(columns))

    def _row(self, what: str, measured: str, goal: str, *, met: bool = True) -> None:
        if not met:
            self._missed.append(f"{what} ({measured}, goal {goal})")
        self._say(f"| {what} | {measured}{'' if met else ' !'} | {goal} |")

    def _peer_row(self, what: str, measured: Sequence[str], goal: str, *, met: bool = True) -> None:
        if not met:
            self._missed.append(f"{what} ({' / '.join(measured)}, goal {goal})")
        self._say(f"| {what} | {measured[0]}{'' if met else ' !'} | " + "".join(f"{figure} | " for figure in measured[1:]) + f"{goal} |")

    def _say(self, line: str) -> None:
        self._lines.append(line)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
