"""Which rows of a vector belong together: by labels that are kept (`by`, `on`) or dropped (`without`, `ignoring`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.model.labels import METRIC_NAME, Labels

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Grouping:
    """
    Groups of rows.

    Args:
        labels: [G] what the rows of a group have in common.
        groups: [S] which group a row is in.
    """

    labels: list[Labels]
    groups: NDArray[np.int64]

    def members(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """[S] rows, group after group and in order within; [G+1] where each group begins."""
        starts = np.zeros(len(self.labels) + 1, dtype=np.int64)
        np.cumsum(np.bincount(self.groups, minlength=len(self.labels)), out=starts[1:])
        return np.argsort(self.groups, kind="stable").astype(np.int64), starts


def signature(names: Sequence[str], *, kept: bool) -> Callable[[Labels], Pairs]:
    """
    What of a label set decides its group.

    Args:
        names: Labels.
        kept: Whether those alone count, rather than all the others (the name never does then).
    """
    wanted = frozenset(names)
    if kept:
        if len(wanted) == 1:
            (only,) = wanted
            return lambda labels: tuple([pair for pair in labels.pairs if pair[0] == only])
        return lambda labels: tuple([pair for pair in labels.pairs if pair[0] in wanted])
    unwanted = wanted | {METRIC_NAME}
    return lambda labels: tuple([pair for pair in labels.pairs if pair[0] not in unwanted])


class Groups:
    """
    Groups of label sets that agree, found out part by part.

    Args:
        names: Labels.
        kept: Whether those alone count (`by`), rather than all the others (`without`).
    """

    def __init__(self, names: Sequence[str], *, kept: bool) -> None:
        self._all_alike = kept and not names
        self._signature = signature(names, kept=kept)
        self._seen: dict[Pairs, int] = {}

    def of(self, labels: Sequence[Labels]) -> NDArray[np.int64]:
        """[S] which group each is in; new groups are numbered as they come."""
        if self._all_alike:
            if labels:
                self._seen.setdefault((), 0)
            return np.zeros(len(labels), dtype=np.int64)
        seen, of = self._seen, self._signature
        return np.fromiter((seen.setdefault(of(one), len(seen)) for one in labels), dtype=np.int64, count=len(labels))

    def __len__(self) -> int:
        return len(self._seen)

    @property
    def labels(self) -> list[Labels]:
        """[G] what the members of a group have in common."""
        return [Labels.of_sorted(pairs) for pairs in self._seen]


def group_by(labels: Sequence[Labels], names: Sequence[str], *, kept: bool) -> Grouping:
    """
    Groups of label sets that agree.

    Args:
        labels: [S].
        names: Labels.
        kept: Whether those alone count (`by`), rather than all the others (`without`).
    """
    groups = Groups(names, kept=kept)
    of = groups.of(labels)
    return Grouping(groups.labels, of)
