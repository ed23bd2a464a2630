"""`tocsin slo`: what it prints at several widths, what it sends, and files checked without a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.api.fake_slos import DAY, ESCAPE, KEY, MINUTE, NOW, SECOND_KEY, FakeSlos, budget
from tests.cli.conftest import Tocsin
from tests.cli.slo_server import slo_server

from tocsin.cli.slo_tables import bar, burn_text, show_count, show_share, show_target, window_name
from tocsin.errors import NotFound
from tocsin.model.budget import CauseKind
from tocsin.slo.answers import Ledger
from tocsin.slo.burn_down import BurnDownPoint
from tocsin.slo.desk_records import DefinitionProblems

SIGNED = ("--author", "ada", "--reason", "database upgrade")
READING = [
    ("slo",),
    ("slo", "list"),
    ("slo", "show", KEY),
    ("slo", "show", SECOND_KEY),
    ("slo", "burn-down", KEY),
    ("slo", "ledger", KEY),
    ("slo", "attribution", KEY),
    ("slo", "history", KEY),
    ("slo", "exclusions"),
    ("slo", "marks"),
    ("slo", "exceptions"),
    ("slo", "audit"),
]
DECIDING = [
    ("slo", "exclude", KEY, "--start", "now-1h", "--end", "now", *SIGNED),
    ("slo", "mark", KEY, "--start", "now-1h", "--kind", "incident", "--cause", "INC-12", *SIGNED),
    ("slo", "exception", "checkout", "--kind", "security", *SIGNED),
    ("slo", "withdraw", "exclusion", "ex-1", *SIGNED),
]
OBJECTIVE = """\
apiVersion: tocsin/v1
kind: Objective
metadata: {name: checkout-availability}
spec: {service: checkout, target: 99.9%, window: 30d, availability: {}}
"""


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[FakeSlos, str]]:
    """One server for all tests here."""
    slos = FakeSlos()
    with slo_server(slos) as address:
        yield slos, address


@pytest.fixture
def slos(served: tuple[FakeSlos, str]) -> FakeSlos:
    """The desk of objectives behind `url`, as new."""
    served[0].forget()
    return served[0]


@pytest.fixture
def url(served: tuple[FakeSlos, str], slos: FakeSlos) -> str:
    """The server's address."""
    return served[1]


@pytest.mark.parametrize("arguments", [*READING, *DECIDING], ids=lambda words: " ".join(words[:3]))
def test_json_is_the_apis_own(tocsin: Tocsin, url: str, arguments: tuple[str, ...]) -> None:
    """With --json a part prints what the API answered, and nothing else."""
    outcome = tocsin(*arguments, "--json", "--url", url)
    assert (outcome.code, outcome.err) == (0, "")
    assert json.loads(outcome.out)
    assert outcome.out.count("\n") == 1


@pytest.mark.parametrize("width", ["40", "80", "120"])
@pytest.mark.parametrize("arguments", [*READING, *DECIDING], ids=lambda words: " ".join(words[:3]))
def test_text_has_no_control_characters(
    tocsin: Tocsin, url: str, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], width: str
) -> None:
    """At any width; what strangers wrote reaches no terminal as it is."""
    monkeypatch.setenv("COLUMNS", width)
    outcome = tocsin(*arguments, "--url", url)
    assert (outcome.code, outcome.err) == (0, "")
    assert "\x1b" not in outcome.out
    assert outcome.out.strip()


def test_the_list_says_how_each_stands(tocsin: Tocsin, url: str) -> None:
    """Key, bar, what is left, burn rates and state in one line each; no data is neither met nor breached."""
    lines = {line.split()[0]: line for line in tocsin("slo", "--url", url).out.splitlines()}
    assert all(part in lines[KEY] for part in ("checkout", "99.9 %", "███████▊··", "76.9 %", "0.4x", "healthy"))
    assert all(part in lines[SECOND_KEY] for part in ("-25.0 %", "15.2x", "exhausted"))
    assert "no data" in lines["search-freshness"]
    assert "%  " not in lines["search-freshness"].replace("99.9 %", "")


@pytest.mark.parametrize("width", ["80", "120"])
def test_narrow_lists_fit_and_say_what_is_wrong_below(tocsin: Tocsin, url: str, monkeypatch: pytest.MonkeyPatch, width: str) -> None:
    """No row is wider than the terminal; only budgets that are not as they should be are said in words."""
    monkeypatch.setenv("COLUMNS", width)
    lines = tocsin("slo", "--url", url).out.splitlines()
    rows = [line for line in lines if "█" in line or "·" in line or line.startswith("objective")]
    assert len(rows) == 3
    assert all(len(row) <= int(width) for row in rows)
    sentences = [line for line in lines if "of the budget is left" in line]
    assert [line.partition(":")[0] for line in sentences] == [SECOND_KEY]


