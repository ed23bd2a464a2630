"""The patterns of all services: a miner each, kept in the engine, so that a pattern has its name and its first day for ever."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tocsin.clock import Clock
from tocsin.query.patterns.miner import Change, Cluster, Miner
from tocsin.store.engine import Engine
from tocsin.store.log_shapes import PatternRow, Shape, read_patterns, write_patterns


@dataclass(frozen=True, slots=True)
class CatalogueStatistics:
    """
    Log patterns.

    Args:
        known: Gauge: patterns of all services.
        services: Gauge: services that have some.
        shapes: Shapes that were learnt.
        nameless: Shapes that found no place because their service has too many patterns.
    """

    known: int
    services: int
    shapes: int
    nameless: int


class Catalogue:
    """
    Learns shapes and names them. Safe to use from several threads.

    Args:
        engine: Where patterns are kept.
        clock: For versions of what is written.
    """

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._miners: dict[str, Miner] = {}
        self._shapes = 0
        self._version = 0
        self._loaded = False

    def learn(self, shapes: Iterable[Shape]) -> list[Cluster]:
        """
        Learn shapes; returns the patterns that are new.

        Raises:
            StoreError: They can't be read or written; the same shapes again lead to the same.
        """
        with self._lock:
            self._load()
            changes: dict[str, Change] = defaultdict(Change)
            before = {cluster for miner in self._miners.values() for cluster in miner.clusters}
            for shape in shapes:
                self._shapes += 1
                miner = self._miner(shape.service)
                change = changes[shape.service]
                miner.learn(shape.text, severity=shape.severity, first_ns=shape.first_ns, example=shape.example, change=change)
            for service, change in changes.items():
                if change.changed:
                    self._miners[service].join(change)
            self._write(changes)
            return [one for change in changes.values() for one in change.changed.values() if one.id not in before]

    def find(self, service: str, shape: str) -> Cluster | None:
        """The pattern that a shape of a service belongs to; None when it is not known."""
        with self._lock:
            self._load()
            miner = self._miners.get(service)
            return miner.find(shape) if miner is not None else None

    def since(self, start_ns: int, end_ns: int) -> list[tuple[str, Cluster]]:
        """Patterns that were first seen in [start_ns, end_ns), with their service."""
        with self._lock:
            self._load()
            return [
                (service, cluster)
                for service, miner in self._miners.items()
                for cluster in miner.clusters.values()
                if start_ns <= cluster.first_ns < end_ns
            ]

    def statistics(self) -> CatalogueStatistics:
        """How many there are."""
        with self._lock:
            miners = self._miners.values()
            known = sum(len(miner.clusters) for miner in miners)
            return CatalogueStatistics(known, len(miners), self._shapes, sum(miner.nameless for miner in miners))

    def _miner(self, service: str) -> Miner:
        if service not in self._miners:
            self._miners[service] = Miner(service)
        return self._miners[service]

    def _load(self) -> None:
        if self._loaded:
            return
        rows = read_patterns(self._engine)
        by_service: dict[str, list[PatternRow]] = defaultdict(list)
        for row in rows:
            by_service[row.service].append(row)
        for service, own in by_service.items():
            standing = [row for row in own if not row.merged_into]
            clusters = [Cluster(row.id, row.template.split(" "), row.severity, row.first_ns, row.example) for row in standing]
            self._miner(service).restore(clusters, {row.id: row.merged_into for row in own if row.merged_into})
        self._loaded = True

    def _write(self, changes: dict[str, Change]) -> None:
        rows = [row for service, change in changes.items() for row in _rows(service, change)]
        if rows:
            self._version = max(self._version + 1, self._clock.now_ns())
            try:
                write_patterns(self._engine, rows, version=self._version)
            except BaseException:
                # What was not written must be found again by the next pass: begin anew from what is stored.
                self._miners, self._loaded = {}, False
                raise


def _rows(service: str, change: Change) -> Sequence[PatternRow]:
    changed = [PatternRow(service, one.id, one.template, one.severity, one.first_ns, one.example) for one in change.changed.values()]
    return [*changed, *(PatternRow(service, id_, "", 0, 0, "", into) for id_, into in change.merged.items())]
