"""
Settings of collecting: what is scraped, probed and measured, in the words of `prometheus.yml`.

    scrape:
      global: {scrape_interval: 15s}
      jobs:                                     # what is called scrape_configs there
        - job_name: api
          static_configs: [{targets: ['10.0.0.7:8000'], labels: {team: web}}]
    probes:
      jobs:
        - {job_name: sites, prober: http, static_configs: [{targets: ['https://example.org']}]}
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, field_validator, model_validator

from tocsin.collect.hidden import NO_USERINFO, has_userinfo, hide_params
from tocsin.collect.http_options import HttpHeadersOptions
from tocsin.collect.notation import Duration, LabelName, Size, Text, print_duration
from tocsin.collect.probe_options import DnsProbeOptions, HttpProbeOptions, TcpProbeOptions
from tocsin.collect.relabel import RelabelRule

ScrapeProtocol = Literal["PrometheusProto", "OpenMetricsText0.0.1", "OpenMetricsText1.0.0", "PrometheusText0.0.4", "PrometheusText1.0.0"]

DEFAULT_PROTOCOLS: tuple[ScrapeProtocol, ...] = (
    "PrometheusProto",
    "OpenMetricsText1.0.0",
    "OpenMetricsText0.0.1",
    "PrometheusText1.0.0",
    "PrometheusText0.0.4",
)

_NO_PROXY = "requests go straight to the target"
_ASK_OTHERWISE = "use static_configs or file_sd_configs, which other programs can write"
_NOT_HERE = {
    "proxy_url": _NO_PROXY,
    "no_proxy": _NO_PROXY,
    "proxy_from_environment": _NO_PROXY,
    "proxy_connect_header": _NO_PROXY,
    "oauth2": "use authorization with credentials_file, which another program can keep fresh",
    "scrape_failure_log_file": "failures are in Tocsin's own log and in the list of targets",
    "metric_name_validation_scheme": "names are UTF-8",
    "metric_name_escaping_scheme": "names are asked for as they are (allow-utf-8)",
    "native_histogram_min_bucket_factor": "histograms are stored at the resolution that they come in",
    "scrape_classic_histograms": "it is called always_scrape_classic_histograms",
    "bearer_token": "use authorization with credentials",
    "bearer_token_file": "use authorization with credentials_file",
}


class StaticConfig(BaseModel):
    """Targets with labels of their own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    targets: tuple[Text, ...] = Field(default=(), description="Addresses, host:port; of probes: what is probed.")
    labels: Mapping[LabelName, Text] = Field(default_factory=dict, description="Labels that all their series get.")


