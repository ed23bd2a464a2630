"""Progress of counting: written again and again, forgotten with its objective."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.state.builders import progress

from tocsin.state.state import State


def test_progress_is_replaced(state: State) -> None:
    """The last one written holds, of two in one call the last; the others stay."""
    state.progress.put([progress(), progress(objective="latency")])
    state.progress.put([progress(backfilled=True), progress(backfilled=True, counted_from_s=60)])
    assert state.progress.all() == {
        "availability": progress(backfilled=True, counted_from_s=60),
        "latency": progress(objective="latency"),
    }


def test_progress_of_objectives_that_are_gone_is_forgotten(state: State) -> None:
    """Those named are removed, unknown ones passed over; nothing to do is nothing done."""
    state.progress.put([progress(objective=name) for name in ("a", "b", "c")])
    state.progress.remove(["a", "c", "never there"])
    state.progress.remove([])
    state.progress.put([])
    assert list(state.progress.all()) == ["b"]


def test_writers_in_any_order_do_not_block_each_other(state: State) -> None:
    """Threads that write the same objectives in different orders all finish."""
    names = [f"objective-{index}" for index in range(20)]
    with ThreadPoolExecutor(4) as pool:
        for done in [
            pool.submit(state.progress.put, [progress(objective=name, updated_s=turn) for name in (names if turn % 2 else names[::-1])])
            for turn in range(16)
        ]:
            done.result()
    assert list(state.progress.all()) == sorted(names)
    assert len({each.updated_s for each in state.progress.all().values()}) == 1
