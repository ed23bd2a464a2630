"""What opens incidents: signatures, batches of pages, and labels that nobody would believe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.incident.house import MINUTE, START, House, alert

from tocsin.incident.lifecycle import Paged, opened_by_page, told_again
from tocsin.incident.opener import step_of
from tocsin.incident.signature import SIGNATURE_LABELS, signature_of
from tocsin.model.alert import Alert
from tocsin.model.incident import Step
from tocsin.model.labels import Labels

ANY_TEXT = st.text(st.characters(), max_size=12)  # half characters and zero bytes, too
LABELS = st.dictionaries(st.sampled_from([*SIGNATURE_LABELS, "severity", "instance", "x\x00"]), ANY_TEXT, max_size=5)


def test_a_signature_says_what_fails_not_where() -> None:
    """Severity, instance and order are nothing; what the alert is about is everything."""
    one = {"alertname": "Burns", "service": "checkout", "slo": "a b", "severity": "page", "instance": "1"}
    other = dict(reversed(one.items())) | {"severity": "ticket", "instance": "2"}
    assert signature_of(one) == signature_of(Labels(other)) == "alertname=Burns service=checkout slo=a%20b"
    assert signature_of({"severity": "page"}) == ""


@given(LABELS, LABELS)
def test_signatures_are_equal_when_what_fails_is(one: dict[str, str], other: dict[str, str]) -> None:
    """Two sets of labels have one signature exactly when they agree on the labels that identify a failure."""

    def identity(labels: dict[str, str]) -> list[tuple[str, str]]:
        return sorted((name, value.strip()) for name, value in labels.items() if name in SIGNATURE_LABELS and value.strip())

    assert not any(char.isspace() for part in signature_of(one).split(" ") for char in part)
    if identity(one) == identity(other):
        assert signature_of(one) == signature_of(other)
    else:
        assert signature_of(one) != signature_of(other) or "\\" in signature_of(one)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One house for all examples: whatever came before must not stop what comes next."""
    folder: Path = tmp_path_factory.mktemp("fuzzed")
    one = House(folder)
    yield one
    one.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(LABELS, st.dictionaries(st.sampled_from(["summary", "runbook", "trace_id", "\ud800"]), ANY_TEXT, max_size=3), ANY_TEXT)
def test_no_label_keeps_a_page_from_opening_an_incident(
    fuzzed: House, labels: dict[str, str], annotations: dict[str, str], key: str
) -> None:
    """Whatever telemetry brings as labels, annotations or group keys, the incident opens, can be read, and can be closed."""
    wild = Alert(Labels({**labels, "severity": "page"}), annotations, START, value=float("nan"))
    fuzzed.page(wild, key=f"k{key}")
    (opened,) = fuzzed.opener.follow()
    assert fuzzed.desk.timeline(opened.id).entries
    assert fuzzed.desk.lessons.draft(opened.id)
    fuzzed.desk.acknowledge(opened.id, by="ana")
    assert fuzzed.desk.resolve(opened.id, by="ana", reason="fuzz").summary.title == fuzzed.desk.get(opened.id).summary.title


def test_one_transaction_takes_pages_up_to_the_one_that_opens() -> None:
    """What comes after it is decided with the new incident in sight."""
    page = Paged("checkout", "g", (alert(),), START)
    taken = step_of([(7, []), (8, [page]), (9, [page])], [], {}, {})
    assert (taken.number, len(taken.changes)) == (8, 1)
    known = opened_by_page(page, 0).incident
    taken = step_of([(9, [page]), (12, [])], [known], {}, {})
    assert (taken.number, list(taken.changes)) == (12, [])


def test_changes_of_one_incident_in_a_batch_are_one() -> None:
    """Two groups that join in one batch leave both their entries."""
    known = replace(opened_by_page(Paged("checkout", "g", (alert(),), START), 0).incident, number=7)
    told = [(index, [Paged("checkout", f"g{index}", (alert(f"A{index}"),), START + MINUTE)]) for index in (1, 2)]
    (change,) = step_of(told, [known], {}, {}).changes
    assert len(change.entries) == 2
    assert change.incident.group_keys == ("g", "g1", "g2")


def test_an_alert_that_was_over_before_it_was_told_is_none_of_the_incident() -> None:
    """What had ended when the group was first heard of opens nothing and holds up nothing."""
    change = opened_by_page(Paged("checkout", "g", (alert(),), START + MINUTE), 0, ("ana", START + MINUTE))
    assert change.incident.step is Step.MITIGATE
    over = alert("Other", ends_at=START)
    assert told_again(change.incident, Paged("checkout", "g", (over,), START + MINUTE)) is None
    assert told_again(change.incident, Paged("checkout", "h", (over,), START + MINUTE)) is None
