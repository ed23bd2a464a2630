"""
The tree of routes: where an alert goes, with whom it is grouped, and how often somebody hears of the group.

    {}                                   group_by alertname      -> default
    +- {severity="page"}                 group_by service        -> pager
    +- {team="shop"}  continue                                   -> shop-chat
    +- {severity="ticket"}               mute: weekend           -> tickets

An alert enters at the root and goes down depth first: to the first child that matches, and past it to the next while `continue` says so.
Where no child matches, the route itself takes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tocsin.alert.routing.matchers import format_matchers
from tocsin.model.labels import Labels
from tocsin.model.series import Matcher

GROUP_WAIT_S = 30.0
GROUP_INTERVAL_S = 300.0
REPEAT_INTERVAL_S = 4 * 3600.0


@dataclass(frozen=True, slots=True)
class Route:
    """
    A node of the tree; what it does not say itself is its parent's.

    Args:
        id: The matchers from the root to here, `{}/{severity="page"}`; of siblings with the same matchers the second ends in `#2`. It
            stays the same when other routes come and go, so that what was told already is not told again.
        receiver: Who is told.
        matchers: All must match an alert; none at the root.
        group_by: Alerts with the same values of these labels are one group.
        group_by_all: By all labels: every alert is a group of its own.
        continues: An alert that matches goes on to the next sibling as well.
        group_wait_s: How long a new group waits for more alerts before it is told, seconds.
        group_interval_s: How long until changes of the group are told, seconds.
        repeat_interval_s: How long until the same is told again, seconds.
        mute_time_intervals: Nobody is told while one of them holds.
        active_time_intervals: Nobody is told unless one of them holds; none: always.
        routes: Children, in order.
    """

    id: str
    receiver: str
    matchers: tuple[Matcher, ...] = ()
    group_by: frozenset[str] = frozenset()
    group_by_all: bool = False
    continues: bool = False
    group_wait_s: float = GROUP_WAIT_S
    group_interval_s: float = GROUP_INTERVAL_S
    repeat_interval_s: float = REPEAT_INTERVAL_S
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()

    def matches(self, labels: Labels) -> bool:
        """Whether an alert may enter here."""
        return all(matcher.matches(labels.get(matcher.name)) for matcher in self.matchers)

    def match(self, labels: Labels) -> list[Route]:
        """The routes that take an alert, in order; none when it may not enter."""
        if not self.matches(labels):
            return []
        found: list[Route] = []
        for child in self.routes:
            taken = child.match(labels)
            found += taken
            if taken and not child.continues:
                break
        return found or [self]

    def group_labels(self, labels: Labels) -> Labels:
        """What an alert has in common with the others of its group."""
        return labels if self.group_by_all else labels.keep(self.group_by)

    def walk(self) -> Iterator[Route]:
        """This route and all below it, depth first."""
        yield self
        for child in self.routes:
            yield from child.walk()


def child_id(parent: str, matchers: tuple[Matcher, ...], siblings: Counter[str]) -> str:
    """
    The id of a route below another.

    Args:
        parent: Id of the route above.
        matchers: Its own.
        siblings: How often each came among those before it; counted on.
    """
    plain = f"{parent}/{format_matchers(matchers)}"
    siblings[plain] += 1
    return plain if siblings[plain] == 1 else f"{plain}#{siblings[plain]}"
