"""
The life of alerts as the public compliance rules for alert generators have it, on a clock that is set by hand.

Four stories, as the rules name them: an alert that waits, fires and ends; one that waits and never fires; no wait and a short one; new
alerts while others fire, in the order of the group. Rules, series and numbers are our own.

Source: prometheus/compliance, alert generator specification 1.0.
"""

from __future__ import annotations

from tests.alert.rules.stage import URL, Stage, after_s, alert, group, instant, promql, record, series_labels, states, written

from tocsin.model.alert import Alert
from tocsin.model.labels import Labels
from tocsin.model.rule_alert import AlertPhase

QUEUE = Labels({"alertname": "QueueLong", "queue": "orders", "severity": "page"})


def shop() -> Stage:
    """A queue that is long from minute 3 to minute 9, seen every 30 s."""
    rule = alert("QueueLong", "queue_length > 100", for_s=120, labels={"severity": "page"}, summary="{{ $labels.queue }}: {{ $value }}")
    stage = Stage(group(rule))
    lengths = [40] * 6 + [150 + 10 * number for number in range(12)] + [20] * 60
    stage.put('queue_length{queue="orders"}', lengths, every_s=30)
    return stage


def test_an_alert_waits_fires_and_ends() -> None:
    """Pending from the first evaluation that finds it, firing once `for` has passed, inactive when it is not found any more."""
    stage = shop()
    phases = {at: states(stage.step(at)).get(QUEUE) for at in range(0, 780, 30)}
    assert [at for at, phase in phases.items() if phase == "pending"] == [180, 210, 240, 270]
    assert [at for at, phase in phases.items() if phase == "firing"] == list(range(300, 540, 30))
    assert all(phases[at] is None for at in (*range(0, 180, 30), *range(540, 780, 30)))


def test_a_firing_alert_is_told_at_once_then_again_and_its_end_for_a_quarter_of_an_hour() -> None:
    """Handed on when it fires, every minute after that, when it ends, and every minute until fifteen minutes after its end."""
    stage = shop()
    stage.steps(540 + 20 * 60)
    told = stage.told("QueueLong")
    assert told[:4] == [(300, "firing"), (360, "firing"), (420, "firing"), (480, "firing")]
    assert told[4:] == [(540 + 60 * minute, "resolved") for minute in range(16)]


def test_what_is_told_of_it() -> None:
    """Since when it fires (not since when it waits), no end while it fires, its end later; texts as of the last evaluation."""
    stage = shop()
    stage.steps(600)
    (first, *_, last_firing, ended, _) = [one for _, one in stage.handed]
    assert first == Alert(
        labels=QUEUE,
        annotations={"summary": "orders: 190"},
        starts_at=instant(300),
        ends_at=None,
        updated_at=instant(300),
        generator_url=f"{URL}/graph?g0.expr=queue_length%20%3E%20100&g0.tab=1",
        value=190.0,
        source="rule",
        rule="shop/QueueLong",
    )
    assert last_firing.annotations == {"summary": "orders: 250"}
    assert last_firing.starts_at == instant(300)
    assert (ended.starts_at, ended.ends_at) == (instant(300), instant(540))
    assert ended.annotations == {"summary": "orders: 260"}


def test_series_of_alerts() -> None:
    """ALERTS is 1 for what waits or fires, ALERTS_FOR_STATE says since when; both end with a stale marker, as does a state that is left."""
    stage = shop()
    outcomes = {at: stage.step(at) for at in range(0, 600, 30)}
    pending = Labels({**dict(QUEUE), "alertstate": "pending"})
    firing = Labels({**dict(QUEUE), "alertstate": "firing"})
    assert written(outcomes[150], "ALERTS") == {}
    assert written(outcomes[180], "ALERTS") == {pending: 1.0}
    assert after_s(round(written(outcomes[270], "ALERTS_FOR_STATE")[QUEUE]) * 10**9) == 180
    turned = written(outcomes[300], "ALERTS")
    assert turned[firing] == 1.0
    assert turned[pending] != turned[pending], "the marker of an end is a NaN"
    assert written(outcomes[330], "ALERTS") == {firing: 1.0}
    assert set(written(outcomes[540], "ALERTS")) == {firing}
    assert written(outcomes[570], "ALERTS") == {}


def test_an_alert_that_waits_and_never_fires_is_never_told() -> None:
    """What ends before `for` has passed is forgotten at once, however often it comes; each time it waits from the beginning."""
    stage = Stage(group(alert("DiskFills", "disk_used > 0.9", for_s=180)))
    stage.put("disk_used{disk='a'}", ([0.95] * 5 + [0.5]) * 6, every_s=30)
    outcomes = stage.steps(35 * 30)
    phases = [next(iter(states(outcome).values()), None) for outcome in outcomes]
    assert phases == ([AlertPhase.PENDING.value] * 5 + [None]) * 6
    assert stage.handed == []
    since = [status.alerts[0].active_at for outcome in outcomes for status in outcome.rules if status.alerts]
    assert {after_s(at) for at in since} == {180 * number for number in range(6)}


