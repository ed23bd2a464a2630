"""How far each objective is counted: in memory for the many who ask, and kept where it lasts."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from tocsin.model.budget import CountProgress


class ProgressStore(Protocol):
    """Keeps progress beyond the process."""

    def all(self) -> Mapping[str, CountProgress]:
        """Everything that is kept, by the objective's key."""
        ...

    def put(self, progress: Sequence[CountProgress]) -> None:
        """Keep some, each in place of what was kept for the objective; all or none."""
        ...

    def remove(self, objectives: Collection[str]) -> None:
        """Forget some objectives."""
        ...


class ProgressBook:
    """
    The same, read once and written through. One for each process: nobody else may write to the store meanwhile.

    Args:
        store: Where it lasts.
    """

    def __init__(self, store: ProgressStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._progress = dict(store.all())

    def all(self) -> Mapping[str, CountProgress]:
        """Everything, as it stands."""
        with self._lock:
            return dict(self._progress)

    def get(self, objective: str) -> CountProgress | None:
        """How far one objective is counted; None when it never was."""
        with self._lock:
            return self._progress.get(objective)

    def put(self, progress: Sequence[CountProgress]) -> None:
        """Keep some; what is kept already is not written again."""
        with self._lock:
            changed = [each for each in progress if self._progress.get(each.objective) != each]
            if changed:
                self._store.put(changed)
                self._progress.update({each.objective: each for each in changed})

    def remove(self, objectives: Collection[str]) -> None:
        """Forget some objectives."""
        with self._lock:
            self._store.remove(objectives)
            for objective in objectives:
                self._progress.pop(objective, None)


def usable_from_s(progress: CountProgress) -> int:
    """
    Before which second counts are not used: 0 when everything holds.

    While an objective is being counted anew, because its definition or its exclusions changed, minutes before `counted_from_s` keep what
    was counted before the change, and are used: a budget that forgot its past whenever somebody adds an exclusion would open the gate to
    whoever adds one. Counting anew replaces them piece by piece, newest first; how far it got is `figures.recounted_ratio`. Those whose raw
    telemetry is gone keep for ever what was counted while it was there. Only an objective that was never counted before has nothing
    to use: what lies before its `counted_from_s` are the remains of another one that was called so once.
    """
    return 0 if progress.backfilled or progress.known_from_s < progress.counted_from_s else progress.counted_from_s
