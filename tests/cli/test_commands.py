"""The list of commands, and those that ask no desk: check, version, lab, and what `up` makes of its flags."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from tests.cli.conftest import Tocsin

import tocsin.cli as package
from tocsin.cli.commands import COMMANDS, exit_code_of
from tocsin.cli.exit_codes import EXIT_MEANINGS, Exit
from tocsin.cli.server import Refused, Unreachable
from tocsin.cli.up import flags
from tocsin.errors import ConfigError, InvalidInput, NotFound, StoreError, TocsinError


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_explains_itself(tocsin: Tocsin, command: object) -> None:
    """`--help` works for each, and each has a sentence; a command with parts has one for each of them."""
    name, module = command.name, importlib.import_module(command.module)  # type: ignore[attr-defined]
    outcome = tocsin(name, "--help")
    assert outcome.code == 0
    assert outcome.out.startswith(f"Usage: tocsin {name}")
    functions = getattr(module, "PARTS", None) or {name: module.command}
    assert all(function.__doc__ for function in functions.values())


def test_the_list_fits_its_lines(tocsin: Tocsin) -> None:
    """`tocsin --help` names every command with its whole summary; so does `tocsin` alone."""
    for outcome in (tocsin("--help"), tocsin()):
        for command in COMMANDS:
            assert command.summary in outcome.out + outcome.err


def test_every_exit_code_is_explained() -> None:
    """No number without a meaning."""
    assert list(EXIT_MEANINGS) == list(Exit)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unreachable("x"), 3),
        (Refused("x"), 4),
        (ConfigError("x"), 2),
        (InvalidInput("x"), 2),
        (NotFound("x"), 2),
        (StoreError("x"), 4),
        (TocsinError("x"), 4),
    ],
)
def test_a_failure_has_its_number(error: TocsinError, code: int) -> None:
    """What ended a command is told by the number."""
    assert exit_code_of(error) == code


def test_a_light_install_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the server extra the command is one sentence, not a traceback."""

    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named 'typer' (for {name})", name="typer")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(SystemExit, match=r"typer is missing\); pip install 'tocsin\[server\]'"):
        package.main()


def test_check_is_content_with_nothing(tocsin: Tocsin) -> None:
    """No file and no variables: all is well, exit code 0."""
    outcome = tocsin("check")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "the environment: all is well\n")
    assert tocsin("check", "--quiet").err == ""


def test_check_names_every_mistake(tocsin: Tocsin, tmp_path: Path) -> None:
    """One line per mistake with file, line and column, then their number; exit code 1."""
    file = tmp_path / "tocsin.yaml"
    file.write_text("log:\n  level: loud\njurnal: {}\n", encoding="utf-8")
    outcome = tocsin("check", "--config", str(file))
    assert outcome.code == 1
    lines = outcome.err.splitlines()
    assert lines[0].startswith(f"{file}:2:3: log.level: expected one of")
    assert lines[1] == f"{file}:3:1: jurnal: no option is called so; did you mean 'journal'?"
    assert lines[2].startswith("2 mistakes;")


def test_version_names_all_three(tocsin: Tocsin) -> None:
    """Tocsin, the engine, Python."""
    out = tocsin("version").out
    assert out.startswith("tocsin ")
    assert "engine chdb" in out
    assert "Python 3." in out


@pytest.mark.parametrize(
    ("text", "start", "speed"),
    [
        ("real", "real", None),
        ("2017-03-01T00:00:00Z", "2017-03-01T00:00:00Z", None),
        ("2017-03-01T00:00:00Z@60x", "2017-03-01T00:00:00Z", 60.0),
        ("2017-03-01@0.5", "2017-03-01", 0.5),
    ],
)
def test_the_clock_flag_is_an_instant_and_a_speed(text: str, start: str, speed: float | None) -> None:
    """`--clock 2017-03-01T00:00:00Z@60x` sets both options."""
    given = flags(http=None, grpc=None, data=None, clock=text, listen_unprotected=False)
    assert given["clock.start"] == ("--clock", start)
    assert given.get("clock.speed") == (("--clock", speed) if speed is not None else None)


def test_a_clock_that_is_none_is_refused() -> None:
    """What does not look like an instant and a speed is said with an example."""
    with pytest.raises(InvalidInput, match="2017-03-01T00:00:00Z@60x"):
        flags(http=None, grpc=None, data=None, clock="2017@fast", listen_unprotected=False)


def test_a_command_with_parts_is_its_first_part_alone(tocsin: Tocsin) -> None:
    """Without a part's name, and with options only, the first one runs; a name that is none is refused."""
    assert tocsin("calc").out == tocsin("calc", "list").out
    assert tocsin("calc", "--json").out == tocsin("calc", "list", "--json").out
    assert "`tocsin calc` alone is `tocsin calc list`" in " ".join(tocsin("calc", "--help").out.split())
    assert tocsin("calc", "nothing").code == 2