def test_without_a_wait_it_fires_at_once() -> None:
    """`for: 0` fires at the evaluation that finds it first, and is never pending."""
    stage = Stage(group(alert("Down", "up == 0")))
    stage.put("up{job='api'}", [1, 0, 0, 1], every_s=30)
    outcomes = stage.steps(90)
    assert [list(states(outcome).values()) for outcome in outcomes] == [[], ["firing"], ["firing"], []]
    assert stage.told("Down") == [(30, "firing"), (90, "resolved")]
    assert not any(outcome.pending for outcome in outcomes)


def test_a_wait_shorter_than_the_interval_lasts_one_interval() -> None:
    """With `for: 10s` and an interval of 30 s it is pending once, and fires at the next evaluation."""
    stage = Stage(group(alert("Down", "up == 0", for_s=10)))
    stage.put("up{job='api'}", [1, 0, 0, 0, 1], every_s=30)
    outcomes = stage.steps(120)
    assert [list(states(outcome).values()) for outcome in outcomes] == [[], ["pending"], ["firing"], ["firing"], []]
    assert stage.told("Down") == [(60, "firing"), (120, "resolved")]


def test_new_alerts_while_others_fire() -> None:
    """Each element has a life of its own: one that comes later waits and is told apart from those that fire already."""
    stage = Stage(group(alert("Slow", "latency > 1", for_s=60)))
    for number in range(3):
        stage.put(f'latency{{service="s{number}"}}', [0.1] * (4 * number) + [2.0] * 20, every_s=30)
    stage.steps(12 * 30)
    first_told: dict[str, tuple[float, float | None]] = {}
    for at_s, one in stage.handed:
        first_told.setdefault(one.labels.get("service"), (at_s, after_s(one.starts_at)))
    assert first_told == {"s0": (60, 60), "s1": (180, 180), "s2": (300, 300)}


def test_an_alert_that_comes_back_is_a_new_one() -> None:
    """While its end is still being told it may begin again: it waits, then is told with a new beginning, and the old end no more."""
    stage = Stage(group(alert("Down", "up == 0", for_s=30)))
    stage.put("up{job='api'}", [0, 0, 0, 1, 1, 0, 0, 0], every_s=30)
    stage.steps(210)
    assert stage.told("Down") == [(30, "firing"), (90, "resolved"), (180, "firing")]
    assert [after_s(one.starts_at) for _, one in stage.handed] == [30, 30, 180]


def test_rules_see_what_those_before_them_wrote_in_the_same_cycle() -> None:
    """A recording is there for the next rule at once, and so are the alerts of a rule before it; of one behind it, those of last time."""
    stage = Stage(
        group(
            alert("Early", 'ALERTS{alertname="Base"}', labels={"of": "last"}),
            record("job:errors:sum", "sum by (job) (errors)"),
            alert("Base", "job:errors:sum > 5"),
            alert("Late", 'ALERTS{alertname="Base", alertstate="firing"}', labels={"of": "same"}),
        )
    )
    stage.put("errors{job='api', code='500'}", [3, 3], every_s=30)
    stage.put("errors{job='api', code='502'}", [4, 4], every_s=30)
    first, second = stage.steps(30)
    assert {labels.get("alertname") for labels in states(first)} == {"Base", "Late"}
    assert {labels.get("alertname") for labels in states(second)} == {"Early", "Base", "Late"}


def test_labels_of_rules_win_and_the_name_of_the_alert_comes_last() -> None:
    """A rule's label stands over that of the series, an empty one takes it away; `__name__` goes, `alertname` is the rule's."""
    rule = alert("Hot", "temperature > 30", labels={"room": "any", "sensor": "", "alertname": "Other", "level": "{{ $value }}"})
    stage = Stage(group(rule))
    stage.put('temperature{room="a", sensor="7"}', [31], every_s=30)
    assert states(stage.step(0)) == {Labels({"alertname": "Hot", "room": "any", "level": "31"}): "firing"}


def test_alerts_that_become_the_same_are_an_error_of_the_rule() -> None:
    """When labels no longer tell two elements apart nothing is told and nothing stored, the error is shown, other rules go on."""
    stage = Stage(group(alert("Hot", "temperature > 30", labels={"sensor": "any"}), alert("Cold", "temperature < 40")))
    stage.put('temperature{sensor="7"}', [31], every_s=30)
    stage.put('temperature{sensor="8"}', [32], every_s=30)
    outcome = stage.step(0)
    hot, cold = outcome.rules
    assert (hot.health.value, hot.alerts, cold.health.value) == ("err", (), "ok")
    assert "same labelset after applying alert labels" in hot.error
    assert {one.name for _, one in stage.handed} == {"Cold"}
    assert {sample.labels.get("alertname") for sample in outcome.samples} == {"Cold"}


def test_resending_is_rounded_up_to_evaluations() -> None:
    """With an interval of 45 s, what is to be told every minute is told every 90 s: telling follows an evaluation."""
    stage = Stage(group(alert("Down", "up == 0"), interval_s=45))
    stage.put("up{job='api'}", [0] * 20, every_s=45)
    stage.steps(8 * 45)
    assert [at_s for at_s, _ in stage.told("Down")] == [0, 90, 180, 270, 360]


def test_conditions_are_conditions() -> None:
    """The helpers of these stories make what rule files would."""
    assert promql("up == 0").text == "up == 0"
    assert series_labels('up{job="api"}') == Labels({"__name__": "up", "job": "api"})
