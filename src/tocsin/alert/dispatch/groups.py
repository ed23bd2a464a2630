"""Groups of alerts in memory: found by route and labels, woken in the order in which they are due."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import replace

from tocsin.alert.dispatch.kept import Group
from tocsin.alert.dispatch.state import GroupState
from tocsin.alert.routing.matchers import go_quoted
from tocsin.alert.routing.tree import Route
from tocsin.model.instant import Instant
from tocsin.model.labels import Labels


class Groups:
    """All groups."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, Labels], Group] = {}
        self._by_key: dict[str, Group] = {}
        self._due: list[tuple[Instant, int, Group]] = []
        self._turn = 0

    def __len__(self) -> int:
        return len(self._groups)

    def __iter__(self) -> Iterator[Group]:
        return iter(self._groups.values())

    def find(self, route: Route, labels: Labels) -> Group | None:
        """The group of a route with these labels."""
        return self._groups.get((route.id, labels))

    def by_key(self, group_key: str) -> Group | None:
        """The group of this name."""
        return self._by_key.get(group_key)

    def add(self, group: Group) -> None:
        """Keep a new group."""
        self._groups[group.route.id, group.state.labels] = group
        self._by_key[group.state.group_key] = group
        self._wake(group)

    def remove(self, group: Group) -> None:
        """Forget a group."""
        del self._groups[group.route.id, group.state.labels]
        del self._by_key[group.state.group_key]

    def change(self, group: Group, state: GroupState) -> None:
        """Remember something else of a group; it is woken when the new state says so."""
        moved = state.next_flush_at != group.state.next_flush_at
        group.state = state
        if moved:
            self._wake(group)

    def due(self, now: Instant, groups_max: int) -> list[Group]:
        """Up to so many groups that are to be flushed, the longest due first; they stay due."""
        entries: dict[str, tuple[Instant, int, Group]] = {}
        while self._due and self._due[0][0] <= now and len(entries) < groups_max:
            entry = heapq.heappop(self._due)
            if self._stands(entry):
                entries[entry[2].state.group_key] = entry
        for entry in entries.values():
            heapq.heappush(self._due, entry)
        return [group for _, _, group in entries.values()]

    def next_at(self) -> Instant | None:
        """When the next group is due."""
        while self._due and not self._stands(self._due[0]):
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def shift(self, back_ns: int) -> None:
        """Move all remembered instants back: the clock was, and what has passed since is as long as before."""
        for group in self:
            group.state = _shifted(group.state, back_ns)
        self._due = []
        for group in self:
            self._wake(group)

    def _wake(self, group: Group) -> None:
        self._turn += 1
        heapq.heappush(self._due, (group.state.next_flush_at, self._turn, group))

    def _stands(self, entry: tuple[Instant, int, Group]) -> bool:
        at, _, group = entry
        return group.state.next_flush_at == at and self._by_key.get(group.state.group_key) is group


def group_key(route: Route, labels: Labels) -> str:
    """The name of a group as Alertmanager writes it: `{}/{severity="page"}:{alertname="X", service="shop"}`."""
    return f"{route.id}:{{{', '.join(f'{name}={go_quoted(value)}' for name, value in labels)}}}"


def _shifted(state: GroupState, back_ns: int) -> GroupState:
    return replace(
        state,
        next_flush_at=state.next_flush_at - back_ns,
        flushed_at=None if state.flushed_at is None else state.flushed_at - back_ns,
        channels={name: replace(channel, notified_at=channel.notified_at - back_ns) for name, channel in state.channels.items()},
    )
