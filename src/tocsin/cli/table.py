"""
Tables: one row, one line, always. What a reader copies (ids) or compares (numbers, instants) is never cut; other columns end in `…` when
the terminal is too narrow for them.

    trace                             start                    duration  root
    a45455034a1640694f20d48489220da9  2026-11-20 11:47:04.217  223.0 ms  gateway POST /checkout  + orde…

Rich's own table folds a cell over several lines: half a trace id can't be copied, and `grep` shows half a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from tocsin.cli.terminal import clean, table_width

GAP = "  "
NAME_ENOUGH = 32  # cells in which most names of routes and services are whole, or can at least be told apart
SHRUNK_MIN = 8  # cells; less says nothing, so a terminal narrower still wraps the line by itself


@dataclass(frozen=True, slots=True)
class Column:
    """
    A column.

    Args:
        name: Its head.
        right: Whether cells end under each other, as numbers do.
        shrinks: Whether cells may be cut; the widest column that may is cut first.
        spare: What matters less than names: from the highest number down, columns are left out while a name would be cut to less than
            `NAME_ENOUGH` cells; 0 for never.
    """

    name: str
    right: bool = False
    shrinks: bool = False
    spare: int = 0


def print_table(out: Console, columns: Sequence[Column], rows: Iterable[Sequence[Text | str]]) -> None:
    """Print rows under their heads, as wide as `out` is; into a pipe as wide as they are."""
    print_lines(out, table_lines(columns, rows, width=table_width(out)))


def print_lines(out: Console, lines: Iterable[Text]) -> None:
    """Print lines; a terminal that is too narrow wraps them by itself, so that what is copied from it is whole."""
    for line in lines:
        out.print(line, soft_wrap=True)


def table_lines(columns: Sequence[Column], rows: Iterable[Sequence[Text | str]], *, width: int) -> list[Text]:
    """
    The head and the rows as lines.

    Args:
        columns: What the table has, from left to right.
        rows: A cell for each column; a text is made harmless here, a `Text` must be already.
        width: Cells that a line may have; exceeded only when nothing is left to cut.
    """
    heads = [Text(column.name, "bold") for column in columns]
    table = [heads, *([cell.copy() if isinstance(cell, Text) else Text(clean(cell)) for cell in row] for row in rows)]
    natural = [max(row[index].cell_len for row in table) for index in range(len(columns))]
    kept = _kept(natural, columns, width)
    columns, natural = [columns[index] for index in kept], [natural[index] for index in kept]
    widths = _fitted(natural, columns, width - len(GAP) * (len(columns) - 1))
    return [_line([row[index] for index in kept], columns, widths) for row in table]


def _kept(natural: Sequence[int], columns: Sequence[Column], width: int) -> list[int]:
    """Which columns are shown: spare ones make way until names have enough room."""
    kept = list(range(len(columns)))
    for index in sorted((index for index in kept if columns[index].spare), key=lambda index: -columns[index].spare):
        widths = _fitted([natural[one] for one in kept], [columns[one] for one in kept], width - len(GAP) * (len(kept) - 1))
        if all(given >= min(natural[one], NAME_ENOUGH) for one, given in zip(kept, widths, strict=True)):
            break
        kept.remove(index)
    return kept


def _fitted(natural: Sequence[int], columns: Sequence[Column], available: int) -> list[int]:
    """Widths whose sum is at most `available`, as far as columns that shrink can give."""
    widths = list(natural)
    while sum(widths) > available:
        cuttable = [index for index, column in enumerate(columns) if column.shrinks and widths[index] > SHRUNK_MIN]
        if not cuttable:
            break
        order = sorted(cuttable, key=lambda index: widths[index], reverse=True)
        # Down to the second widest at once: a stack trace of 10,000 characters is not taken off one by one.
        next_width = widths[order[1]] if len(order) > 1 else SHRUNK_MIN
        cut = min(sum(widths) - available, max(1, widths[order[0]] - max(next_width, SHRUNK_MIN)))
        widths[order[0]] -= cut
    return widths


def _line(row: Sequence[Text], columns: Sequence[Column], widths: Sequence[int]) -> Text:
    line = Text()
    for cell, column, width in zip(row, columns, widths, strict=True):
        cell.truncate(width, overflow="ellipsis")
        cell.align("right" if column.right else "left", width)
        line.append(GAP if line else "").append_text(cell)
    line.rstrip()
    return line
