"""
Every option of Tocsin, as one typed tree.

Each room keeps its own settings; this file puts them together and adds those of the process itself. From the tree come the
checks, the reference page and the sample file (`app.option_reference`), the environment's names (`TOCSIN_JOURNAL__SEGMENT_BYTES_MAX`)
and what `tocsin check` says (`app.option_sources`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from tocsin.alert.options import AlertOptions
from tocsin.app.address import Address, parse_address
from tocsin.clock import Clock, RealClock, ReplayClock
from tocsin.collect.options import HostOptions, OwnOptions, ProbesOptions, ScrapeOptions
from tocsin.errors import InvalidInput
from tocsin.incident.options import IncidentOptions
from tocsin.journal.options import JournalOptions
from tocsin.model.instant import parse_instant
from tocsin.oncall.options import OncallOptions
from tocsin.query.promql.options import PromqlOptions, RuleOptions
from tocsin.query.signals.options import SignalsOptions
from tocsin.query.usage.options import UsageOptions
from tocsin.replay.options import ReplayOptions
from tocsin.slo.options import SloOptions
from tocsin.state.options import StateOptions
from tocsin.store.fold_options import FoldOptions
from tocsin.store.options import StoreOptions
from tocsin.wire.deployment_options import DeploymentOptions
from tocsin.wire.options import DoorOptions, GrpcOptions, HttpOptions, ImportOptions
from tocsin.wire.prometheus.options import CardinalityOptions, RemoteWriteOptions

REAL = "real"


def environment() -> Mapping[str, str]:
    """The variables of this process; nothing else reads them."""
    return os.environ


class ServerOptions(BaseModel):
    """Where the process listens and keeps its data, and when it counts as ready."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    listen_unprotected: bool = Field(
        default=False,
        description="Listen where other machines reach it, although nothing asks who is there: whoever reaches the port reads everything.",
    )
    http: str = Field(
        default="127.0.0.1:4318", validate_default=True, description="Address of OTLP over HTTP, the JSON API and /metrics, host:port."
    )
    grpc: str = Field(default="127.0.0.1:4317", validate_default=True, description="Address of OTLP over gRPC, host:port.")
    hosts: tuple[str, ...] = Field(
        default=(),
        description="Further names by which clients may address the HTTP port; on loopback others are refused (DNS rebinding).",
    )
    data: Path = Field(default=Path("tocsin-data"), description="Directory of the journal and the embedded engine's tables.")
    connections_max: int = Field(default=1000, ge=8, le=65_536, description="Open HTTP connections; further ones are told to come back.")
    drain_s: float = Field(
        default=20.0, ge=0, le=600, description="Seconds that a shutdown waits until what was acknowledged is queryable."
    )
    ready_lag_s_max: float = Field(
        default=30.0, gt=0, le=86_400, description="Seconds that acknowledged telemetry may wait for the engine before /readyz says no."
    )

    @field_validator("http", "grpc")
    @classmethod
    def _check_address(cls, text: str, info: ValidationInfo) -> str:
        address = parse_address(text)
        if not address.loopback and not info.data.get("listen_unprotected", False):
            raise ValueError(
                f"expected an address of this machine only (127.0.0.1, [::1], localhost), found {address.host!r}: Tocsin does not ask"
                " who is there yet, so whoever reaches the port could read everything; set server.listen_unprotected: true to accept that"
            )
        return text

    @property
    def http_address(self) -> Address:
        """`http`, read."""
        return parse_address(self.http)

    @property
    def grpc_address(self) -> Address:
        """`grpc`, read."""
        return parse_address(self.grpc)


