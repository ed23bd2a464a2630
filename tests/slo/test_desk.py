"""The desk of objectives: questions, decisions and the gate over counts in memory and a real state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.slo.stories import DAY_S, KEY, instant, objective, seconds, traffic
from tests.state.prepared import open_state

from tocsin.clock import SeededEntropy
from tocsin.errors import Conflict, InvalidInput, NotFound, ParseError
from tocsin.model.budget import CauseKind, Exclusion
from tocsin.model.deployment import Deployment, DeploymentSource
from tocsin.model.instant import NANOSECONDS
from tocsin.slo.answers import Attribution, GateReason, GateVerdict
from tocsin.slo.definition import BudgetPolicy, Definitions, Objective, PolicyStep, SeriesRatio
from tocsin.slo.desk import SloDesk
from tocsin.slo.options import SloOptions
from tocsin.slo.policy import POLICIES
from tocsin.state.state import State
from tocsin.testing.counts import MemoryCounts

START, NOW = "2026-10-21 12:00", "2026-11-20 12:00"
MINUTE_NS = 60 * NANOSECONDS
SIGNED: dict[str, Any] = {"author": "mia", "reason": "database upgrade"}


class HandClock:
    """Stands still until it is moved."""

    def __init__(self, at: str) -> None:
        self.at_ns = instant(at)

    def now_ns(self) -> int:
        """Where it stands."""
        return self.at_ns

    def monotonic_s(self) -> float:
        """The same in seconds."""
        return self.at_ns / NANOSECONDS

    def advance(self, *, minutes: int) -> None:
        """Move it on."""
        self.at_ns += minutes * MINUTE_NS


class Attributes:
    """Notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, int, int]] = []

    def attribute(
        self, objective: Objective, start: int, end: int, *, exclusions: Sequence[Exclusion] = (), limit: int = 20
    ) -> Attribution:
        """Nothing stands out."""
        self.asked.append((objective.key, start, end, limit))
        return Attribution(objective.key, start, end, 0.0, 0.0, [], f"nothing, {len(exclusions)} exclusions")


class Told:
    """One deployment of the checkout, half an hour before noon."""

    def between(self, start: int, end: int, *, service: str | None = None) -> list[Deployment]:
        """It, when the range has it."""
        one = Deployment("d-1", service or "", "v2.3.1", instant("2026-11-20 11:30"), DeploymentSource.MARK)
        return [one] if start <= one.at < end else []


@pytest.fixture
def clock() -> HandClock:
    """At noon on 20 November."""
    return HandClock(NOW)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """A real one, on SQLite."""
    with open_state(tmp_path) as opened:
        yield opened


def defined(*objectives: Objective, **parts: Any) -> Definitions:
    """Definitions with these objectives and the policies that ship."""
    return Definitions(objectives={one.key: one for one in objectives}, policies=dict(POLICIES), **parts)


def desk_of(definitions: Definitions, counts: MemoryCounts, state: State, clock: HandClock, **parts: Any) -> SloDesk:
    """A desk over them."""
    return SloDesk(lambda: definitions, counts, state, clock=clock, entropy=SeededEntropy(7), **parts)


@pytest.fixture
def slos(state: State, clock: HandClock) -> SloDesk:
    """One objective of the checkout with 10 of 43.2 minutes spent, all of them on the morning of the 10th."""
    counts = traffic(START, NOW, downtime={"2026-11-10 10:00": 10})
    return desk_of(defined(objective()), counts, state, clock, deployments=Told(), attributor=Attributes())


def spent(minutes: int, state: State, clock: HandClock, **parts: Any) -> SloDesk:
    """The same with so many minutes spent."""
    return desk_of(defined(objective()), traffic(START, NOW, downtime={"2026-11-10 10:00": minutes}), state, clock, **parts)


def test_a_budget_is_judged_from_the_counts(slos: SloDesk) -> None:
    """10 of 43.2 minutes are spent; the list, the service's list and the single one agree."""
    budget = slos.budget(KEY)
    assert budget.figures.remaining_minutes == pytest.approx(33.2)
    assert slos.budgets() == slos.budgets(service="checkout") == [budget]
    assert slos.budgets(service="search") == []
    assert slos.budget(KEY, at=instant("2026-11-05 00:00")).figures.bad == 0


