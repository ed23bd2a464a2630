"""
Targets: what is asked, how often, and which labels its series get.

A job's groups of addresses become targets in five steps: labels of the group, what the job adds (`__scheme__`, `__param_*`, ...),
relabelling, checks, and at last the labels that series get: those without two underscores in front, with `instance` as the address if
no rule set it.

Source: prometheus.yml, `<scrape_config>` and `<relabel_config>`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import quote, urlencode

from tocsin.collect.hidden import NO_USERINFO, has_userinfo, hide_in_url, hide_labels
from tocsin.collect.notation import parse_duration, print_duration
from tocsin.collect.options import GlobalOptions, JobOptions, ProbeJobOptions, TargetsOptions
from tocsin.collect.relabel import relabel
from tocsin.model.labels import Labels

ADDRESS = "__address__"
SCHEME = "__scheme__"
METRICS_PATH = "__metrics_path__"
INTERVAL = "__scrape_interval__"
TIMEOUT = "__scrape_timeout__"
PARAM = "__param_"
META_FILE = "__meta_filepath"
DROPPED_MAX = 1000  # dropped targets that are listed where the job says nothing

_PATH_SAFE = "/:@!$&'()*+,;=~%"


@dataclass(frozen=True, slots=True)
class Group:
    """
    Addresses with the labels that they share.

    Args:
        source: Where it was found, for messages: a file's path, or empty.
        targets: Addresses.
        labels: Theirs, `__meta_*` included.
    """

    source: str
    targets: Sequence[str]
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Target:
    """
    One thing that is asked again and again.

    Args:
        job: Name of the job that it was configured under (the label `job` may differ after relabelling).
        url: What is asked; of a probe what is probed.
        labels: What all its series get, `job` and `instance` among them.
        discovered: Labels before relabelling.
        interval_s: Time between two scrapes.
        timeout_s: Time that one may take, <= interval_s.
    """

    job: str
    url: str
    labels: Labels
    discovered: Mapping[str, str] = field(compare=False)
    interval_s: float
    timeout_s: float

    @cached_property
    def digest(self) -> int:
        """64 bits that stay the same from start to start: they spread targets over their interval."""
        text = "\0".join([self.job, self.url, *(part for pair in self.labels.pairs for part in pair)])
        return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")

    @property
    def shown_url(self) -> str:
        """What is asked, as the log and lists may show it."""
        return hide_in_url(self.url)

    @property
    def shown_discovered(self) -> Mapping[str, str]:
        """Labels before relabelling, as lists may show them."""
        return hide_labels(self.discovered, prefix=PARAM)

    def __hash__(self) -> int:
        return self.digest


@dataclass(frozen=True, slots=True)
class Listing:
    """
    The targets of a job.

    Args:
        targets: What is scraped, none twice.
        dropped: Labels of what the rules dropped, as they may be shown, at most as many as the job keeps.
        dropped_count: How many they dropped.
        mistakes: What is wrong with single targets, one sentence each; those are not scraped.
    """

    targets: tuple[Target, ...]
    dropped: tuple[Mapping[str, str], ...]
    dropped_count: int
    mistakes: tuple[str, ...]


def list_targets(job: TargetsOptions, defaults: GlobalOptions, groups: Iterable[Group]) -> Listing:
    """
    The targets of a job, of its own static groups and of those that files name.

    Args:
        job: The job.
        defaults: What it gets where it says nothing.
        groups: All groups that were found.
    """
    targets: dict[Target, None] = {}
    dropped: list[Mapping[str, str]] = []
    mistakes: list[str] = []
    count = 0
    dropped_max = (getattr(job, "keep_dropped_targets", 0)) or DROPPED_MAX
    for group in groups:
        place = f" of {group.source}" if group.source else ""
        for address in group.targets:
            if has_userinfo(address):
                mistakes.append(f"job {job.job_name!r}: a target{place}: {NO_USERINFO}")
                continue
            found = discovered_labels(job, defaults, group, address)
            kept = relabel(found, job.relabel_configs)
            if kept is None:
                count += 1
                if len(dropped) < dropped_max:
                    dropped.append(hide_labels(found, prefix=PARAM))
                continue
            try:
                targets[_target(job, kept, found)] = None
            except ValueError as error:
                mistakes.append(f"job {job.job_name!r}: target {hide_in_url(address)!r}{place}: {error}")
    return Listing(tuple(targets), tuple(dropped), count, tuple(mistakes))


def static_groups(job: TargetsOptions) -> list[Group]:
    """The groups that the configuration itself has."""
    return [Group("", group.targets, dict(group.labels)) for group in job.static_configs]


def discovered_labels(job: TargetsOptions, defaults: GlobalOptions, group: Group, address: str) -> dict[str, str]:
    """The labels of a target before its rules run."""
    interval_s = job.scrape_interval or defaults.scrape_interval
    timeout_s = job.scrape_timeout or min(defaults.scrape_timeout, interval_s)
    found = {
        "job": job.job_name,
        INTERVAL: print_duration(interval_s),
        TIMEOUT: print_duration(timeout_s),
        **({METRICS_PATH: job.metrics_path, SCHEME: job.scheme} if isinstance(job, JobOptions) else {}),
        **group.labels,
        ADDRESS: address,
    }
    if isinstance(job, JobOptions):
        found |= {PARAM + name: values[0] for name, values in job.params.items() if values}
    elif isinstance(job, ProbeJobOptions):
        found |= {PARAM + "target": address, PARAM + "module": job.prober}
    return {name: value for name, value in found.items() if value}


def _target(job: TargetsOptions, labels: Mapping[str, str], found: Mapping[str, str]) -> Target:
    address = labels.get(ADDRESS, "")
    if not address:
        raise ValueError("expected an address, found none after relabelling")
    if has_userinfo(address) or has_userinfo(labels.get(PARAM + "target", "") if isinstance(job, ProbeJobOptions) else ""):
        raise ValueError(NO_USERINFO)
    interval_s, timeout_s = parse_duration(labels.get(INTERVAL)), parse_duration(labels.get(TIMEOUT))
    if interval_s <= 0 or timeout_s <= 0:
        raise ValueError("expected an interval and a timeout above 0")
    if timeout_s > interval_s:
        found_times = f"{print_duration(timeout_s)} > {print_duration(interval_s)}"
        raise ValueError(f"expected a timeout not above the interval, found {found_times}")
    url = _url(job, labels, address) if isinstance(job, JobOptions) else labels.get(PARAM + "target", address)
    public = {name: value for name, value in labels.items() if not name.startswith("__")}
    public.setdefault("instance", url if isinstance(job, ProbeJobOptions) else address)
    return Target(job.job_name, url, Labels(public), found, interval_s, timeout_s)


def _url(job: JobOptions, labels: Mapping[str, str], address: str) -> str:
    if any(char in address for char in "/?#@ "):
        raise ValueError(f"expected an address as host:port, found {address!r}")
    scheme = labels.get(SCHEME, "")
    if scheme not in {"http", "https"}:
        raise ValueError(f"expected the scheme http or https, found {scheme!r}")
    params = {name: list(values) for name, values in job.params.items()}
    for label, value in labels.items():
        if label.startswith(PARAM):
            name = label.removeprefix(PARAM)
            params[name] = [value, *params.get(name, [])[1:]]
    query = urlencode(sorted(params.items()), doseq=True)
    path = labels.get(METRICS_PATH, "")
    path = path if path.startswith("/") else "/" + path
    return f"{scheme}://{address}{quote(path, safe=_PATH_SAFE)}{'?' + query if query else ''}"
