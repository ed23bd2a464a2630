"""
Fills in a template.

A template of a user is caged: it can do so many steps, print so many characters, and insert templates into one another so deep, then it
ends with an error. A step is a node, an element that is gone over, or a few hundred characters that a function is given.
Source: Go documentation, package text/template.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from tocsin.alert.template.go_functions import SHORT_CIRCUITS
from tocsin.alert.template.lexer import place
from tocsin.alert.template.nodes import (
    Action,
    Break,
    Chain,
    Command,
    Continue,
    Dot,
    Field,
    Identifier,
    If,
    Insert,
    Literal,
    Node,
    Operand,
    Pipe,
    Range,
    Text,
    Variable,
)
from tocsin.alert.template.parser import Tree
from tocsin.alert.template.printing import show
from tocsin.alert.template.values import Function, Kind, Value, elements, fits, member, truth, type_name
from tocsin.errors import InvalidInput, LimitExceeded, TocsinError

CHARS_PER_STEP = 256
_NOTHING = object()  # no value was piped


@dataclass(frozen=True, slots=True)
class Limits:
    """
    How much one filling in may cost.

    Args:
        steps: Nodes, elements and pieces of text that are worked on.
        output_chars: Characters that come out.
        depth: Blocks, brackets and inserted templates in one another.
    """

    steps: int = 100_000
    output_chars: int = 1_000_000
    depth: int = 120


class _Left(Exception):
    """A range, or one round of it, is over: no failure, but how `break` and `continue` leave."""

    def __init__(self, *, wholly: bool) -> None:
        self.wholly = wholly


class Printer:
    """How results of actions become text; those of HTML escape them."""

    def text(self, text: str) -> str:
        """Text of the template itself."""
        return text

    def value(self, value: Value) -> str:
        """What an action gave."""
        return show(value)


class Execution:
    """
    One filling in.

    Args:
        defined: Templates by name.
        functions: By name, those of Go among them.
        limits: What it may cost.
        printer: Makes text of values.
    """

    def __init__(self, defined: Mapping[str, Tree], functions: Mapping[str, Function], limits: Limits, printer: Printer) -> None:
        self._defined = defined
        self._functions = functions
        self._limits = limits
        self._printer = printer
        self._steps = limits.steps
        self._room = limits.output_chars
        self._depth = 0
        self._out: list[str] = []
        self._tree: Tree | None = None
        self._variables: list[tuple[str, Value]] = []

    def run(self, tree: Tree, data: Value, variables: Mapping[str, Value]) -> str:
        """
        The text.

        Raises:
            InvalidInput: Something in it can't be done; says where, and which action it was.
            LimitExceeded: It costs too much.
        """
        try:
            self._insert(tree, data, variables)
        except RecursionError:
            raise LimitExceeded("the template goes deeper than can be followed") from None
        return "".join(self._out)

    # ------------------------------------------------------------------------------------------------------------- nodes

    def _insert(self, tree: Tree, data: Value, variables: Mapping[str, Value] | None = None) -> None:
        kept = self._tree, self._variables
        self._tree, self._variables = tree, [("$", data), *(variables or {}).items()]
        self._nodes(tree.nodes, data)
        self._tree, self._variables = kept

    def _nodes(self, nodes: Sequence[Node], dot: Value) -> None:
        for node in nodes:
            self._spend(1, node.position)
            match node:
                case Text():
                    self._print(self._printer.text(node.text), node.position)
                case Action():
                    value = self._pipe(node.pipe, dot)
                    if not node.pipe.variables:
                        self._print(self._shown(value, node.position), node.position)
                case If():
                    self._if(node, dot)
                case Range():
                    self._range(node, dot)
                case Insert():
                    self._insert_named(node, dot)
                case Break() | Continue():
                    raise _Left(wholly=isinstance(node, Break))

    def _shown(self, value: Value, position: int) -> str:
        try:
            return self._printer.value(value)
        except TocsinError as error:
            self._fail(position, str(error), error)

    def _block(self, nodes: Sequence[Node], dot: Value, position: int) -> None:
        """Nodes one level deeper; variables that come into being there go with it."""
        self._deeper(position)
        known = len(self._variables)
        try:
            self._nodes(nodes, dot)
        finally:
            del self._variables[known:]
            self._depth -= 1

    def _if(self, node: If, dot: Value) -> None:
        known = len(self._variables)
        value = self._pipe(node.pipe, dot)
        if truth(value):
            self._block(node.body, value if node.looks_at else dot, node.position)
        else:
            self._block(node.otherwise, dot, node.position)
        del self._variables[known:]

    def _range(self, node: Range, dot: Value) -> None:
        known = len(self._variables)
        value = self._pipe(node.pipe, dot, keep=False)
        went = False
        try:
            for key, one in self._elements(value, node.position):
                went = True
                self._spend(1, node.position)
                self._round(node, key, one)
                del self._variables[known:]
        except _Left:
            pass
        del self._variables[known:]
        if not went:
            self._block(node.otherwise, dot, node.position)

    def _round(self, node: Range, key: Value, one: Value) -> None:
        names = node.pipe.variables
        for name, value in zip(names, (key, one) if len(names) > 1 else (one,), strict=False):
            if node.pipe.assigns:
                self._assign(name, value, node.position)
            else:
                self._variables.append((name, value))
        try:
            self._block(node.body, one, node.position)
        except _Left as left:
            if left.wholly:
                raise

    def _elements(self, value: Value, position: int) -> Sequence[tuple[Value, Value]]:
        if isinstance(value, int) and not isinstance(value, bool):
            self._spend(max(value, 0), position)
            return [(number, number) for number in range(value)]
        try:
            return elements(value)
        except InvalidInput as error:
            self._fail(position, str(error), error)

    def _insert_named(self, node: Insert, dot: Value) -> None:
        tree = self._defined.get(node.name)
        if tree is None:
            self._fail(node.position, f"no template is called {node.name[:80]!r}")
        data = self._pipe(node.pipe, dot) if node.pipe is not None else None
        self._deeper(node.position)
        self._insert(tree, data)
        self._depth -= 1

    # ------------------------------------------------------------------------------------------------------------ values

    def _pipe(self, pipe: Pipe, dot: Value, *, keep: bool = True) -> Value:
        self._deeper(pipe.position)
        value: Value = _NOTHING
        for command in pipe.commands:
            value = self._command(command, dot, value)
        self._depth -= 1
        for name in pipe.variables if keep else ():
            if pipe.assigns:
                self._assign(name, value, pipe.position)
            else:
                self._variables.append((name, value))
        return value

    def _assign(self, name: str, value: Value, position: int) -> None:
        for index in range(len(self._variables) - 1, -1, -1):
            if self._variables[index][0] == name:
                self._variables[index] = (name, value)
                return
        self._fail(position, f"no variable is called {name}; write := where it begins")

    def _command(self, command: Command, dot: Value, piped: Value) -> Value:
        self._spend(1, command.position)
        first, *others = command.operands
        if isinstance(first, Identifier):
            return self._named(first, others, dot, piped)
        if isinstance(first, Literal) and first.value is None:
            self._fail(first.position, "nil alone gives nothing that could be printed")
        return self._reached(first, dot, others, piped)

    def _reached(self, operand: Operand, dot: Value, others: Sequence[Operand] = (), piped: Value = _NOTHING) -> Value:
        """The value of an operand, its methods called; only a method takes arguments."""
        names: Sequence[str] = ()
        value: Value = None
        match operand:
            case Literal():
                value = operand.value
            case Dot():
                value = dot
            case Field():
                value, names = dot, operand.names
            case Variable():
                value, names = self._variable(operand.name, operand.position), operand.names
            case Identifier():
                value = self._named(operand, (), dot, _NOTHING)
            case Chain():
                value, names = self._reached(operand.of, dot), operand.names
            case Pipe():
                value = self._pipe(operand, dot)
        takes_arguments = False
        for index, name in enumerate(names):
            last = index == len(names) - 1
            value = self._member(value, name, operand.position)
            if isinstance(value, Function):
                takes_arguments = last
                given, end = (others, piped) if last else ((), _NOTHING)
                value = self._call(name, value, given, dot, end, operand.position)
        if (others or piped is not _NOTHING) and not takes_arguments:
            self._fail(operand.position, f"a value of type {type_name(value)} can't be given arguments: it is no function")
        return value

    def _member(self, value: Value, name: str, position: int) -> Value:
        try:
            return member(value, name)
        except InvalidInput as error:
            self._fail(position, str(error), error)

    def _variable(self, name: str, position: int) -> Value:
        found = next((one for one in reversed(self._variables) if one[0] == name), None)
        if found is None:
            self._fail(position, f"{name} has no value here")  # it would begin in brackets that were skipped
        return found[1]

    def _named(self, function: Identifier, others: Sequence[Operand], dot: Value, piped: Value) -> Value:
        """What a function gives, by its name."""
        if function.name in SHORT_CIRCUITS:
            return self._short_circuit(function, others, dot, piped)
        return self._call(function.name, self._functions[function.name], others, dot, piped, function.position)

    def _short_circuit(self, function: Identifier, others: Sequence[Operand], dot: Value, piped: Value) -> Value:
        if not others and piped is _NOTHING:
            self._fail(function.position, f"{function.name} needs at least one value")
        value: Value = None
        for operand in others:
            value = self._reached(operand, dot)
            if truth(value) == (function.name == "or"):
                return value
        return value if piped is _NOTHING else piped

    def _call(self, name: str, function: Function, others: Sequence[Operand], dot: Value, piped: Value, position: int) -> Value:
        given = len(others) + (piped is not _NOTHING)
        if given < len(function.takes) or (function.more is None and given > len(function.takes)):
            least = f"{'at least ' if function.more else ''}{len(function.takes)}"
            self._fail(position, f"{name} takes {least} value{'' if least == '1' else 's'}, found {given}")
        values = [
            self._fitting(name, self._reached(operand, dot), function.kind_at(index), operand.position)
            for index, operand in enumerate(others)
        ]
        if piped is not _NOTHING:
            values.append(self._fitting(name, piped, function.kind_at(len(others)), position))
        self._spend(sum(len(value) for value in values if isinstance(value, str)) // CHARS_PER_STEP, position)
        try:
            result = function.run(*values)
        except TocsinError as error:
            self._fail(position, f"{name}: {error}", error)
        if isinstance(result, str) and len(result) > self._limits.output_chars:
            self._fail(position, f"{name} gives more than {self._limits.output_chars:,} characters", LimitExceeded())
        return result

    def _fitting(self, name: str, value: Value, kind: Kind, position: int) -> Value:
        if not fits(value, kind):
            self._fail(position, f"{name} takes a value of type {kind.value}, found one of type {type_name(value)}")
        return value

    # ------------------------------------------------------------------------------------------------------------ limits

    def _print(self, text: str, position: int) -> None:
        self._room -= len(text)
        if self._room < 0:
            self._fail(position, f"more than {self._limits.output_chars:,} characters come out", LimitExceeded())
        self._out.append(text)

    def _spend(self, steps: int, position: int) -> None:
        self._steps -= steps
        if self._steps < 0:
            self._fail(position, f"it takes more than {self._limits.steps:,} steps", LimitExceeded())

    def _deeper(self, position: int) -> None:
        self._depth += 1
        if self._depth > self._limits.depth:
            self._fail(position, f"it goes more than {self._limits.depth} deep", LimitExceeded())

    def _fail(self, position: int, what: str, cause: TocsinError | None = None) -> NoReturn:
        assert self._tree is not None
        line, column = place(self._tree.text, position)
        message = f"line {line}, column {column} of the template: {what}"
        raise LimitExceeded(message) if isinstance(cause, LimitExceeded) else InvalidInput(message)
