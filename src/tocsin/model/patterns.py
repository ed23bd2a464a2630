"""Log patterns: kinds of log records, as answers to questions."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.model.instant import Instant


@dataclass(frozen=True, slots=True)
class LogPattern:
    """
    Records of one service that differ only in what varies.

    Args:
        id: Stays the same when the template becomes more general.
        service: Whose.
        template: The text, `<*>` where it varies.
        count: Records in the range that was asked for; estimated where so many were stored that a sample was read.
        share: Share of all records in the range, 0 to 1.
        severity: Of the most severe one, OpenTelemetry's number; 0 where none says.
        first_seen: When the first one was seen, in the range or before; None while the pattern is not known yet.
        last_seen: The last one in the range.
        example: The line of one of them, cut.
        new: Whether the first one ever lies in the range.
    """

    id: str
    service: str
    template: str
    count: float
    share: float
    severity: int
    first_seen: Instant | None
    last_seen: Instant
    example: str
    new: bool


@dataclass(frozen=True, slots=True)
class LogPatterns:
    """
    The patterns of a range.

    Args:
        patterns: In the order that was asked for.
        records: How many records the range has.
        covered: Share of them that the listed patterns stand for, 0 to 1.
        sampled: Of records below WARN one in so many was read; 1 for all.
    """

    patterns: list[LogPattern]
    records: int
    covered: float
    sampled: int