def test_unknown_names_are_told_with_the_one_that_was_meant(slos: SloDesk) -> None:
    """Every question that names an objective says which was meant; a decision about nobody is refused the same way."""
    wrong = "checkout-availabilty"
    questions = (slos.budget, slos.objective, slos.burn_down, slos.ledger, slos.attribution, slos.policy_history)
    for question in questions:
        with pytest.raises(NotFound, match=f"no objective is called '{wrong}'; did you mean '{KEY}'"):
            question(wrong)
    with pytest.raises(NotFound, match="no SLO is called 'chekout-availability'; did you mean"):
        slos.decisions.exclude(slo="chekout-availability", start=0, end=MINUTE_NS, **SIGNED)
    with pytest.raises(NotFound, match="no objective is about the service 'chekout'; did you mean 'checkout'"):
        slos.decisions.grant_exception("chekout", kind="security", **SIGNED)


def test_two_hundred_objectives_are_one_statement(state: State, clock: HandClock) -> None:
    """Those with the same window and exclusions are read at once."""
    counts = MemoryCounts()
    counts.fill("slo-7", seconds(START), seconds(NOW), good=99, total=100)
    slos = desk_of(defined(*(objective(key=f"slo-{number}") for number in range(200))), counts, state, clock)
    assert len(slos.budgets()) == 200
    assert counts.statements == 1
    slos.policies()
    assert counts.statements == 2


def test_an_exclusion_counts_at_once_and_until_it_is_withdrawn(slos: SloDesk) -> None:
    """Ten bad minutes excluded leave a whole budget, shown beside the one without; withdrawn they count again, once."""
    start = instant("2026-11-10 10:00")
    added = slos.decisions.exclude(service="checkout", start=start, end=start + 10 * MINUTE_NS, **SIGNED)
    budget = slos.budget(KEY)
    assert (budget.figures.bad, budget.excluded_minutes) == (0, 10)
    assert budget.without_exclusions.remaining_minutes == pytest.approx(33.2)
    assert slos.decisions.exclusions() == [added]
    withdrawn = slos.decisions.withdraw_exclusion(added.id, author="ada", reason="it was ours")
    assert withdrawn.withdrawn is not None
    assert slos.decisions.exclusions() == []
    assert slos.budget(KEY).figures.bad == 1000
    with pytest.raises(Conflict, match="was withdrawn"):
        slos.decisions.withdraw_exclusion(added.id, **SIGNED)
    assert [line.action for line in slos.decisions.audit()] == ["exclusion_withdrawn", "exclusion_added"]


def test_exclusions_of_files_stand_beside_and_are_withdrawn_there(state: State, clock: HandClock) -> None:
    """They are listed first, count like any, and the API does not take them back."""
    start = instant("2026-11-10 10:00")
    of_file = Exclusion("upgrade", KEY, "", start, start + 4 * MINUTE_NS, "", "mia", "planned", source="shop.yaml:9")
    counts = traffic(START, NOW, downtime={"2026-11-10 10:00": 10})
    slos = desk_of(defined(objective(), exclusions=(of_file,)), counts, state, clock)
    assert slos.decisions.exclusions() == [of_file]
    assert slos.budget(KEY).figures.bad == 600
    with pytest.raises(Conflict, match=r"stands in shop\.yaml:9"):
        slos.decisions.withdraw_exclusion("upgrade", **SIGNED)


@pytest.mark.parametrize(
    ("wanted", "failure", "message"),
    [
        ({"slo": KEY}, InvalidInput, "needs a start and an end, or a query"),
        ({"slo": KEY, "start": 0}, InvalidInput, "needs a start and an end, or a query"),
        ({"slo": KEY, "start": 60, "end": 0}, InvalidInput, "swap the two"),
        ({"slo": KEY, "start": 60, "end": 60}, InvalidInput, "exclude nothing"),
        ({"start": 0, "end": 60}, InvalidInput, "exactly one"),
        ({"slo": KEY, "service": "checkout", "start": 0, "end": 60}, InvalidInput, "exactly one"),
        ({"slo": KEY, "query": "route:("}, ParseError, "expected|unexpected|closed|end"),
        ({"slo": "series", "query": "route:x"}, InvalidInput, "PromQL"),
        ({"slo": KEY, "start": 0, "end": 60, "author": " "}, InvalidInput, "author"),
        ({"slo": KEY, "start": 0, "end": 60, "reason": ""}, InvalidInput, "reason"),
    ],
)
def test_exclusions_that_make_no_sense_are_refused(
    state: State, clock: HandClock, wanted: dict[str, Any], failure: type[Exception], message: str
) -> None:
    """Nothing is kept of them."""
    slos = desk_of(defined(objective(), objective(key="series", indicator=SeriesRatio("total", "good"))), MemoryCounts(), state, clock)
    with pytest.raises(failure, match=message):
        slos.decisions.exclude(**{**SIGNED, **wanted})
    assert slos.decisions.exclusions() == []


