"""
Evidence: the answer to a question is copied beside the incident, so that it can still be read when retention has dropped what it was about.

    pin trace 4bf92f3577b34da6a3ce929d0e0e4736
    pin logs 'service:checkout AND severity:error' from 02:00 to 02:30
    pin query 'rate(http_requests_total[5m])' from 02:00 to 02:30
    pin slo checkout-availability
    pin explain checkout from 02:00 to 02:30

An answer has a greatest size; what is left out of a longer one is said beside it. The exemplar trace of the alert that opened an incident
is pinned by itself, and asked for again while it is not stored yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import orjson

from tocsin.errors import InvalidInput, NotFound, TocsinError
from tocsin.model.incident import Entry, EntryKind, Evidence, EvidenceKind, EvidenceState, FoundEvidence, Incident
from tocsin.model.instant import Instant
from tocsin.model.spelling import did_you_mean
from tocsin.state.incident_evidence import PinnedEvidence

Question: TypeAlias = Mapping[str, str]
Asker: TypeAlias = Callable[[Question, Instant], Any]  # the answer as what JSON can say
EXEMPLAR_ANNOTATIONS = ("trace_id", "exemplar", "exemplar_trace_id")
EXEMPLAR_TITLE = "exemplar trace of the alert"


@dataclass(frozen=True, slots=True)
class Form:
    """What a question of one kind consists of: names that it must have, names that it may have."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


FORMS = {
    EvidenceKind.TRACE: Form(("trace_id",)),
    EvidenceKind.LOGS: Form(("start", "end"), ("query",)),
    EvidenceKind.QUERY: Form(("query", "start", "end")),
    EvidenceKind.SLO: Form(("key",), ("at",)),
    EvidenceKind.EXPLAIN: Form(("service", "start", "end"), ("bad",)),
}


class Pins:
    """
    Pins evidence. Safe to use from several threads.

    Args:
        kept: Where it is kept.
        askers: What answers each kind of question; kinds without one are refused.
        bytes_max: Longest answer, bytes of JSON.
        attempts_max: How often an exemplar is asked for.
        incident_of: An incident by its number.
        exemplar_of: The trace of an incident's alerts, None while it is not known; by default what their annotations name.
    """

    def __init__(
        self,
        kept: PinnedEvidence,
        askers: Mapping[EvidenceKind, Asker],
        *,
        bytes_max: int,
        attempts_max: int,
        incident_of: Callable[[int], Incident],
        exemplar_of: Callable[[Incident], str | None] | None = None,
    ) -> None:
        self._kept = kept
        self._askers = dict(askers)
        self._bytes_max = bytes_max
        self._attempts_max = attempts_max
        self._incident_of = incident_of
        self._exemplar_of = exemplar_of

    def pin(self, incident: Incident, kind: EvidenceKind, question: Question, by: str, at: Instant, title: str = "") -> Evidence:
        """
        Ask, and keep the answer with the question.

        Raises:
            InvalidInput: The question lacks something, or has what such a question has not.
            NotFound: There is nothing to keep, or nothing here answers such questions.
        """
        asked = checked_question(kind, question)
        answer, cut = bounded(self._ask(kind, asked, at), self._bytes_max)
        shown = title.strip() or title_of(kind, asked)
        evidence = Evidence(0, incident.number, kind, asked, shown, EvidenceState.PINNED, at, by, answer, cut, 1)
        words = f"pinned {kind.value}: {shown}{f' ({cut})' if cut else ''}"
        return self._kept.add(evidence, Entry(at, EntryKind.EVIDENCE, words, by, f"/api/incidents/{incident.id}/evidence"))

    def want_exemplar(self, incident: Incident, at: Instant) -> Evidence | None:
        """Note down that the exemplar trace of an incident's alerts is to be pinned; None where none will be found."""
        trace_id = annotated_trace(incident)
        if not trace_id and (self._exemplar_of is None or not incident.service):
            return None
        question = {"trace_id": trace_id} if trace_id else {}
        return self._kept.add(Evidence(0, incident.number, EvidenceKind.TRACE, question, EXEMPLAR_TITLE, EvidenceState.PENDING, at))

    def retry(self, now: Instant) -> int:
        """Ask again for what is wanted and was not there; returns how many answers came."""
        came = 0
        for evidence in self._kept.pending():
            try:
                question = evidence.question or self._sought(evidence)
                answer, cut = bounded(self._ask(evidence.kind, question, now), self._bytes_max)
            except TocsinError as error:
                self._failed(evidence, str(error), now)
                continue
            attempts = evidence.attempts + 1
            asked = replace(evidence, question=question, attempts=attempts, pinned_at=now)
            pinned = replace(asked, state=EvidenceState.PINNED, answer=answer, cut=cut, detail="")
            self._kept.settle(pinned, Entry(now, EntryKind.EVIDENCE, f"pinned {evidence.kind.value}: {evidence.title}"))
            came += 1
        return came

    def _sought(self, evidence: Evidence) -> Question:
        trace_id = self._exemplar_of(self._incident_of(evidence.incident)) if self._exemplar_of is not None else None
        if not trace_id:
            raise NotFound("no trace of the service is stored around the beginning of the incident")
        return {"trace_id": trace_id}

    def list(self, incident: Incident) -> Sequence[FoundEvidence]:
        """What is pinned to an incident, without the answers."""
        return self._kept.list(incident.number)

    def get(self, incident: Incident, number: int) -> Evidence:
        """
        One piece with its answer.

        Raises:
            NotFound: The incident has none with this number.
        """
        return self._kept.get(incident.number, number)

    def _ask(self, kind: EvidenceKind, question: Question, at: Instant) -> Any:
        asker = self._askers.get(kind)
        if asker is None:
            raise NotFound(f"nothing here answers questions of the kind {kind.value}, so there is nothing to pin")
        return asker(question, at)

    def _failed(self, evidence: Evidence, why: str, now: Instant) -> None:
        attempts = evidence.attempts + 1
        over = attempts >= self._attempts_max
        failed = replace(evidence, attempts=attempts, detail=why, state=EvidenceState.FAILED if over else EvidenceState.PENDING)
        entries = [Entry(now, EntryKind.EVIDENCE, f"{evidence.title} could not be pinned: {why}")] if over else []
        self._kept.settle(failed, *entries)


