"""Questions about log patterns: the commonest of a range, those that are new, which of them a query's records have."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tocsin.model.patterns import LogPattern, LogPatterns
from tocsin.query.logs import log_predicate
from tocsin.query.patterns.catalogue import Catalogue
from tocsin.query.patterns.miner import Cluster, identity, words_of
from tocsin.query.period import checked_limit
from tocsin.query.reading import Reading
from tocsin.store.log_shapes import Shape, count_records, read_shapes, shapes
from tocsin.store.plan import And, Equals, Field, Predicate, Scope
from tocsin.store.read_range import Within
from tocsin.store.render import LOGS
from tocsin.store.sql import ParameterNames

RECORDS_MAX = 500_000  # beyond, one of several records below WARN is read
SHAPES_MAX = 20_000
PATTERNS_MAX = 1_000
PatternOrder: TypeAlias = Literal["count", "new"]


@dataclass(slots=True)
class _Sum:
    """What the shapes of one pattern add up to."""

    service: str
    template: str
    first_ns: int | None
    severity: int = 0
    count: float = 0.0
    last_ns: int = 0
    example: str = ""

    def add(self, shape: Shape) -> None:
        self.count += shape.count
        self.severity = max(self.severity, shape.severity)
        self.last_ns = max(self.last_ns, shape.last_ns)
        self.example = self.example or shape.example


class PatternQuestions:
    """
    Answers from the records themselves, named by the catalogue. Safe to use from several threads.

    Args:
        reading: The engine.
        catalogue: Names shapes.
    """

    def __init__(self, reading: Reading, catalogue: Catalogue) -> None:
        self._reading = reading
        self._catalogue = catalogue

    def patterns(
        self, query: str, within: Within, *, service: str | None = None, order: PatternOrder = "count", limit: int = 50
    ) -> LogPatterns:
        """
        The patterns of a query's records.

        Args:
            query: Lucene syntax; empty for all records.
            within: When.
            service: Of this one alone.
            order: `count`: the commonest first; `new`: the one first seen last first, and only those whose first record lies in the range.
            limit: Most patterns, 1 to 1,000.

        Raises:
            ParseError: The query does not read.
        """
        limit = checked_limit(limit, most=PATTERNS_MAX)
        predicate = log_predicate(query, {})
        if service is not None:
            predicate = And((predicate, Equals(Field("service", Scope.INTRINSIC), service)))
        found, records, one_in = self._shapes(predicate, within)
        patterns = [self._pattern(key, one, within, records) for key, one in self._named(found).items()]
        if order == "new":
            listed = sorted((one for one in patterns if one.new), key=lambda one: (-(one.first_seen or 0), one.id))
        else:
            listed = sorted(patterns, key=lambda one: (-one.count, one.service, one.template))
        listed = listed[:limit]
        return LogPatterns(listed, records, min(1.0, sum(one.share for one in listed)), one_in)

    def new_between(self, predicate: Predicate, start_ns: int, end_ns: int) -> list[LogPattern]:
        """Patterns whose first record ever lies in [start_ns, end_ns) and that a record there has which satisfies the predicate."""
        if not self._catalogue.since(start_ns, end_ns):
            return []
        within = Within(start_ns, end_ns)
        found, records, _ = self._shapes(predicate, within)
        patterns = [self._pattern(key, one, within, records) for key, one in self._named(found).items()]
        return [one for one in patterns if one.new and one.first_seen is not None]

    def _shapes(self, predicate: Predicate, within: Within) -> tuple[list[Shape], int, int]:
        vocabulary = self._reading.vocabulary(predicate, LOGS)
        names = ParameterNames()
        condition = self._reading.condition(predicate, LOGS, vocabulary, names)
        records = int(self._reading.rows(count_records(condition, within, names))[0][0])
        one_in = max(1, math.ceil(records / RECORDS_MAX))
        names = ParameterNames()
        condition = self._reading.condition(predicate, LOGS, vocabulary, names)
        statement = shapes(condition, within, one_in=one_in, limit=SHAPES_MAX, names=names)
        return read_shapes(self._reading.engine, statement), records, one_in

    def _named(self, found: list[Shape]) -> dict[str, _Sum]:
        named: dict[str, _Sum] = {}
        for shape in found:
            cluster = self._catalogue.find(shape.service, shape.text)
            key = cluster.id if cluster is not None else identity(shape.service, " ".join(words_of(shape.text)))
            if key not in named:
                named[key] = _sum_of(shape, cluster)
            named[key].add(shape)
        return named

    def _pattern(self, key: str, one: _Sum, within: Within, records: int) -> LogPattern:
        is_new = one.first_ns is None or (within.start is not None and one.first_ns >= within.start)
        share = min(1.0, one.count / records) if records else 0.0
        return LogPattern(key, one.service, one.template, one.count, share, one.severity, one.first_ns, one.last_ns, one.example, is_new)


def _sum_of(shape: Shape, cluster: Cluster | None) -> _Sum:
    if cluster is None:
        return _Sum(shape.service, shape.text, None)
    return _Sum(shape.service, cluster.template, cluster.first_ns)
