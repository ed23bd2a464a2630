"""What is tried next: fair between receivers, one of a group at a time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.alert.pipeline.builders import SECOND, START

from tocsin.alert.pipeline.backoff import LONGEST_S, backoff_s
from tocsin.alert.pipeline.waitlist import SLOW_S, Waitlist
from tocsin.clock import SeededEntropy
from tocsin.state.alert_records import Waiting


def waiting(number: int, *, group: str = "", receiver: str = "a") -> Waiting:
    """One that waits since START, in a group of its own unless it says another."""
    return Waiting(number, f"n{number}", group or f"g{number}", receiver, "slack/0", START, START)


def test_receivers_take_turns() -> None:
    """One with a long queue is served as often as one with a short one."""
    waitlist = Waitlist(workers=1)
    for each in [*(waiting(number) for number in range(10)), waiting(90, receiver="b"), waiting(91, receiver="b")]:
        waitlist.add(each)
    served: list[str] = []
    while (taken := waitlist.take(START)) is not None and len(served) < 5:
        served.append(taken.key)
        waitlist.release(taken)
    assert served == ["n0", "n90", "n1", "n91", "n2"]


def test_two_of_one_group_are_never_under_way_at_once() -> None:
    """A newer one waits until the older one is settled, and then comes at once."""
    waitlist = Waitlist(workers=8)
    waitlist.add(waiting(1, group="g"))
    first = waitlist.take(START)
    assert first is not None
    waitlist.add(waiting(2, group="g"))
    assert waitlist.take(START) is None
    assert (len(waitlist), waitlist.under_way, waitlist.next_at()) == (1, 1, None)
    waitlist.release(first)
    second = waitlist.take(START)
    assert second is not None
    assert second.key == "n2"


def test_a_failing_or_slow_receiver_is_tried_by_one_worker() -> None:
    """It rests after a failure, with all that waits for it; as soon as it takes something in good time, others may try again."""
    waitlist = Waitlist(workers=8)
    for number in range(6):
        waitlist.add(waiting(number))
    first = waitlist.take(START)
    assert first is not None
    waitlist.failed(first, START, START + SECOND)
    waitlist.release(first, START + SECOND)
    assert waitlist.take(START) is None
    assert waitlist.next_at() == START + SECOND
    probe = waitlist.take(START + SECOND)
    assert probe is not None
    assert waitlist.take(START + SECOND) is None
    assert waitlist.failing == [("a", "slack/0")]
    waitlist.succeeded(probe, SLOW_S)
    assert waitlist.take(START + SECOND) is None
    waitlist.succeeded(probe, 0.1)
    assert waitlist.take(START + SECOND) is not None
    assert waitlist.failing == []


@given(st.integers(1, 10_000), st.integers(0, 2**32), st.none() | st.floats(0, 10_000))
def test_pauses_grow_and_are_bounded(failures: int, seed: int, asked_s: float | None) -> None:
    """Never longer than two minutes unless the receiver asks for it, never shorter than it asks for."""
    pause_s = backoff_s(failures, SeededEntropy(seed), retry_after_s=asked_s)
    assert (asked_s or 0.5) <= pause_s or pause_s >= 0.5
    assert pause_s <= max(LONGEST_S, asked_s or 0)
    assert pause_s >= (asked_s or 0)
