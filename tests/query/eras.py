"""Eras of one world: opening a store costs a second, so tests of a module share one, each in a time of its own."""

from __future__ import annotations

import itertools
from dataclasses import replace

from tests.query.telemetry import LogLine, SpanLine, World

ERA_NS = 40 * 86_400 * 1_000_000_000
_numbers = itertools.count(1)


class Era:
    """A world whose instants are those of the tests, less so many eras."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.before_ns = next(_numbers) * ERA_NS

    def send(self, *lines: LogLine | SpanLine) -> None:
        """Store log records and spans of this era."""
        self.world.send(*(replace(line, at=line.at - self.before_ns) for line in lines))
