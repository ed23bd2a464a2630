"""
Room for the cells of all queries that run at the same time.

Every query has a limit of its own, but a dashboard asks twenty at once, and the machine has one memory. So what a query wants beyond what
it has is asked for here first. One that finds no room waits while others may still give some back, and is refused otherwise.
"""

from __future__ import annotations

from threading import Condition

from tocsin.errors import LimitExceeded

# So small a query is let through: what it takes is nothing beside the others, and it needs no lock.
GRAIN = 100_000
WAIT_S = 10.0


class SharedRoom:
    """
    The cells that all queries together may hold. Safe to use from several threads.

    Args:
        cells_max: How many.
        wait_s: How long a query waits for others, at most; as long as it has time, too.
    """

    def __init__(self, cells_max: int, *, wait_s: float = WAIT_S) -> None:
        self._cells_max = cells_max
        self._wait_s = wait_s
        self._changed = Condition()
        self._taken = 0
        self._holders = 0  # queries with room
        self._stuck = 0  # those of them that wait for more

    @property
    def taken(self) -> int:
        """Cells that are taken now."""
        with self._changed:
            return self._taken

    def take(self, more: int, had: int, *, wait_s: float) -> None:
        """
        Take room for a query.

        Args:
            more: Cells it needs beyond what it has.
            had: Cells it has already.
            wait_s: How long it can wait.

        Raises:
            LimitExceeded: There is no room, and none that it could wait for.
        """
        with self._changed:
            if had + more > self._cells_max:
                raise LimitExceeded(
                    "query processing would load too many samples into memory in query execution: "
                    f"all queries together hold at most {self._cells_max} (option promql.samples_held_max); "
                    "narrow the selectors or the range"
                )
            if self._taken + more > self._cells_max and not self._wait(more, had, min(wait_s, self._wait_s)):
                raise LimitExceeded(
                    f"other queries are running and hold {self._taken - had} of {self._cells_max} samples that fit into memory "
                    f"(option promql.samples_held_max), this one needs {had + more}: try again, or narrow the selectors or the range"
                )
            self._taken += more
            self._holders += not had

    def give_back(self, cells: int) -> None:
        """A query has ended that had so many cells."""
        if not cells:
            return
        with self._changed:
            self._taken -= cells
            self._holders -= 1
            self._changed.notify_all()

    def _wait(self, more: int, had: int, wait_s: float) -> bool:
        """Wait for room; whether there is some. Nobody waits for queries that all wait themselves."""
        own = int(had > 0)
        if self._holders - own <= self._stuck:
            return False
        self._stuck += own
        try:
            self._changed.wait_for(lambda: self._taken + more <= self._cells_max, timeout=max(0.0, wait_s))
        finally:
            self._stuck -= own
        return self._taken + more <= self._cells_max


class Reservation:
    """
    What one query has of the room: as much as it ever held at a time, until it ends.

    Args:
        room: Of all queries.
    """

    def __init__(self, room: SharedRoom) -> None:
        self._room = room
        self._cells = 0

    def needs(self, cells: int) -> bool:
        """Whether it must grow to have so many."""
        return cells > max(self._cells, GRAIN)

    def grow(self, cells: int, *, wait_s: float) -> None:
        """
        Have at least so many cells.

        Raises:
            LimitExceeded: There is no room.
        """
        if not self.needs(cells):
            return
        more = cells - self._cells
        self._room.take(more, self._cells, wait_s=wait_s)
        self._cells += more

    def end(self) -> None:
        """Give all of it back."""
        self._room.give_back(self._cells)
        self._cells = 0
