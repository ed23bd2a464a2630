"""A desk of objectives that answers one fixed thing per question, notes what it was asked, and fails when told to."""

from __future__ import annotations

from typing import Any

from tocsin.errors import NotFound
from tocsin.model.attribution import AttributionValue
from tocsin.model.budget import CauseKind, CauseMark, Exclusion, PolicyException, PolicyTransition
from tocsin.model.instant import parse_instant
from tocsin.slo.answers import (
    Attribution,
    Budget,
    BudgetFigures,
    BudgetVerdict,
    BurnRate,
    Coverage,
    GateAnswer,
    GateReason,
    GateVerdict,
    Ledger,
    LedgerEntry,
    PolicyStatus,
)
from tocsin.slo.burn_down import BurnDownPoint
from tocsin.slo.decisions import AuditLine
from tocsin.slo.desk_records import DefinitionProblems
from tocsin.slo.summary import ObjectiveSummary

NOW = parse_instant("2026-03-02T10:00:00Z")
MINUTE = 60 * 10**9
DAY = 24 * 60 * MINUTE
KEY = "checkout-availability"
SECOND_KEY = "checkout-latency/2"
ESCAPE = "\x1b[2J"


class FakeSlos:
    """Same methods as `tocsin.slo.desk.SloDesk`; `asked` has (method, args, options); `failure` is raised when set."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Be as new."""
        self.asked: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.failure: Exception | None = None
        self.answer = gate_answer()
        self.found = [budget(), budget(SECOND_KEY, remaining=-0.25), budget("search-freshness", remaining=None)]
        self.wrong = DefinitionProblems([], [])
        self.decisions = self  # the real desk keeps those apart

    def objectives(self, **options: Any) -> list[ObjectiveSummary]:
        """One."""
        self._note("objectives", (), options)
        return [objective(KEY)]

    def objective(self, key: str) -> ObjectiveSummary:
        """Any but `nothing`."""
        self._note("objective", (key,), {})
        return objective(key)

    def budgets(self, **options: Any) -> list[Budget]:
        """Healthy, spent, and without data."""
        self._note("budgets", (), options)
        return self.found

    def budget(self, key: str, **options: Any) -> Budget:
        """A healthy one."""
        self._note("budget", (key,), options)
        return budget(key)

    def burn_down(self, key: str, **options: Any) -> list[BurnDownPoint]:
        """From the whole to a little more than three quarters."""
        self._note("burn_down", (key,), options)
        return [BurnDownPoint(NOW - (30 - day) * DAY, None if day == 0 else 1 - day * 0.0077) for day in range(31)]

    def policy_history(self, key: str) -> list[PolicyTransition]:
        """One change."""
        self._note("policy_history", (key,), {})
        return [PolicyTransition(key, "four-step", "caution", "healthy", NOW - DAY, 0.6)]

    def ledger(self, key: str, **options: Any) -> Ledger:
        """A deployment, what was excluded, and unknown."""
        self._note("ledger", (key,), options)
        return ledger(key)

    def attribution(self, key: str, **options: Any) -> Attribution:
        """One value that stands out."""
        self._note("attribution", (key,), options)
        value = AttributionValue("http.route" + ESCAPE, "/pay", 200.0, 10_000.0, 0.87, 0.1, 0.02)
        return Attribution(key, NOW - DAY, NOW, 231.0, 99_000.0, [value], f"http.route=/pay has 87 % of the failures{ESCAPE}")

    def policies(self) -> list[PolicyStatus]:
        """One healthy, one exhausted."""
        self._note("policies", (), {})
        return [
            PolicyStatus(KEY, "four-step", "healthy", "all", NOW - DAY, "Full speed."),
            PolicyStatus(SECOND_KEY, "four-step", "exhausted", "none", NOW - DAY, "Nothing but reliability work."),
        ]

    def gate(self, service: str, **options: Any) -> GateAnswer:
        """`answer`, whoever asks."""
        self._note("gate", (service,), options)
        return self.answer

    def exclude(self, **options: Any) -> Exclusion:
        """What was wanted, with an id."""
        self._note("exclude", (), options)
        return Exclusion(id="ex-1", created=NOW, **options)

    def withdraw_exclusion(self, identity: str, **options: Any) -> Exclusion:
        """The exclusion."""
        self._note("withdraw_exclusion", (identity,), options)
        return exclusion(identity)

    def exclusions(self) -> list[Exclusion]:
        """One."""
        self._note("exclusions", (), {})
        return [exclusion("ex-1")]

    def marks(self) -> list[CauseMark]:
        """One."""
        self._note("marks", (), {})
        return [mark("mark-1")]

    def mark_cause(self, **options: Any) -> CauseMark:
        """What was wanted, with an id."""
        self._note("mark_cause", (), options)
        return CauseMark(id="mark-1", created=NOW, **options)

    def withdraw_mark(self, identity: str, **options: Any) -> CauseMark:
        """The mark."""
        self._note("withdraw_mark", (identity,), options)
        return mark(identity)

    def exceptions(self) -> list[PolicyException]:
        """One."""
        self._note("exceptions", (), {})
        return [PolicyException("leave-1", "checkout", "security", "ada", f"CVE{ESCAPE}", NOW, NOW + DAY, 1)]

    def grant_exception(self, service: str, *, lasting_s: float, uses: int, **options: Any) -> PolicyException:
        """What was wanted, with an id."""
        self._note("grant_exception", (service,), {"lasting_s": lasting_s, "uses": uses, **options})
        return PolicyException(
            id="leave-1", service=service, created=NOW, expires=NOW + round(lasting_s * 10**9), uses_left=uses, **options
        )

    def audit(self, **options: Any) -> list[AuditLine]:
        """One entry."""
        self._note("audit", (), options)
        return [AuditLine(NOW, f"ada{ESCAPE}", "exclusion_added", KEY, "database upgrade")]

    def problems(self) -> DefinitionProblems:
        """`wrong`."""
        self._note("problems", (), {})
        return self.wrong

    def _note(self, question: str, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        self.asked.append((question, args, options))
        if self.failure is not None:
            raise self.failure
        if args and args[0] == "nothing":
            raise NotFound("no objective is called 'nothing'")


def objective(key: str) -> ObjectiveSummary:
    """An objective in words."""
    return ObjectiveSummary(
        key, key.partition("/")[0], "checkout", "Checkout answers", "", 0.999, "good spans `x` of `y`", "the last 30 d",
        "every event counts the same", "", ["database"], "payments-team", "https://wiki/checkout", "slos/shop.yaml:3", {},
    )  # fmt: skip


def figures(remaining: float | None) -> BudgetFigures:
    """A budget of 1,000 events of which this share is left."""
    if remaining is None:
        return BudgetFigures("events", 0, 0, 0, None, 0, None, None, None, 43.2, None, None)
    spent = 1 - remaining
    bad = 1000 * spent
    return BudgetFigures(
        "events", 1e6 - bad, bad, 1e6, 1 - bad / 1e6, 1000, spent, remaining, 1000 * remaining, 43.2, 43.2 * spent, 43.2 * remaining
    )


def budget(key: str = KEY, *, remaining: float | None = 0.769, service: str = "checkout") -> Budget:
    """A budget of which this share is left, None without data; a tenth of an hour's burn is 14.4 when it is spent."""
    rate = None if remaining is None else 0.4 if remaining > 0 else 15.25
    rates = [BurnRate(window_s, rate, 12, 120_000, 1.0) for window_s in (300, 1800, 3600, 7200, 21_600, 86_400, 259_200)]
    verdict = BudgetVerdict.NO_DATA if remaining is None else BudgetVerdict.MET if remaining >= 0 else BudgetVerdict.BREACHED
    share = "nothing was observed" if remaining is None else f"{remaining:.1%} of the budget is left, which lasts{ESCAPE}"
    return Budget(
        objective=key,
        service=service,
        title="Checkout answers",
        target=0.999,
        at=NOW,
        window_start=NOW - 30 * DAY,
        window_end=NOW,
        verdict=verdict,
        figures=figures(remaining),
        without_exclusions=figures(None if remaining is None else remaining - 0.1),
        excluded_minutes=30,
        coverage=Coverage(43_200, 43_200, 40_000, 39_000, NOW - 27 * DAY, 40_000 / 43_200),
        burn_rates=rates,
        exhausted_in_s=None,
        sentence=f"{key}: {share}",
    )


def ledger(key: str) -> Ledger:
    """A deployment, what was excluded, and unknown."""
    entries = [
        LedgerEntry(CauseKind.DEPLOYMENT, f"checkout v2.3.1{ESCAPE}", NOW - DAY, NOW - DAY + MINUTE, 200, 8.6, 0.2, False, "found"),
        LedgerEntry(CauseKind.MAINTENANCE, "database upgrade", NOW - DAY, NOW - DAY + MINUTE, 100, 4.3, 0.1, True, "ada: planned"),
        LedgerEntry(CauseKind.UNKNOWN, "", NOW - DAY, NOW, 31, 1.3, 0.031, False, ""),
    ]
    return Ledger(key, NOW, "events", 231, entries)


def gate_answer(verdict: GateVerdict = GateVerdict.GO) -> GateAnswer:
    """An answer of the gate."""
    reason = GateReason.ENOUGH_BUDGET if verdict is GateVerdict.GO else GateReason.POLICY_FREEZE
    return GateAnswer(
        "checkout", NOW, verdict, verdict is not GateVerdict.NO_GO, reason, f"33.2 of 43.2 minutes are left{ESCAPE}", KEY, 0.769, 33.2,
        4.5, 15.0, {"5m": 0.4, "1h": None}, "healthy", "", ["latency has enough left"],
    )  # fmt: skip


def exclusion(identity: str) -> Exclusion:
    """A planned maintenance."""
    return Exclusion(identity, "", "checkout", NOW - DAY, NOW - DAY + 30 * MINUTE, "", "ada", f"database upgrade{ESCAPE}", "api", NOW)


def mark(identity: str) -> CauseMark:
    """An incident's."""
    return CauseMark(identity, KEY, "", NOW - DAY, NOW, CauseKind.INCIDENT, f"INC-12{ESCAPE}", "ada", "postmortem", NOW)
