"""`tocsin backtest` against a server that replays series in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import Outcome, serving
from tests.replay.desk_world import DEAF, RULES, replay_application, replay_desk

from tocsin.cli import commands
from tocsin.cli.exit_codes import Exit

Run = Callable[..., Outcome]


@pytest.fixture
def backtest(tmp_path: Path, tocsin: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs `tocsin backtest ...` against a server whose clock stands at the end of two days."""
    if not any(command.name == "backtest" for command in commands.COMMANDS):
        one = commands.Command("backtest", "tocsin.cli.backtest", "Replay rules.")
        monkeypatch.setattr(commands, "COMMANDS", (*commands.COMMANDS, one))
    desk = replay_desk(tmp_path)
    (tmp_path / "new.yaml").write_text(RULES)
    (tmp_path / "deaf.yaml").write_text(DEAF)
    with serving(replay_application(desk)) as url:
        monkeypatch.setenv("TOCSIN_URL", url)
        yield lambda *arguments: tocsin("backtest", *arguments)
    desk.close()


def test_a_report(backtest: Run, tmp_path: Path) -> None:
    """The figures, then the rules behind them."""
    done = backtest(str(tmp_path / "new.yaml"), "--over", "2d")
    assert (done.code, done.err) == (Exit.OK, "")
    lines = [line.split() for line in done.out.splitlines()]
    assert done.out.startswith("11-16 00:00:00 to 11-18 00:00:00, every 1m, 1 recorded incidents\n")
    assert ["recall", "100", "%"] in lines
    assert ["detection,", "median", "30s"] in lines
    assert ["High", "1", "1", "1", "1", "100", "%"] in lines


def test_two_sets_of_rules_and_what_differs(backtest: Run, tmp_path: Path) -> None:
    """Side by side, with a sentence for each difference and the reason why an incident was missed."""
    done = backtest(str(tmp_path / "deaf.yaml"), "--against-current", "--over", "2d")
    assert "1 fewer pages: 0 rather than 1" in done.out
    assert "misses what the other finds: INC-1: the shop is loud" in done.out
    assert "missed  INC-1: the shop is loud  no rule saw it" in done.out


def test_pages_for_nothing(backtest: Run, tmp_path: Path) -> None:
    """Without incidents every page woke somebody for nothing."""
    (tmp_path / "none.yaml").write_text("incidents: []\n")
    done = backtest(str(tmp_path / "new.yaml"), "--over", "2d", "--incidents", str(tmp_path / "none.yaml"))
    assert "for nothing  11-16 10:00:30  somebody  High" in done.out


def test_json_and_an_end_in_the_past(backtest: Run, tmp_path: Path) -> None:
    """The API's JSON; the stretch counts back from its end."""
    done = backtest(str(tmp_path / "new.yaml"), "--over", "1d", "--end", "2026-11-17", "--json")
    report = json.loads(done.out)["answer"]["reports"][0]
    assert (report["start"][:10], report["end"][:10]) == ("2026-11-16", "2026-11-17")
    done = backtest(str(tmp_path / "new.yaml"), "--over", "1d", "--end", "now-1d", "--json")
    assert json.loads(done.out)["answer"]["reports"][0]["start"] == report["start"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none.yaml",), "none.yaml can't be read"),
        (("--over", "soon"), "'soon' is not a length of time"),
        (("--end", "soon"), "'soon' is not an instant"),
        (("--step", "0.5s"), "step_s"),
    ],
)
def test_what_is_refused(backtest: Run, arguments: tuple[str, ...], said: str) -> None:
    """A sentence on standard error, and no success."""
    done = backtest(*arguments)
    assert done.code != Exit.OK
    assert said in done.err
