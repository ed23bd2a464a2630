"""
The steps of a notification's way, from an alert that fires to a fallback that was told.

Between any two of them the power may fail. The pipeline says each one as it is reached, so that a test can end the process there.
"""

from __future__ import annotations

from enum import Enum
from typing import Protocol


class PipelineStep(Enum):
    """What has just been done."""

    ALERTS_TAKEN = "alerts_taken"  # the dispatcher knows them, the disk does not
    ALERTS_WRITTEN = "alerts_written"
    FLUSH_PLANNED = "flush_planned"
    FLUSH_COMMITTED = "flush_committed"  # group and notifications are on the disk, the dispatcher does not know
    FLUSH_DONE = "flush_done"
    ATTEMPT_CLAIMED = "attempt_claimed"  # a worker has the notification
    ATTEMPT_BEGUN = "attempt_begun"  # its page text is gathered
    SENT = "sent"  # the receiver has it, the disk does not know
    ATTEMPT_FAILED = "attempt_failed"  # the receiver did not take it, the disk does not know
    ATTEMPT_RECORDED = "attempt_recorded"
    FALLBACK_COMMITTED = "fallback_committed"  # given up, and another channel's notification is on the disk


class Steps(Protocol):
    """Is told of each step."""

    def reached(self, step: PipelineStep) -> None:
        """That step is done; the next has not begun."""
        ...


class NoSteps:
    """Does nothing."""

    def reached(self, step: PipelineStep) -> None:
        """Nothing."""
