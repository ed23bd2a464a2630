"""Who holds whom back: firing sources of every rule of inhibition, found by the values that both sides must share."""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.alert.dispatch.kept import Kept, Side
from tocsin.alert.routing.inhibition import InhibitRule
from tocsin.model.labels import Labels


class InhibitionIndex:
    """
    Firing sources by rule and by the values of its `equal` labels.

    Those that match the rule's other side as well stand apart, so that one look finds a source for any target.

    Args:
        rules: Rules of inhibition.
    """

    def __init__(self, rules: Sequence[InhibitRule]) -> None:
        self._rules = rules
        self._sources: dict[Side, dict[str, None]] = {}

    def sides(self, labels: Labels) -> tuple[tuple[Side, ...], tuple[Side, ...]]:
        """Sides that labels match: as sources, and as targets."""
        return _sides(self._rules, labels)

    def add(self, kept: Kept) -> None:
        """An alert fires: it counts as a source from now on."""
        for side in kept.sources:
            self._sources.setdefault(side, {})[kept.fingerprint] = None

    def remove(self, kept: Kept) -> None:
        """An alert has ended."""
        for side in kept.sources:
            found = self._sources.get(side, {})
            found.pop(kept.fingerprint, None)
            if not found:
                self._sources.pop(side, None)

    def holding_back(self, kept: Kept) -> tuple[str, ...]:
        """Fingerprints of the sources that hold an alert back, one of each rule; empty when none does."""
        found: dict[str, None] = {}
        for side in kept.targets:
            sources = self._sources.get(Side(side.rule, side.equal, both=False))
            if not sources and not side.both:
                sources = self._sources.get(Side(side.rule, side.equal, both=True))
            if sources:
                found[next(iter(sources))] = None
        return tuple(found)


def _sides(rules: Sequence[InhibitRule], labels: Labels) -> tuple[tuple[Side, ...], tuple[Side, ...]]:
    sources, targets = [], []
    for number, rule in enumerate(rules):
        is_source, is_target = rule.is_source(labels), rule.is_target(labels)
        if not is_source and not is_target:
            continue
        side = Side(number, rule.equal_values(labels), is_source and is_target)
        if is_source:
            sources.append(side)
        if is_target:
            targets.append(side)
    return tuple(sources), tuple(targets)