def test_a_query_alone_excludes_for_ever(slos: SloDesk) -> None:
    """It needs no time; who recounts finds it among the exclusions."""
    added = slos.decisions.exclude(service="checkout", query=' http.route:"/healthz" ', **SIGNED)
    assert (added.query, added.start, added.end) == ('http.route:"/healthz"', None, None)
    assert slos.decisions.exclusions() == [added]


def test_the_ledger_names_what_people_said(slos: SloDesk) -> None:
    """Ten bad minutes are nobody's until somebody marks them; the sum stays; withdrawn they are nobody's again."""
    before = slos.ledger(KEY)
    assert [entry.kind for entry in before.entries] == [CauseKind.UNKNOWN]
    start = instant("2026-11-10 10:00")
    mark = slos.decisions.mark_cause(slo=KEY, start=start, end=start + 10 * MINUTE_NS, kind=CauseKind.INCIDENT, cause="INC-12", **SIGNED)
    after = slos.ledger(KEY)
    assert [(entry.kind, entry.cause) for entry in after.entries] == [(CauseKind.INCIDENT, "INC-12")]
    assert after.bad == before.bad == 1000
    assert slos.decisions.marks() == [mark]
    assert slos.decisions.withdraw_mark(mark.id, **SIGNED).id == mark.id
    assert slos.ledger(KEY) == before


def test_the_ledger_blames_deployments(state: State, clock: HandClock) -> None:
    """What goes wrong right after one is its own."""
    counts = traffic(START, NOW, downtime={"2026-11-20 11:31": 5})
    slos = desk_of(defined(objective()), counts, state, clock, deployments=Told())
    assert [(entry.kind, entry.cause) for entry in slos.ledger(KEY).entries] == [(CauseKind.DEPLOYMENT, "checkout v2.3.1")]


def test_marks_need_a_cause(slos: SloDesk) -> None:
    """A mark without a name tells nobody anything."""
    with pytest.raises(InvalidInput, match="which cause"):
        slos.decisions.mark_cause(slo=KEY, start=0, end=60, kind=CauseKind.INCIDENT, cause=" ", **SIGNED)


def test_attribution_looks_at_the_window(slos: SloDesk, state: State, clock: HandClock) -> None:
    """From its start to now unless a range is given; a desk that reads no events says so."""
    assert slos.attribution(KEY).start == instant(START)
    assert slos.attribution(KEY, start=60, end=120, limit=3).end == 120
    with pytest.raises(InvalidInput):
        slos.attribution(KEY, start=120, end=60)
    with pytest.raises(NotFound, match="reads events"):
        spent(1, state, clock).attribution(KEY)


def test_a_burn_down_ends_at_what_is_left(slos: SloDesk) -> None:
    """Its last point is the budget's figure."""
    points = slos.burn_down(KEY, points=50)
    assert points[-1].remaining_ratio == pytest.approx(slos.budget(KEY).figures.remaining_ratio)
    assert len(points) <= 50


def test_watching_writes_states_down_when_they_change(state: State, clock: HandClock) -> None:
    """The first round says healthy, the next nothing, an outage changes it; questions write nothing."""
    counts = traffic(START, NOW)
    slos = desk_of(defined(objective()), counts, state, clock)
    assert [status.state for status in slos.policies()] == ["healthy"]
    assert slos.policy_history(KEY) == []
    assert [change.state for change in slos.watch()] == ["healthy"]
    clock.advance(minutes=30)
    counts.fill(KEY, seconds(NOW), seconds(NOW) + 30 * 60, total=100)
    assert [status.state for status in slos.policies()] == ["caution"]
    assert [(change.previous, change.state) for change in slos.watch()] == [("healthy", "caution")]
    assert slos.watch() == []
    assert [change.state for change in slos.policy_history(KEY)] == ["caution", "healthy"]
    assert (slos.statistics().rounds, slos.statistics().transitions) == (3, 2)
    assert slos.statistics().objectives[KEY].remaining_ratio == pytest.approx(slos.budget(KEY).figures.remaining_ratio)


