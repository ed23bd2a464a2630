"""
On-call files that are followed: read at start, read again when one of them changes, appears or goes.

A plan with a mistake never takes the place of a good one: what was in force stays, and the mistakes are shown until they are mended.
A process that starts with mistakes follows the files that have none, as far as these need none of the others.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tocsin.clock import Clock
from tocsin.oncall.definition import OncallPlan
from tocsin.oncall.files.plan import read_plan
from tocsin.query.followed_files import GONE, Stamp, files_of, stamps_of
from tocsin.slo.files.notes import DefinitionMistakes, Mistake, nothing_matches

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PlanStatistics:
    """
    On-call files, as they stand.

    Args:
        files: Gauge: files that the patterns match.
        people: Gauge: people in force.
        schedules: Gauge: schedules in force.
        chains: Gauge: chains of escalation in force.
        mistakes: Gauge: mistakes in the files as they are now; above 0 an older plan is in force, or a part of one.
        reads: Times that the files were read.
        failed_reads: Times that they had mistakes.
        age_s: Gauge: seconds since the plan in force was read.
    """

    files: int
    people: int
    schedules: int
    chains: int
    mistakes: int
    reads: int
    failed_reads: int
    age_s: float


class LivePlan:
    """
    The plan of the files that patterns match. Safe to use from several threads.

    Args:
        patterns: Paths; `*` and `?` stand for any name, `**` for any folders.
        clock: For the age of what is in force.
    """

    def __init__(self, patterns: Sequence[str], clock: Clock) -> None:
        self._patterns = tuple(patterns)
        self._clock = clock
        self._lock = threading.Lock()
        self._stamps: tuple[tuple[Path, Stamp], ...] | None = None
        self._current = OncallPlan()
        self._mistakes: tuple[Mistake, ...] = ()
        self._whole = False  # whether a set of files without a mistake was ever in force
        self._reads = self._failed_reads = 0
        self._read_at_s = clock.monotonic_s()
        self.refresh()

    @property
    def current(self) -> OncallPlan:
        """What is in force: the last plan without a mistake; before there was one, that of the files without mistakes."""
        return self._current

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """What is wrong with the files as they are now, by place."""
        return self._mistakes

    def refresh(self) -> bool:
        """Look whether the files changed, and read them if so; True when another plan came into force."""
        with self._lock:
            paths, barren = files_of(self._patterns)
            missing = [nothing_matches(pattern, "oncall.files") for pattern in barren]
            stamps = (*stamps_of(paths), *((Path(pattern), GONE) for pattern in barren))
            if stamps == self._stamps:
                return False
            self._stamps = stamps
            self._reads += 1
            plan, mistakes = self._read(paths)
            self._mistakes = tuple(sorted([*missing, *mistakes]))
            if self._mistakes:
                self._failed_reads += 1
                log.warning(
                    "%d mistakes in on-call files, so what was in force stays; the first: %s", len(self._mistakes), self._mistakes[0]
                )
                if self._whole:
                    return False
            else:
                self._whole = True
            changed = plan != self._current
            self._current = plan
            self._read_at_s = self._clock.monotonic_s()
            return changed

    def statistics(self) -> PlanStatistics:
        """How it stands; it does not wait for files that are being read."""
        plan = self._current
        return PlanStatistics(
            files=len(self._stamps or ()),
            people=len(plan.people),
            schedules=len(plan.schedules),
            chains=len(plan.chains),
            mistakes=len(self._mistakes),
            reads=self._reads,
            failed_reads=self._failed_reads,
            age_s=self._clock.monotonic_s() - self._read_at_s,
        )

    def _read(self, paths: Sequence[Path]) -> tuple[OncallPlan, list[Mistake]]:
        """What the files say; with mistakes, what those files say that have none, and all that is wrong with the others."""
        left, mistakes = list(paths), list[Mistake]()
        while True:
            try:
                return read_plan(left), mistakes
            except DefinitionMistakes as error:
                mistakes = mistakes or list(error.mistakes)  # what follows is wrong only because files are left out
                wrong = {mistake.path for mistake in error.mistakes}
                kept = [path for path in left if str(path) not in wrong]
                left = kept if len(kept) < len(left) else []
