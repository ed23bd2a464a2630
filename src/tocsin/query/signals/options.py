"""Settings of the golden signals: what counts as too far, for all services, for one, for one endpoint; what resources are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tocsin.model.signals import Limits, Unit
from tocsin.query.option_queries import check_promql, check_span_query


def _check_order(warn: float | None, breach: float | None) -> None:
    if warn is not None and breach is not None and warn > breach:
        raise ValueError(f"warn is {warn:g}, above breach, {breach:g}; a warning comes first")


class LimitsOptions(BaseModel):
    """Two limits of one figure; a figure above a limit is flagged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    warn: float | None = Field(default=None, ge=0, allow_inf_nan=False, description="Above it the signal warns; null for never.")
    breach: float | None = Field(default=None, ge=0, allow_inf_nan=False, description="Above it the signal is breached; null for never.")

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        _check_order(self.warn, self.breach)
        return self

    def limits(self) -> Limits:
        """The same as a record."""
        return Limits(self.warn, self.breach)


class ThresholdOptions(BaseModel):
    """What services are held against."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    latency_p50_ms: LimitsOptions = Field(default=LimitsOptions(), description="Limits of the median latency, milliseconds.")
    latency_p90_ms: LimitsOptions = Field(default=LimitsOptions(), description="Limits of p90, milliseconds.")
    latency_p95_ms: LimitsOptions = Field(default=LimitsOptions(warn=500, breach=1000), description="Limits of p95, milliseconds.")
    latency_p99_ms: LimitsOptions = Field(default=LimitsOptions(warn=1000, breach=2500), description="Limits of p99, milliseconds.")
    latency_baseline: LimitsOptions = Field(
        default=LimitsOptions(warn=2),
        description="From which multiple of its baseline on a latency is flagged, once that has enough days.",
    )
    latency_policy_ms: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="A request that took longer is an error of policy, milliseconds; null for none.",
    )
    error_ratio: LimitsOptions = Field(
        default=LimitsOptions(warn=0.01, breach=0.05), description="Limits of the share of requests that went wrong, 0 to 1."
    )
    saturation: LimitsOptions = Field(default=LimitsOptions(warn=0.8, breach=0.9), description="Limits of saturation, 1 is full.")
    burn: LimitsOptions = Field(
        default=LimitsOptions(warn=1, breach=6), description="Limits of the burn rate, 1 spends exactly the error budget."
    )
    traffic_per_s: LimitsOptions = Field(default=LimitsOptions(), description="Limits of requests per second, whatever is usual.")
    traffic_drop: LimitsOptions = Field(
        default=LimitsOptions(warn=0.5, breach=0.9),
        description="From which share of usual traffic on that is missing, 0 to 1, traffic is flagged.",
    )
    traffic_rise: LimitsOptions = Field(
        default=LimitsOptions(warn=3),
        description="From which multiple of its baseline on traffic is flagged, once that has enough days.",
    )

    @model_validator(mode="before")
    @classmethod
    def _keep_the_other_limit(cls, given: Any) -> Any:
        """`latency_p95_ms: {warn: 300}` changes the warning alone: the breach stays what it is by default."""
        if not isinstance(given, Mapping):
            return given
        defaults = {name: info.default for name, info in cls.model_fields.items() if isinstance(info.default, LimitsOptions)}
        return {
            name: {**defaults[name].model_dump(), **value} if name in defaults and isinstance(value, Mapping) else value
            for name, value in given.items()
        }


class ThresholdOverride(BaseModel):
    """What is different for one service, or one endpoint of it; what is left out stays as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str = Field(min_length=1, description="The service's name.")
    operation: str = Field(default="", description="An endpoint's name, such as `POST /charge`; empty for the service and all of those.")
    latency_p50_ms: LimitsOptions | None = Field(default=None, description="In place of signals.thresholds.latency_p50_ms.")
    latency_p90_ms: LimitsOptions | None = Field(default=None, description="In place of signals.thresholds.latency_p90_ms.")
    latency_p95_ms: LimitsOptions | None = Field(default=None, description="In place of signals.thresholds.latency_p95_ms.")
    latency_p99_ms: LimitsOptions | None = Field(default=None, description="In place of signals.thresholds.latency_p99_ms.")
    latency_baseline: LimitsOptions | None = Field(default=None, description="In place of signals.thresholds.latency_baseline.")
    latency_policy_ms: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="In place of signals.thresholds.latency_policy_ms."
    )
    error_ratio: LimitsOptions | None = Field(default=None, description="In place of signals.thresholds.error_ratio.")
    saturation: LimitsOptions | None = Field(default=None, description="In place of signals.thresholds.saturation.")
    burn: LimitsOptions | None = Field(default=None, description="In place of signals.thresholds.burn.")
    traffic_per_s: LimitsOptions | None = Field(default=None, description="In place of signals.thresholds.traffic_per_s.")
    traffic_drop: LimitsOptions | None = Field(default=None, description="In place of signals.thresholds.traffic_drop.")
    traffic_rise: LimitsOptions | None = Field(default=None, description="In place of signals.thresholds.traffic_rise.")