def test_no_data_changes_no_state(state: State, clock: HandClock) -> None:
    """An objective without events has the best state, and nothing is written down; its gauges are not numbers."""
    slos = desk_of(defined(objective()), MemoryCounts(), state, clock)
    assert slos.watch() == []
    assert [status.state for status in slos.policies()] == ["healthy"]
    gauges = slos.statistics().objectives[KEY]
    assert gauges.remaining_ratio != gauges.remaining_ratio


def test_asking_the_gate_leaves_no_trace(state: State, clock: HandClock) -> None:
    """Without recording, an exception says go as often as one asks, and none of its uses is taken."""
    slos = spent(40, state, clock)
    leave = slos.decisions.grant_exception("checkout", kind="incident-fix", **SIGNED)
    for _ in range(3):
        assert slos.gate("checkout", record=False).exception == leave.id
    assert slos.decisions.exceptions() == [leave]
    assert [line.action for line in slos.decisions.audit()] == ["exception_granted"]


def test_a_deployment_uses_its_exception_up(state: State, clock: HandClock) -> None:
    """The first goes, the second does not; both answers, the leave and its use are in the audit."""
    slos = spent(40, state, clock)
    assert slos.gate("checkout").reason is GateReason.POLICY_FREEZE
    leave = slos.decisions.grant_exception("checkout", kind="incident-fix", **SIGNED)
    first, second = slos.gate("checkout"), slos.gate("checkout")
    assert (first.ok, first.reason, first.exception) == (True, GateReason.EXCEPTION, leave.id)
    assert (second.ok, second.exception) == (False, "")
    assert slos.decisions.exceptions()[0].uses_left == 0
    actions = sorted(line.action for line in slos.decisions.audit())
    assert actions == ["exception_granted", "exception_used", "gate_go", "gate_no_go", "gate_no_go"]
    assert (slos.statistics().gate_go, slos.statistics().gate_no_go, slos.statistics().exceptions_used) == (1, 2, 1)


def test_of_many_deployments_one_gets_the_last_use(state: State, clock: HandClock) -> None:
    """Asked at once by eight, an exception for two lets two through."""
    slos = spent(40, state, clock)
    slos.decisions.grant_exception("checkout", kind="security", uses=1, **SIGNED)
    slos.decisions.grant_exception("checkout", kind="security", uses=1, **SIGNED)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: slos.gate("checkout"), range(8)))
    assert sum(answer.ok for answer in answers) == 2
    assert len({answer.exception for answer in answers if answer.ok}) == 2


def test_exceptions_end(state: State, clock: HandClock) -> None:
    """After its time an exception lets nothing through."""
    slos = spent(40, state, clock)
    slos.decisions.grant_exception("checkout", kind="security", lasting_s=3600, **SIGNED)
    clock.advance(minutes=61)
    assert slos.gate("checkout").verdict is GateVerdict.NO_GO


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"kind": "feature"}, "accept exceptions of kind security, incident-fix, other"),
        ({"kind": "security", "lasting_s": 0}, "more than 0 s"),
        ({"kind": "security", "lasting_s": 400 * DAY_S}, "366 days"),
        ({"kind": "security", "uses": 0}, "1 to 100"),
        ({"kind": "security", "uses": 101}, "1 to 100"),
        ({"kind": "security", "author": ""}, "author"),
    ],
)
def test_exceptions_that_make_no_sense_are_refused(slos: SloDesk, wanted: dict[str, Any], message: str) -> None:
    """Nothing is kept of them."""
    with pytest.raises(InvalidInput, match=message):
        slos.decisions.grant_exception("checkout", **{**SIGNED, **wanted})
    assert slos.decisions.exceptions() == []


def test_a_policy_says_which_exceptions_it_takes(state: State, clock: HandClock) -> None:
    """A kind that no policy of the service accepts could never be used, so it is refused at once."""
    strict = BudgetPolicy("strict", (PolicyStep("closed", float("-inf"), "none", "Nothing."),), exceptions=("security",))
    definitions = replace(defined(replace(objective(), policy="strict")), policies={"strict": strict})
    slos = desk_of(definitions, traffic(START, NOW), state, clock)
    with pytest.raises(InvalidInput, match="of kind security; found 'other'"):
        slos.decisions.grant_exception("checkout", kind="other", **SIGNED)
    assert slos.gate("checkout", record=False).reason is GateReason.POLICY_EXHAUSTED


