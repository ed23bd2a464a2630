"""What the operating system says about this process."""

from __future__ import annotations

from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class ProcessStatistics:
    """
    The process.

    Args:
        resident_memory_bytes: Gauge: memory that is in RAM.
        cpu_s: Processor time used, user and system.
        open_files: Gauge: open file descriptors.
        threads: Gauge: threads.
    """

    resident_memory_bytes: int
    cpu_s: float
    open_files: int
    threads: int


class ProcessWatch:
    """Asks the operating system."""

    def __init__(self) -> None:
        self._process = psutil.Process()

    def statistics(self) -> ProcessStatistics:
        """The present figures."""
        with self._process.oneshot():
            times = self._process.cpu_times()
            return ProcessStatistics(
                resident_memory_bytes=self._process.memory_info().rss,
                cpu_s=times.user + times.system,
                open_files=self._process.num_fds(),
                threads=self._process.num_threads(),
            )
