"""
Metrics of this process, under the names of the Prometheus clients: what it uses of the machine, what its interpreter does.

    ProcessMetrics().expose()  ->  b'# HELP process_cpu_seconds_total ...'

Source: Prometheus, "Writing client libraries", standard and runtime collectors.
"""

from __future__ import annotations

import gc
import platform
from collections.abc import Iterator
from typing import Any

import psutil

from tocsin.collect.host_families import Family, counter, gauge, render, single


class ProcessMetrics:
    """
    Metrics of this process. Safe to use from several threads.

    Args:
        process: A `psutil.Process`, or what answers like it; this process without one.
    """

    def __init__(self, process: Any = None) -> None:
        self._process = process or psutil.Process()

    def expose(self) -> bytes:
        """All metrics as Prometheus text 0.0.4."""
        return render(self.families())

    def families(self) -> list[Family]:
        """All metrics; what the system does not tell is absent."""
        return [*process_families(self._process), *interpreter_families()]


def process_families(process: Any) -> Iterator[Family]:
    """Processor time, memory, file descriptors, threads and start of a process."""
    with process.oneshot():
        times, memory = process.cpu_times(), process.memory_info()
        yield single("process_cpu_seconds_total", "counter", "Processor time, user and system.", times.user + times.system)
        yield single("process_resident_memory_bytes", "gauge", "Memory that is in RAM.", memory.rss)
        yield single("process_virtual_memory_bytes", "gauge", "Addresses that are taken.", memory.vms)
        yield single("process_start_time_seconds", "gauge", "When the process started, seconds since 1970.", process.create_time())
        yield single("process_threads", "gauge", "Threads.", process.num_threads())
        if hasattr(process, "num_fds"):
            yield single("process_open_fds", "gauge", "Open file descriptors.", process.num_fds())
        if (limit := _descriptors_max(process)) is not None:
            yield single("process_max_fds", "gauge", "File descriptors that may be open.", limit)


def interpreter_families() -> Iterator[Family]:
    """Which Python this is, and what its garbage collector did."""
    major, minor, patchlevel = platform.python_version_tuple()
    labels = {
        "implementation": platform.python_implementation(),
        "major": major,
        "minor": minor,
        "patchlevel": patchlevel,
        "version": platform.python_version(),
    }
    generations = list(enumerate(gc.get_stats()))
    for key, name, help_text in (
        ("collected", "python_gc_objects_collected_total", "Objects collected."),
        ("uncollectable", "python_gc_objects_uncollectable_total", "Objects found that can't be collected."),
        ("collections", "python_gc_collections_total", "Collections."),
    ):
        yield counter(name, help_text, *(({"generation": str(number)}, stats[key]) for number, stats in generations))
    yield gauge("python_info", "The Python that runs this.", (labels, 1.0))


def _descriptors_max(process: Any) -> float | None:
    """The soft limit; only Linux tells it through psutil."""
    limit = getattr(psutil, "RLIMIT_NOFILE", None)
    if limit is None or not hasattr(process, "rlimit"):
        return None
    soft = process.rlimit(limit)[0]
    return float("inf") if soft == psutil.RLIM_INFINITY else float(soft)
