"""
What every channel can do, and what its errors may say.

Channels block, and are called from several threads at once. A channel tells a receiver exactly what it is given, once per call; whether to
try again is not its business, but it says whether that would help.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from tocsin.alert.page.text import PageText, one_line
from tocsin.model.notification import Notification

ANSWER_CHARS_MAX = 200
SECRET_CHARS_MIN = 4  # shorter texts would be found in every other word
HIDDEN = "<secret>"


class Channel(Protocol):
    """One way to tell one receiver. Safe to use from several threads."""

    @property
    def name(self) -> str:
        """Kind and index among the receiver's channels: `slack/0`."""
        ...

    @property
    def send_resolved(self) -> bool:
        """Whether it is told that alerts ended."""
        ...

    def send(self, notification: Notification, page: PageText, /) -> str:
        """
        Tell the receiver.

        Returns:
            What it answered, at most 200 characters, without secrets.

        Raises:
            DeliveryError: It did not take it; `lasting` when the same again would be refused again.
        """
        ...

    def close(self) -> None:
        """Let connections go; idempotent."""
        ...


def scrubbed(text: str, secrets: Iterable[str], chars_max: int = ANSWER_CHARS_MAX) -> str:
    """A text on one line without secrets, and cut. Secrets go before it is cut, so that no half of one stays."""
    for secret in sorted({one for one in secrets if len(one) >= SECRET_CHARS_MIN}, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return one_line(text, chars_max)