def annotated_trace(incident: Incident) -> str | None:
    """The trace that an annotation of one of its alerts names; None without one."""
    texts = (alert.annotations.get(name, "").strip() for alert in incident.alerts for name in EXEMPLAR_ANNOTATIONS)
    return next((text for text in texts if text), None)


def checked_question(kind: EvidenceKind, question: Question) -> dict[str, str]:
    """
    The question without blank parts.

    Raises:
        InvalidInput: A part is missing, or is none of such a question; says all of it at once.
    """
    form = FORMS[kind]
    asked = {name: text.strip() for name, text in question.items() if text.strip()}
    known = (*form.required, *form.optional)
    mistakes = [f"{name} is missing" for name in form.required if name not in asked]
    mistakes += [f"{name} is no part of it{did_you_mean(name, known)}" for name in asked if name not in known]
    if mistakes:
        raise InvalidInput(f"a question of the kind {kind.value} has {', '.join(known)}: {'; '.join(mistakes)}")
    return asked


def title_of(kind: EvidenceKind, question: Question) -> str:
    """A question in words."""
    times = f" from {question['start']} to {question['end']}" if {"start", "end"} <= question.keys() else ""
    about = " ".join(text for name, text in question.items() if name not in {"start", "end"})
    return f"{about or 'everything'}{times}" if kind is not EvidenceKind.EXPLAIN else f"what sets bad requests apart {about}{times}".strip()


def bounded(answer: Any, bytes_max: int) -> tuple[str, str]:
    """
    An answer as JSON of at most so many bytes.

    The longest lists lose their last halves until it fits; of a document without lists to shorten the beginning is kept as one text.

    Returns:
        The JSON, and what was left out in words; empty when nothing was.
    """
    document = orjson.loads(_dumped(answer))
    text = _dumped(document)
    dropped = 0
    while len(text.encode()) > bytes_max:
        longest = max(_lists(document), key=lambda one: len(_dumped(one)), default=None)
        if longest is None:
            return _dumped({"cut": text[: bytes_max // 4]}), f"only the beginning of {len(text)} characters is kept"
        gone = max(1, len(longest) // 2)
        del longest[len(longest) - gone :]
        dropped += gone
        text = _dumped(document)
    return text, f"{dropped} elements of lists are left out so that it fits into {bytes_max} bytes" if dropped else ""


def _lists(document: Any) -> list[list[Any]]:
    """Every list in it that has something to lose; without recursion, since answers may be deep."""
    found, open_parts = [], [document]
    while open_parts:
        part = open_parts.pop()
        if isinstance(part, list):
            if part:
                found.append(part)
            open_parts.extend(part)
        elif isinstance(part, dict):
            open_parts.extend(part.values())
    return found


def _dumped(document: Any) -> str:
    # A number that is none becomes null; json would write NaN, which no other reader takes.
    return orjson.dumps(document).decode()
