"""Metrics of this process: names of the Prometheus clients, absence instead of zero."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

from tests.collect.test_host import read

from tocsin.collect.host_process import ProcessMetrics


class FakeProcess:
    """A process of a system that tells neither file descriptors nor limits."""

    @contextmanager
    def oneshot(self) -> Iterator[None]:
        """As psutil has it."""
        yield

    def cpu_times(self) -> SimpleNamespace:
        """Its own and the kernel's."""
        return SimpleNamespace(user=1.5, system=0.25, children_user=9.0)

    def memory_info(self) -> SimpleNamespace:
        """In bytes."""
        return SimpleNamespace(rss=1000, vms=5000)

    def create_time(self) -> float:
        """Seconds since 1970."""
        return 1_790_000_000.5

    def num_threads(self) -> int:
        """Some."""
        return 3


def test_a_process() -> None:
    """Processor time without that of children; what the system does not tell is absent."""
    exposed = read(ProcessMetrics(FakeProcess()).expose())
    assert {name: value for name, value in exposed.items() if name.startswith("process_")} == {
        "process_cpu_seconds_total": 1.75,
        "process_resident_memory_bytes": 1000,
        "process_virtual_memory_bytes": 5000,
        "process_start_time_seconds": 1_790_000_000.5,
        "process_threads": 3,
    }


def test_this_process() -> None:
    """This very process has threads and memory, and its interpreter collects garbage in three generations."""
    exposed = read(ProcessMetrics().expose())
    assert exposed["process_threads"] >= 1
    assert exposed["process_resident_memory_bytes"] > 1_000_000
    assert sum(name.startswith("python_gc_collections_total{") for name in exposed) == 3
    assert any(name.startswith('python_info{implementation="') for name in exposed)
