"""Alerts, their history and groups: one change, one transaction."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.state.alert_builders import alert, attempt, event, notification
from tests.state.builders import MINUTE, NOW

from tocsin.model.alert import Alert, AlertEventKind
from tocsin.model.labels import Labels
from tocsin.model.notification import DeliveryState
from tocsin.state.alert_json import content_of, content_text, storable
from tocsin.state.alert_records import AlertChange
from tocsin.state.state import State

DAY = 86_400_000_000_000


def test_alerts_are_kept_as_they_are(state: State) -> None:
    """Whatever value or text an alert has, it is read as it was written; a newer one replaces it, a forgotten one is gone."""
    odd = alert("odd", labels=Labels({"alertname": "\x00\ud800", "x": "ü"}), value=math.inf, ends_at=NOW + 1, rule="a\x00b/c")
    plain = alert(value=None)
    state.alerting.commit(AlertChange(alerts=[odd, plain]))
    assert set(map(repr, state.alerting.alerts())) == {repr(replace(odd, rule="a\\x00b/c")), repr(plain)}
    state.alerting.commit(AlertChange(alerts=[replace(plain, updated_at=NOW + 5)], forgotten=[odd.fingerprint]))
    assert state.alerting.alerts() == [replace(plain, updated_at=NOW + 5)]


def test_a_value_that_is_no_number_is_kept(state: State) -> None:
    """NaN comes back as NaN, on databases that have none too."""
    state.alerting.commit(AlertChange(alerts=[alert(value=math.nan)]))
    (found,) = state.alerting.alerts()
    assert found.value is not None
    assert math.isnan(found.value)


def test_a_change_is_kept_as_a_whole_or_not_at_all(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the last step of a change fails, nothing of it is there."""

    def failing(*_: object) -> int:
        raise OSError("the power went")

    monkeypatch.setattr(state.alerting.outbox, "enqueue_within", failing)
    with pytest.raises(OSError, match="power"):
        state.alerting.commit(AlertChange([alert()], (), [event()], {"g": "{}"}, [notification()]))
    assert (state.alerting.alerts(), state.alerting.events(), state.alerting.groups()) == ([], [], {})
    monkeypatch.undo()
    assert state.alerting.commit(AlertChange([alert()], (), [event()], {"g": "{}"}, [notification()])) == 1
    assert (len(state.alerting.alerts()), len(state.alerting.events()), state.alerting.groups()) == (1, 1, {"g": "{}"})
    assert state.alerting.outbox.count().pending == 1


def test_groups_are_replaced_and_forgotten(state: State) -> None:
    """The last state of a group holds; None forgets it."""
    state.alerting.commit(AlertChange(groups={"a\x00": "1", "b": "2"}))
    state.alerting.commit(AlertChange(groups={"b": "3", "c": None}))
    assert state.alerting.groups() == {"a\\x00": "1", "b": "3"}
    state.alerting.commit(AlertChange(groups={"a\x00": None}))
    assert state.alerting.groups() == {"b": "3"}


def test_history_is_found_by_time_and_by_alert(state: State) -> None:
    """The last ones of a range, oldest first."""
    fired, ended = event(), event(at=NOW + MINUTE, kind=AlertEventKind.RESOLVED)
    other = event(at=NOW + 2 * MINUTE, fingerprint="00000000000000ff")
    state.alerting.commit(AlertChange(events=[fired, ended, other]))
    assert state.alerting.events() == [fired, ended, other]
    assert state.alerting.events(NOW, NOW + MINUTE) == [fired]
    assert state.alerting.events(fingerprint=fired.fingerprint) == [fired, ended]
    assert state.alerting.events(limit=2) == [ended, other]


def test_old_history_expires_and_what_waits_does_not(state: State) -> None:
    """Events, attempts and settled notifications go with age; a pending notification stays until somebody was told."""
    state.alerting.commit(
        AlertChange(events=[event(), event(at=NOW + DAY)], notifications=[notification(), notification("n2", channel="x")])
    )
    state.alerting.outbox.record(attempt(outcome="delivered"), DeliveryState.DELIVERED, 0)
    assert state.alerting.expire(NOW + 2 * DAY, days=1.5) == 3
    assert [each.at for each in state.alerting.events()] == [NOW + DAY]
    assert [each.notification.key for each in state.alerting.outbox.entries()] == ["n2"]


@given(st.dictionaries(st.text(), st.text()), st.text(), st.floats(allow_nan=False) | st.none(), st.integers(-(2**63), 2**63 - 1))
def test_a_notification_survives_json(texts: dict[str, str], note: str, value: float | None, instant: int) -> None:
    """Whatever it says, it is read as it was written, and its JSON is something that every database keeps."""
    told = Alert(Labels(texts), texts, instant, instant, instant, note, value)
    before = notification(note=note, group_labels=Labels(texts), alerts=(told,), quiet={note: 3})
    assert content_of(content_text(before)) == before
    assert storable(content_text(before)) == content_text(before)
