"""
RE2's regular expressions, run on Python's engine where that is quick, and on a machine of bounded effort where it might not be.

Python tries one way after the other, so that `(a+)+b` takes twice as long with every further `a` that a label has; RE2 never does. A
pattern that could do that, against a value long enough, runs on `tocsin.query.promql.re2_machine`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Protocol

from tocsin.query.promql.re2_machine import Machine
from tocsin.query.promql.re2_tree import Assertion, Choice, Group, Node, Piece, Repeat, Sequence, Tree, fail, read_pattern

# Two ways at each character of so short a value are a few thousand steps.
_EXPONENTIAL_CHARACTERS_MAX = 12
_STEPS_MAX = 1_000_000


class Match(Protocol):
    """What matched."""

    def group(self, key: int | str, /) -> str | None:
        """A group's text by number or name, None if it took no part; 0 is everything. IndexError for a group that is not there."""
        ...


class Pattern:
    """
    A pattern as PromQL means it: the dot matches a line's end, too.

    Args:
        tree: What `read_pattern` gives.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._quick: re.Pattern[str] | None = None
        self._machine: Machine | None = None
        self._exponential, self._degree = _effort(tree.root)

    def fullmatch(self, text: str) -> Match | None:
        """What matches the whole text; PromQL's patterns always do."""
        if self._may_take_long(len(text)):
            if self._machine is None:
                self._machine = Machine(self._tree)
            return self._machine.fullmatch(text)
        found = self._python().fullmatch(text)
        return None if found is None else _Found(found, self._tree)

    def found_in(self, text: str) -> bool:
        """Whether it matches anywhere in a text; for patterns that are trusted."""
        return self._python().search(text) is not None

    def _may_take_long(self, characters: int) -> bool:
        if self._exponential and characters > _EXPONENTIAL_CHARACTERS_MAX:
            return True
        return self._degree > 1 and characters**self._degree > _STEPS_MAX

    def _python(self) -> re.Pattern[str]:
        if self._quick is None:
            try:
                self._quick = re.compile(_written(self._tree.root))
            except (re.error, RecursionError, OverflowError) as error:
                fail(str(error), "")
        return self._quick


class _Found:
    """A match of Python's engine, with the names that RE2 allows."""

    def __init__(self, found: re.Match[str], tree: Tree) -> None:
        self._found = found
        self._names = tree.names

    def group(self, key: int | str, /) -> str | None:
        """A group's text."""
        if isinstance(key, str) and key not in self._names:
            raise IndexError(key)
        return self._found.group(self._names[key] if isinstance(key, str) else key)


def check_pattern(pattern: str) -> None:
    """
    Refuse what RE2 refuses.

    Raises:
        InvalidInput: With RE2's words, `error parsing regexp: missing closing ]: ...`.
    """
    compile_pattern(pattern)


@lru_cache(maxsize=1000)
def compile_pattern(pattern: str) -> Pattern:
    r"""
    A pattern, ready to be matched.

    Raises:
        InvalidInput: RE2 does not know it, or it names a script of Unicode (`\p{Greek}`), which only RE2 knows.
    """
    return Pattern(read_pattern(pattern))


def _written(node: Node) -> str:
    """A tree in Python's syntax."""
    match node:
        case Piece():
            return f"(?i:{node.text})" if node.ignore_case else node.text
        case Assertion():
            return node.text
        case Sequence():
            return "".join(map(_written, node.parts))
        case Choice():
            return f"(?:{'|'.join(map(_written, node.branches))})"
        case Group():
            return f"({_written(node.node)})"
        case Repeat():
            bounds = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((node.low, node.high))
            count = bounds or f"{{{node.low},{'' if node.high is None else node.high}}}"
            return f"(?:{_written(node.node)}){count}{'' if node.greedy else '?'}"


def _effort(node: Node) -> tuple[bool, int]:
    """Whether trying one way after the other may take exponential time, and else the degree of the polynomial that it may take."""
    match node:
        case Sequence() | Choice():
            efforts = [_effort(part) for part in (node.parts if isinstance(node, Sequence) else node.branches)]
            degrees = [degree for _, degree in efforts]
            combined = sum(degrees) if isinstance(node, Sequence) else max(degrees, default=0)
            return any(exponential for exponential, _ in efforts), combined
        case Group():
            return _effort(node.node)
        case Repeat():
            exponential, degree = _effort(node.node)
            if node.high == 1:
                return exponential, degree
            loose = degree > 0 or _has_ways(node.node)
            return exponential or loose, degree + (node.high is None or node.high > node.low)
        case _:
            return False, 0


def _has_ways(node: Node) -> bool:
    """Whether there is more than one way to match something: a choice, or what may be left out."""
    match node:
        case Choice():
            return True
        case Sequence():
            return any(map(_has_ways, node.parts))
        case Repeat():
            return node.low != node.high or _has_ways(node.node)
        case Group():
            return _has_ways(node.node)
        case _:
            return False
