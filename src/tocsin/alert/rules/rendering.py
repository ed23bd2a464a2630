"""
What templates in labels and annotations are filled in with, and by whom.

    {{ $labels.service }} fails {{ $value | humanizePercentage }}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tocsin.errors import TocsinError
from tocsin.model.instant import Instant

ACTION = "{{"


@dataclass(frozen=True, slots=True)
class TextData:
    """
    What a rule's template knows.

    Args:
        labels: `$labels`: of the element that was found, before the rule adds its own.
        value: `$value`.
        external_labels: `$externalLabels`.
        external_url: `$externalURL`.
    """

    labels: Mapping[str, str]
    value: float
    external_labels: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""


class Render(Protocol):
    """Fills templates in. Safe to use from several threads."""

    def __call__(self, name: str, text: str, data: TextData, at: Instant) -> str:
        """
        The text of one template.

        Args:
            name: Of the template, for messages: `__alert_` and the rule's name.
            text: With actions in double braces.
            data: What it knows.
            at: When, for the function `query`.

        Raises:
            TocsinError: It does not read, or an action fails.
        """
        ...


def plain(name: str, text: str, data: TextData, at: Instant) -> str:  # noqa: ARG001 - a Render
    """Templates as they stand."""
    return text


def expanded(render: Render, name: str, text: str, data: TextData, at: Instant) -> str:
    """The text filled in; what failed is said in its place, as Prometheus does: a broken text must not keep an alert from being told."""
    if ACTION not in text:
        return text
    try:
        return render(name, text, data, at)
    except TocsinError as error:
        return f"<error expanding template: {error}>"
