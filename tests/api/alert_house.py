"""Alerts behind the application: a dispatcher, a pipeline and a desk over a relational state in a file, on a clock that a test moves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from fastapi import FastAPI
from tests.alert.pipeline.builders import START, VirtualClock
from tests.api.fake_desk import FakeDesk

from tocsin.alert.desk import AlertDesk
from tocsin.alert.dispatch.dispatcher import Dispatcher
from tocsin.alert.pipeline.pipeline import Pipeline
from tocsin.alert.routing.config import AlertingConfig, default_config, read_config
from tocsin.alert.routing.receivers import ChannelInfo
from tocsin.api.application import create_application
from tocsin.api.context import Context
from tocsin.clock import Clock, SeededEntropy
from tocsin.state.options import StateOptions
from tocsin.state.state import State

CONFIGURATION = """
route:
  receiver: team
  group_by: [alertname]
  group_wait: 1s
  group_interval: 2s
  routes:
  - {matchers: [severity=page], receiver: pager, continue: true}
  - {matchers: [severity=page], receiver: team, group_by: [service]}
  - {matchers: [quiet=yes], mute_time_intervals: [always]}
receivers: [{name: team, labels: {zone: eu}}, {name: pager}]
time_intervals: [{name: always, time_intervals: [{years: ['2000:2200']}]}]
inhibit_rules: [{source_matchers: [severity=page], target_matchers: [severity=ticket], equal: [service]}]
"""


class AlertHouse:
    """
    Everything from posted alerts to the outbox; a context manager that closes it.

    Args:
        folder: For the state and the configuration.
        text: The configuration; empty for what holds without one.
        clock: The present; one that stands still by default.
        alerts_max: Alerts that are kept at once.
    """

    def __init__(self, folder: Path, text: str = CONFIGURATION, *, clock: Clock | None = None, alerts_max: int = 1000) -> None:
        self.virtual = VirtualClock(START)
        self.clock: Clock = clock or self.virtual
        self.config = self._read(folder, text)
        self.state = State.open(folder, StateOptions())
        dispatcher = Dispatcher(self.config, channels_of=self._channels, start_delay_s=0, alerts_max=alerts_max)
        self.pipeline = Pipeline(self.state.alerting, dispatcher, clock=self.clock)
        self.pipeline.load()
        self.desk = AlertDesk(
            self.pipeline,
            self.state.alerting,
            config=lambda: self.config,
            channels_of=self._channels,
            clock=self.clock,
            entropy=SeededEntropy(5),
        )

    def application(self, *, hosts: frozenset[str] = frozenset({"localhost"})) -> FastAPI:
        """The application with these alerts behind it."""
        return create_application(Context(desk=cast("Any", FakeDesk()), clock=self.clock, alerts=self.desk), hosts=hosts)

    def let_pass(self, seconds: float) -> None:
        """Let time pass, with what is due in it."""
        for _ in range(max(1, round(seconds))):
            self.virtual.advance(seconds=seconds / max(1, round(seconds)))
            self.pipeline.advance(self.virtual.now)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.pipeline.stop()
        self.state.close()

    def _channels(self, receiver: str) -> Sequence[ChannelInfo]:
        return [ChannelInfo("webhook/0", True)] if receiver == "team" else []

    @staticmethod
    def _read(folder: Path, text: str) -> AlertingConfig:
        if not text:
            return default_config()
        (folder / "alertmanager.yml").write_text(text, encoding="utf-8")
        return read_config(folder / "alertmanager.yml")
