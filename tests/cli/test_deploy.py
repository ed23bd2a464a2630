"""`tocsin deploy`, `tocsin security`, `tocsin costs`: what they print."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.api.fake_desk import FakeDesk
from tests.api.test_deployments import Shelf
from tests.cli.conftest import NOW, Tocsin, serving

from tocsin.api.application import create_application
from tocsin.api.context import Context
from tocsin.cli.costs import show_bytes
from tocsin.clock import ReplayClock
from tocsin.model.instant import Instant
from tocsin.model.signals import Flag
from tocsin.model.usage import ClientMeasure, ClientSignals, CostSignals, SecuritySignals, UnpricedModel, Usage, UsageRow
from tocsin.query.deployments import Deployments
from tocsin.wire.deployments import DeploymentDoor

USED = Usage(12, 3, 4_000_000, 1_000, 2_500, 9, 8.5, 70)
CLOCK = ReplayClock(NOW, speed=0)


class Answers:
    """Answers both questions with what the test put here."""

    def __init__(self) -> None:
        measure = ClientMeasure("failures", 150, 3.0, 0.0001, Flag.BREACH, "150 refused requests")
        client = ClientSignals("client.address", "6.6.6.6\x1b[2J", False, Flag.BREACH, "150 refused requests against 3.0", [measure])
        self.security = SecuritySignals(NOW, NOW, Flag.BREACH, 7, 150, 6, 7, 0.05, 0.001, [client], "1 of 7 clients stand out")
        rows = [UsageRow("acme", USED, USED), UsageRow("", Usage(1, 1, 1, 1, 0, 0, None, 2), USED)]
        unpriced = [UnpricedModel("owl", 1, 30, 40)]
        self.costs = CostSignals(NOW, NOW, "tenant", "EUR", rows, 0, USED, USED, unpriced, "12 requests")
        none = Usage(0, 0, 0, 0, 0, 0, 0.0, 0)
        self.of_routes = CostSignals(NOW, NOW, "route", "EUR", [], 0, none, none, [], "0 requests; 2 calls left out", implausible=2)

    def signals(self, start: Instant, end: Instant, *, by: str = "", limit: int = 0) -> SecuritySignals | CostSignals:
        """The one or the other."""
        if by == "route":
            return self.of_routes
        return self.costs if by else self.security


@pytest.fixture
def url() -> Iterator[str]:
    """A server with deployments, and with answers about usage."""
    shelf, desk, answers = Shelf(), FakeDesk(), Answers()
    desk.security = desk.costs = answers  # type: ignore[assignment]
    context = Context(
        desk=desk, clock=CLOCK, deployments=Deployments(shelf, shelf.marked), deployment_door=DeploymentDoor(shelf.record, CLOCK)
    )
    with serving(create_application(context, hosts={"127.0.0.1"})) as address:
        yield address


def test_marks_are_told_and_listed(tocsin: Tocsin, url: str) -> None:
    """A mark says what it recorded, once; the list has it first."""
    mark = ("deploy", "mark", "shop", "v2", "--at", "now-5m", "--author", "ann", "--environment", "prod", "--status", "failed")
    assert tocsin(*mark, "--url", url).out == "marked shop v2 at 2026-03-02 09:55:00.000 UTC\n"
    assert tocsin(*mark, "--url", url).out == "shop v2 at 2026-03-02 09:55:00.000 UTC was known before; it stands as failed\n"
    head, first, second = tocsin("deploy", "--url", url).out.splitlines()
    assert head.split()[:5] == ["when", "service", "version", "status", "source"]
    assert first.split() == ["2026-03-02", "09:55", "shop", "v2", "failed", "mark", "prod", "ann"]
    assert "7 (was 6)" in second
    assert json.loads(tocsin("deploy", "list", "--service", "mail", "--json", "--url", url).out)[0]["version"] == "7"
    assert "no deployments are known" in tocsin("deploy", "list", "--last", "1m", "--url", url).out


def test_a_wrong_mark_is_the_servers_sentence(tocsin: Tocsin, url: str) -> None:
    """Exit code 4, and what is wrong."""
    outcome = tocsin("deploy", "mark", "shop", "v2", "--at", "soon", "--url", url)
    assert (outcome.code, outcome.out) == (4, "")
    assert "at: 'soon' is not an instant" in outcome.err


def test_security_in_a_terminal(tocsin: Tocsin, url: str) -> None:
    """A breach is exit code 1; what strangers called themselves reaches no terminal as it is."""
    outcome = tocsin("security", "--url", url)
    assert outcome.code == 1
    assert "\x1b" not in outcome.out
    first, rates, _, row = outcome.out.splitlines()
    assert first == "BREACH 1 of 7 clients stand out"
    assert rates == "held against the same hours of 6 of 7 past days; at most 5.00% of such reports warn, 0.10% breach by chance"
    assert row.startswith("BREACH  client.address 6.6.6.6")
    assert row.endswith("150 refused requests against 3.0")
    assert json.loads(tocsin("security", "--json", "--url", url).out)["clients"] == 7


def test_costs_in_a_terminal(tocsin: Tocsin, url: str) -> None:
    """Money, with a plus where tokens without a price come on top, and a dash where nobody knows."""
    lines = tocsin("costs", "--url", url).out.splitlines()
    assert lines[0] == "12 requests"
    assert lines[2].split() == ["acme", "12", "3", "4,000,000", "1,000", "2.5", "kB", "9", "B", "8.50+", "8.50+"]
    assert lines[3].split()[:2] == ["(nobody", "named)"]
    assert lines[3].split()[-2] == "-"
    assert lines[4].split()[0] == "all"
    assert lines[5] == "no price for owl: 70 tokens are in no sum of money"
    assert json.loads(tocsin("costs", "--by", "model", "--json", "--url", url).out)["currency"] == "EUR"


def test_costs_in_a_narrow_terminal_keep_their_names(tocsin: Tocsin, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is little room, bytes, then calls, then the pace make way for the names of what is paid for."""
    monkeypatch.setenv("COLUMNS", "60")
    lines = tocsin("costs", "--url", url).out.splitlines()
    assert lines[1].split() == ["tenant", "requests", "tokens", "in", "tokens", "out", "EUR"]
    assert lines[2].split() == ["acme", "12", "4,000,000", "1,000", "8.50+"]
    monkeypatch.setenv("COLUMNS", "80")
    head = tocsin("costs", "--url", url).out.splitlines()[1]
    assert head.split()[-4:] == ["received", "EUR", "a", "day"]


