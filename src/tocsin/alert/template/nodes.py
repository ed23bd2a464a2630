"""
The tree of a template.

    {{ if gt $value 5.0 }}high{{ end }}    If(Pipe(Command(Identifier gt, Variable $value, Number 5.0)), body=(Text high,))

`position` is always the offset in the text, in characters from 0, so that an error while it is filled in can be shown where it stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Dot:
    """`.`: what is being looked at."""

    position: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, a text, a boolean or `nil`; `text` as written."""

    position: int
    value: int | float | str | bool | None
    text: str


@dataclass(frozen=True, slots=True)
class Field:
    """`.Labels.instance`: members of what is being looked at."""

    position: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """`$labels.instance`: a variable (its name with the dollar sign), and members of it."""

    position: int
    name: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Identifier:
    """The name of a function."""

    position: int
    name: str


@dataclass(frozen=True, slots=True)
class Chain:
    """`(query "up" | first).Value`: members of what an operand gives."""

    position: int
    of: Operand
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """What a function is called with, or one value alone."""

    position: int
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Pipe:
    """
    Commands of which each gives its result to the next as its last argument.

    Args:
        position: Where it begins.
        variables: What the result is kept as; two in a `range`.
        assigns: Whether these exist already (`=`) or come into being (`:=`).
        commands: At least one.
    """

    position: int
    variables: tuple[str, ...]
    assigns: bool
    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """Text that stands for itself."""

    position: int
    text: str


@dataclass(frozen=True, slots=True)
class Action:
    """`{{ pipe }}`: its result is printed, unless it is kept as a variable."""

    position: int
    pipe: Pipe


@dataclass(frozen=True, slots=True)
class If:
    """`{{ if pipe }}body{{ else }}otherwise{{ end }}`; `looks_at` for `with`, which makes the value what is being looked at."""

    position: int
    pipe: Pipe
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...]
    looks_at: bool = False


@dataclass(frozen=True, slots=True)
class Range:
    """`{{ range pipe }}body{{ else }}otherwise{{ end }}`."""

    position: int
    pipe: Pipe
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Insert:
    """`{{ template "name" pipe }}`."""

    position: int
    name: str
    pipe: Pipe | None


@dataclass(frozen=True, slots=True)
class Break:
    """`{{ break }}`: leave the innermost `range`."""

    position: int


@dataclass(frozen=True, slots=True)
class Continue:
    """`{{ continue }}`: go on with the next element of the innermost `range`."""

    position: int


Operand: TypeAlias = Dot | Literal | Field | Variable | Identifier | Chain | Pipe
Node: TypeAlias = Text | Action | If | Range | Insert | Break | Continue
