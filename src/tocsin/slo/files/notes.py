"""
What is wrong with SLO files, and what is probably not meant: every sentence with its place.

    shop.yaml:12:5: an objective has no field 'targt'; did you mean 'target'?

Reading never stops at a mistake: whoever finds one notes it and goes on with some value of the right type. That value goes nowhere, because
definitions with a single mistake are refused as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tocsin.errors import InvalidInput


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A file with line and column from 1; 0 when the file as a whole is meant."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}" if self.line else self.path


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing that is wrong: file, line and column from 1 (0 for the file as a whole), and a sentence that says what to do."""

    path: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{Place(self.path, self.line, self.column)}: {self.message}"


def nothing_matches(pattern: str, option: str) -> Mistake:
    """What is wrong with a path, or a pattern, of an option that names files when there are none."""
    return Mistake(pattern, 0, 0, f"no file is called so, or matches; mend the path, or take it out of {option}")


class DefinitionMistakes(InvalidInput):
    """SLO files that can't be used; `mistakes` has everything that is wrong with any of them, by place."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


@dataclass(slots=True)
class Notes:
    """Collects mistakes and remarks while files are read."""

    mistakes: list[Mistake] = field(default_factory=list)
    _remarks: dict[Mistake, None] = field(default_factory=dict)

    def mistake(self, place: Place, message: str) -> None:
        """Note what is wrong."""
        self.mistakes.append(Mistake(place.path, place.line, place.column, message))

    def remark(self, place: Place, message: str) -> None:
        """Note what is allowed but probably not meant; the same at the same place counts once."""
        self._remarks[Mistake(place.path, place.line, place.column, message)] = None

    @property
    def remarks(self) -> Sequence[str]:
        """All remarks, by place."""
        return tuple(str(remark) for remark in sorted(self._remarks))


def listed(names: Iterable[str]) -> str:
    """`a, b or c`."""
    *most, last = list(names)
    return f"{', '.join(most)} or {last}" if most else last
