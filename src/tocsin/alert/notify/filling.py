"""
What a channel fills its texts in with: the templates of the configuration, and the present.

Texts that say where to send must be filled in, or nothing is sent; texts for people fall back to the page, because a broken text must not
keep somebody from being woken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tocsin.alert.page.text import PageText
from tocsin.alert.template.notification_texts import NotificationTemplates, NotificationTexts
from tocsin.clock import Clock
from tocsin.errors import DeliveryError, TocsinError
from tocsin.model.notification import Notification


@dataclass(frozen=True, slots=True)
class Filling:
    """
    Fills in texts of receivers.

    Args:
        templates: Those of the configuration.
        clock: The present.
    """

    templates: NotificationTemplates
    clock: Clock

    def of(self, notification: Notification, page: PageText, *, alerts_max: int = 0) -> NotificationTexts:
        """For one notification."""
        return self.templates.for_notification(notification, page, now=self.clock.now_ns(), alerts_max=alerts_max)


def needed(texts: NotificationTexts, what: str, text: str) -> str:
    """
    A text that says where to send, or as whom.

    Raises:
        DeliveryError: It can't be filled in; lasting. The text itself is not shown, it may be a secret.
    """
    try:
        return texts.text(text)
    except TocsinError as error:
        raise DeliveryError(f"{what} is a template that can't be filled in: {error}", lasting=True) from None


def filled_tree(texts: NotificationTexts, value: Any) -> Any:
    """
    Objects and lists with every text in them filled in.

    Raises:
        DeliveryError: One can't be filled in; lasting.
    """
    if isinstance(value, str):
        return needed(texts, "payload", value)
    if isinstance(value, Mapping):
        return {str(name): filled_tree(texts, one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [filled_tree(texts, one) for one in value]
    return value
