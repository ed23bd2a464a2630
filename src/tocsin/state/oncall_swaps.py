"""Swaps: asked, then accepted, declined or withdrawn once. An accepted one makes its override in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import RowMapping, select, true, update

from tocsin.errors import Conflict, NotFound
from tocsin.model.instant import Instant, format_instant
from tocsin.model.oncall import Override, Swap, SwapState
from tocsin.state.audit import AuditAction, AuditEntry, write_audit
from tocsin.state.database import Database
from tocsin.state.insertion import insert_new
from tocsin.state.oncall_overrides import add_override
from tocsin.state.oncall_tables import SWAPS
from tocsin.state.rows import checked, record_of, row_of, signed

LIMIT = 1000
ACTIONS = {
    SwapState.ACCEPTED: AuditAction.SWAP_ACCEPTED,
    SwapState.DECLINED: AuditAction.SWAP_DECLINED,
    SwapState.WITHDRAWN: AuditAction.SWAP_WITHDRAWN,
}


class Swaps:
    """Keeps swaps; safe to call from several threads. Who may decide is judged by whoever asks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, swap: Swap) -> None:
        """
        Keep a swap that was asked.

        Raises:
            Conflict: The id is taken.
            InvalidInput: The person or the reason are blank.
        """
        signed("a swap", {"id": swap.id, "asked_by": swap.asked_by, "reason": swap.reason})
        to = swap.offered_to or "anybody"
        times = f"from {format_instant(swap.start)} until {format_instant(swap.end)}"
        detail = f"{swap.asked_by} offers {swap.schedule} {times} to {to}: {swap.reason}"
        with self._database.transaction() as connection:
            if not insert_new(connection, SWAPS, row_of(swap, SWAPS)):
                raise Conflict(f"there is a swap with the id {swap.id!r} already; give another id, or none")
            write_audit(connection, AuditEntry(swap.created, swap.asked_by, AuditAction.SWAP_ASKED, swap.id, detail))

    def decide(
        self,
        id: str,  # noqa: A002 - as the record says
        state: SwapState,
        *,
        by: str,
        at: Instant,
        comment: str = "",
        override: Override | None = None,
    ) -> Swap:
        """
        End a swap; of several at once, the first does.

        Args:
            id: Which.
            state: How it ends.
            by: Who says so.
            at: When.
            comment: What they say to it.
            override: What it makes of the schedule, when it is accepted.

        Returns:
            The swap as it is now.

        Raises:
            NotFound: There is none with this id.
            Conflict: It was decided before.
            InvalidInput: Nobody signs.
        """
        signed("deciding a swap", {"by": by})
        with self._database.transaction() as connection:
            row = connection.execute(select(SWAPS).where(SWAPS.c.id == checked("id", id)).with_for_update()).mappings().one_or_none()
            if row is None:
                raise NotFound(f"there is no swap with the id {id!r}")
            swap = _record(row)
            if swap.state is not SwapState.ASKED:
                raise Conflict(f"swap {id!r} was {swap.state.value} by {swap.decided_by} at {format_instant(swap.decided_at or 0)}")
            decided = replace(swap, state=state, decided_by=by, decided_at=at, comment=comment)
            connection.execute(update(SWAPS).where(SWAPS.c.id == id).values(row_of(decided, SWAPS)))
            write_audit(connection, AuditEntry(at, by, ACTIONS[state], id, comment))
            if override is not None:
                add_override(connection, override)
            return decided

    def get(self, id: str) -> Swap:  # noqa: A002
        """
        The swap of an id.

        Raises:
            NotFound: There is none.
        """
        with self._database.reading() as connection:
            row = connection.execute(select(SWAPS).where(SWAPS.c.id == checked("id", id))).mappings().one_or_none()
        if row is None:
            raise NotFound(f"there is no swap with the id {id!r}; `tocsin oncall swap list` shows them")
        return _record(row)

    def list(self, *, state: SwapState | None = None, limit: int = LIMIT) -> Sequence[Swap]:
        """The last `limit` swaps, the newest first."""
        wanted = SWAPS.c.state == state.value if state is not None else true()
        with self._database.reading() as connection:
            query = select(SWAPS).where(wanted).order_by(SWAPS.c.created.desc(), SWAPS.c.id).limit(limit)
            return [_record(row) for row in connection.execute(query).mappings()]


def _record(row: RowMapping) -> Swap:
    return record_of(Swap, row, state=SwapState(row["state"]))
