"""What was refused of one request, counted by reason, and said to its sender."""

from __future__ import annotations

from dataclasses import dataclass, field

from tocsin.wire.prometheus.admission import SeriesRefusal

REASONS_SHOWN_MAX = 8


@dataclass(slots=True)
class RefusedParts:
    """What one reason cost: samples, histograms, exemplars, and an example of it in words."""

    samples: int = 0
    histograms: int = 0
    exemplars: int = 0
    series: int = 0
    example: str = ""

    @property
    def total(self) -> int:
        """All of them; a series without anything in it counts as one."""
        return self.samples + self.histograms + self.exemplars or self.series


@dataclass(slots=True)
class RefusalTally:
    """Refusals of one request by reason."""

    by_reason: dict[SeriesRefusal, RefusedParts] = field(default_factory=dict)

    def add(
        self, reason: SeriesRefusal, example: str, *, samples: int = 0, histograms: int = 0, exemplars: int = 0, series: int = 0
    ) -> None:
        """Count more; the first example that says something is kept."""
        parts = self.by_reason.setdefault(reason, RefusedParts())
        parts.samples += samples
        parts.histograms += histograms
        parts.exemplars += exemplars
        parts.series += series
        parts.example = parts.example or example

    @property
    def total(self) -> int:
        """Everything that was refused."""
        return sum(parts.total for parts in self.by_reason.values())

    def message(self) -> str:
        """How many of what were refused and why, for the human who reads the sender's log; empty when nothing was."""
        ranked = sorted(self.by_reason.items(), key=lambda item: -item[1].total)
        sentences = [f"{_count(parts)} refused ({reason.value}): {parts.example}." for reason, parts in ranked[:REASONS_SHOWN_MAX]]
        return " ".join(sentences)


def _count(parts: RefusedParts) -> str:
    counts = [(parts.samples, "sample"), (parts.histograms, "histogram"), (parts.exemplars, "exemplar")]
    said = [f"{count} {noun}{'s' if count != 1 else ''}" for count, noun in counts if count]
    return ", ".join(said) or f"{parts.series} series"
