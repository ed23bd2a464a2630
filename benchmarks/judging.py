"""
What judging costs: keeping 200 objectives current, answering about a budget of 100 million requests, a wall of fifty services.

    current    the same load twice, 1,000 spans/s from fifty services, without objectives and with 200: the difference
    budget     counts of 43,200 minutes that add up to 100 M requests, written as the keeper writes them; asked over HTTP
    wall       eight days of rollups of fifty services with ten operations each; asked over HTTP, baselines of seven days included
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.generator import Spans
from benchmarks.questions import Question, ask
from benchmarks.sender import Connection
from benchmarks.server import Server
from tocsin.app.house import House, options_for
from tocsin.model.budget import CountProgress
from tocsin.slo.definition import Definitions, revision_of
from tocsin.slo.files.live import LiveDefinitions
from tocsin.store.slo_minutes import MinuteRows, insert_minutes
from tocsin.store.sql import Sql

SERVICES = tuple(f"shop-{number:02d}" for number in range(50))
SPANS_PER_S = 1000
SPANS_PER_BODY = 20
SETTLE_S = 20.0
ASKED = 27
MINUTES = 30 * 24 * 60
REQUESTS_PER_MINUTE = 2315  # 43,200 minutes of them are 100 million
SERVICES_AT_ONCE = 5  # the engine's memory is bounded
KINDS = (
    "availability: {}",
    "latency: {under: 300ms}",
    "success_under: {under: 500ms, query: 'http.route:\"/api/v1/item/05\"'}",
    "correctness: {signal: spans, total: 'service:SERVICE kind:server', good: 'NOT http.response.status_code:500'}",
)


@dataclass(frozen=True, slots=True)
class Judging:
    """Shares of one core that the load takes without and with objectives; the questions' times."""

    spans: int
    seconds: float
    share_without: float
    share_with: float
    objectives: int
    questions: list[Question]

    @property
    def share(self) -> float:
        """What the objectives cost, as a share of one core."""
        return self.share_with - self.share_without


def measure(folder: Path, *, seconds: float) -> Judging:
    """Everything, on data directories of its own."""
    files = write_objectives(folder)
    without, sent = _loaded(folder / "without", None, seconds)
    with_them, _ = _loaded(folder / "with", files, seconds)
    return Judging(sent, seconds, without, with_them, len(SERVICES) * len(KINDS), _questions(folder / "asked", files))


def write_objectives(folder: Path) -> Path:
    """Four objectives for each service, in one file."""
    documents = [
        f"apiVersion: tocsin/v1\nkind: Objective\nmetadata: {{name: {service}-{number}}}\nspec:\n  service: {service}\n  target: 99.9%\n"
        f"  window: 30d\n  {kind.replace('SERVICE', service)}\n"
        for service in SERVICES
        for number, kind in enumerate(KINDS)
    ]
    path = folder / "objectives.yaml"
    path.write_text("---\n".join(documents), encoding="utf-8")
    return path


def configuration(folder: Path, files: Path | None) -> tuple[str, ...]:
    """Arguments of `tocsin up` for a server with these objectives."""
    if files is None:
        return ()
    path = folder.with_suffix(".yaml")
    path.write_text(json.dumps({"slo": {"files": [str(files)]}}), encoding="utf-8")
    return ("--config", str(path))


def _loaded(data: Path, files: Path | None, seconds: float) -> tuple[float, int]:
    """Processor time of the server under the load, as a share of one core, and the spans sent."""
    with Server(data, extra=configuration(data, files)) as server:
        source = Spans(1, services=SERVICES, records=SPANS_PER_BODY)
        connection = Connection("traces", server.port)
        _send(source, connection, SETTLE_S)  # compiling ahead, the first statements of everything
        cpu_s, begun = server.cpu_s(), time.monotonic()
        sent = _send(source, connection, seconds)
        share = (server.cpu_s() - cpu_s) / (time.monotonic() - begun)
        connection.close()
    return share, sent


