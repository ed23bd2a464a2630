"""What collecting did, counted: one tally for all targets."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CollectStatistics:
    """
    Targets now, and counts since start.

    Args:
        targets: Gauge: targets that are asked, by job.
        targets_up: Gauge: those of them whose last scrape was taken, by job.
        targets_dropped: Gauge: targets that relabelling dropped, by job.
        mistakes: Gauge: files of targets and single targets that are wrong now.
        scrapes: Scrapes and probes that were begun, by job.
        failures: Those of them of which nothing was taken, by the code of the error.
        samples_scraped: Samples in answers.
        samples_appended: Samples that are durable, stale markers and reports included.
        samples_left_out: Samples whose own time is too far off, or whose series had one at that time already.
        stale_markers: Marks that a series ended.
        appends_refused: Blocks that the journal did not take, by the code of the error; their samples are lost, and this says so.
        scrapes_missed: Scrapes that were due while the one before was not done.
        body_bytes: Bytes of bodies, inflated.
        body_bytes_held: Gauge: those that are in memory now.
        crashes: Failures that are bugs of Tocsin; the log has them.
    """

    targets: Mapping[str, int]
    targets_up: Mapping[str, int]
    targets_dropped: Mapping[str, int]
    mistakes: int
    scrapes: Mapping[str, int]
    failures: Mapping[str, int]
    samples_scraped: int
    samples_appended: int
    samples_left_out: int
    stale_markers: int
    appends_refused: Mapping[str, int]
    scrapes_missed: int
    body_bytes: int
    body_bytes_held: int
    crashes: int


class Tally:
    """The counts that scrapes add to. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: dict[str, Counter[str]] = {"scrapes": Counter(), "failures": Counter(), "appends_refused": Counter()}
        self._counts: Counter[str] = Counter()

    def count(self, name: str, amount: int = 1) -> None:
        """Add to a number of CollectStatistics."""
        with self._lock:
            self._counts[name] += amount

    def count_by(self, name: str, key: str, amount: int = 1) -> None:
        """Add to one of those that are told apart by job or code."""
        with self._lock:
            self._groups[name][key] += amount

    def groups(self, name: str) -> Mapping[str, int]:
        """One of those, as it stands."""
        with self._lock:
            return dict(self._groups[name])

    def total(self, name: str) -> int:
        """One number, as it stands."""
        with self._lock:
            return self._counts[name]
