"""What rules keep of their alerts across restarts."""

from __future__ import annotations

import math
from dataclasses import replace

from tests.state.builders import Open

from tocsin.model.labels import Labels
from tocsin.model.rule_alert import AlertPhase, KeptGroup, KeptRuleAlert, RuleAlert
from tocsin.state.state import State

GROUP = "rules.yml;shop"
PENDING = RuleAlert(Labels({"alertname": "Slow", "path": 'a"\x00\ud800b'}), {"summary": "é {{"}, 1.5, AlertPhase.PENDING, active_at=7)
FIRED = RuleAlert(Labels({"alertname": "Down"}), {}, math.nan, AlertPhase.FIRING, 7, fired_at=9, keep_firing_since=11)


def kept(alert: RuleAlert, content: str = "c1") -> KeptRuleAlert:
    """An alert of the rule `f1`."""
    return KeptRuleAlert(GROUP, alert.labels.get("alertname"), "f1", content, alert)


def test_alerts_come_back_as_they_were(open_state: Open) -> None:
    """Another process finds every alert with labels, texts, states and instants as they were written, whatever characters they hold."""
    open_state().rule_states.write(GROUP, 20, kept=[kept(PENDING), kept(FIRED)])
    found = open_state().rule_states.groups()
    assert list(found) == [GROUP]
    assert found[GROUP].evaluated_at == 20
    by_labels = {one.alert.labels: one for one in found[GROUP].alerts}
    assert by_labels[PENDING.labels] == kept(PENDING)
    assert math.isnan(by_labels[FIRED.labels].alert.value)
    assert replace(by_labels[FIRED.labels].alert, value=0) == replace(FIRED, value=0)


def test_changes_replace_and_drop(state: State) -> None:
    """An alert that is written again has its new state; one that is gone is not found any more; another rule's with the same labels is."""
    state.rule_states.write(GROUP, 20, kept=[kept(PENDING), kept(FIRED), kept(FIRED, "c2")])
    ended = replace(FIRED, phase=AlertPhase.INACTIVE, resolved_at=30, value=2.0, keep_firing_since=None)
    state.rule_states.write(GROUP, 30, kept=[kept(ended)], gone=[("c1", PENDING.labels), ("c2", FIRED.labels)])
    assert state.rule_states.groups() == {GROUP: KeptGroup(GROUP, 30, (kept(ended),))}


def test_a_group_is_known_without_alerts_and_can_be_forgotten(state: State) -> None:
    """The last evaluation is kept of groups in which all is well; a group that is no more leaves nothing."""
    state.rule_states.write(GROUP, 20)
    state.rule_states.write("other", 21, kept=[kept(PENDING)])
    assert state.rule_states.groups()["other"] == KeptGroup("other", 21)
    state.rule_states.forget(GROUP)
    assert set(state.rule_states.groups()) == {"other"}
