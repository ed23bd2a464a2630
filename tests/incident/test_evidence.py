"""Evidence: questions that can be asked, answers that fit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.incident.house import START, House, alert

from tocsin.errors import InvalidInput
from tocsin.incident.askers import trace_document
from tocsin.incident.evidence import Pins, bounded, checked_question, title_of
from tocsin.incident.exemplar import Exemplars
from tocsin.model.answers import TopError, Trace, TraceNode, TracePage
from tocsin.model.incident import EvidenceKind, EvidenceState
from tocsin.model.telemetry import Span

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=5), inner, max_size=6),
    max_leaves=30,
)


@settings(max_examples=40)
@given(JSON, st.integers(1000, 3000))
def test_what_fits_is_kept_whole(document: Any, bytes_max: int) -> None:
    """The answer comes back as it was, and nothing is said to be missing."""
    text, cut = bounded(document, bytes_max)
    if not cut:
        assert json.loads(text) == document
    assert len(text.encode()) <= bytes_max


@settings(max_examples=10)
@given(st.lists(st.text(min_size=50, max_size=200), min_size=100, max_size=200))
def test_what_does_not_fit_is_cut_and_says_so(records: list[str]) -> None:
    """The longest list loses its last elements; the rest is still JSON, and as large as allowed at most."""
    text, cut = bounded({"records": records, "more": "x"}, 2000)
    kept = json.loads(text)
    assert len(text.encode()) <= 2000
    assert records[: len(kept["records"])] == kept["records"]
    assert kept["more"] == "x"
    assert cut.startswith(f"{len(records) - len(kept['records'])} elements")


def test_an_answer_that_has_no_lists_to_shorten() -> None:
    """Its beginning is kept, as a text; a number that is none is null."""
    text, cut = bounded({"body": "é" * 5000, "n": float("nan")}, 1000)
    assert json.loads(text)["cut"].startswith('{"body":"éé')
    assert len(text.encode()) <= 1000
    assert "only the beginning" in cut
    assert bounded({"n": float("nan")}, 1000) == ('{"n":null}', "")


@pytest.mark.parametrize(
    ("kind", "question", "says"),
    [
        (EvidenceKind.TRACE, {}, "trace_id is missing"),
        (EvidenceKind.TRACE, {"trace_id": " ", "traceid": "a"}, "trace_id is missing; traceid is no part of it.*trace_id"),
        (EvidenceKind.QUERY, {"query": "up"}, "start is missing; end is missing"),
        (EvidenceKind.SLO, {"key": "a", "start": "b"}, "start is no part"),
    ],
)
def test_a_question_that_lacks_something_says_all_of_it(kind: EvidenceKind, question: dict[str, str], says: str) -> None:
    """At once, with the name that was probably meant."""
    with pytest.raises(InvalidInput, match=says):
        checked_question(kind, question)


def test_questions_in_words() -> None:
    """What a list of evidence shows."""
    assert title_of(EvidenceKind.LOGS, {"query": "error:true", "start": "a", "end": "b"}) == "error:true from a to b"
    assert title_of(EvidenceKind.LOGS, {"start": "a", "end": "b"}) == "everything from a to b"
    assert title_of(EvidenceKind.EXPLAIN, {"service": "x"}) == "what sets bad requests apart x"


def test_a_trace_however_deep_is_kept() -> None:
    """Ten thousand levels are as many rows, parents first, each with its depth."""
    span = Span(**{name: _blank(kind) for name, kind in Span.__annotations__.items()})
    node = TraceNode(span, 9999, 1, 1, False)
    for depth in range(9998, -1, -1):
        node = TraceNode(span, depth, 1, 1, False, [node])
    document = trace_document(Trace("ab", START, 5, 10_000, 0, ["a"], [node], [], None))
    assert [row["depth"] for row in document["spans"]] == list(range(10_000))
    assert json.loads(bounded(document, 50_000)[0])["span_count"] == 10_000


class Telemetry:
    """Stores nothing until it is told."""

    def __init__(self) -> None:
        self.failures: list[TopError] = []

    def errors(self, **_: Any) -> list[TopError]:
        """What it was told."""
        return self.failures

    def traces(self, query: str = "", **_: Any) -> TracePage:
        """None."""
        return TracePage([], None)


def test_an_exemplar_is_looked_for_until_one_is_stored(house: House) -> None:
    """An alert that names no trace gets that of the commonest failure of its service, once there is one."""
    telemetry = Telemetry()
    kept = house.state.incidents
    exemplars = Exemplars(telemetry)
    asked: list[str] = []

    def ask(question: Any, _now: int) -> Any:
        asked.append(question["trace_id"])
        return {"spans": []}

    pins = Pins(
        kept.evidence, {EvidenceKind.TRACE: ask}, bytes_max=1000, attempts_max=3, incident_of=kept.get, exemplar_of=exemplars.of
    )  # fmt: skip
    house.page(alert(annotations={"trace_id": ""}))
    house.opener.follow()
    assert pins.want_exemplar(kept.get(1), START) is not None
    assert pins.retry(START) == 0
    telemetry.failures = [TopError("checkout", "POST", "span", "boom", 3, START, START, "cd", "spans")]
    assert pins.retry(START) == 1
    assert asked == ["cd"]
    (found,) = kept.evidence.list(1)
    assert (found.evidence.state, found.evidence.question, found.evidence.attempts) == (EvidenceState.PINNED, {"trace_id": "cd"}, 2)


def _blank(kind: str) -> Any:
    blanks = {"str": "", "list": [], "dict": {}, "Attributes": {}}
    return next((value for name, value in blanks.items() if kind.startswith(name)), None if "None" in kind else 0)
