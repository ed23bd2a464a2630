"""
Runs a regular expression in time that grows with the text's length times the pattern's, whatever both are.

All ways that a pattern may go are followed at once, character by character; of those that are at the same place only the first one is
kept, which is the one that trying one way after the other would have found.
Source: R. Cox, 'Regular Expression Matching: the Virtual Machine Approach'.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from tocsin.errors import LimitExceeded
from tocsin.query.promql.re2_tree import Assertion, Choice, Group, Node, Piece, Repeat, Sequence, Tree

# A step of the machine touches each instruction once: more would take a second for a short text.
INSTRUCTIONS_MAX = 50_000


class _Action(Enum):
    """What an instruction does."""

    TAKE = "take"
    SPLIT = "split"
    SAVE = "save"
    HOLD = "hold"
    ACCEPT = "accept"


@dataclass(slots=True)
class _Instruction:
    """
    A step of the program.

    Args:
        action: TAKE a character that `pattern` matches; SPLIT into `targets`, the preferred one first; SAVE the place as `slot`; HOLD if
            `pattern` matches here without taking anything; ACCEPT.
        pattern: Of TAKE and HOLD.
        targets: Where SPLIT goes on.
        slot: Twice the group's number, plus one for its end.
    """

    action: _Action
    pattern: re.Pattern[str] | None = None
    targets: tuple[int, ...] = ()
    slot: int = 0


class MachineMatch:
    """What matched, and where its groups are."""

    def __init__(self, text: str, places: tuple[int, ...], names: dict[str, int]) -> None:
        self._text = text
        self._places = places
        self._names = names

    def group(self, key: int | str, /) -> str | None:
        """A group's text by number or name, None if it took no part; IndexError if there is none such."""
        if isinstance(key, str) and key not in self._names:
            raise IndexError(key)
        number = self._names[key] if isinstance(key, str) else key
        if not 0 <= number < len(self._places) // 2:
            raise IndexError(key)
        start, end = self._places[2 * number], self._places[2 * number + 1]
        return None if start < 0 or end < 0 else self._text[start:end]


class Machine:
    """
    A pattern as a program.

    Args:
        tree: The pattern.

    Raises:
        LimitExceeded: Its counted repetitions make more than 50,000 instructions.
    """

    def __init__(self, tree: Tree) -> None:
        self._names = tree.names
        self._slots = 2 * (tree.groups + 1)
        self._program: list[_Instruction] = []
        self._compile(tree.root)
        self._add(_Instruction(_Action.ACCEPT))

    def fullmatch(self, text: str) -> MachineMatch | None:
        """What matches the whole text."""
        nowhere = (-1,) * self._slots
        ways = self._reached({}, 0, nowhere, text, 0)
        for at, character in enumerate(text):
            following: dict[int, tuple[int, ...]] = {}
            for index, places in ways.items():
                instruction = self._program[index]
                if instruction.action is _Action.TAKE and instruction.pattern and instruction.pattern.fullmatch(character):
                    self._reached(following, index + 1, places, text, at + 1)
            ways = following
            if not ways:
                return None
        accepted = ways.get(len(self._program) - 1)
        return None if accepted is None else MachineMatch(text, (0, len(text), *accepted[2:]), self._names)

    def _reached(
        self, ways: dict[int, tuple[int, ...]], start: int, places: tuple[int, ...], text: str, at: int
    ) -> dict[int, tuple[int, ...]]:
        """Add the instructions that wait for a character, or accept, and that can be reached from one; those there already come first."""
        stack = [(start, places)]
        while stack:
            index, places = stack.pop()
            if index in ways:
                continue
            instruction = self._program[index]
            # Instructions that wait for nothing are marked, too, so that a loop around nothing ends.
            ways[index] = places
            match instruction.action:
                case _Action.SPLIT:
                    stack.extend((target, places) for target in reversed(instruction.targets))
                case _Action.SAVE:
                    saved = list(places)
                    saved[instruction.slot] = at
                    stack.append((index + 1, tuple(saved)))
                case _Action.HOLD:
                    if instruction.pattern is not None and instruction.pattern.match(text, at):
                        stack.append((index + 1, places))
        return ways

    def _add(self, instruction: _Instruction) -> int:
        if len(self._program) >= INSTRUCTIONS_MAX:
            message = f"the regular expression repeats too much: it makes more than {INSTRUCTIONS_MAX:,} steps; repeat less of it"
            raise LimitExceeded(message)
        self._program.append(instruction)
        return len(self._program) - 1

    def _compile(self, node: Node) -> None:
        match node:
            case Piece():
                self._add(_Instruction(_Action.TAKE, re.compile(node.text, re.IGNORECASE if node.ignore_case else 0)))
            case Assertion():
                self._add(_Instruction(_Action.HOLD, re.compile(node.text)))
            case Sequence():
                for part in node.parts:
                    self._compile(part)
            case Group():
                self._add(_Instruction(_Action.SAVE, slot=2 * node.index))
                self._compile(node.node)
                self._add(_Instruction(_Action.SAVE, slot=2 * node.index + 1))
            case Choice():
                self._choice(node)
            case Repeat():
                self._repeat(node)

    def _choice(self, node: Choice) -> None:
        split = self._add(_Instruction(_Action.SPLIT))
        starts, ends = [], []
        for branch in node.branches:
            starts.append(len(self._program))
            self._compile(branch)
            ends.append(self._add(_Instruction(_Action.SPLIT)))
        self._program[split].targets = tuple(starts)
        for end in ends:
            self._program[end].targets = (len(self._program),)

    def _repeat(self, node: Repeat) -> None:
        for _ in range(node.low):
            self._compile(node.node)
        if node.high is None:
            split = self._add(_Instruction(_Action.SPLIT))
            self._compile(node.node)
            self._add(_Instruction(_Action.SPLIT, targets=(split,)))
            self._program[split].targets = self._preferred(node, split + 1)
            return
        splits = []
        for _ in range(node.high - node.low):
            splits.append(self._add(_Instruction(_Action.SPLIT)))
            self._compile(node.node)
        for split in splits:
            self._program[split].targets = self._preferred(node, split + 1)

    def _preferred(self, node: Repeat, inside: int) -> tuple[int, int]:
        outside = len(self._program)
        return (inside, outside) if node.greedy else (outside, inside)