def test_costs_by_model_have_no_requests(tocsin: Tocsin, url: str) -> None:
    """Models answer calls, so nothing is said of requests and their bytes."""
    head = tocsin("costs", "--by", "model", "--url", url).out.splitlines()[1]
    assert head.split() == ["model", "calls", "tokens", "in", "tokens", "out", "EUR", "a", "day"]


def test_calls_that_were_left_out_are_not_nothing(tocsin: Tocsin, url: str) -> None:
    """Where all that was used is implausible, that is said in place of an empty table."""
    assert tocsin("costs", "--by", "route", "--url", url).out == "0 requests; 2 calls left out\n"


def test_security_in_a_narrow_terminal_says_why(tocsin: Tocsin, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reasons follow the table where that has no room for them, whole."""
    monkeypatch.setenv("COLUMNS", "80")
    *_, row, reason = tocsin("security", "--url", url).out.splitlines()
    assert row.startswith("BREACH  client.address 6.6.6.6")
    assert reason.endswith("6.6.6.6␛[2J: 150 refused requests against 3.0")


@pytest.mark.parametrize(("size", "shown"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2 * 10**9, "2.0 GB"), (10**18, "1000.0 PB")])
def test_sizes_for_people(size: int, shown: str) -> None:
    """Thousands, as disks count."""
    assert show_bytes(size) == shown