def test_the_gate_knows_the_state_before_it_is_written_down(state: State, clock: HandClock) -> None:
    """A budget that fell since the last round is judged as it is."""
    slos = spent(40, state, clock)
    assert slos.gate("checkout").policy_state == "freeze"
    assert slos.policy_history(KEY) == []


def test_a_service_without_objectives_may_be_a_slip(slos: SloDesk) -> None:
    """What the options say holds, and the answer names the service that was probably meant."""
    answer = slos.gate("chekout")
    assert (answer.verdict, answer.reason) == (GateVerdict.GO, GateReason.NO_OBJECTIVE)
    assert answer.sentence.endswith("did you mean 'checkout'?")
    assert "did you mean" not in slos.gate("warehouse").sentence


def test_options_reach_the_gate(state: State, clock: HandClock) -> None:
    """Without data it fails closed when told to."""
    options = SloOptions.model_validate({"gate": {"without_data": "no_go"}})
    slos = desk_of(defined(objective()), MemoryCounts(), state, clock, options=options)
    assert slos.gate("checkout").reason is GateReason.NO_DATA
    assert not slos.gate("checkout").ok


def test_counting_anew_changes_no_state(state: State, clock: HandClock) -> None:
    """A spent budget that looks full while it is counted anew: nothing is recorded, the gate stays closed; then the new figures hold."""
    counts = traffic(START, NOW, downtime={"2026-11-10 10:00": 60})
    slos = desk_of(defined(objective()), counts, state, clock)
    slos.watch()
    assert not slos.gate("checkout").ok
    counts.fill(KEY, seconds("2026-11-10 10:00"), seconds("2026-11-10 11:00"), good=100, total=100)
    counts.recounted_from(KEY, seconds("2026-11-10 00:00"))
    (budget,) = slos.budgets()
    assert budget.coverage.recounted_ratio == pytest.approx(10.5 / 30)
    assert "being counted anew since what is counted, or an exclusion, changed: 35 % done" in budget.sentence
    assert slos.watch() == []
    assert (slos.gate("checkout").reason, slos.policies()[0].state) == (GateReason.POLICY_EXHAUSTED, "exhausted")
    counts.recounted_from(KEY, None)
    assert [change.state for change in slos.watch()] == ["healthy"]
    assert slos.gate("checkout").ok


def test_the_first_count_begins_no_history(state: State, clock: HandClock) -> None:
    """Newest first, errors of long ago come last: until they are counted no state is recorded, and the gate says that it does not know."""
    counts = MemoryCounts()
    counts.fill(KEY, seconds("2026-11-19 12:00"), seconds(NOW), good=100, total=100)
    counts.recounted_from(KEY, seconds("2026-11-19 12:00"))
    slos = desk_of(defined(objective()), counts, state, clock)
    assert slos.watch() == []
    answer = slos.gate("checkout")
    assert (answer.ok, answer.reason) == (False, GateReason.BEING_COUNTED)
    assert "is being counted for the first time" in answer.sentence
    assert "what is older is still being counted for the first time" in slos.budgets()[0].sentence
    counts.fill(KEY, seconds("2026-11-10 10:00"), seconds("2026-11-10 11:00"), good=0, total=10_000)
    counts.recounted_from(KEY, None)
    assert [change.state for change in slos.watch()] == ["exhausted"]
    counts.recounted_from(KEY, seconds("2026-11-10 10:00"))
    assert slos.gate("checkout").reason is GateReason.POLICY_EXHAUSTED


def test_a_first_count_that_begins_anew_is_not_whole(state: State, clock: HandClock) -> None:
    """An exclusion added while the past is counted for the first time makes a recount of it, and still nobody knows what is older."""
    counts = traffic(START, NOW)
    counts.recounted_from(KEY, seconds("2026-11-19 12:00"))
    slos = desk_of(defined(objective()), counts, state, clock)
    assert slos.gate("checkout").reason is GateReason.BEING_COUNTED
    counts.recounted_from(KEY, None)
    slos.watch()
    counts.recounted_from(KEY, seconds("2026-11-19 12:00"))
    assert slos.gate("checkout").ok, "it was whole before"


