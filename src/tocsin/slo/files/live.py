"""
Definitions that follow their files: read at start, read again when a file changes, appears or goes.

Definitions with a mistake never take the place of good ones: what was in force stays in force, and the mistakes are shown until they are
mended. A process that starts with mistakes has nothing that was in force: the files without mistakes are, without those that refer to what
is missing, and files join as they are mended. The first time that all of them are good, the rule above begins to hold.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tocsin.clock import Clock
from tocsin.query.followed_files import Stamp, files_of, stamps_of
from tocsin.query.promql.options import PromqlOptions
from tocsin.slo.definition import Definitions
from tocsin.slo.files.definitions import read_definitions
from tocsin.slo.files.notes import DefinitionMistakes, Mistake, nothing_matches
from tocsin.slo.policy import POLICIES


@dataclass(frozen=True, slots=True)
class DefinitionStatistics:
    """
    SLO files, as they stand.

    Args:
        files: Gauge: files that the patterns match.
        objectives: Gauge: objectives in force.
        mistakes: Gauge: mistakes in the files as they are now; above 0 older definitions are in force, or a part of them.
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
        self._stamps: tuple[tuple[Path, Stamp], ...] | None = None
        self._current = Definitions(policies=dict(POLICIES))
        self._mistakes: tuple[Mistake, ...] = ()
        # Files, and patterns without any, that what is in force leaves out; None once all of them were good.
        self._left_out: frozenset[str] | None = frozenset(self._patterns)
        self._begun = False
        self._reads = self._failed_reads = 0
        self._read_at_s = clock.monotonic_s()
        self.refresh()

    @property
    def current(self) -> Definitions:
        """What is in force: the last definitions without a mistake; before there were any, those of files without mistakes."""
        return self._current

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """What is wrong with the files as they are now, by place."""
        return self._mistakes

    def refresh(self) -> bool:
        """Look whether the files changed, and read them if so; True when other definitions came into force."""
        with self._lock:
            paths, barren = files_of(self._patterns)
            missing = [nothing_matches(pattern, "slo.files") for pattern in barren]
            stamps = stamps_of(paths)
            if stamps == self._stamps and missing == [mistake for mistake in self._mistakes if mistake in missing]:
                return False
            self._stamps = stamps
            self._reads += 1
            found, mistakes, left_out = self._read(paths)
            mistakes = [*missing, *mistakes]
            left_out |= {mistake.path for mistake in missing}
            self._mistakes = tuple(sorted(mistakes))
            self._failed_reads += bool(mistakes)
            if not self._may_hold(left_out):
                return False
            self._left_out = left_out or None
            changed = found != self._current
            self._current = found
            self._read_at_s = self._clock.monotonic_s()
            return changed

    def _may_hold(self, left_out: frozenset[str]) -> bool:
        """Whether definitions that leave so much out may come into force: at start any, later none that lack what others had."""
        begun, self._begun = self._begun, True
        return not begun or not left_out or (self._left_out is not None and left_out <= self._left_out)

    def _read(self, paths: Sequence[Path]) -> tuple[Definitions, list[Mistake], frozenset[str]]:
        """What files say that have no mistakes and refer to none that have; all mistakes; and which files are left out."""
        left, mistakes = list(paths), list[Mistake]()
        while True:
            try:
                return read_definitions(left, self._promql), mistakes, frozenset(map(str, {*paths} - {*left}))
            except DefinitionMistakes as error:
                wrong = {mistake.path for mistake in error.mistakes}
                mistakes += [_because(each, left_out=len(left) < len(paths)) for each in error.mistakes]
                kept = [path for path in left if str(path) not in wrong]
                left = kept if len(kept) < len(left) else []

    def statistics(self) -> DefinitionStatistics:
        """How it stands; it does not wait for files that are being read."""
        return DefinitionStatistics(
            files=len(self._stamps or ()),
            objectives=len(self._current.objectives),
            mistakes=len(self._mistakes),
            remarks=len(self._current.remarks),
            reads=self._reads,
            failed_reads=self._failed_reads,
            age_s=self._clock.monotonic_s() - self._read_at_s,
        )


def _because(mistake: Mistake, *, left_out: bool) -> Mistake:
    """What is wrong only because other files are left out says so."""
    message = f"{mistake.message} (among the files without mistakes; this file is left out until the others are mended)"
    return replace(mistake, message=message) if left_out else mistake
