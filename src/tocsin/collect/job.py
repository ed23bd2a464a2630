"""A job at work: where its targets come from, and what asks them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tocsin.clock import Clock, Entropy
from tocsin.collect.append import MakeReader, TargetSeries
from tocsin.collect.discovery import FileTargets
from tocsin.collect.options import CollectOptions, GlobalOptions, JobOptions, ProbeJobOptions, TargetsOptions
from tocsin.collect.probe_dns import DnsProber
from tocsin.collect.probe_http import HttpProber
from tocsin.collect.probe_tcp import TcpProber
from tocsin.collect.probes import Prober, ProbeSource
from tocsin.collect.scrape import Room, Scrape, Source
from tocsin.collect.sources import HttpSource, InProcess, InProcessSource
from tocsin.collect.targets import Listing, Target, list_targets, static_groups
from tocsin.collect.transport import CONTENT_TYPES, Budget, HttpTransport, ScrapeFailed
from tocsin.errors import ConfigError
from tocsin.model.labels import Labels
from tocsin.wire.prometheus.registry import SeriesRegistry
from tocsin.wire.prometheus.scraped import ReadOptions

IN_PROCESS_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """
    What every job is given.

    Args:
        registry: Limits and ids of series.
        make_reader: Makes readers of answers.
        clock: Time.
        entropy: Chance.
        budget: Memory for bodies.
        directory: What relative paths of files start from.
    """

    registry: SeriesRegistry
    make_reader: MakeReader
    clock: Clock
    entropy: Entropy
    budget: Budget
    directory: Path


class Job:
    """
    The targets of one job, and how to ask them. For one event loop.

    Args:
        options: Targets, rules, limits.
        defaults: What it gets where it says nothing.
        source: What asks.
        surroundings: What every job is given.
        fixed: Targets of a job that has no others; None to list those of the options.
        transport: What is closed at the end; None if there is nothing to close.
    """

    def __init__(
        self,
        options: TargetsOptions,
        defaults: GlobalOptions,
        *,
        source: Source,
        surroundings: Surroundings,
        fixed: Sequence[Target] | None = None,
        transport: HttpTransport | None = None,
    ) -> None:
        self.options = options
        self._defaults = defaults
        self._source = source
        self._surroundings = surroundings
        self._fixed = tuple(fixed) if fixed is not None else None
        self._transport = transport
        self._files = FileTargets(options.file_sd_configs, clock=surroundings.clock, directory=surroundings.directory)
        self._listed = False
        self.listing = Listing((), (), 0, ())

    @property
    def name(self) -> str:
        """The job's name."""
        return self.options.job_name

    @property
    def settled(self) -> bool:
        """Whether its targets are listed and can't change: it has no files."""
        return self._listed and not self.options.file_sd_configs

    def refresh(self) -> bool:
        """Look at its files; whether its targets may be others now. May block on files."""
        changed = self._files.refresh()
        if self._listed and not changed:
            return False
        self._listed = True
        if self._fixed is not None:
            self.listing = Listing(self._fixed, (), 0, ())
        else:
            self.listing = list_targets(self.options, self._defaults, [*static_groups(self.options), *self._files.groups()])
        return True

    def mistakes(self) -> list[str]:
        """What is wrong with its files and targets now."""
        return [*self._files.mistakes(), *self.listing.mistakes]

    def refusal(self) -> str:
        """Why none of its targets is asked; empty if they are."""
        limit = self.options.target_limit
        if limit and len(self.listing.targets) > limit:
            return f"the job has {len(self.listing.targets)} targets, more than its target_limit of {limit}"
        return ""

    def scrape(self, target: Target, room: Room) -> Scrape:
        """What asks one of its targets from now on."""
        options = self.options
        series = TargetSeries(
            target.labels,
            options,
            registry=self._surroundings.registry,
            make_reader=self._surroundings.make_reader,
            read_options=read_options(options, self._defaults),
            honor_labels=isinstance(options, JobOptions) and options.honor_labels,
            bucket_limit=options.native_histogram_bucket_limit if isinstance(options, JobOptions) else 0,
        )
        return Scrape(target, self._source, series, room=room)

    async def close(self) -> None:
        """Close idle connections."""
        if self._transport is not None:
            await self._transport.close()


def make_jobs(options: CollectOptions, in_process: Sequence[InProcess], surroundings: Surroundings) -> list[Job]:
    """
    Every job of the configuration, and one for each function of this process.

    Raises:
        ConfigError: A file that a job names can't be read.
    """
    return [
        *(_in_process(source, surroundings) for source in in_process),
        *(_scraping(job, options.scrape.defaults, surroundings) for job in options.scrape.jobs),
        *(_probing(job, options.probes.defaults, surroundings) for job in options.probes.jobs),
    ]


def read_options(job: TargetsOptions, defaults: GlobalOptions) -> ReadOptions:
    """How answers of a job are read."""
    if not isinstance(job, JobOptions):
        return ReadOptions()
    classic = job.always_scrape_classic_histograms
    return ReadOptions(
        honor_timestamps=job.honor_timestamps,
        track_timestamps_staleness=job.track_timestamps_staleness,
        always_scrape_classic_histograms=defaults.always_scrape_classic_histograms if classic is None else classic,
        fallback_content_type=CONTENT_TYPES[job.fallback_scrape_protocol] if job.fallback_scrape_protocol else "",
    )


def _in_process(source: InProcess, surroundings: Surroundings) -> Job:
    labels = Labels({"job": source.job, "instance": source.instance})
    timeout_s = min(IN_PROCESS_TIMEOUT_S, source.interval_s)
    target = Target(source.job, f"process:{source.job}", labels, dict(labels.pairs), source.interval_s, timeout_s)
    options = TargetsOptions(job_name=source.job)
    return Job(options, GlobalOptions(), source=InProcessSource(source), surroundings=surroundings, fixed=[target])


def _scraping(job: JobOptions, defaults: GlobalOptions, surroundings: Surroundings) -> Job:
    try:
        transport = HttpTransport(job, defaults, budget=surroundings.budget)
    except ScrapeFailed as error:
        raise ConfigError(f"scrape.jobs: job {job.job_name!r}: {error}", key="scrape.jobs") from error
    return Job(job, defaults, source=HttpSource(transport), surroundings=surroundings, transport=transport)


def _probing(job: ProbeJobOptions, defaults: GlobalOptions, surroundings: Surroundings) -> Job:
    clock = surroundings.clock
    probers: dict[str, Callable[[], Prober]] = {
        "http": lambda: HttpProber(job.http, clock=clock),
        "tcp": lambda: TcpProber(job.tcp, clock=clock),
        "dns": lambda: DnsProber(job.dns, clock=clock, entropy=surroundings.entropy),
    }
    try:
        prober = probers[job.prober]()
    except ScrapeFailed as error:
        raise ConfigError(f"probes.jobs: job {job.job_name!r}: {error}", key="probes.jobs") from error
    return Job(job, defaults, source=ProbeSource(prober, clock=clock), surroundings=surroundings)
