"""
Reports of backtests side by side, as texts: one line per figure, one column per report.

It reads reports as their JSON, and imports nothing heavy: a command that asks a server must not wait for the engine to load.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what it says, and a text per report."""

    name: str
    values: tuple[str, ...]


def lines_of(reports: Sequence[Mapping[str, Any]]) -> list[Line]:
    """What to compare of some reports (`BacktestReport` as JSON)."""
    scores = [report["score"] for report in reports]
    return [Line(name, tuple(value(score) for score in scores)) for name, value in _FIGURES]


def differences_of(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """What changes from the second report to the first, in sentences; none when nothing does."""
    found = []
    for name in ("pages", "night_pages"):
        before, after = second["score"][name], first["score"][name]
        if before != after:
            words = "pages" if name == "pages" else "pages at night"
            found.append(f"{abs(after - before)} {'fewer' if after < before else 'more'} {words}: {after} rather than {before}")
    seen = [{one["name"] for one in report["score"]["incidents"] if one["detection_s"] is not None} for report in (first, second)]
    found += [f"misses what the other finds: {name}" for name in sorted(seen[1] - seen[0])]
    found += [f"finds what the other misses: {name}" for name in sorted(seen[0] - seen[1])]
    return found


def share_text(share: float | None) -> str:
    """`0.125` as `12.5 %`; `-` for none."""
    return "-" if share is None else f"{share * 100:.3g} %"


def length_text(seconds: float | None) -> str:
    """`390` as `6m30s`; `-` for none."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "m"), (rest, "s")]
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0s"


_FIGURES: tuple[tuple[str, Callable[[Any], str]], ...] = (
    ("alerts that fired", lambda score: str(score["firings"])),
    ("pages", lambda score: str(score["pages"])),
    ("pages per week", lambda score: f"{score['pages_per_week']:.1f}"),
    ("pages at night", lambda score: str(score["night_pages"])),
    ("nights disturbed", lambda score: str(sum(person["nights"] for person in score["people"]))),
    ("weeks over the budget of pages", lambda score: str(sum(person["weeks_over"] for person in score["people"]))),
    ("woken for nothing", lambda score: str(len(score["woken_for_nothing"]))),
    ("precision", lambda score: share_text(score["precision"])),
    ("recall", lambda score: share_text(score["recall"])),
    ("incidents missed", lambda score: str(sum(one["detection_s"] is None for one in score["incidents"]))),
    ("detection, median", lambda score: length_text(score["detection"]["median_s"])),
    ("detection, longest", lambda score: length_text(score["detection"]["max_s"])),
    ("reset, longest", lambda score: length_text(score["reset"]["max_s"])),
    ("budget spent at detection, most", lambda score: share_text(score["budget_spent_max"])),
)
