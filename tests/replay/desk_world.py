"""A desk of backtests and guards over series in memory, and the application in front of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from fastapi import FastAPI
from tests.api.fake_desk import FakeDesk

from tocsin.alert.definition import RuleSet
from tocsin.alert.options import AlertOptions
from tocsin.alert.routing.config import default_config
from tocsin.api import replay as replay_routes
from tocsin.api.application import AREAS, create_application
from tocsin.api.context import Context
from tocsin.clock import ReplayClock
from tocsin.model.instant import NANOSECONDS, TimeRange, parse_instant
from tocsin.model.labels import Labels
from tocsin.model.telemetry import LogRecord, Span
from tocsin.query.promql.options import PromqlOptions
from tocsin.replay.backtest import Ground, promql_alone
from tocsin.replay.desk import ReplayDesk, ReplayParts
from tocsin.replay.evidence import KnownIncident
from tocsin.replay.guards.run import rules_of
from tocsin.replay.held_series import HeldSeries
from tocsin.replay.options import ReplayOptions

MINUTE = 60 * NANOSECONDS
START = parse_instant("2026-11-16")
NOW = START + 2 * 1440 * MINUTE
LOUD = (600, 630)
RULES = """
groups:
  - name: shop
    rules:
      - {alert: High, expr: 'level > 5', labels: {severity: page}}
"""
CALM = RULES.replace("level > 5", "avg_over_time(level[20m]) > 7")
DEAF = RULES.replace("level > 5", "level > 50")


class MemorySlices:
    """Slices out of series in memory."""

    def __init__(self, series: HeldSeries) -> None:
        self.series = series

    def spans(self, within: TimeRange, services: Sequence[str]) -> Iterator[Span]:
        """None."""
        yield from ()

    def logs(self, within: TimeRange, services: Sequence[str]) -> Iterator[LogRecord]:
        """None."""
        yield from ()


def series() -> HeldSeries:
    """Two days of a level, loud for half an hour of the first morning."""
    values = np.ones(2 * 1440)
    values[slice(*LOUD)] = 9
    held = HeldSeries()
    times = START // 1_000_000 + np.arange(len(values), dtype=np.int64) * 60_000
    held.add(Labels({"__name__": "level", "service": "shop"}), times, values)
    return held


INCIDENTS = (KnownIncident("INC-1: the shop is loud", START + LOUD[0] * MINUTE, START + LOUD[1] * MINUTE, ("shop",)),)


def replay_desk(folder: Path, **options: Any) -> ReplayDesk:
    """The desk; the rules in force stand in `rules.yaml` of the folder."""
    path = folder / "rules.yaml"
    path.write_text(RULES)
    held = series()

    def read(paths: Sequence[Path]) -> RuleSet:
        return rules_of(paths, {}, AlertOptions(), PromqlOptions())

    clock = ReplayClock(NOW, speed=0)
    return ReplayDesk(
        ReplayParts(
            ground=Ground(held, promql_alone, clock, options=ReplayOptions(**options)),
            slices=MemorySlices(held),
            rules=lambda: read([path]),
            read_rules=read,
            objective_files=lambda: (),
            config=default_config,
            roster=lambda: None,
            silences=lambda: (),
            incidents=lambda over: [one for one in INCIDENTS if one.start < over.end],
            significant=lambda _, share: INCIDENTS if share < 0.5 else (),
        )
    )


def replay_application(desk: ReplayDesk, **more: Any) -> FastAPI:
    """The application in front of it."""
    context = Context(desk=cast("Any", FakeDesk()), clock=ReplayClock(NOW, speed=0), replay=desk, **more)
    app = create_application(context, hosts={"127.0.0.1", "localhost"})
    if replay_routes.router not in AREAS:
        app.include_router(replay_routes.router, prefix="/api")
    return app
