"""
Events counted by every value that they have, so that what stands out among the bad ones can be ranked.

    rows of the range -> by service, operation, resource -> by attribute -> candidates -> pairs of those that stand out

Always holds: a question reads a bounded number of rows and unfolds a bounded number of attributes; where that makes figures estimates,
`Counted.note` says so.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from tocsin.query.contrast.ranking import Candidate, Whole, is_version
from tocsin.query.reading import Reading
from tocsin.store.count_events import CountedEvents, services_of
from tocsin.store.read_attribution import EventsRead, SampleOf, Trait, by_attribute, by_origin, by_pair, rows_in
from tocsin.store.read_range import Within
from tocsin.store.render import Table
from tocsin.store.sql import ParameterNames

ROWS_MAX = 5_000_000  # beyond, one of several minutes is read
UNFOLDED_MAX = 100_000  # bad events, and other ones, whose attributes are looked at
RESOURCE_KEYS_PASSED_OVER = ("telemetry.", "process.", "os.", "service.name", "service.namespace")


@dataclass(frozen=True, slots=True)
class Counted:
    """
    What was read of one stream of events.

    Args:
        read: Which rows.
        whole: All of them added up.
        events: How many count.
        candidates: Every value that they have, counted.
        sampled: Whether attributes were looked at in a sample.
    """

    read: EventsRead
    whole: Whole
    events: int
    candidates: list[Candidate]
    sampled: bool

    @property
    def note(self) -> str:
        """What a sentence adds where figures are estimates; empty where they are not."""
        apart = self.read.minutes_apart
        if apart > 1:
            return f" (estimated from one in {apart} minutes)"
        return f" (attributes estimated from a sample of {self.events:,} events)" if self.sampled else ""


class Contrast:
    """
    Counts events by their values. Safe to use from several threads.

    Args:
        reading: The engine.
        rows_max: Rows beyond which only some minutes of the range are read.
    """

    def __init__(self, reading: Reading, *, rows_max: int = ROWS_MAX) -> None:
        self._reading = reading
        self._rows_max = rows_max

    def count(self, table: Table, events: CountedEvents, span: tuple[int, int]) -> Counted:
        """
        Count events by every value that they have.

        Args:
            table: Spans or logs.
            events: Which count, and which of them are good.
            span: First instant, and first instant after it.
        """
        read = EventsRead(table, events, Within(*span), services_of(events.total))
        rows = self._reading.rows(rows_in(read, ParameterNames()))[0][0]
        read = replace(read, minutes_apart=max(1, math.ceil(rows / self._rows_max)))
        origins = self._reading.rows(by_origin(read, ParameterNames()))
        _, _, found, bad_found, weight, bad, _ = origins[0]
        sample = SampleOf(max(1, math.ceil(bad_found / UNFOLDED_MAX)), max(1, math.ceil((found - bad_found) / UNFOLDED_MAX)))
        values = self._reading.rows(by_attribute(read, sample, ParameterNames())) if found else []
        apart = read.minutes_apart
        candidates = [*_origins(origins[1:]), *(Candidate("attribute", key, value, spent, all_of) for key, value, all_of, spent in values)]
        scaled = [replace(one, bad=one.bad * apart, total=one.total * apart) for one in candidates]
        return Counted(read, Whole(bad * apart, weight * apart, bad_found), found, scaled, sample != SampleOf())

    def best(self, counted: Counted, chosen: Sequence[Candidate]) -> tuple[list[Candidate], float, float] | None:
        """The candidate, or the two together, whose share among the bad is most above that among all; with bad and total."""
        if not chosen:
            return None
        options = [([one], one.bad, one.total) for one in chosen]
        if len(chosen) > 1:
            row = self._reading.rows(by_pair(counted.read, [_trait(one) for one in chosen], ParameterNames()))[0]
            sums = iter(row)
            for index, one in enumerate(chosen):
                for other in chosen[index + 1 :]:
                    total, bad = (value * counted.read.minutes_apart for value in (next(sums), next(sums)))
                    options.append(([one, other], bad, total))
        whole = counted.whole
        # Of what stands out alike, that which names the version too.
        return max(
            options, key=lambda one: (round(one[1] / whole.bad - one[2] / whole.total, 3), any(map(is_version, one[0])) * len(one[0]))
        )


def _origins(rows: Sequence[Sequence[Any]]) -> list[Candidate]:
    """Services, operations, and the parts of resources."""
    found = []
    resources: dict[tuple[str, str], list[tuple[str, float, float]]] = defaultdict(list)
    for sort, value, _, _, total, bad, _ in rows:
        if sort == "resource":
            for key, text in _parts_of(value).items():
                resources[key, text].append((value, bad, total))
        elif value:
            found.append(Candidate(sort, "service.name" if sort == "service" else "operation", value, bad, total))
    for (key, text), having in resources.items():
        names = tuple(resource for resource, _, _ in having)
        found.append(Candidate("resource", key, text, sum(bad for _, bad, _ in having), sum(total for _, _, total in having), names))
    return found


def _parts_of(resource: str) -> Mapping[str, str]:
    loaded: Mapping[str, Any] = orjson.loads(resource) if resource else {}
    return {
        key: value if isinstance(value, str) else orjson.dumps(value).decode()
        for key, value in loaded.items()
        if not key.startswith(RESOURCE_KEYS_PASSED_OVER)
    }


def _trait(candidate: Candidate) -> Trait:
    values = candidate.resources if candidate.place == "resource" else (candidate.value,)
    return Trait(candidate.place, candidate.key, values)