def _send(source: Spans, connection: Connection, seconds: float) -> int:
    begun, bodies = time.monotonic(), 0
    while time.monotonic() - begun < seconds:
        time.sleep(max(0.0, begun + bodies * SPANS_PER_BODY / SPANS_PER_S - time.monotonic()))
        status, _ = connection.post(source.body(time.time_ns()))
        assert status == 200, f"the server answered {status}"
        bodies += 1
    return bodies * SPANS_PER_BODY


def _questions(data: Path, files: Path) -> list[Question]:
    with House(options_for(data)) as house:
        fill(house, files)
    with Server(data, extra=configuration(data, files)) as server:
        time.sleep(SETTLE_S)  # first passes of the keeper
        keys = [f"{service}-0" for service in SERVICES]
        return [
            ask("a budget of 100 M requests over 30 days", 50, keys[:ASKED], lambda key: len(server.get(f"/api/slos/{key}"))),
            ask("all 200 budgets", None, [""] * ASKED, lambda _: len(server.get("/api/slos"))),
            ask("golden signals of 50 services, 15 minutes", 100, [""] * ASKED, lambda _: len(server.get("/api/signals?start=now-15m"))),
            ask("golden signals of 50 services, 1 hour", 100, [""] * ASKED, lambda _: len(server.get("/api/signals?start=now-1h"))),
            ask("the gate", None, [SERVICES[0]] * ASKED, lambda service: len(server.get(f"/api/gate/{service}?risk_minutes=15"))),
        ]


def fill(house: House, files: Path) -> None:
    """Thirty days of counts for every objective, eight days of rollups for every service."""
    definitions = LiveDefinitions((str(files),), house.options.promql, house.clock).current
    end_s = house.clock.now_ns() // 60_000_000_000 * 60
    minutes = np.arange(end_s - MINUTES * 60, end_s, 60, dtype=np.int64)
    counts = np.zeros((MINUTES, 4))
    counts[:, 1] = REQUESTS_PER_MINUTE
    counts[:, 0] = REQUESTS_PER_MINUTE - (np.arange(MINUTES) % 5 == 0)
    for key in definitions.objectives:
        insert_minutes(house.store.engine, [MinuteRows(key, minutes, np.zeros(MINUTES, dtype=np.int64), counts)], version=1)
    house.state.progress.put(_progress(definitions, int(minutes[0]), end_s))
    for first in range(0, len(SERVICES), SERVICES_AT_ONCE):
        house.store.engine.execute(Sql(ROLLUPS, {"end": end_s, "first": first, "services": SERVICES_AT_ONCE}))
    house.store.engine.execute(Sql("OPTIMIZE TABLE slo_minutes FINAL"))


def _progress(definitions: Definitions, start_s: int, end_s: int) -> list[CountProgress]:
    return [
        CountProgress(objective.key, revision_of(objective.indicator, ()), start_s, True, start_s, end_s)
        for objective in definitions.objectives.values()
    ]


# Of each service and operation requests in five bins: every ten seconds for two hours, every five minutes for the eight days before.
ROLLUPS = """
INSERT INTO requests_10s (bucket, service, operation, kind, failed, bin, requests, exemplar, shortest_ns, longest_ns, received)
SELECT at, service, operation, 2, bin = 215, bin, requests, unhex('0123456789abcdef0123456789abcdef'), toUInt64(exp2((bin + 0.3) / 8)),
    toUInt64(exp2((bin + 0.7) / 8)), at
FROM (SELECT toDateTime({end:Int64} - if(number < 720, 10 * (number + 1), 7200 + 300 * (number - 719)), 'UTC') AS at
    FROM numbers(3000)) AS times,
    (SELECT concat('shop-', leftPad(toString(number), 2, '0')) AS service FROM numbers({first:UInt32}, {services:UInt32})) AS services,
    (SELECT concat('GET /api/v1/item/', leftPad(toString(number), 2, '0')) AS operation FROM numbers(10)) AS operations,
    (SELECT 195 + 5 * number AS bin, [40, 20, 6, 2, 1][number + 1] AS requests FROM numbers(5)) AS bins
"""
