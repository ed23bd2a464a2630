"""
A crash at every single call to the disk that an action makes, each with several ways in which unsynced names may survive it.

The scenarios of `test_journal_simulation` meet these moments by chance; here none is left out.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.simulation.disk import Crash
from tests.simulation.world import World

SURVIVALS = 12  # seeds per moment
OPERATIONS_MAX = 60
FRAMES = 5


def load(world: World) -> None:
    """The engine takes a segment."""
    world.load(world.taken_segment(FRAMES))


def split_and_load(world: World) -> None:
    """The engine refuses a segment, takes its first half, then its second."""
    for half in world.journal.split(world.taken_segment(FRAMES)):
        world.load(half)


def split_twice_and_load_one(world: World) -> None:
    """The first half is split again, and the last quarter is loaded; everything else is left to the next start."""
    first, _ = world.journal.split(world.taken_segment(FRAMES))
    world.load(world.journal.split(first)[1])


def quarantine_and_replay(world: World) -> None:
    """The engine refuses a segment, somebody replays it, the engine takes it."""
    world.journal.quarantine(world.taken_segment(FRAMES), "refused by the simulated engine")
    (segment,) = world.journal.replay_quarantined()
    world.load(segment)


def split_and_quarantine(world: World) -> None:
    """One half is loaded, the other one goes to quarantine."""
    first, second = world.journal.split(world.taken_segment(FRAMES))
    world.load(first)
    world.journal.quarantine(second, "refused by the simulated engine")


def write_close_and_write(world: World) -> None:
    """Two segments are written, the first is loaded in between."""
    load(world)
    world.taken_segment(FRAMES)


ACTIONS: list[Callable[[World], None]] = [
    load,
    split_and_load,
    split_twice_and_load_one,
    quarantine_and_replay,
    split_and_quarantine,
    write_close_and_write,
]


def crash_during(action: Callable[[World], None], *, operations: int, seed: int) -> bool:
    """Crash the action around that call, or behind its last one; returns whether it came to its end."""
    world = World(seed)
    world.taken_segment(FRAMES)
    world.disk.crash_after(operations)
    try:
        action(world)
        finished = True
    except Crash:
        finished = False
    world.restart(crash_again=0.3)
    world.judge()
    return finished


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.__name__)
def test_a_crash_at_any_call_loses_and_doubles_nothing(action: Callable[[World], None]) -> None:
    """Whatever call is the last one before the crash, every acknowledged batch is found once afterwards."""
    for seed in range(SURVIVALS):
        finished = [crash_during(action, operations=operations, seed=seed) for operations in range(1, OPERATIONS_MAX)]
        assert not finished[0]
        assert finished[-1], "OPERATIONS_MAX is too small to reach the action's end"
