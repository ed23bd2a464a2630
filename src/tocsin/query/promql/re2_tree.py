r"""
RE2's regular expressions as trees.

RE2 has no look-around and no back-references; `\d` and `\w` are ASCII, `$` is the very end, and flags may stand anywhere and hold until
the group around them ends. What RE2 refuses is refused here in its words.
Source: RE2 wiki, 'Syntax', and the syntax of Go's regexp package.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from tocsin.errors import InvalidInput
from tocsin.query.promql.re2_classes import CLASSES, ClassReader, escaped_character, shorthand

PATTERN_CHARACTERS_MAX = 500_000
REPEAT_MAX = 1000
# Groups within groups: what reads and runs a tree recurses.
GROUPS_DEEP_MAX = 50
# Counted repetitions multiply; RE2 has a like limit.
PIECES_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Piece:
    """One character: `text` is what Python's `re` writes for it; `ignore_case` when its case is of no matter."""

    text: str
    ignore_case: bool


@dataclass(frozen=True, slots=True)
class Assertion:
    r"""A place between characters, as Python's `re` writes it: `\A`, `\Z`, `(?m:^)`, `(?a:\b)`."""

    text: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of them, the first one that leads to a match."""

    branches: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """From `low` to `high` times, None for any number; the most that lead to a match, or the fewest if not `greedy`."""

    node: Node
    low: int
    high: int | None
    greedy: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A group that is captured, counted from 1."""

    node: Node
    index: int


Node: TypeAlias = "Piece | Assertion | Sequence | Choice | Repeat | Group"


@dataclass(frozen=True, slots=True)
class Tree:
    """A pattern: its root, the number of its captured groups, and the names that some of them have."""

    root: Node
    groups: int
    names: dict[str, int]


_REPEAT = re.compile(r"([*+?]|\{(\d{1,9})(?:(,)(\d{0,9}))?\})(\??)")
_FLAGS = re.compile(r"\(\?([imsU]*)(?:-([imsU]+))?([:)])")
_NAMED = re.compile(r"\(\?P?<([A-Za-z0-9_]+)>")
_BOUNDS = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_ASSERTIONS = {"A": r"\A", "z": r"\Z", "b": r"(?a:\b)", "B": r"(?a:\B)"}


def read_pattern(pattern: str) -> Tree:
    """
    The tree of a pattern.

    Raises:
        InvalidInput: With RE2's words, `error parsing regexp: missing closing ]: ...`.
    """
    if len(pattern) > PATTERN_CHARACTERS_MAX:
        fail(f"expression has more than {PATTERN_CHARACTERS_MAX:,} characters", "")
    return _Reader(pattern).run()


def fail(message: str, part: str) -> NoReturn:
    """Refuse a pattern, naming the part that is wrong."""
    shown = f": `{part[:100]}`" if part else ""
    raise InvalidInput(f"error parsing regexp: {message}{shown}")


