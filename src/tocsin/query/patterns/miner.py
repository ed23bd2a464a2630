"""
A miner of log templates: shapes in, clusters of alike ones out, each with a template that becomes more general as it grows.

    user alice logged in from <*>
    user bob logged in from <*>       ->   user <*> logged in from <*>

A shape is looked up by its number of words and its first word, then compared with the clusters there: alike when at least SIMILARITY of its
words stand at the same place. When several clusters differ in one place only, the word there varies, and they become one.

Source: He, Zhu, Zheng, Lyu, 'Drain: An Online Log Parsing Approach with Fixed Depth Tree', ICWS 2017; joining clusters is our own.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from tocsin.store.log_shapes import MASK

SIMILARITY = 0.8  # of the words that are not masked on both sides
JOINED_MIN = 4  # so many clusters that differ in one place only are one
WORDS_MAX = 80
CLUSTERS_MAX = 2_000  # of one service; what comes after is left without a name, and counted
ID_BYTES = 6


@dataclass(slots=True, eq=False)
class Cluster:
    """
    Shapes that are alike.

    Args:
        id: Names it: a hash of the service and its first shape.
        words: The template, word by word.
        severity: Of the most severe record.
        first_ns: Of the first record, nanoseconds since 1970.
        example: A line of one record.
    """

    id: str
    words: list[str]
    severity: int
    first_ns: int
    example: str

    @property
    def template(self) -> str:
        """Its words as one text."""
        return " ".join(self.words)


@dataclass(slots=True)
class Change:
    """What learning did: clusters that are new or look different, and ids that now belong to another."""

    changed: dict[str, Cluster] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)


class Miner:
    """
    The clusters of one service. Not for several threads at once.

    Args:
        service: Whose records these are.
    """

    def __init__(self, service: str) -> None:
        self._service = service
        self._tree: dict[tuple[int, str], list[Cluster]] = defaultdict(list)
        self._exact: dict[str, Cluster] = {}
        self.clusters: dict[str, Cluster] = {}
        self.merged: dict[str, str] = {}
        self.nameless = 0

    def restore(self, clusters: Iterable[Cluster], merged: dict[str, str]) -> None:
        """Take up clusters of an earlier run, and ids that were merged then."""
        for cluster in clusters:
            self._place(cluster)
        self.merged |= merged

    def find(self, shape: str) -> Cluster | None:
        """The cluster that a shape belongs to; learns nothing."""
        words = words_of(shape)
        return self._exact.get(" ".join(words)) or self._alike(words)

    def learn(self, shape: str, *, severity: int, first_ns: int, example: str, change: Change) -> Cluster | None:
        """
        The cluster of a shape, made or widened where that is needed; None when there are too many already.

        Args:
            shape: As `log_shapes` gives it.
            severity: Of its most severe record.
            first_ns: Of its first record.
            example: Line of a record.
            change: Takes what changed.
        """
        words = words_of(shape)
        text = " ".join(words)
        cluster = self._exact.get(text) or self._alike(words)
        if cluster is None:
            if len(self.clusters) >= CLUSTERS_MAX:
                self.nameless += 1
                return None
            cluster = Cluster(identity(self._service, text), words, severity, first_ns, example)
            self._place(cluster)
            change.changed[cluster.id] = cluster
        elif _widen(cluster, words) or severity > cluster.severity or first_ns < cluster.first_ns:
            cluster.severity = max(cluster.severity, severity)
            cluster.first_ns = min(cluster.first_ns, first_ns)
            change.changed[cluster.id] = cluster
        self._exact[text] = cluster
        return cluster

    def join(self, change: Change) -> None:
        """Make one of clusters that differ in one place only, where there are JOINED_MIN of them; `change` takes what that does."""
        while (alike := self._one_place_apart()) is not None:
            place, clusters = alike
            kept, *others = sorted(clusters, key=lambda cluster: (cluster.first_ns, cluster.id))
            self._remove(clusters)
            kept.words = [*kept.words[:place], MASK, *kept.words[place + 1 :]]
            kept.severity = max(cluster.severity for cluster in clusters)
            self._place(kept)
            change.changed[kept.id] = kept
            for other in others:
                change.changed.pop(other.id, None)
                self.merged[other.id] = change.merged[other.id] = kept.id
            for shape, cluster in self._exact.items():
                if cluster in others:
                    self._exact[shape] = kept

    def _place(self, cluster: Cluster) -> None:
        self._tree[_branch(cluster.words)].append(cluster)
        self.clusters[cluster.id] = cluster
        self._exact.setdefault(cluster.template, cluster)

    def _remove(self, clusters: list[Cluster]) -> None:
        for cluster in clusters:
            self._tree[_branch(cluster.words)].remove(cluster)
            del self.clusters[cluster.id]

    def _alike(self, words: list[str]) -> Cluster | None:
        here = self._tree.get(_branch(words), [])
        anywhere = self._tree.get((len(words), MASK), []) if words and MASK not in words[0] else []
        scored = [(_similarity(cluster.words, words), cluster) for cluster in (*here, *anywhere)]
        best = max(scored, key=lambda one: (one[0], -one[1].first_ns), default=None)
        return best[1] if best is not None and best[0] >= SIMILARITY else None

    def _one_place_apart(self) -> tuple[int, list[Cluster]] | None:
        """The place and the clusters that differ there alone; of single words there is nothing left to tell them by."""
        apart: dict[tuple[int, tuple[str, ...]], list[Cluster]] = defaultdict(list)
        for cluster in self.clusters.values():
            for place, word in enumerate(cluster.words):
                if word != MASK and len(cluster.words) > 2:
                    apart[place, (*cluster.words[:place], MASK, *cluster.words[place + 1 :])].append(cluster)
        found = [(place, clusters) for (place, _), clusters in apart.items() if len(clusters) >= JOINED_MIN]
        return max(found, key=lambda one: len(one[1]), default=None)


def words_of(shape: str) -> list[str]:
    """The words of a shape, at most WORDS_MAX."""
    return shape.split()[:WORDS_MAX] or [""]


def identity(service: str, shape: str) -> str:
    """The id of the cluster that a shape of a service begins: twelve hexadecimal digits."""
    return hashlib.blake2b(f"{service}\0{shape}".encode("utf-8", "surrogatepass"), digest_size=ID_BYTES).hexdigest()


def _branch(words: list[str]) -> tuple[int, str]:
    return len(words), MASK if MASK in words[0] else words[0]


def _similarity(template: list[str], words: list[str]) -> float:
    """Share of the words at the same place among those that are not masked on either side; 1 when every place is masked."""
    compared = same = 0
    for one, other in zip(template, words, strict=True):
        if one == MASK or (one == other and MASK in one):
            continue
        compared += 1
        same += one == other
    # Text that is all masks is alike whatever it was about; text with one word left must have that word.
    return same / compared if compared else 1.0


def _widen(cluster: Cluster, words: list[str]) -> bool:
    """Mask the places where a shape differs from the template; whether there were any."""
    differs = [one not in (other, MASK) for one, other in zip(cluster.words, words, strict=True)]
    if any(differs):
        cluster.words = [MASK if apart else word for word, apart in zip(cluster.words, differs, strict=True)]
    return any(differs)
