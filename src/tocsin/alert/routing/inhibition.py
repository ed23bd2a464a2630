"""Rules by which one alert keeps another from being told: the cause is out, so nobody needs to hear of its consequences."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.model.labels import Labels
from tocsin.model.series import Matcher


@dataclass(frozen=True, slots=True)
class InhibitRule:
    """
    While an alert fires that matches `sources`, those are not told that match `targets` and have the same values of the labels `equal`.

    A label that is missing equals one that is empty. An alert that matches both sides is not held back by one that does so too.

    Args:
        sources, targets: All of each must match; none match everything.
        equal: Names of labels.
        name: For people; may be empty.
    """

    sources: tuple[Matcher, ...]
    targets: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()
    name: str = ""

    def is_source(self, labels: Labels) -> bool:
        """Whether an alert holds others back by it."""
        return all(matcher.matches(labels.get(matcher.name)) for matcher in self.sources)

    def is_target(self, labels: Labels) -> bool:
        """Whether an alert is held back by it."""
        return all(matcher.matches(labels.get(matcher.name)) for matcher in self.targets)

    def equal_values(self, labels: Labels) -> tuple[str, ...]:
        """What must be the same of both."""
        return tuple(labels.get(name) for name in self.equal)