def test_a_service_and_an_instant_are_asked_for(tocsin: Tocsin, url: str, slos: FakeSlos) -> None:
    """Both reach the server, with and without the part's name."""
    tocsin("slo", "--service", "checkout", "--at", "now-1d", "--url", url)
    tocsin("slo", "list", "--service", "checkout", "--at", "now-1d", "--url", url)
    wanted = ("budgets", (), {"service": "checkout", "at": NOW - DAY})
    assert [one for one in slos.asked if one[0] == "budgets"] == [wanted, wanted]


def test_no_objectives_say_what_to_do(tocsin: Tocsin, url: str, slos: FakeSlos) -> None:
    """Which option names the files; a service without one is said as such."""
    slos.found = []
    assert "slo.files" in tocsin("slo", "--url", url).out
    assert "no objective of wareh␛ouse" in tocsin("slo", "--service", "wareh\x1bouse", "--url", url).out


def test_mistakes_in_files_are_said_with_the_list(tocsin: Tocsin, url: str, slos: FakeSlos) -> None:
    """They change nothing, and the list says so; remarks alone are counted."""
    slos.wrong = DefinitionProblems([f"shop.yaml:3:5: no field 'targt'{ESCAPE}"], ["odd"])
    outcome = tocsin("slo", "--url", url)
    assert "mistake: shop.yaml:3:5: no field 'targt'␛[2J" in outcome.out
    assert "what they said before is in force" in outcome.out
    slos.wrong = DefinitionProblems([], ["odd"])
    assert "1 remark on the files" in tocsin("slo", "--url", url).out


def test_show_tells_everything(tocsin: Tocsin, url: str) -> None:
    """Promise, figures with and without exclusions, coverage, burn rates, policy, and what spent it."""
    out = tocsin("slo", "show", KEY, "--url", url).out
    wanted = ("99.9 % over the last 30 d", "payments-team", "https://wiki/checkout", "slos/shop.yaml:3", "had nothing been excluded")
    assert all(part in out for part in wanted)
    assert "left, minutes              33.2                       28.9" in out
    assert "92.6 % known (40,000 of 43,200 minutes passed, events in 39,000), since 2026-02-03 10:00 UTC" in out
    assert "excluded 30 minutes" in out
    assert "policy four-step: healthy, everything may be deployed, since 2026-03-01 10:00:00 UTC. Full speed." in out
    assert "together 231 events, excluded ones left out" in out


def test_show_of_the_past_leaves_the_present_policy_out(tocsin: Tocsin, url: str, slos: FakeSlos) -> None:
    """How a policy stands now says nothing about last week."""
    assert "policy four-step" not in tocsin("slo", "show", KEY, "--at", "now-7d", "--url", url).out
    assert slos.asked[0] == ("budget", (KEY,), {"at": NOW - 7 * DAY})


