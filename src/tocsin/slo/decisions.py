"""
What people decide about budgets: exclusions, causes and exceptions. Checked against what the files define, kept in the relational state.

A decision about an SLO or a service that nobody defined would change nothing, so it is refused, with the name that was probably meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tocsin.clock import Clock, Entropy
from tocsin.errors import Conflict, InvalidInput, NotFound
from tocsin.model.budget import CauseKind, CauseMark, Exclusion, GateRecord, PolicyException
from tocsin.model.instant import NANOSECONDS, Instant, TimeRange, format_instant
from tocsin.model.spelling import did_you_mean
from tocsin.query.fields import parse_log_query, parse_span_query
from tocsin.slo.definition import Definitions, EventFreshness, EventRate, EventRatio, EventSignal, Objective, StreamRatio
from tocsin.slo.gate import EXCEPTION_KINDS
from tocsin.slo.policy import policy_of
from tocsin.state.audit import AuditEntry
from tocsin.state.state import State

ID_BYTES = 6
LASTING_S_MAX = 366 * 86_400
USES_MAX = 100
Decision = TypeVar("Decision", Exclusion, CauseMark)


@dataclass(frozen=True, slots=True)
class AuditLine:
    """
    One thing that was decided, or that the gate answered.

    Args:
        at: When.
        author: Who; empty for the gate's answers.
        action: What: `exclusion_added`, `exception_used`, `gate_no_go`.
        subject: Id of what was decided; the service of an answer.
        detail: The same in words.
    """

    at: Instant
    author: str
    action: str
    subject: str
    detail: str


class Decisions:
    """
    Takes, lists and withdraws decisions. Safe to use from several threads.

    Args:
        definitions: What the files say now.
        state: Where decisions are kept.
        clock: When they are taken.
        entropy: For their ids.
        policy: Name of the budget policy of objectives that name none.
    """

    def __init__(self, definitions: Callable[[], Definitions], state: State, *, clock: Clock, entropy: Entropy, policy: str = "") -> None:
        self._definitions = definitions
        self._state = state
        self._clock = clock
        self._entropy = entropy
        self._policy = policy

    def exclude(
        self,
        *,
        slo: str = "",
        service: str = "",
        start: Instant | None = None,
        end: Instant | None = None,
        query: str = "",
        author: str,
        reason: str,
    ) -> Exclusion:
        """
        Let something not count from now on, whenever it happened.

        Args:
            slo: The SLO that it applies to; or
            service: the service whose SLOs it applies to.
            start: First instant; None for always, only with a query.
            end: First instant after it; the same.
            query: Lucene syntax over the indicators' spans or logs; empty for everything in that time.
            author: Who decides it.
            reason: Why.

        Raises:
            NotFound: There is no such SLO, or no SLO of such a service.
            InvalidInput: Neither or both of them, no time and no query, a time that ends before it starts, nobody who signs.
            ParseError: The query is wrong.
        """
        concerned = self._concerned(slo, service)
        query = query.strip()
        if not query and (start is None or end is None):
            raise InvalidInput("an exclusion needs a start and an end, or a query that says which events don't count")
        if start is not None and end is not None:
            TimeRange(start, end)
            if start == end:
                raise InvalidInput(f"the exclusion ends when it starts, at {format_instant(start)}: it would exclude nothing")
        if query:
            _check_query(query, concerned)
        exclusion = Exclusion(
            id=self._id("ex"),
            slo=slo,
            service=service,
            start=start,
            end=end,
            query=query,
            author=author,
            reason=reason,
            created=self._clock.now_ns(),
        )
        self._state.exclusions.add(exclusion)
        return exclusion

    def exclusions(self) -> list[Exclusion]:
        """Every exclusion in force: those of the files, then those that were entered, in the order in which they were."""
        return [*self._definitions().exclusions, *self._state.exclusions.list()]

    def withdraw_exclusion(self, identity: str, *, author: str, reason: str) -> Exclusion:
        """
        Let count again what an exclusion took out; it stays in the audit. Returns it.

        Raises:
            NotFound: There is none with this id.
            Conflict: It was withdrawn before, or stands in a file, which must be changed then.
        """
        in_file = next((exclusion for exclusion in self._definitions().exclusions if exclusion.id == identity), None)
        if in_file is not None:
            raise Conflict(f"exclusion {identity!r} stands in {in_file.source}: take it out of that file")
        self._state.exclusions.withdraw(identity, author, reason, self._clock.now_ns())
        return _with_id(self._state.exclusions.list(include_withdrawn=True), identity)

    def mark_cause(
        self,
        *,
        slo: str = "",
        service: str = "",
        start: Instant,
        end: Instant,
        kind: CauseKind,
        cause: str,
        author: str,
        reason: str,
    ) -> CauseMark:
        """
        Say what consumed the budget from `start` to before `end`; the ledger names it.

        Raises:
            NotFound: There is no such SLO, or no SLO of such a service.
            InvalidInput: Neither or both of them, a time that does not end after it starts, nobody who signs.
        """
        self._concerned(slo, service)
        if not cause.strip():
            raise InvalidInput("a mark says which cause it was: `INC-12`, `database upgrade`")
        mark = CauseMark(self._id("mark"), slo, service, start, end, kind, cause, author, reason, self._clock.now_ns())
        self._state.marks.add(mark)
        return mark

    def marks(self, objective: Objective | None = None) -> list[CauseMark]:
        """Every mark in force, or those that are about an objective, by their start."""
        if objective is None:
            return list(self._state.marks.list())
        return list(self._state.marks.list(objective.slo, objective.service))

    def withdraw_mark(self, identity: str, *, author: str, reason: str) -> CauseMark:
        """
        Take a mark back; it stays in the audit. Returns it.

        Raises:
            NotFound: There is none with this id.
            Conflict: It was withdrawn before.
        """
        self._state.marks.withdraw(identity, author, reason, self._clock.now_ns())
        return _with_id(self._state.marks.list(include_withdrawn=True), identity)

    def grant_exception(
        self, service: str, *, kind: str, author: str, reason: str, lasting_s: float = 4 * 3600, uses: int = 1
    ) -> PolicyException:
        """
        Give leave to deploy a service although its policy says no.

        Args:
            service: Whose deployments it lets through.
            kind: `security`, `incident-fix` or `other`; one that a policy of the service accepts.
            author: Who gives leave.
            reason: Why.
            lasting_s: How long it holds, seconds, up to 366 days.
            uses: Deployments that it lets through, 1 to 100.

        Raises:
            NotFound: No objective is about this service.
            InvalidInput: A kind that no policy of it accepts, a time or a number that is out of range, nobody who signs.
        """
        self._check_kind(kind, self._concerned("", service))
        if not 0 < lasting_s <= LASTING_S_MAX:
            raise InvalidInput(f"an exception holds for more than 0 s and at most 366 days; found {lasting_s:g} s")
        if not 1 <= uses <= USES_MAX:
            raise InvalidInput(f"an exception lets 1 to {USES_MAX} deployments through; found {uses}")
        now = self._clock.now_ns()
        expires = now + round(lasting_s * NANOSECONDS)
        leave = PolicyException(self._id("leave"), service, kind, author, reason, now, expires, uses)
        self._state.exceptions.grant(leave)
        return leave

    def exceptions(self) -> list[PolicyException]:
        """Every exception that was ever granted, the newest first."""
        return sorted(self._state.exceptions.list(), key=lambda leave: (-leave.created, leave.id))

    def audit(self, limit: int = 100) -> list[AuditLine]:
        """The last `limit` decisions and answers of the gate, the newest first."""
        decided = [_decided(entry) for entry in self._state.audit.list(limit)]
        answered = [_answered(record) for record in self._state.gate.list(limit=limit)]
        return sorted([*decided, *answered], key=lambda line: line.at, reverse=True)[:limit]

    def _concerned(self, slo: str, service: str) -> list[Objective]:
        """The objectives that a decision is about."""
        objectives = self._definitions().objectives.values()
        if bool(slo) == bool(service):
            raise InvalidInput("a decision is about one SLO or about all SLOs of one service: name exactly one of the two")
        concerned = [one for one in objectives if (one.slo == slo if slo else one.service == service)]
        if not concerned:
            known = {one.slo for one in objectives} if slo else {one.service for one in objectives}
            what = f"no SLO is called {slo!r}" if slo else f"no objective is about the service {service!r}"
            raise NotFound(f"{what}{did_you_mean(slo or service, sorted(known)) or '; `tocsin slo` lists all'}")
        return concerned

    def _check_kind(self, kind: str, concerned: Iterable[Objective]) -> None:
        policies = self._definitions().policies
        accepted = {kind for one in concerned for kind in policy_of(one, policies, self._policy).exceptions}
        if kind not in EXCEPTION_KINDS or kind not in accepted:
            known = [one for one in EXCEPTION_KINDS if one in accepted]
            raise InvalidInput(f"the policies of this service accept exceptions of kind {', '.join(known) or 'none'}; found {kind!r}")

    def _id(self, prefix: str) -> str:
        return f"{prefix}-{self._entropy.token_hex(ID_BYTES)}"


def _check_query(query: str, concerned: Iterable[Objective]) -> None:
    """See that a query can exclude events of at least one objective, and that it is right for each that it can."""
    signals = {signal for objective in concerned if (signal := _signal(objective)) is not None}
    if not signals:
        raise InvalidInput(
            "these objectives are counted by PromQL, and no query can tell its events apart; exclude a time, or change the PromQL"
        )
    for signal in signals:
        (parse_span_query if signal is EventSignal.SPANS else parse_log_query)(query)


def _signal(objective: Objective) -> EventSignal | None:
    match objective.indicator:
        case EventRatio(total, _, _) | StreamRatio(total, _):
            return total.signal
        case EventRate(events, _) | EventFreshness(events, _):
            return events.signal
        case _:
            return None


def _decided(entry: AuditEntry) -> AuditLine:
    return AuditLine(entry.at, entry.author, entry.action.value, entry.subject, entry.detail)


def _answered(record: GateRecord) -> AuditLine:
    risk = f", risk {record.risk_minutes:g} min with {record.probability:.0%}" if record.risk_minutes else ""
    leave = f", by exception {record.exception}" if record.exception else ""
    return AuditLine(record.at, "", f"gate_{record.verdict}", record.service, f"{record.reason}{risk}{leave}")


def _with_id(kept: Sequence[Decision], identity: str) -> Decision:
    return next(one for one in kept if one.id == identity)