class ClockOptions(BaseModel):
    """What 'now' means: the machine's time, or a past moment to judge old data at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: str = Field(default=REAL, description="'real', or the instant at which the replayed clock starts (2017-03-01T00:00:00Z).")
    speed: float = Field(default=1.0, ge=0, le=1_000_000, description="Replayed seconds per real second, where start is an instant.")

    @field_validator("start")
    @classmethod
    def _check_start(cls, text: str) -> str:
        if text != REAL:
            try:
                parse_instant(text)
            except InvalidInput as error:
                raise ValueError(f"expected 'real' or an instant such as 2017-03-01T00:00:00Z, found {text!r}") from error
        return text

    def clock(self) -> Clock:
        """The clock that this describes; a replayed one starts to run at this call."""
        return RealClock() if self.start == REAL else ReplayClock(parse_instant(self.start), speed=self.speed)


class LogOptions(BaseModel):
    """What Tocsin says about itself, on standard error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least severity that is written.")
    format: Literal["auto", "console", "json"] = Field(
        default="auto",
        description="'console' for people, 'json' with one object per line for machines, 'auto' by whether it is a terminal.",
    )


class WireOptions(BaseModel):
    """The doors through which telemetry comes in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    door: DoorOptions = Field(default_factory=DoorOptions, description="What is let in, whatever the protocol.")
    http: HttpOptions = Field(default_factory=HttpOptions, description="Limits of OTLP over HTTP.")
    grpc: GrpcOptions = Field(default_factory=GrpcOptions, description="Limits of OTLP over gRPC.")
    remote_write: RemoteWriteOptions = Field(default_factory=RemoteWriteOptions, description="Limits of Prometheus remote write.")
    series: CardinalityOptions = Field(
        default_factory=CardinalityOptions, description="How many series the Prometheus doors let in, and how large their labels may be."
    )
    files: ImportOptions = Field(default_factory=ImportOptions, description="How `tocsin import` reads files.")


class Options(BaseModel):
    """Every option of Tocsin."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    server: ServerOptions = Field(default_factory=ServerOptions, description="The process: addresses, data, readiness.")
    clock: ClockOptions = Field(default_factory=ClockOptions, description="What 'now' means.")
    log: LogOptions = Field(default_factory=LogOptions, description="The server's own log.")
    wire: WireOptions = Field(default_factory=WireOptions, description="The doors through which telemetry comes in.")
    scrape: ScrapeOptions = Field(default_factory=ScrapeOptions, description="What is scraped, as in prometheus.yml.")
    probes: ProbesOptions = Field(default_factory=ProbesOptions, description="What is probed: HTTP, TCP and DNS checks on a schedule.")
    host: HostOptions = Field(default_factory=HostOptions, description="Metrics of the machine, under the names of node_exporter.")
    own: OwnOptions = Field(default_factory=OwnOptions, description="Metrics of Tocsin itself, stored like all others.")
    journal: JournalOptions = Field(default_factory=JournalOptions, description="What makes 'acknowledged' mean 'never lost'.")
    promql: PromqlOptions = Field(default_factory=PromqlOptions, description="How PromQL is evaluated, and what a query may cost.")
    rules: RuleOptions = Field(default_factory=RuleOptions, description="Rule files: of Prometheus, and of our own kinds.")
    signals: SignalsOptions = Field(default_factory=SignalsOptions, description="Golden signals: limits, baselines, resources.")
    slo: SloOptions = Field(default_factory=SloOptions, description="Objectives as code, their budgets, and the deploy gate.")
    usage: UsageOptions = Field(default_factory=UsageOptions, description="Security and cost signals: clients, tenants, prices.")
    deployments: DeploymentOptions = Field(default_factory=DeploymentOptions, description="How deployments become known.")
    alert: AlertOptions = Field(default_factory=AlertOptions, description="Rules, alerts, and how people are told.")
    oncall: OncallOptions = Field(default_factory=OncallOptions, description="People, schedules, chains of escalation.")
    incident: IncidentOptions = Field(default_factory=IncidentOptions, description="Incidents, from their opening to what was learnt.")
    replay: ReplayOptions = Field(default_factory=ReplayOptions, description="Backtests and guards.")
    fold: FoldOptions = Field(default_factory=FoldOptions, description="When fresh samples are folded into compressed chunks.")
    state: StateOptions = Field(default_factory=StateOptions, description="Decisions of people, in SQLite or PostgreSQL.")
    store: StoreOptions = Field(default_factory=StoreOptions, description="The engine, how long it keeps data, what is redacted.")
