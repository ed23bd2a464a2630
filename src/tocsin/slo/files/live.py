"""
Definitions that follow their files: read at start, read again when a file changes, appears or goes.

Definitions with a mistake never take the place of good ones: what was in force stays in force, and the mistakes are shown until they are
mended.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tocsin.clock import Clock
from tocsin.query.promql.options import PromqlOptions
from tocsin.slo.definition import Definitions
from tocsin.slo.files.definitions import read_definitions
from tocsin.slo.files.notes import DefinitionMistakes, Mistake
from tocsin.slo.policy import POLICIES

Stamp = tuple[tuple[Path, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class DefinitionStatistics:
    """
    SLO files, as they stand.

    Args:
        files: Gauge: files that the patterns match.
        objectives: Gauge: objectives in force.
        mistakes: Gauge: mistakes in the files as they are now; above 0 older definitions are in force.
        remarks: Gauge: remarks about the definitions in force.
        reads: Times that the files were read.
        failed_reads: Times that they had mistakes.
        age_s: Gauge: seconds since the definitions in force were read.
    """

    files: int
    objectives: int
    mistakes: int
    remarks: int
    reads: int
    failed_reads: int
    age_s: float


class LiveDefinitions:
    """
    The definitions of the files that patterns match. Safe to use from several threads.

    Args:
        patterns: Paths; `*` and `?` stand for any name, `**` for any folders.
        promql: What is switched on, for indicators in PromQL.
        clock: For the age of what is in force.
    """

    def __init__(self, patterns: Sequence[str], promql: PromqlOptions, clock: Clock) -> None:
        self._patterns = tuple(patterns)
        self._promql = promql
        self._clock = clock
        self._lock = threading.Lock()
        self._stamp: Stamp | None = None
        self._current = Definitions(policies=dict(POLICIES))
        self._mistakes: tuple[Mistake, ...] = ()
        self._reads = self._failed_reads = 0
        self._read_at_s = clock.monotonic_s()
        self.refresh()

    @property
    def current(self) -> Definitions:
        """What is in force: the last definitions without a mistake; only the shipped policies before there were any."""
        return self._current

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """What is wrong with the files as they are now, by place."""
        return self._mistakes

    def refresh(self) -> bool:
        """Look whether the files changed, and read them if so; True when other definitions came into force."""
        with self._lock:
            paths, missing = _matching(self._patterns)
            stamp = _stamp_of(paths)
            if stamp == self._stamp and missing == [mistake for mistake in self._mistakes if mistake in missing]:
                return False
            self._stamp = stamp
            self._reads += 1
            found: Definitions | None = None
            mistakes = missing
            try:
                found = read_definitions(paths, self._promql)
            except DefinitionMistakes as error:
                mistakes = [*missing, *error.mistakes]
            self._mistakes = tuple(sorted(mistakes))
            if found is None or mistakes:
                self._failed_reads += 1
                return False
            changed = found != self._current
            self._current = found
            self._read_at_s = self._clock.monotonic_s()
            return changed

    def statistics(self) -> DefinitionStatistics:
        """How it stands; it does not wait for files that are being read."""
        return DefinitionStatistics(
            files=len(self._stamp or ()),
            objectives=len(self._current.objectives),
            mistakes=len(self._mistakes),
            remarks=len(self._current.remarks),
            reads=self._reads,
            failed_reads=self._failed_reads,
            age_s=self._clock.monotonic_s() - self._read_at_s,
        )


def _matching(patterns: Sequence[str]) -> tuple[list[Path], list[Mistake]]:
    """Files by pattern, those of one pattern sorted, each once; a pattern that matches nothing is a mistake."""
    found: dict[Path, None] = {}
    missing = []
    for pattern in patterns:
        paths = _files(pattern)
        if not paths:
            missing.append(Mistake(pattern, 0, 0, "no file is called so, or matches; mend the path, or take it out of slo.files"))
        found.update(dict.fromkeys(paths))
    return list(found), missing


def _files(pattern: str) -> list[Path]:
    path = Path(pattern)
    if not any(character in pattern for character in "*?["):
        return [path] if path.is_file() else []
    try:
        inside = Path(path.anchor or ".").glob(str(path.relative_to(path.anchor)))
        return sorted(match for match in inside if match.is_file())
    except (ValueError, NotImplementedError, OSError):
        return []


def _stamp_of(paths: Sequence[Path]) -> Stamp:
    """What changes when a file does: when it was written, its size, and which file it is (editors write a new one and rename it)."""
    found = []
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            found.append((path, 0, 0, 0))
        else:
            found.append((path, status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(found)
