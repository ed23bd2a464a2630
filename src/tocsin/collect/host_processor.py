"""Processors: what they do (utilisation), who waits for them (saturation)."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tocsin.collect.host_families import Family, counter, single

MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
GUEST_MODES = {"guest": "user", "guest_nice": "nice"}
MICROSECONDS = 1_000_000
PRESSURES = {
    ("cpu", "some"): ("node_pressure_cpu_waiting_seconds_total", "Time in which at least one task waited for a processor."),
    ("memory", "some"): ("node_pressure_memory_waiting_seconds_total", "Time in which at least one task waited for memory."),
    ("memory", "full"): ("node_pressure_memory_stalled_seconds_total", "Time in which all tasks waited for memory."),
    ("io", "some"): ("node_pressure_io_waiting_seconds_total", "Time in which at least one task waited for a disk."),
    ("io", "full"): ("node_pressure_io_stalled_seconds_total", "Time in which all tasks waited for a disk."),
    ("irq", "full"): ("node_pressure_irq_stalled_seconds_total", "Time in which all tasks waited for interrupts to be served."),
}
STAT_LINES = {
    "ctxt": ("node_context_switches_total", "counter", "Context switches."),
    "processes": ("node_forks_total", "counter", "Processes started."),
    "procs_running": ("node_procs_running", "gauge", "Processes that run or could run."),
    "procs_blocked": ("node_procs_blocked", "gauge", "Processes that wait for a disk."),
    "intr": ("node_intr_total", "counter", "Interrupts served."),
}


def processor_families(system: Any) -> Iterator[Family]:
    """Seconds that each processor spent in each mode; modes that the system does not tell apart are absent."""
    spent = counter("node_cpu_seconds_total", "Seconds that the processors spent in each mode.")
    guests = counter("node_cpu_guest_seconds_total", "Seconds that the processors spent in guests, for each mode; contained in the above.")
    for number, times in enumerate(system.cpu_times(percpu=True)):
        cpu = str(number)
        spent.samples.extend(({"cpu": cpu, "mode": mode}, getattr(times, mode)) for mode in MODES if hasattr(times, mode))
        guests.samples.extend(
            ({"cpu": cpu, "mode": mode}, getattr(times, name)) for name, mode in GUEST_MODES.items() if hasattr(times, name)
        )
    yield guests
    yield spent


def load_families(system: Any) -> Iterator[Family]:
    """Load averages."""
    for minutes, value in zip((1, 5, 15), system.getloadavg(), strict=True):
        yield single(f"node_load{minutes}", "gauge", f"Load average over {minutes} minutes.", value)


def activity_families(system: Any, proc: Path) -> Iterator[Family]:
    """Processes, context switches, interrupts, and when the machine started."""
    yield single("node_boot_time_seconds", "gauge", "When the machine started, seconds since 1970.", system.boot_time())
    stat = proc / "stat"
    if not stat.exists():
        yield single("node_context_switches_total", "counter", "Context switches.", system.cpu_stats().ctx_switches)
        return
    for line in stat.read_text(encoding="ascii").splitlines():
        name, _, rest = line.partition(" ")
        if name in STAT_LINES:
            metric, kind, help_text = STAT_LINES[name]
            yield single(metric, kind, help_text, float(rest.split(" ", 1)[0]))


def pressure_families(proc: Path) -> Iterator[Family]:
    """
    Pressure stall information: the time that tasks lost because something was short.

    Source: Linux, Documentation/accounting/psi.rst; `total` is in microseconds.
    """
    for resource in sorted({resource for resource, _ in PRESSURES}):
        for line in _pressure_lines(proc / "pressure" / resource):
            share, *fields = line.split()
            total = dict(item.split("=", 1) for item in fields).get("total")
            if total is not None and (resource, share) in PRESSURES:
                name, help_text = PRESSURES[resource, share]
                yield single(name, "counter", help_text, float(total) / MICROSECONDS)


def _pressure_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:  # the files stand there, but the kernel was started without keeping account
            return []
        raise
