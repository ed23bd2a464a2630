"""The outbox: in order, once by key, and nothing replaced without a word."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from tests.state.alert_builders import alert, attempt, notification
from tests.state.builders import MINUTE, NOW, Open

from tocsin.model.notification import DeliveryState, NotificationReason
from tocsin.state.alert_records import AlertChange
from tocsin.state.state import State

ENDED = alert(ends_at=NOW + 20 * MINUTE)


def states(state: State) -> dict[str, DeliveryState]:
    """How far each notification has come, by key."""
    return {each.notification.key: each.state for each in state.alerting.outbox.entries()}


def test_a_key_is_kept_once(state: State) -> None:
    """A second notification with the key changes nothing, however often and in whatever company it comes."""
    assert state.alerting.enqueue([notification(), notification(note="again")]) == 1
    assert state.alerting.enqueue([notification(note="again"), notification("n2", group_key="other")]) == 1
    (first, second) = state.alerting.outbox.after(0)
    assert (first.notification, first.state, first.attempts) == (notification(), DeliveryState.PENDING, 0)
    assert second.number > first.number


def test_what_waits_is_read_in_order(state: State) -> None:
    """By number, a bounded number at a time, without what it says."""
    state.alerting.enqueue([notification(f"n{index}", group_key=f"g{index}") for index in range(5)])
    first = state.alerting.outbox.waiting(limit=3)
    rest = state.alerting.outbox.waiting(first[-1].number)
    assert [each.key for each in (*first, *rest)] == ["n0", "n1", "n2", "n3", "n4"]
    assert (first[0].group_key, first[0].channel, first[0].next_attempt_at) == ("g0", "slack/0", NOW)
    assert state.alerting.outbox.count().pending == 5
    assert state.alerting.outbox.count().oldest_created_at == NOW


def test_a_newer_one_replaces_an_older_one_that_waits(state: State) -> None:
    """A page that fired and resolved while its receiver was away is still told, by the newest notification of its lane."""
    state.alerting.enqueue([notification()])
    state.alerting.outbox.record(attempt(), DeliveryState.PENDING, NOW + MINUTE)
    second = notification("n2", created_at=NOW + 20 * MINUTE, reason=NotificationReason.ALL_RESOLVED, alerts=(ENDED,), note="Said by ada")
    state.alerting.enqueue([second, replace(notification("n3"), channel="email/0"), replace(notification("n4"), receiver="team-y")])
    assert states(state) == {
        "n1": DeliveryState.SUPERSEDED, "n2": DeliveryState.PENDING, "n3": DeliveryState.PENDING, "n4": DeliveryState.PENDING,
    }  # fmt: skip
    old, new = state.alerting.outbox.entry("n1"), state.alerting.outbox.entry("n2")
    assert old is not None
    assert new is not None
    assert (old.replaced_by, old.settled_at) == ("n2", NOW + 20 * MINUTE)
    assert new.failing_since == NOW, "a lane that fails goes on failing, or it would never escalate"
    assert new.notification.note == (
        "Said by ada; Not told before: a notification of 2026-09-21T14:13:20Z: CheckoutBurns fired at 2026-09-21T14:13:20Z,"
        " resolved at 2026-09-21T14:33:20Z"
    )


def test_what_was_replaced_twice_is_told_once(state: State) -> None:
    """A chain of notifications that nobody got is one note; alerts that still fire are not told twice; many are counted."""
    many = tuple(alert(f"A{index:02}", ends_at=NOW + MINUTE) for index in range(14))
    chain = [
        notification("n1", alerts=(alert(), alert("Gone"))),
        notification("n2", created_at=NOW + MINUTE, alerts=(alert(), *many)),
        notification("n3", created_at=NOW + 2 * MINUTE),
    ]
    state.alerting.enqueue(chain[:2])
    state.alerting.enqueue(chain[2:])
    found = state.alerting.outbox.entry("n3")
    assert found is not None
    note = found.notification.note
    assert found.notification.untold == 2
    assert note.startswith("Not told before: 2 since 2026-09-21T14:13:20Z: Gone fired at 2026-09-21T14:13:20Z, no longer told; A00 fired")
    assert "CheckoutBurns" not in note
    assert note.endswith("and 5 more")


def test_what_arrived_after_it_was_replaced_was_told(state: State) -> None:
    """A notification that was on its way while a newer one came counts as delivered, and the newer one no longer says that it was not."""
    state.alerting.enqueue([notification()])
    state.alerting.enqueue([notification("n2", created_at=NOW + MINUTE, alerts=(ENDED,))])
    assert state.alerting.outbox.record(attempt(outcome="delivered"), DeliveryState.DELIVERED, 0) is DeliveryState.DELIVERED
    newer = state.alerting.outbox.entry("n2")
    assert newer is not None
    assert (newer.notification.note, newer.notification.untold) == ("", 0)
    assert states(state) == {"n1": DeliveryState.DELIVERED, "n2": DeliveryState.PENDING}


def test_what_fails_after_it_was_replaced_stays_replaced(state: State) -> None:
    """Giving it up calls nobody else: the newer one says what it said."""
    state.alerting.enqueue([notification()])
    state.alerting.enqueue([notification("n2", created_at=NOW + MINUTE)])
    instead = notification("f1", receiver="fallback", reason=NotificationReason.FALLBACK)
    assert state.alerting.outbox.record(attempt(), DeliveryState.UNDELIVERABLE, 0, [instead]) is DeliveryState.SUPERSEDED
    assert "f1" not in states(state)


def test_attempts_are_counted_and_kept(state: State) -> None:
    """Each gets the next number; when the first failed is remembered; the last says when it was settled."""
    state.alerting.enqueue([notification()])
    state.alerting.outbox.record(attempt(detail="refused \x00"), DeliveryState.PENDING, NOW + 7)
    state.alerting.outbox.record(attempt(at=NOW + MINUTE, outcome="delivered", detail="ok"), DeliveryState.DELIVERED, 0)
    (first, second) = state.alerting.outbox.attempts(["n1", "unknown"])["n1"]
    assert (first.number, first.detail, second.number, second.detail) == (1, "refused \\x00", 2, "ok")
    entry = state.alerting.outbox.entry("n1")
    assert entry is not None
    assert (entry.attempts, entry.failing_since, entry.settled_at) == (2, NOW, NOW + MINUTE + 250_000_000)
    assert state.alerting.outbox.record(attempt("expired"), DeliveryState.DELIVERED, 0) is DeliveryState.DELIVERED


def test_an_undeliverable_one_and_its_fallback_are_one_step(state: State) -> None:
    """What stands in its place is there when it is given up."""
    state.alerting.enqueue([notification()])
    instead = notification("f1", receiver="fallback", reason=NotificationReason.FALLBACK)
    assert state.alerting.outbox.record(attempt(), DeliveryState.UNDELIVERABLE, 0, [instead]) is DeliveryState.UNDELIVERABLE
    assert states(state) == {"n1": DeliveryState.UNDELIVERABLE, "f1": DeliveryState.PENDING}
    assert [each.notification.key for each in state.alerting.outbox.entries(state=DeliveryState.PENDING)] == ["f1"]
    assert [each.notification.key for each in state.alerting.outbox.entries(group_key=notification().group_key, limit=1)] == ["f1"]
    assert not state.alerting.outbox.entries(start=NOW + 1)


def test_followers_miss_nothing(state: State) -> None:
    """A cursor moves with what was made of the notifications, and numbers are not given again after everything expired."""
    state.alerting.enqueue([notification("n1", group_key="a"), notification("n2", group_key="b")])
    seen = state.alerting.outbox.after(state.alerting.outbox.cursor("opener"))
    with state.database.transaction() as connection:
        state.alerting.outbox.move_cursor_within(connection, "opener", seen[-1].number)
    assert state.alerting.outbox.cursor("opener") == state.alerting.outbox.newest_number()
    for key in ("n1", "n2"):
        state.alerting.outbox.record(attempt(key), DeliveryState.DELIVERED, 0)
    state.alerting.expire(NOW + 2 * 86_400_000_000_000, days=1)
    assert not state.alerting.outbox.entries()
    state.alerting.enqueue([notification("n3")])
    assert [each.notification.key for each in state.alerting.outbox.after(state.alerting.outbox.cursor("opener"))] == ["n3"]
    state.alerting.outbox.move_cursor("opener", 0)
    assert state.alerting.outbox.cursor("opener") == 0


def test_writers_at_once_are_read_in_one_order(open_state: Open) -> None:
    """Whoever follows by number while several write sees every notification exactly once."""
    first, second = open_state(), open_state()

    def write(state: State, name: str) -> None:
        for index in range(15):
            state.alerting.commit(AlertChange(notifications=[notification(f"{name}{index}", group_key=f"{name}{index}")]))

    seen: list[str] = []
    number = 0
    with ThreadPoolExecutor(2) as pool:
        writers = [pool.submit(write, first, "a"), pool.submit(write, second, "b")]
        while len(seen) < 30:
            done = all(writer.done() for writer in writers)
            found = first.alerting.outbox.after(number)
            seen += [each.notification.key for each in found]
            number = found[-1].number if found else number
            if done and not found:
                break
        for writer in writers:
            writer.result()
    assert sorted(seen) == sorted(f"{name}{index}" for name in "ab" for index in range(15))