class FileDiscovery(BaseModel):
    """Files, in JSON or YAML, that list targets as static_configs do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: tuple[str, ...] = Field(min_length=1, description="Paths that end in .json, .yml or .yaml; the last part may hold one `*`.")
    refresh_interval: Duration = Field(default=300.0, description="How often a file is read again even if it looks unchanged.")

    @field_validator("files")
    @classmethod
    def _check_files(cls, files: tuple[str, ...]) -> tuple[str, ...]:
        for name in files:
            path = Path(name)
            if path.suffix not in {".json", ".yml", ".yaml"}:
                raise ValueError(f"expected a path that ends in .json, .yml or .yaml, found {name!r}")
            if "*" in str(path.parent) or path.name.count("*") > 1:
                raise ValueError(f"expected at most one '*', and that in the last part of the path, found {name!r}")
        return files


class TargetsOptions(BaseModel):
    """What jobs that scrape and jobs that probe have in common: which targets, how often, with which labels and limits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    job_name: Text = Field(min_length=1, description="Value of the label `job`; no two jobs may share it.")
    scrape_interval: Duration | None = Field(default=None, description="Time between two scrapes of a target; unset: the global one.")
    scrape_timeout: Duration | None = Field(default=None, description="Time that one may take; unset: the global one.")
    static_configs: tuple[StaticConfig, ...] = Field(default=(), description="Targets that are written here.")
    file_sd_configs: tuple[FileDiscovery, ...] = Field(default=(), description="Targets that are written in files.")
    relabel_configs: tuple[RelabelRule, ...] = Field(default=(), description="Rules that rewrite or drop targets.")
    metric_relabel_configs: tuple[RelabelRule, ...] = Field(default=(), description="Rules that rewrite or drop series.")
    sample_limit: int = Field(default=0, ge=0, description="Samples in one scrape, at most, after relabelling; 0: no limit.")
    label_limit: int = Field(default=0, ge=0, description="Labels of one series, at most; 0: no limit.")
    label_name_length_limit: int = Field(default=0, ge=0, description="Bytes of a label's name, at most; 0: no limit.")
    label_value_length_limit: int = Field(default=0, ge=0, description="Bytes of a label's value, at most; 0: no limit.")
    target_limit: int = Field(default=0, ge=0, description="Targets of the job, at most; above it all of them fail; 0: no limit.")

    @model_validator(mode="before")
    @classmethod
    def _name_what_is_missing(cls, values: Any) -> Any:
        if isinstance(values, dict) and "job_name" not in values:
            # Left to pydantic, the message would show the whole job, its passwords included.
            raise ValueError("a job needs job_name, the value of its label `job`")
        for key in values if isinstance(values, dict) else ():
            if key in _NOT_HERE:
                raise ValueError(f"{key} of Prometheus is not supported: {_NOT_HERE[key]}")
            if isinstance(key, str) and key.endswith("_sd_configs") and key != "file_sd_configs":
                raise ValueError(f"{key} of Prometheus is not supported: {_ASK_OTHERWISE}")
        return values

    @field_validator("static_configs")
    @classmethod
    def _check_no_userinfo(cls, groups: tuple[StaticConfig, ...]) -> tuple[StaticConfig, ...]:
        if any(has_userinfo(target) for group in groups for target in group.targets):
            raise ValueError(NO_USERINFO)
        return groups

    @model_validator(mode="after")
    def _check_times(self) -> TargetsOptions:
        if self.scrape_interval and self.scrape_timeout and self.scrape_timeout > self.scrape_interval:
            raise ValueError(_timeout_message(self.job_name, self.scrape_timeout, self.scrape_interval))
        return self


class JobOptions(TargetsOptions, HttpHeadersOptions):
    """One job of scraping: an entry of `scrape_configs` in prometheus.yml."""

    metrics_path: Text = Field(default="/metrics", description="Path that is asked for.")
    scheme: Literal["http", "https"] = Field(default="http", description="Protocol.")
    params: Annotated[Mapping[str, tuple[Text, ...]], PlainSerializer(hide_params, when_used="json")] = Field(
        default_factory=dict, repr=False, description="Parameters of the query string; those with a secret's name are not shown."
    )
    honor_labels: bool = Field(default=False, description="A label of the target wins over job, instance and configured ones.")
    honor_timestamps: bool = Field(default=True, description="Times that the target gives are taken.")
    track_timestamps_staleness: bool = Field(default=False, description="Series with times of their own end when they are gone, too.")
    body_size_limit: Size = Field(default=0, description="Bytes of a body after decompression, at most; 0: 256 MiB.")
    scrape_protocols: tuple[ScrapeProtocol, ...] | None = Field(
        default=None, description="Formats that are asked for, the best first; unset: the global ones."
    )
    fallback_scrape_protocol: ScrapeProtocol | None = Field(default=None, description="Format of an answer that does not name its own.")
    enable_compression: bool = Field(default=True, description="Ask for gzip.")
    enable_http2: bool = Field(default=False, description="Not supported: HTTP/1.1 is spoken.")
    always_scrape_classic_histograms: bool | None = Field(
        default=None, description="Take the classic buckets of a histogram that is native, too; unset: the global choice."
    )
    convert_classic_histograms_to_nhcb: bool = Field(default=False, description="Not supported: classic histograms stay classic.")
    native_histogram_bucket_limit: int = Field(default=0, ge=0, description="Buckets of one native histogram, at most; 0: no limit.")
    keep_dropped_targets: int = Field(default=0, ge=0, description="Targets dropped by rules that are listed, at most; 0: a thousand.")

    @field_validator("enable_http2")
    @classmethod
    def _no_http2(cls, _value: bool) -> bool:
        return False  # scrapes go over HTTP/1.1, which every target speaks; a configuration that allows more is not wrong

    @field_validator("convert_classic_histograms_to_nhcb")
    @classmethod
    def _no_conversion(cls, value: bool) -> bool:
        return refuse_conversion(value)

    @field_validator("metrics_path")
    @classmethod
    def _check_path(cls, path: str) -> str:
        if not path.startswith("/"):
            raise ValueError(f"expected a path that begins with '/', found {path!r}")
        return path

    @field_validator("scrape_protocols")
    @classmethod
    def _check_protocols(cls, protocols: tuple[ScrapeProtocol, ...] | None) -> tuple[ScrapeProtocol, ...] | None:
        return check_protocols(protocols)

    @model_validator(mode="after")
    def _check_targets(self) -> JobOptions:
        for group in self.static_configs:
            for target in group.targets:
                if "://" in target or "/" in target:
                    raise ValueError(f"expected targets as host:port, found {target!r}; the path goes into metrics_path, https into scheme")
        return self


