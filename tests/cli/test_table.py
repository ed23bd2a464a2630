"""Tables: one line per row, whatever the width."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console
from rich.text import Text
from tests.api.fake_signals import TRACE_ID
from tests.cli.conftest import Tocsin

from tocsin.cli.sql import print_rows
from tocsin.cli.table import SHRUNK_MIN, Column, print_table, table_lines

ID = "a45455034a1640694f20d48489220da9"
COLUMNS = [Column("trace"), Column("spans", right=True), Column("root", shrinks=True), Column("failure", shrinks=True)]


def plain(rows: list[list[Text | str]], width: int) -> list[str]:
    """The lines without their styles."""
    return [line.plain for line in table_lines(COLUMNS, rows, width=width)]


def test_cells_stand_under_their_heads() -> None:
    """Texts begin under each other, numbers end under each other, and no line ends in spaces."""
    assert plain([["a", "9", "gateway", "x"], ["bb", "120", "mail", "timeout"]], 80) == [
        "trace  spans  root     failure",
        "a          9  gateway  x",
        "bb       120  mail     timeout",
    ]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_widest_text_gives_way(width: int) -> None:
    """Lines have the width at most; ids and short texts stay whole, long ones end in an ellipsis."""
    for line in plain([[ID, "9", "gateway", "no answer " * 1000]], width)[1:]:
        assert len(line) == width
        assert line.startswith(f"{ID}      9  gateway")
        assert line.endswith("…")


def test_texts_of_one_length_share_the_loss() -> None:
    """Two long columns are cut to about the same width."""
    (_, line) = plain([[ID, "9", "x" * 500, "y" * 400]], 100)
    assert abs(line.count("x") - line.count("y")) <= 1


def test_an_id_is_whole_in_a_terminal_too_narrow_for_it() -> None:
    """When nothing is left to cut, a line is longer than the terminal, which wraps it by itself."""
    (_, line) = plain([[ID, "9", "r" * 50, "f" * 50]], 20)
    assert line.split() == [ID, "9", "r" * (SHRUNK_MIN - 1) + "…", "f" * (SHRUNK_MIN - 1) + "…"]


def test_wide_characters_count_twice() -> None:
    """Columns stay aligned when a name is written in characters of two cells."""
    head, line = table_lines([Column("name"), Column("count", right=True)], [["注文", "1"]], width=80)
    assert head.cell_len == line.cell_len == len("name  count")


def test_cells_are_harmless_and_on_one_line() -> None:
    """Line ends and escape sequences are shown as symbols."""
    (_, line) = plain([["a", "1", "x\ny", "\x1b[2J"]], 80)
    assert line == "a          1  x␊y   ␛[2J"


@pytest.mark.parametrize("arguments", [("traces",), ("errors",)], ids=" ".join)
@pytest.mark.parametrize("width", ["20", "80", "120", "200", ""])
def test_trace_ids_can_be_copied(tocsin: Tocsin, url: str, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], width: str) -> None:
    """At any width a row is one line with the whole id in it; without a width, as in a pipe, nothing is cut at all."""
    monkeypatch.setenv("COLUMNS", width)
    lines = tocsin(*arguments, "--url", url).out.splitlines()
    rows = [line for line in lines[1:] if "--limit" not in line]
    assert rows
    assert all(TRACE_ID in row for row in rows)
    assert width or "…" not in "".join(rows)


@pytest.mark.parametrize(
    ("width", "heads"),
    [(80, ["name", "count", "bytes", "kind"]), (52, ["name", "count", "kind"]), (43, ["name", "count"]), (20, ["name", "count"])],
)
def test_spare_columns_make_way_for_names(width: int, heads: list[str]) -> None:
    """What matters least is left out first, and only as long as a name would be cut to less than tells it apart."""
    columns = [Column("name", shrinks=True), Column("count", right=True), Column("bytes", spare=2), Column("kind", spare=1)]
    head, _ = table_lines(columns, [["n" * 60, "12", "1,000 MB", "server"]], width=width)
    assert head.plain.split() == heads


@pytest.mark.parametrize(("terminal", "told", "cut"), [(True, "", True), (False, "", False), (False, "0", False), (False, "80", True)])
def test_a_pipe_cuts_nothing(monkeypatch: pytest.MonkeyPatch, terminal: bool, told: str, cut: bool) -> None:
    """Into a pipe a name of any length is whole, unless COLUMNS says how wide the reader is."""
    monkeypatch.setenv("COLUMNS", told)
    out = Console(file=StringIO(), width=80, force_terminal=terminal, color_system=None)
    print_table(out, [Column("name", shrinks=True)], [["n" * 500]])
    assert isinstance(out.file, StringIO)
    assert ("n" * 500 in out.file.getvalue()) is not cut


@pytest.mark.parametrize(("terminal", "shown"), [(True, 1 + 3), (False, 1 + 1)], ids=["terminal", "pipe"])
def test_many_columns_become_many_lines(terminal: bool, shown: int) -> None:
    """SQL that selects more columns than fit a terminal gets a line for each value; a pipe gets a line for each row, uncut."""
    out = Console(file=StringIO(), width=30, force_terminal=terminal, color_system=None)
    print_rows(out, [Column(name) for name in ("ts", "body", "attributes")], [["12:00", "b" * 40, "{}"]])
    assert isinstance(out.file, StringIO)
    lines = out.file.getvalue().splitlines()
    assert len(lines) == shown
    assert any("b" * 40 in line for line in lines)