class SaturationOptions(BaseModel):
    """How full services are, as PromQL answers it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: str = Field(min_length=1, description="PromQL; 1 is full. `$window` stands for the length of the window, such as 900s.")
    service: str = Field(default="", description="Whose saturation it is; empty when the label below names the service.")
    label: str = Field(default="service", min_length=1, description="Label that names the service, for a query about several.")
    title: str = Field(default="", description="What is full, for people: `connection pool`.")

    @field_validator("query")
    @classmethod
    def _check_query(cls, text: str) -> str:
        return check_promql(text)


class ImplicitErrorOptions(BaseModel):
    """What makes a request that did not fail an error all the same."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: str = Field(min_length=1, description="Lucene syntax over the spans of requests: `answer.correct:false`.")
    service: str = Field(default="", description="Only of this service; empty for all.")

    @field_validator("query")
    @classmethod
    def _check_query(cls, text: str) -> str:
        return check_span_query(text)


class ResourceQueryOptions(BaseModel):
    """One figure of a resource."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: str = Field(min_length=1, description="PromQL; the highest of its series counts. `$window` stands for the window's length.")
    unit: Unit = Field(default=Unit.RATIO, description="Of the answer: `ratio` (1 is full), `1/s`, `ms`, `x`, or empty for a plain number.")
    warn: float | None = Field(default=None, allow_inf_nan=False, description="Above it the signal warns; null for never.")
    breach: float | None = Field(default=None, allow_inf_nan=False, description="Above it the signal is breached; null for never.")

    @field_validator("query")
    @classmethod
    def _check_query(cls, text: str) -> str:
        return check_promql(text)

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        _check_order(self.warn, self.breach)
        return self


class ResourceOptions(BaseModel):
    """A resource by the USE method: utilization, saturation, errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, description="What it is called: `CPU`, `connection pool`.")
    utilization: ResourceQueryOptions | None = Field(default=None, description="How busy it is.")
    saturation: ResourceQueryOptions | None = Field(default=None, description="How much waits for it.")
    errors: ResourceQueryOptions | None = Field(default=None, description="What failed in it.")


def _query(query: str, unit: Unit, warn: float | None, breach: float | None) -> ResourceQueryOptions:
    # They are known to read, and whoever only wants other options need not wait until they are read.
    return ResourceQueryOptions.model_construct(query=query, unit=unit, warn=warn, breach=breach)


def _network_rate(what: str) -> str:
    rates = " + ".join(f"rate(node_network_{way}_{what}_total[$window])" for way in ("receive", "transmit"))
    return f"sum by (instance) ({rates})"


