"""
How bad it is: four severities, how fast somebody must answer, and who is told by which kind of channel.

    P1  critical  minutes  page       the service is down, data is lost
    P2  high      hours    ticket     errors are elevated, the objective still holds
    P3  medium    days     review     a disk fills
    P4  low       weeks    dashboard  a certificate expires in sixty days
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """P1 is the worst."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"


@dataclass(frozen=True, slots=True)
class SeverityLevel:
    """
    What a severity means.

    Args:
        severity: Which.
        words: Values of the label `severity` that mean it, in lower case; the first is what Tocsin writes.
        response_s: How soon somebody must have answered, seconds.
        text: For people.
    """

    severity: Severity
    words: tuple[str, ...]
    response_s: int
    text: str

    @property
    def pages(self) -> bool:
        """Whether it wakes somebody."""
        return self.severity is Severity.P1


LEVELS = (
    SeverityLevel(Severity.P1, ("page", "critical", "p1", "emergency", "error"), 300, "urgent: somebody is woken and answers in minutes"),
    SeverityLevel(Severity.P2, ("ticket", "high", "p2", "warning", "warn"), 4 * 3600, "today: a ticket and a message, answered in hours"),
    SeverityLevel(Severity.P3, ("review", "medium", "p3", "info", "notice"), 3 * 86_400, "this week: a ticket, answered in days"),
    SeverityLevel(Severity.P4, ("dashboard", "low", "p4", "none", "debug"), 28 * 86_400, "a note on a dashboard, answered in weeks"),
)
_BY_WORD = {word: level for level in LEVELS for word in level.words}


def level_of(word: str) -> SeverityLevel | None:
    """What a value of the label `severity` means; None for a word that means none, or for no word."""
    return _BY_WORD.get(word.strip().lower())


def worst(words: list[str]) -> SeverityLevel | None:
    """The worst of several; None when none of them means one."""
    found = [level for word in words if (level := level_of(word)) is not None]
    return min(found, key=LEVELS.index, default=None)