def test_counting_anew_shows_what_is_worse_at_once(state: State, clock: HandClock) -> None:
    """The gate follows the figures down, not up; history waits."""
    counts = traffic(START, NOW)
    slos = desk_of(defined(objective()), counts, state, clock)
    slos.watch()
    counts.fill(KEY, seconds("2026-11-10 10:00"), seconds("2026-11-10 11:00"), good=0, total=100)
    counts.recounted_from(KEY, seconds("2026-11-10 00:00"))
    assert slos.watch() == []
    assert slos.gate("checkout").reason is GateReason.POLICY_EXHAUSTED


def test_a_broken_file_closes_the_gate_of_what_nobody_knows(state: State, clock: HandClock) -> None:
    """The mistake is named, and the service that was probably meant."""
    slos = desk_of(defined(objective()), traffic(START, NOW), state, clock, mistakes=lambda: ["shop.yaml:3: wrong"])
    answer = slos.gate("chekout")
    assert (answer.ok, answer.reason) == (False, GateReason.BROKEN_FILES)
    assert "shop.yaml:3: wrong" in answer.sentence
    assert "did you mean 'checkout'?" in answer.sentence
    assert slos.gate("checkout").ok


def test_nothing_is_known_of_the_future(slos: SloDesk, clock: HandClock) -> None:
    """It is refused rather than said to be counted; a clock that is a little ahead is let pass."""
    later = clock.now_ns() + 10 * MINUTE_NS
    for ask in (slos.budget, slos.burn_down, slos.ledger):
        with pytest.raises(InvalidInput, match="future"):
            ask(KEY, at=later)
    with pytest.raises(InvalidInput, match="future"):
        slos.budgets(at=later)
    assert slos.budget(KEY, at=clock.now_ns() + MINUTE_NS).coverage.known_minutes > 0


def test_impossible_risks_are_refused(slos: SloDesk) -> None:
    """And leave no answer in the audit."""
    with pytest.raises(InvalidInput):
        slos.gate("checkout", risk_minutes=-1)
    with pytest.raises(InvalidInput):
        slos.gate("checkout", probability=2)
    assert slos.decisions.audit() == []


def test_the_wall_sees_the_fastest_burn(state: State, clock: HandClock) -> None:
    """Of a service's objectives the one that burns most over an hour."""
    counts = traffic(START, NOW)
    counts.fill("calm", seconds(START), seconds(NOW), good=1, total=1)
    counts.fill(KEY, seconds(NOW) - 600, seconds(NOW), good=50, total=100)
    slos = desk_of(defined(objective(key="calm"), objective()), counts, state, clock)
    burn = slos.burn_by_service()["checkout"]
    assert (burn.objective, burn.window_s) == (KEY, 3600)
    assert burn.rate == pytest.approx(600 / 3600 * 0.5 / 0.001)
    assert slos.burn_by_service(at=clock.now_ns() + 10**15) == slos.burn_by_service()


def test_problems_are_what_is_wrong_and_what_is_odd(state: State, clock: HandClock) -> None:
    """Mistakes as they are now, remarks of what is in force."""
    slos = desk_of(defined(remarks=("odd",)), MemoryCounts(), state, clock, mistakes=lambda: ["shop.yaml:3: wrong"])
    assert (slos.problems().mistakes, slos.problems().remarks) == (["shop.yaml:3: wrong"], ["odd"])


def test_texts_of_any_sort_are_kept_as_they_are(slos: SloDesk) -> None:
    """Quotes, other alphabets and what looks like SQL come back the same."""
    reason = "'; DROP TABLE exclusions; -- \u202e \U0001f525 \u4fdd\u5b88"
    added = slos.decisions.exclude(service="checkout", start=0, end=MINUTE_NS, author="O'Brien", reason=reason)
    assert slos.decisions.exclusions() == [added]
    assert reason in slos.decisions.audit()[0].detail
    with pytest.raises(InvalidInput, match="zero byte"):
        slos.decisions.exclude(service="checkout", start=0, end=MINUTE_NS, author="a\x00b", reason="x")


def test_summaries_say_everything_in_words(slos: SloDesk) -> None:
    """Indicator, window and budgeting are sentences."""
    one = slos.objective(KEY)
    assert slos.objectives() == [one]
    assert one.indicator == "good spans `status:ok` of spans `service:checkout`"
    assert (one.window, one.budgeting) == ("the last 30 d", "every event counts the same")
