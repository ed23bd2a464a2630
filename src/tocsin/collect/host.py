"""
Metrics of the machine, under node_exporter's names, so that dashboards and alerts made for it work: utilisation, saturation and errors of
processors, memory, disks, network and file descriptors.

    HostMetrics(clock).expose()  ->  b'# HELP node_cpu_seconds_total ...'

Linux first; elsewhere as much as psutil knows. What a machine does not have is absent, never zero. A collector that fails takes only its
own metrics away, and says so in `node_scrape_collector_success`.

Source: node_exporter 1.9, its default collectors.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tocsin.clock import NANOSECONDS_PER_SECOND, Clock
from tocsin.collect.host_disk import disk_families, filesystem_families
from tocsin.collect.host_families import Family, gauge, render, single
from tocsin.collect.host_memory import memory_families, paging_families
from tocsin.collect.host_network import connection_families, interface_families
from tocsin.collect.host_processor import activity_families, load_families, pressure_families, processor_families

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Machine:
    """
    Where the figures come from.

    Args:
        system: The module psutil, or what answers like it.
        proc: The kernel's figures; where the folder is missing, only `system` is asked.
        statvfs: `os.statvfs`.
    """

    system: Any = psutil
    proc: Path = Path("/proc")
    statvfs: Callable[[str], os.statvfs_result] = field(default=os.statvfs)


class HostMetrics:
    """
    Metrics of the machine that this process runs on. Safe to use from several threads.

    Args:
        clock: Says what `node_time_seconds` is, and how long collectors take.
        machine: Where the figures come from.
    """

    def __init__(self, clock: Clock, machine: Machine | None = None) -> None:
        self._clock = clock
        self._machine = machine or Machine()
        self._failing: set[str] = set()

    def expose(self) -> bytes:
        """All metrics as Prometheus text 0.0.4; takes milliseconds, blocks while a disk does."""
        return render(self.families())

    def families(self) -> list[Family]:
        """All metrics, then what each collector says of itself."""
        machine = self._machine
        collectors: dict[str, Callable[[], Iterable[Family]]] = {
            "cpu": lambda: processor_families(machine.system),
            "loadavg": lambda: load_families(machine.system),
            "stat": lambda: activity_families(machine.system, machine.proc),
            "pressure": lambda: pressure_families(machine.proc),
            "meminfo": lambda: memory_families(machine.system, machine.proc),
            "vmstat": lambda: paging_families(machine.proc),
            "diskstats": lambda: disk_families(machine.system, machine.proc),
            "filesystem": lambda: filesystem_families(machine.system, machine.statvfs),
            "netdev": lambda: interface_families(machine.system),
            "netstat": lambda: connection_families(machine.proc),
            "filefd": lambda: descriptor_families(machine.proc),
            "time": self._time,
            "uname": lambda: name_families(machine.proc),
        }
        found: list[Family] = []
        success, duration = _report_families()
        for name, collect in collectors.items():
            started_s = self._clock.monotonic_s()
            outcome = self._attempt(name, collect, found)
            if outcome is not None:
                labels = {"collector": name}
                success.samples.append((labels, outcome))
                duration.samples.append((labels, self._clock.monotonic_s() - started_s))
        return [*found, duration, success]

    def _attempt(self, name: str, collect: Callable[[], Iterable[Family]], found: list[Family]) -> float | None:
        """1 when a collector gave metrics, 0 when it failed, None when the machine has nothing of the kind."""
        try:
            families = list(collect())
        except (FileNotFoundError, NotADirectoryError):
            return None  # another system, or a kernel without it
        except Exception as error:  # noqa: BLE001 - whatever one collector raises must not hide the others
            if name not in self._failing:
                LOG.warning("host metrics: collector %s fails from now on: %s: %s", name, type(error).__name__, error)
            self._failing.add(name)
            return 0.0
        self._failing.discard(name)
        found += families
        return 1.0 if any(family.samples for family in families) else None

    def _time(self) -> Iterator[Family]:
        yield single("node_time_seconds", "gauge", "System time in seconds since 1970.", self._clock.now_ns() / NANOSECONDS_PER_SECOND)


def descriptor_families(proc: Path) -> Iterator[Family]:
    """File descriptors of the whole machine: how many are in use, how many there may be."""
    allocated, _, maximum = (proc / "sys/fs/file-nr").read_text(encoding="ascii").split()
    yield single("node_filefd_allocated", "gauge", "File descriptors in use on the machine.", float(allocated))
    yield single("node_filefd_maximum", "gauge", "File descriptors that the machine allows.", float(maximum))


def name_families(proc: Path) -> Iterator[Family]:
    """What the machine and its kernel are called."""
    name = os.uname()
    domain = proc / "sys/kernel/domainname"
    labels = {
        "sysname": name.sysname,
        "release": name.release,
        "version": name.version,
        "machine": name.machine,
        "nodename": name.nodename,
        "domainname": domain.read_text(encoding="utf-8").strip() if domain.exists() else "",
    }
    yield gauge("node_uname_info", "Names and versions as the kernel gives them.", (labels, 1.0))


def _report_families() -> tuple[Family, Family]:
    success = gauge("node_scrape_collector_success", "Whether a collector gave its metrics.")
    duration = gauge("node_scrape_collector_duration_seconds", "How long a collector took.")
    return success, duration
