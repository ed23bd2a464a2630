"""What a remote write request comes to."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.errors import TocsinError


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """
    What became of a request.

    Args:
        version: 1 or 2.
        samples: Samples that are durable.
        histograms: Native histograms that are.
        exemplars: Exemplars that are.
        refused: How many of all three are not taken, and will not be if they come again.
        message: Why not, for a human; empty when none was refused.
        error: Why something that was taken is not durable; the whole request may be sent again.
    """

    version: int
    samples: int
    histograms: int
    exemplars: int
    refused: int
    message: str
    error: TocsinError | None = None