class GlobalOptions(BaseModel):
    """What jobs that don't say otherwise get: `global` of prometheus.yml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scrape_interval: Duration = Field(default=15.0, description="Time between two scrapes of a target.")
    scrape_timeout: Duration = Field(default=10.0, description="Time that one may take; not above a job's interval.")
    scrape_protocols: tuple[ScrapeProtocol, ...] = Field(default=DEFAULT_PROTOCOLS, description="Formats that are asked for, best first.")
    always_scrape_classic_histograms: bool = Field(default=False, description="Take classic buckets of native histograms, too.")
    convert_classic_histograms_to_nhcb: bool = Field(default=False, description="Not supported: classic histograms stay classic.")
    external_labels: Mapping[LabelName, Text] = Field(
        default_factory=dict, description="Labels for other systems; read for the sake of existing files, stored series don't get them."
    )

    @field_validator("convert_classic_histograms_to_nhcb")
    @classmethod
    def _no_conversion(cls, value: bool) -> bool:
        return refuse_conversion(value)

    @field_validator("scrape_protocols")
    @classmethod
    def _check_protocols(cls, protocols: tuple[ScrapeProtocol, ...]) -> tuple[ScrapeProtocol, ...]:
        return check_protocols(protocols) or DEFAULT_PROTOCOLS

    @model_validator(mode="after")
    def _check_times(self) -> GlobalOptions:
        if "scrape_timeout" in self.model_fields_set and self.scrape_timeout > self.scrape_interval:
            raise ValueError(_timeout_message("global", self.scrape_timeout, self.scrape_interval))
        return self


class ScrapeOptions(BaseModel):
    """What is scraped."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    defaults: GlobalOptions = Field(default_factory=GlobalOptions, alias="global", description="What jobs get that don't say otherwise.")
    jobs: tuple[JobOptions, ...] = Field(default=(), description="Jobs, as `scrape_configs` of prometheus.yml has them.")
    concurrency_max: int = Field(default=256, ge=1, le=10_000, description="Scrapes and probes that wait for an answer at the same time.")
    memory_bytes_max: int = Field(
        default=256 * 1024 * 1024, ge=1024 * 1024, description="Bytes of bodies that are held at the same time, and of one body."
    )

    @model_validator(mode="after")
    def _check_jobs(self) -> ScrapeOptions:
        check_jobs(self.jobs, self.defaults)
        return self


class ProbeJobOptions(TargetsOptions):
    """One job of probes: the same check of several targets on a schedule."""

    prober: Literal["http", "tcp", "dns"] = Field(default="http", description="What kind of check.")
    http: HttpProbeOptions = Field(default_factory=HttpProbeOptions, description="Settings of HTTP probes.")
    tcp: TcpProbeOptions = Field(default_factory=TcpProbeOptions, description="Settings of TCP probes.")
    dns: DnsProbeOptions = Field(default_factory=DnsProbeOptions, description="Settings of DNS probes.")

    @model_validator(mode="after")
    def _check_prober(self) -> ProbeJobOptions:
        for name in ("http", "tcp", "dns"):
            if name != self.prober and name in self.model_fields_set:
                raise ValueError(f"job {self.job_name!r} has settings of {name}, and the prober {self.prober}")
        if self.prober == "dns" and not self.dns.query_name:
            raise ValueError(f"job {self.job_name!r} probes DNS and needs dns.query_name, the name that is asked for")
        for target in (target for group in self.static_configs for target in group.targets if self.prober == "http"):
            if "://" in target and urlsplit(target).scheme not in {"http", "https"}:
                raise ValueError(f"expected http:// or https:// addresses, found {target!r}")
        return self


