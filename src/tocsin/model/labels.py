"""Label sets: what identifies a Prometheus series."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Self

METRIC_NAME = "__name__"


class Labels:
    """
    An immutable set of labels, ordered by name; the metric's name is the label `__name__`. Labels with empty values don't exist.

    `Labels({"__name__": "up", "job": "api"})` prints as `up{job="api"}`.

    Args:
        pairs: Names with values, in any order; a name that comes twice keeps its last value.
    """

    __slots__ = ("_hash", "_values", "pairs")

    pairs: tuple[tuple[str, str], ...]
    _hash: int
    _values: dict[str, str] | None

    def __init__(self, pairs: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        values = dict(pairs.items() if isinstance(pairs, Mapping) else pairs)
        self.pairs = tuple(sorted((name, value) for name, value in values.items() if value))
        self._hash = hash(self.pairs)
        self._values = None

    @classmethod
    def of_sorted(cls, pairs: tuple[tuple[str, str], ...]) -> Self:
        """Labels from pairs that are sorted by name already, with no name twice and no empty value; checks nothing."""
        labels = cls.__new__(cls)
        labels.pairs = pairs
        labels._hash = hash(pairs)  # noqa: SLF001 - its own class
        labels._values = None  # noqa: SLF001
        return labels

    @property
    def metric(self) -> str:
        """The metric's name; empty without one."""
        return self.get(METRIC_NAME)

    def get(self, name: str) -> str:
        """The value of a label; empty where there is none, as matchers see it."""
        if self._values is None:
            self._values = dict(self.pairs)
        return self._values.get(name, "")

    def keep(self, names: Iterable[str]) -> Labels:
        """Only these labels."""
        wanted = frozenset(names)
        return Labels.of_sorted(tuple(pair for pair in self.pairs if pair[0] in wanted))

    def drop(self, names: Iterable[str]) -> Labels:
        """All labels but these."""
        unwanted = frozenset(names)
        return Labels.of_sorted(tuple(pair for pair in self.pairs if pair[0] not in unwanted))

    def replace(self, **values: str) -> Labels:
        """With these labels set; an empty value removes one."""
        return Labels({**dict(self.pairs), **values})

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __contains__(self, name: object) -> bool:
        return any(pair[0] == name for pair in self.pairs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Labels) and self._hash == other._hash and self.pairs == other.pairs

    def __hash__(self) -> int:
        return self._hash

    def __lt__(self, other: Labels) -> bool:
        return self.pairs < other.pairs

    def __repr__(self) -> str:
        name = self.metric
        rest = ", ".join(f'{label}="{_escaped(value)}"' for label, value in self.pairs if label != METRIC_NAME)
        return f"{name}{{{rest}}}" if rest or not name else name


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
