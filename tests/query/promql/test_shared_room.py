"""Room that all queries share: waiting, refusing, giving back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from tocsin.errors import LimitExceeded
from tocsin.query.promql.shared_room import GRAIN, Reservation, SharedRoom


def test_small_queries_are_let_through() -> None:
    """A query that needs little gets it even where nothing is left."""
    room = SharedRoom(10 * GRAIN)
    large, small = Reservation(room), Reservation(room)
    large.grow(10 * GRAIN, wait_s=0.0)
    small.grow(GRAIN, wait_s=0.0)
    assert room.taken == 10 * GRAIN


def test_it_keeps_the_most() -> None:
    """A reservation is as large as it ever had to be, and gives back all of it once."""
    room = SharedRoom(10 * GRAIN)
    one = Reservation(room)
    one.grow(5 * GRAIN, wait_s=0.0)
    one.grow(2 * GRAIN, wait_s=0.0)
    one.grow(6 * GRAIN, wait_s=0.0)
    assert room.taken == 6 * GRAIN
    one.end()
    one.end()
    assert room.taken == 0


def test_it_waits_for_others() -> None:
    """A query waits for another to end, and goes on then."""
    room = SharedRoom(10 * GRAIN, wait_s=60.0)
    first, second = Reservation(room), Reservation(room)
    first.grow(8 * GRAIN, wait_s=0.0)
    began = Event()

    def wait() -> int:
        began.set()
        second.grow(5 * GRAIN, wait_s=60.0)
        return room.taken

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait)
        began.wait()
        first.end()
        assert waiting.result(timeout=60) == 5 * GRAIN


def test_nobody_waits_for_those_who_wait() -> None:
    """When two queries each need what the other has, one is refused at once, and the other goes on when that one has ended."""
    room = SharedRoom(10 * GRAIN, wait_s=60.0)
    pair = Reservation(room), Reservation(room)
    for one in pair:
        one.grow(5 * GRAIN, wait_s=0.0)

    def work(one: Reservation) -> bool:
        try:
            one.grow(8 * GRAIN, wait_s=60.0)
        except LimitExceeded:
            return False
        finally:
            one.end()
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(work, pair)) == [False, True]
    assert room.taken == 0


def test_what_never_fits_is_refused() -> None:
    """A query that needs more than there is does not wait."""
    room = SharedRoom(10 * GRAIN, wait_s=60.0)
    with pytest.raises(LimitExceeded, match=r"promql\.samples_held_max"):
        Reservation(room).grow(11 * GRAIN, wait_s=60.0)