class ProbesOptions(BaseModel):
    """What is probed from here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    jobs: tuple[ProbeJobOptions, ...] = Field(default=(), description="Jobs of probes.")
    interval: Duration = Field(default=30.0, description="Time between two probes of a target, of jobs that don't say otherwise.")
    timeout: Duration = Field(default=10.0, description="Time that one may take.")

    @property
    def defaults(self) -> GlobalOptions:
        """The same as jobs of scraping have them."""
        return GlobalOptions.model_construct(scrape_interval=self.interval, scrape_timeout=min(self.timeout, self.interval))

    @model_validator(mode="after")
    def _check_jobs(self) -> ProbesOptions:
        check_jobs(self.jobs, self.defaults)
        return self


class HostOptions(BaseModel):
    """Metrics of the machine that Tocsin runs on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(default=True, description="Measure it.")
    interval: Duration = Field(default=15.0, description="Time between two measurements.")
    job_name: Text = Field(default="node", min_length=1, description="Value of the label `job`: dashboards for node_exporter ask for it.")
    instance: Text = Field(default="", description="Value of the label `instance`; empty: the machine's name.")


class OwnOptions(BaseModel):
    """Metrics of Tocsin itself, collected without a request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(default=True, description="Collect them.")
    interval: Duration = Field(default=15.0, description="Time between two collections.")
    job_name: Text = Field(default="tocsin", min_length=1, description="Value of the label `job`.")
    instance: Text = Field(default="", description="Value of the label `instance`; empty: the machine's name.")


class CollectOptions(BaseModel):
    """Everything that this process goes and gets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scrape: ScrapeOptions = Field(default_factory=ScrapeOptions, description="What is scraped.")
    probes: ProbesOptions = Field(default_factory=ProbesOptions, description="What is probed.")
    host: HostOptions = Field(default_factory=HostOptions, description="Metrics of the machine.")
    own: OwnOptions = Field(default_factory=OwnOptions, description="Metrics of Tocsin itself.")


def check_jobs(jobs: tuple[TargetsOptions, ...], defaults: GlobalOptions) -> None:
    """
    What only all jobs together show.

    Raises:
        ValueError: Two have one name, or a timeout is above its interval.
    """
    names = [job.job_name for job in jobs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"expected different names, found two jobs called {twice[0]!r}")
    for job in jobs:
        interval = job.scrape_interval or defaults.scrape_interval
        if job.scrape_timeout and job.scrape_timeout > interval:
            raise ValueError(_timeout_message(job.job_name, job.scrape_timeout, interval))


def check_protocols(protocols: tuple[ScrapeProtocol, ...] | None) -> tuple[ScrapeProtocol, ...] | None:
    """
    Formats to ask for: at least one, none twice; unset is well.

    Raises:
        ValueError: They are not.
    """
    if protocols is not None and (not protocols or len(set(protocols)) < len(protocols)):
        raise ValueError(f"expected at least one protocol and none twice, found {list(protocols)}")
    return protocols


def refuse_conversion(value: bool) -> bool:
    """
    Say that classic histograms stay as they are.

    Raises:
        ValueError: The option asks for more.
    """
    if value:
        raise ValueError("convert_classic_histograms_to_nhcb is not supported: classic histograms are stored as they come; take it out")
    return value


def _timeout_message(where: str, timeout_s: float, interval_s: float) -> str:
    found = f"{print_duration(timeout_s)} > {print_duration(interval_s)}"
    return f"expected a scrape_timeout not above the scrape_interval, found {found} ({where})"