# Thresholds follow the advice that queues grow without bound near full use; counts of errors warn at the first one.
DEFAULT_RESOURCES = (
    ResourceOptions(
        name="CPU",
        utilization=_query('1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[$window]))', Unit.RATIO, 0.8, 0.95),
        saturation=_query('node_load1 / on (instance) count by (instance) (node_cpu_seconds_total{mode="idle"})', Unit.TIMES, 1, 2),
    ),
    ResourceOptions(
        name="memory",
        utilization=_query("1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", Unit.RATIO, 0.85, 0.95),
        saturation=_query("rate(node_vmstat_pgmajfault[$window])", Unit.PER_SECOND, 100, 1000),
        errors=_query("increase(node_vmstat_oom_kill[$window])", Unit.NUMBER, 0, 0),
    ),
    ResourceOptions(
        name="disk",
        utilization=_query("max by (instance) (rate(node_disk_io_time_seconds_total[$window]))", Unit.RATIO, 0.8, 0.95),
        saturation=_query("max by (instance) (rate(node_disk_io_time_weighted_seconds_total[$window]))", Unit.NUMBER, 4, 16),
    ),
    ResourceOptions(
        name="disk space",
        utilization=_query("1 - min by (instance) (node_filesystem_avail_bytes / node_filesystem_size_bytes)", Unit.RATIO, 0.85, 0.95),
        errors=_query("sum by (instance) (node_filesystem_device_error)", Unit.NUMBER, 0, 0),
    ),
    ResourceOptions(
        name="network",
        utilization=_query(
            "max by (instance) (rate(node_network_transmit_bytes_total[$window]) / (node_network_speed_bytes > 0))", Unit.RATIO, 0.7, 0.9
        ),
        saturation=_query(_network_rate("drop"), Unit.PER_SECOND, 0.1, 10),
        errors=_query(_network_rate("errs"), Unit.PER_SECOND, 0, 1),
    ),
    ResourceOptions(name="file descriptors", utilization=_query("node_filefd_allocated / node_filefd_maximum", Unit.RATIO, 0.8, 0.95)),
)


class SignalsOptions(BaseModel):
    """Golden signals of services and resources: limits, baselines, queries."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    thresholds: ThresholdOptions = Field(default_factory=ThresholdOptions, description="What all services are held against.")
    overrides: tuple[ThresholdOverride, ...] = Field(default=(), description="What is different for one service or endpoint.")
    baseline_days: int = Field(default=7, ge=0, le=60, description="Past days that the same hours are compared with; 0 for none.")
    baseline_days_min: int = Field(default=3, ge=1, le=60, description="Days with data that a baseline needs before it flags anything.")
    baseline_requests_min: int = Field(
        default=20, ge=1, description="Requests that the window must usually have before a baseline flags anything: few say little."
    )
    requests_min: int = Field(default=1, ge=1, description="Requests below which latency and error rate are shown, but not judged.")
    implicit_errors: tuple[ImplicitErrorOptions, ...] = Field(default=(), description="What makes an answered request an error.")
    saturation: tuple[SaturationOptions, ...] = Field(default=(), description="How full services are, the first that answers counts.")
    resources: tuple[ResourceOptions, ...] = Field(default=DEFAULT_RESOURCES, description="Resources beside the services.")
    top: int = Field(default=10, ge=1, le=100, description="Slowest endpoints, top errors and deployments that a wall lists, each.")
    deployments_hours: float = Field(default=24.0, ge=0, le=2400, description="How far before the window deployments are listed, hours.")

    def thresholds_of(self, service: str | None, operation: str | None = None) -> ThresholdOptions:
        """What a service, or an endpoint, is held against: defaults, then what is set for the service, then for the endpoint."""
        found = self.thresholds
        for wanted in ("", operation) if operation else ("",):
            for override in self.overrides:
                if override.service == service and override.operation == wanted:
                    found = found.model_copy(update=_changes(override, found))
        return found


def _changes(override: ThresholdOverride, before: ThresholdOptions) -> dict[str, object]:
    """What an override changes: of two limits those that it names, the other one stays."""
    changes: dict[str, object] = {}
    for name in override.model_fields_set & set(ThresholdOptions.model_fields):
        value, old = getattr(override, name), getattr(before, name)
        if isinstance(value, LimitsOptions):
            changes[name] = old.model_copy(update={limit: getattr(value, limit) for limit in value.model_fields_set})
        elif value is not None:
            changes[name] = value
    return changes