def test_without_exclusions_figures_stand_once(tocsin: Tocsin, url: str, slos: FakeSlos, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second column that says the same is left out."""
    one = budget()
    monkeypatch.setattr(slos, "budget", lambda _key, **_: replace(one, without_exclusions=one.figures, excluded_minutes=0))
    out = tocsin("slo", "show", KEY, "--url", url).out
    assert "had nothing been excluded" not in out
    assert "`tocsin slo exclusions`" not in out


def test_a_burn_down_draws_what_is_known(tocsin: Tocsin, url: str, slos: FakeSlos, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first known instant on, without gaps; nothing known is a sentence."""
    known = [BurnDownPoint(NOW - (9 - step) * MINUTE + (step == 9) * -30 * 10**9, 1 - step / 20) for step in range(10)]
    monkeypatch.setattr(slos, "burn_down", lambda _key, **_: [BurnDownPoint(NOW - DAY, None), *known])
    out = tocsin("slo", "burn-down", KEY, "--url", url).out
    assert "2026-03-02 09:51 to 2026-03-02 09:59 UTC" in out
    lowest = next(line for line in out.splitlines() if line.strip().startswith("55.0 %"))
    assert "  " not in lowest.partition("┤")[2]
    monkeypatch.setattr(slos, "burn_down", lambda _key, **_: [BurnDownPoint(NOW - DAY, None)])
    assert tocsin("slo", "burn-down", KEY, "--url", url).out == "nothing was observed in this window\n"


def test_an_empty_ledger_is_said(tocsin: Tocsin, url: str, slos: FakeSlos, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing spent is good news, not an empty table."""
    monkeypatch.setattr(slos, "ledger", lambda key, **_: Ledger(key, NOW, "events", 0.0, []))
    assert tocsin("slo", "ledger", KEY, "--url", url).out == "nothing was spent\n"


def test_an_exclusion_sends_what_was_said(tocsin: Tocsin, url: str, slos: FakeSlos, monkeypatch: pytest.MonkeyPatch) -> None:
    """By SLO or service, by time or query; the author may come from the environment; the answer says how to take it back."""
    outcome = tocsin("slo", "exclude", KEY, "--start", "now-1h", "--end", "now", *SIGNED, "--url", url)
    assert outcome.out.startswith(f"excluded {KEY} from 2026-03-02 09:00 to 2026-03-02 10:00\n")
    assert "`tocsin slo withdraw exclusion ex-1` takes it back" in outcome.out
    monkeypatch.setenv("TOCSIN_AUTHOR", "mia")
    outcome = tocsin("slo", "exclude", "--service", "checkout", "--query", "route:/health", "--reason", "probes", "--url", url)
    assert outcome.out.startswith(
        "excluded events of all of checkout that match route:/health, always; what is stored is being counted anew"
    )
    first, second = (options for _, _, options in slos.asked)
    assert (first["slo"], first["service"], first["start"], first["end"]) == (KEY, "", NOW - 60 * MINUTE, NOW)
    assert (second["slo"], second["service"], second["start"], second["query"], second["author"]) == (
        "",
        "checkout",
        None,
        "route:/health",
        "mia",
    )


@pytest.mark.parametrize("about", [(), (KEY, "--service", "checkout")])
def test_a_decision_is_about_one_thing(tocsin: Tocsin, url: str, slos: FakeSlos, about: tuple[str, ...]) -> None:
    """Neither an SLO nor a service, or both: nothing is sent."""
    outcome = tocsin("slo", "exclude", *about, "--query", "a:b", *SIGNED, "--url", url)
    assert outcome.code == 2
    assert "name either the SLO" in outcome.err
    assert slos.asked == []


def test_a_decision_needs_a_name_and_a_reason(tocsin: Tocsin, url: str, slos: FakeSlos) -> None:
    """Without them the command line is wrong; blank ones the server refuses."""
    assert tocsin("slo", "exclude", KEY, "--query", "a:b", "--reason", "x", "--url", url).code == 2
    blank = tocsin("slo", "exclude", KEY, "--query", "a:b", "--reason", " ", "--author", "ada", "--url", url)
    assert (blank.code, "must not be empty" in blank.err) == (4, True)
    assert slos.asked == []


def test_a_mark_lasts_until_now_by_default(tocsin: Tocsin, url: str, slos: FakeSlos) -> None:
    """The ledger names it from then on."""
    arguments = ("--start", "now-1h", "--kind", "dependency", "--cause", "card network", *SIGNED)
    outcome = tocsin("slo", "mark", "--service", "checkout", *arguments, "--url", url)
    assert "card network (dependency) is what the ledger of all of checkout names from 2026-03-02 09:00" in outcome.out
    assert (slos.asked[0][2]["kind"], slos.asked[0][2]["end"]) == (CauseKind.DEPENDENCY, NOW)


def test_an_exception_says_how_far_it_goes(tocsin: Tocsin, url: str, slos: FakeSlos) -> None:
    """How many deployments, whose, until when; a wrong length of time is refused before anything is sent."""
    outcome = tocsin("slo", "exception", "checkout", "--kind", "incident-fix", "--for", "90m", "--uses", "2", *SIGNED, "--url", url)
    assert outcome.out == "the gate lets 2 deployments of checkout through until 2026-03-02 11:30 UTC (leave-1)\n"
    assert slos.asked[0][2]["lasting_s"] == 5400
    assert tocsin("slo", "exception", "checkout", "--kind", "security", "--for", "soon", *SIGNED, "--url", url).code == 2


def test_withdrawing_says_so(tocsin: Tocsin, url: str, slos: FakeSlos) -> None:
    """Ids with slashes and blanks arrive whole."""
    assert tocsin("slo", "withdraw", "mark", "m 1?", *SIGNED, "--url", url).out == "mark m 1? is withdrawn\n"
    assert slos.asked[0][:2] == ("withdraw_mark", ("m 1?",))


def test_an_unknown_objective_is_one_sentence(tocsin: Tocsin, url: str, slos: FakeSlos) -> None:
    """The server's own, with exit code 4."""
    slos.failure = NotFound("no objective is called 'chekout'; did you mean 'checkout'?")
    outcome = tocsin("slo", "show", "chekout", "--url", url)
    assert (outcome.code, outcome.out, outcome.err) == (4, "", "error: no objective is called 'chekout'; did you mean 'checkout'?\n")


def test_every_part_explains_itself(tocsin: Tocsin) -> None:
    """`--help` of the command lists its parts, that of a part its options; a wrong part is refused."""
    whole = tocsin("slo", "--help").out
    for part in ("list", "show", "ledger", "attribution", "exclude", "mark", "exception", "withdraw", "audit", "check"):
        assert f"\n  {part} " in whole
        assert f"tocsin slo {part}" in tocsin("slo", part, "--help").out
    assert tocsin("slo", "shwo").code == 2


def test_files_are_checked_without_a_server(tocsin: Tocsin, tmp_path: Path) -> None:
    """All is well: what the files define, in words, exit code 0."""
    file = tmp_path / "shop.yaml"
    file.write_text(OBJECTIVE, encoding="utf-8")
    outcome = tocsin("slo", "check", str(file))
    assert outcome.code == 0
    assert "SUCCESS: 1 objective found" in outcome.out
    assert "checkout-availability of checkout, 99.9 % over the last 30 d: bad spans" in outcome.out
    assert tocsin("slo", "check", str(file), "--quiet").out == ""


def test_all_mistakes_of_all_files_are_said_at_once(tocsin: Tocsin, tmp_path: Path) -> None:
    """With line, column and what was meant; a file that is missing is one of them; exit code 1, no control characters."""
    file = tmp_path / "sh\x1bop.yaml"
    file.write_text(OBJECTIVE.replace("target", "targt").replace("{}", "{oops: 1}"), encoding="utf-8")
    outcome = tocsin("slo", "check", str(file), str(tmp_path / "none.yaml"))
    assert outcome.code == 1
    assert "did you mean 'target'?" in outcome.out
    assert "none.yaml: the file can't be read" in outcome.out
    assert "4 mistakes; docs/slos.md explains the files" in outcome.out
    assert "\x1b" not in outcome.out


def test_check_reads_the_files_that_the_configuration_names(tocsin: Tocsin, tmp_path: Path) -> None:
    """Patterns are resolved; one that matches nothing is a mistake; all else is checked too."""
    (tmp_path / "shop.yaml").write_text(OBJECTIVE, encoding="utf-8")
    config = tmp_path / "tocsin.yml"
    config.write_text(json.dumps({"slo": {"files": [str(tmp_path / "*.yaml")]}}), encoding="utf-8")
    well = tocsin("check", "--config", str(config))
    assert (well.code, "SUCCESS: 1 objective found" in well.out) == (0, True)
    config.write_text(json.dumps({"slo": {"files": [str(tmp_path / "none*.yaml")]}}), encoding="utf-8")
    wrong = tocsin("check", "--config", str(config))
    assert (wrong.code, "no file is called so" in wrong.out) == (1, True)


@pytest.mark.parametrize(
    ("ratio", "drawn"),
    [
        (1.0, "██████████"),
        (0.769, "███████▊··"),
        (0.5, "█████·····"),
        (0.001, "▏·········"),
        (0.0, "··········"),
        (-3.0, "··········"),
        (7.0, "██████████"),
        (None, "          "),
    ],
)
def test_a_bar_is_ten_cells(ratio: float | None, drawn: str) -> None:
    """A little is never nothing, nothing known is blank, and too much is whole."""
    assert bar(ratio) == drawn


def test_figures_are_short_and_never_wrong() -> None:
    """Targets keep all their digits, small shares do not become nought, rates say whether they are urgent."""
    assert [show_target(target) for target in (0.999, 0.9995, 0.99999, 0.5)] == ["99.9 %", "99.95 %", "99.999 %", "50 %"]
    assert [show_share(share) for share in (0.0, 0.00012, -0.25, None)] == ["0.0 %", "0.012 %", "-25.0 %", "-"]
    assert [show_count(count) for count in (0, 12_345, 12.5, 1e6, None)] == ["0", "12,345", "12.5", "1,000,000", "-"]
    assert [window_name(window_s) for window_s in (300, 1800, 3600, 259_200, 90)] == ["5m", "30m", "1h", "3d", "90s"]
    assert [(burn_text(rate).plain, burn_text(rate).style) for rate in (None, 0.4, 1.5, 14.4, 333.3)] == [
        ("-", "dim"),
        ("0.4x", ""),
        ("1.5x", "yellow"),
        ("14.4x", "bold red"),
        ("333x", "bold red"),
    ]
