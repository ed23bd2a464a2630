"""Every command line that the documentation shows is one that Tocsin understands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest
from tests.tidy.source import ROOT

from tocsin.cli.commands import COMMANDS, PartGroup, load_command

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = {command.name: command for command in COMMANDS}
PLACEHOLDERS = {"COMMAND"}
ENDS = {"|", ">", "&&", "||", ";", "&"}  # of a command, for a shell


def exported(page: str) -> dict[str, str]:
    """What a page has its reader put into the environment."""
    return dict(re.findall(r"^export (TOCSIN_\w+)=(\S+)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE))


def command_lines() -> Iterator[tuple[str, str, bool]]:
    """Page, command line, and whether it is a whole line to type; in a sentence a command may stand without its arguments."""
    for page in PAGES:
        shown, text = str(page.relative_to(ROOT)), page.read_text(encoding="utf-8")
        blocks = re.findall(r"^```\w*[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        for line in "".join(blocks).splitlines():
            if match := re.match(r"(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\S*/)?tocsin (.*)", line):
                yield shown, match[1], True
        prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
        for code in re.findall(r"`tocsin ([^`]+)`", prose):
            yield shown, " ".join(code.split()), False


def words_of(line: str) -> list[str]:
    """The words that the shell would hand over: comments, pipes and `--help` left out."""
    words = shlex.split(line, comments=True)
    end = next((index for index, word in enumerate(words) if word in ENDS), len(words))
    return [word for word in words[:end] if word != "--help"]


def read(name: str, arguments: list[str], *, whole: bool) -> None:
    """Have a command, or the part of it that they name, read arguments; whatever is wrong with them is raised."""
    loaded = load_command(NAMES[name])
    if isinstance(loaded, PartGroup):
        part, *arguments = loaded.with_part(arguments)
        loaded = loaded.commands[part]
    loaded.make_context(f"tocsin {name}", arguments, resilient_parsing=not whole and not arguments)


LINES = sorted({(page, line, whole) for page, line, whole in command_lines() if words_of(line)[0] not in PLACEHOLDERS})


@pytest.mark.parametrize(("page", "line", "whole"), LINES)
def test_commands_and_options_exist(page: str, line: str, whole: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is there, and takes these options and arguments with these values. It is read, not run."""
    name, *arguments = words_of(line)
    assert name in NAMES, f"{page}: tocsin {line}: there is no command {name}"
    for variable, value in exported(page).items():
        monkeypatch.setenv(variable, value)
    read(name, arguments, whole=whole)


@pytest.mark.parametrize(("name", "argument"), [("logs", "--lats"), ("services", "--limit=5"), ("journal", "purge")])
def test_wrong_ones_would_be_noticed(name: str, argument: str) -> None:
    """Options, and values of arguments, that do not exist are refused by what reads the lines above."""
    with pytest.raises(Exception, match=argument.partition("=")[0]):
        read(name, [argument], whole=True)


def test_there_are_commands() -> None:
    """The README shows most commands, and what is read here are command lines."""
    shown = {words_of(line)[0] for page, line, _ in LINES if page == "README.md"}
    assert shown >= {"up", "services", "traces", "trace", "logs", "correlate", "import", "lab"}


@pytest.mark.parametrize("page", PAGES[:2], ids=lambda page: page.name)
def test_make_verbs_exist(page: object) -> None:
    """`make VERB` in the documentation is a target of the Makefile."""
    text = (ROOT / str(page)).read_text(encoding="utf-8")
    verbs = set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE))
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert verbs
    assert verbs <= set(phony.split())