class _Reader:
    """One walk over a pattern, by recursive descent."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._depth = 0
        self._groups = 0
        self._names: dict[str, int] = {}

    def run(self) -> Tree:
        """The whole pattern."""
        # Prometheus lets the dot match a line's end, too.
        root = self._choice(frozenset("s"))
        if self._at < len(self._pattern):
            fail("unexpected )", self._pattern)
        if _size(root) > PIECES_MAX:
            fail("expression too large", self._pattern)
        return Tree(root, self._groups, self._names)

    def _choice(self, flags: frozenset[str]) -> Node:
        """Alternatives until the group or the pattern ends; flags that are set inside hold for those that follow, too."""
        branches: list[Node] = []
        parts: list[Node] = []
        while self._at < len(self._pattern) and self._pattern[self._at] != ")":
            if self._pattern[self._at] == "|":
                self._at += 1
                branches.append(_one(parts))
                parts = []
            elif (repeat := _REPEAT.match(self._pattern, self._at)) is not None:
                # Behind flags, `a(?U)*`, it is what stands before them that is repeated.
                parts = self._repeated(parts, flags) if parts else fail("missing argument to repetition operator", repeat[1])
            elif (set_flags := _FLAGS.match(self._pattern, self._at)) is not None and set_flags[3] == ")":
                flags = self._changed(flags, set_flags)
            else:
                parts += self._repeated(self._atoms(flags), flags)
        branches.append(_one(parts))
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))

    def _changed(self, flags: frozenset[str], found: re.Match[str]) -> frozenset[str]:
        self._at = found.end()
        return (flags | frozenset(found[1])) - frozenset(found[2] or "")

    def _repeated(self, atoms: list[Node], flags: frozenset[str]) -> list[Node]:
        """Atoms, the last one of them repeated if a repetition follows."""
        found = _REPEAT.match(self._pattern, self._at)
        if found is None or not atoms:
            return atoms
        low, high = _BOUNDS[found[1]] if found[1] in _BOUNDS else self._counted(found)
        after = _REPEAT.match(self._pattern, found.end())
        if after is not None:
            fail("invalid nested repetition operator", found.group() + after.group())
        self._at = found.end()
        return [*atoms[:-1], Repeat(atoms[-1], low, high, bool(found[5]) == ("U" in flags))]

    def _counted(self, found: re.Match[str]) -> tuple[int, int | None]:
        low = int(found[2])
        high = low if found[3] is None else int(found[4]) if found[4] else None
        if low > REPEAT_MAX or (high is not None and not low <= high <= REPEAT_MAX):
            fail("invalid repeat count", found[1])
        return low, high

    def _atoms(self, flags: frozenset[str]) -> list[Node]:
        character = self._pattern[self._at]
        match character:
            case "(":
                return [self._group(flags)]
            case "[":
                reader = ClassReader(self._pattern, self._at)
                text, self._at = reader.run()
                return [Piece(text, "i" in flags)]
            case "\\":
                return self._escape(flags)
        self._at += 1
        match character:
            case "$":
                return [Assertion("(?m:$)" if "m" in flags else r"\Z")]
            case "^":
                return [Assertion("(?m:^)" if "m" in flags else r"\A")]
            case ".":
                return [Piece(r"[\s\S]" if "s" in flags else r"[^\n]", ignore_case=False)]
            case _:
                return [Piece(re.escape(character), "i" in flags)]

    def _group(self, flags: frozenset[str]) -> Node:
        start = self._at
        index = self._opened()
        found = _FLAGS.match(self._pattern, start)
        if found is not None:
            flags = self._changed(flags, found)
        self._depth += 1
        if self._depth > GROUPS_DEEP_MAX:
            fail("expression nests too deeply", self._pattern)
        inner = self._choice(flags)
        self._depth -= 1
        if self._at >= len(self._pattern):
            fail("missing closing )", self._pattern)
        self._at += 1
        return Group(inner, index) if index else inner

    def _opened(self) -> int:
        """Step behind the opening of a group; its number, 0 if it is not captured."""
        rest = self._pattern[self._at : self._at + 200]
        named = _NAMED.match(rest)
        if named is None and rest.startswith("(?"):
            if _FLAGS.match(rest) is None:
                fail("invalid or unsupported Perl syntax", rest[: 4 if rest[2:3] == "<" else 3])
            return 0
        self._groups += 1
        self._at += named.end() if named is not None else 1
        if named is not None:
            if named[1] in self._names:
                fail("duplicate capture group name", named[1])
            self._names[named[1]] = self._groups
        return self._groups

    def _escape(self, flags: frozenset[str]) -> list[Node]:
        after = self._pattern[self._at + 1 : self._at + 2]
        if after == "Q":
            end = self._pattern.find("\\E", self._at + 2)
            quoted = self._pattern[self._at + 2 : end if end >= 0 else len(self._pattern)]
            self._at = end + 2 if end >= 0 else len(self._pattern)
            return [Piece(re.escape(one), "i" in flags) for one in quoted]
        if after in _ASSERTIONS:
            self._at += 2
            return [Assertion(_ASSERTIONS[after])]
        if after.lower() in CLASSES or after in {"p", "P"}:
            inside, self._at = shorthand(self._pattern, self._at)
            return [Piece(f"[{inside}]", "i" in flags)]
        character, self._at = escaped_character(self._pattern, self._at + 1)
        return [Piece(re.escape(character), "i" in flags)]


def _one(parts: list[Node]) -> Node:
    return parts[0] if len(parts) == 1 else Sequence(tuple(parts))


def _size(node: Node) -> int:
    match node:
        case Sequence():
            return 1 + sum(map(_size, node.parts))
        case Choice():
            return 1 + sum(map(_size, node.branches))
        case Repeat():
            return 1 + _size(node.node) * max(1, node.low, node.high or 0)
        case Group():
            return 2 + _size(node.node)
        case _:
            return 1
