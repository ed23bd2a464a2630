"""
Reads a template into its tree, and says where it does not read.

    parse("{{ $labels.job }} is down", functions, variables=("$labels",))

Functions and variables must exist: a misspelt one is found when a file is read rather than at night.
Source: Go documentation, package text/template.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tocsin.alert.template.lexer import Token, TokenKind, mistake, tokens_of
from tocsin.alert.template.literals import character, number, quoted
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
from tocsin.errors import ParseError
from tocsin.model.spelling import did_you_mean

DEPTH_MAX = 40  # blocks and brackets in one another
KEYWORDS = frozenset({"if", "else", "end", "range", "with", "define", "block", "template", "break", "continue"})


@dataclass(frozen=True, slots=True)
class Tree:
    """A template: its own nodes, and the templates that it defines by name."""

    nodes: tuple[Node, ...]
    defined: dict[str, Tree]
    text: str


def parse(text: str, functions: Collection[str], variables: Collection[str] = ()) -> Tree:
    """
    Read a template.

    Args:
        text: As written.
        functions: Names that may be called.
        variables: Those that exist from the start, with their dollar sign; not within `define`.

    Raises:
        ParseError: It does not read.
    """
    return _Parser(text, functions, variables).tree()


class _Parser:
    """One reading of one text."""

    def __init__(self, text: str, functions: Collection[str], variables: Collection[str]) -> None:
        self._text = text
        self._tokens = tokens_of(text)
        self._next = 0
        self._functions = functions
        self._variables = ["$", *variables]
        self._defined: dict[str, Tree] = {}
        self._depth = 0
        self._ranges = 0

    def tree(self) -> Tree:
        nodes, ended_by = self._nodes()
        if ended_by.kind is not TokenKind.END:
            raise self._mistake(ended_by, f"{{{{ {ended_by.text} }}}} belongs to no block")
        return Tree(nodes, self._defined, self._text)

    # ------------------------------------------------------------------------------------------------------------ blocks

    def _nodes(self) -> tuple[tuple[Node, ...], Token]:
        """Nodes up to the end of the text, `else` or `end`; that token is taken."""
        nodes: list[Node] = []
        while True:
            token = self._take()
            if token.kind is TokenKind.END:
                return tuple(nodes), token
            if token.kind is TokenKind.TEXT:
                nodes.append(Text(token.position, token.text))
                continue
            word = self._after_space()
            if word.text in ("else", "end") and word.kind is TokenKind.WORD:
                self._take()
                return tuple(nodes), word
            if word.kind is TokenKind.WORD and word.text in KEYWORDS:
                self._take()
                nodes.extend(self._keyword(word))
            else:
                nodes.append(Action(word.position, self._pipe("the action", TokenKind.RIGHT)))

    def _keyword(self, word: Token) -> tuple[Node, ...]:
        match word.text:
            case "if" | "with" | "range":
                return (self._block(word),)
            case "break" | "continue":
                if not self._ranges:
                    raise self._mistake(word, f"{{{{ {word.text} }}}} stands outside of any range")
                self._close(word.text)
                return (Break(word.position) if word.text == "break" else Continue(word.position),)
            case "template":
                name = self._name("template")
                return (Insert(word.position, name, self._optional_pipe("template")),)
            case "block":
                name = self._name("block")
                pipe = self._pipe("block", TokenKind.RIGHT)
                self._define(word, name)
                return (Insert(word.position, name, pipe),)
            case _:
                name = self._name("define")
                self._close("define")
                self._define(word, name)
                return ()

    def _block(self, word: Token) -> Node:
        """`if`, `with` or `range`, whose keyword is taken."""
        self._enter(word)
        known = len(self._variables)
        pipe = self._pipe(word.text, TokenKind.RIGHT, in_range=word.text == "range")
        self._ranges += word.text == "range"
        body, ended_by = self._nodes()
        self._ranges -= word.text == "range"
        otherwise: tuple[Node, ...] = ()
        if ended_by.text == "else" and ended_by.kind is TokenKind.WORD:
            chained = self._after_space()
            if word.text in ("if", "with") and chained.kind is TokenKind.WORD and chained.text == word.text:
                self._take()
                otherwise = (self._block(chained),)  # it takes the end of both
            else:
                self._close("else")
                otherwise, ended_by = self._nodes()
                self._ended(word, ended_by)
        else:
            self._ended(word, ended_by)
        del self._variables[known:]
        self._depth -= 1
        if word.text == "range":
            return Range(word.position, pipe, body, otherwise)
        return If(word.position, pipe, body, otherwise, looks_at=word.text == "with")

    def _define(self, word: Token, name: str) -> None:
        """The body of `define` or `block`."""
        if self._depth and word.text == "define":
            raise self._mistake(word, "{{ define }} must stand outside of other blocks")
        self._enter(word)
        variables, ranges = self._variables, self._ranges
        self._variables, self._ranges = ["$"], 0
        nodes, ended_by = self._nodes()
        self._ended(word, ended_by)
        self._variables, self._ranges = variables, ranges
        self._depth -= 1
        self._defined[name] = Tree(nodes, {}, self._text)

    def _ended(self, word: Token, ended_by: Token) -> None:
        if ended_by.kind is TokenKind.END:
            raise self._mistake(word, f"{{{{ {word.text} }}}} has no {{{{ end }}}}")
        if ended_by.text == "else":
            raise self._mistake(ended_by, "expected {{ end }}: a second {{ else }} belongs to nothing")
        self._close("end")

    # ------------------------------------------------------------------------------------------------------------- pipes

    def _optional_pipe(self, what: str) -> Pipe | None:
        self._after_space()
        if self._peek().kind is TokenKind.RIGHT:
            self._take()
            return None
        return self._pipe(what, TokenKind.RIGHT)

    def _pipe(self, what: str, end: TokenKind, *, in_range: bool = False) -> Pipe:
        """A pipeline and the token that ends it."""
        self._after_space()
        start = self._peek()
        variables, assigns = self._declared(in_range=in_range)
        commands: list[Command] = []
        goes_on = True
        while (token := self._after_space()).kind is not end:
            if not goes_on:
                raise self._mistake(token, f"expected {end.value}, found {token}")
            command, goes_on = self._command(len(commands))
            commands.append(command)
        self._take()
        if not commands:
            raise self._mistake(start, f"{what} needs a value")
        self._variables += variables
        return Pipe(start.position, variables, assigns, tuple(commands))

    def _declared(self, *, in_range: bool) -> tuple[tuple[str, ...], bool]:
        """Variables that a pipeline is kept as, and whether they should exist already; like Go, this is found out when it is filled in."""
        mark = self._next
        names: list[Token] = []
        while self._peek().kind is TokenKind.VARIABLE:
            names.append(self._take())
            self._after_space()
            if self._peek().kind in (TokenKind.DECLARE, TokenKind.ASSIGN):
                assigns = self._take().kind is TokenKind.ASSIGN
                return tuple(name.text for name in names), assigns
            if self._peek().kind is not TokenKind.COMMA or not in_range or len(names) > 1:
                break
            self._take()
            self._after_space()
        self._next = mark
        return (), False

    def _command(self, stage: int) -> tuple[Command, bool]:
        """A command, and whether a pipe follows it."""
        operands: list[Operand] = []
        start = self._peek()
        while (token := self._after_space()).kind not in (TokenKind.RIGHT, TokenKind.CLOSE, TokenKind.END, TokenKind.PIPE):
            operands.append(self._operand())
            following = self._peek()
            if following.kind not in (TokenKind.SPACE, TokenKind.RIGHT, TokenKind.CLOSE, TokenKind.PIPE, TokenKind.END):
                raise self._mistake(following, f"expected a space or the end of the action, found {following}")
        if not operands:
            raise self._mistake(start, f"expected a value or a function, found {start}")
        if stage and isinstance(operands[0], Literal | Dot):
            raise self._mistake(start, f"a value can't stand after '|': expected a function, found {start}")
        piped = token.kind is TokenKind.PIPE
        if piped:
            self._take()
        return Command(start.position, tuple(operands)), piped

    def _operand(self) -> Operand:
        start = self._peek()
        operand = self._term()
        names: list[str] = []
        while self._peek().kind is TokenKind.FIELD:
            names.append(self._take().text[1:])
        if not names:
            return operand
        if isinstance(operand, Literal | Dot):
            raise self._mistake(start, f"{start} has no fields")
        if isinstance(operand, Field):
            return Field(operand.position, (*operand.names, *names))
        if isinstance(operand, Variable):
            return Variable(operand.position, operand.name, tuple(names))
        return Chain(start.position, operand, tuple(names))

    def _term(self) -> Operand:
        token = self._take()
        text, position = token.text, token.position
        match token.kind:
            case TokenKind.DOT:
                return Dot(position)
            case TokenKind.FIELD:
                return Field(position, (text[1:],))
            case TokenKind.VARIABLE:
                self._known(token)
                return Variable(position, text)
            case TokenKind.OPEN:
                self._enter(token)
                pipe = self._pipe("a pair of brackets", TokenKind.CLOSE)
                self._depth -= 1
                return pipe
            case TokenKind.STRING | TokenKind.RAW | TokenKind.CHAR | TokenKind.NUMBER:
                return Literal(position, self._literal(token), text)
            case TokenKind.WORD if text in ("true", "false", "nil"):
                return Literal(position, {"true": True, "false": False, "nil": None}[text], text)
            case TokenKind.WORD:
                return self._function(token)
            case _:
                raise self._mistake(token, f"expected a value or a function, found {token}")

    def _function(self, token: Token) -> Identifier:
        if token.text in KEYWORDS:
            raise self._mistake(token, f"{token.text!r} can only begin an action")
        if token.text not in self._functions:
            raise self._mistake(token, f"no function is called {token.text[:80]!r}{did_you_mean(token.text, self._functions)}")
        return Identifier(token.position, token.text)

    def _literal(self, token: Token) -> int | float | str:
        try:
            match token.kind:
                case TokenKind.STRING:
                    return quoted(token.text)
                case TokenKind.RAW:
                    return token.text[1:-1].replace("\r", "")
                case TokenKind.CHAR:
                    return character(token.text)
                case _:
                    return number(token.text)
        except ValueError as error:
            raise self._mistake(token, str(error)) from error

    # ------------------------------------------------------------------------------------------------------------ tokens

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._tokens[self._next]
        self._next += self._next < len(self._tokens) - 1
        return token

    def _after_space(self) -> Token:
        """The next token that is no space, not taken."""
        while self._peek().kind is TokenKind.SPACE:
            self._take()
        return self._peek()

    def _name(self, keyword: str) -> str:
        """The name after `template`, `define` or `block`."""
        self._after_space()
        token = self._take()
        if token.kind not in (TokenKind.STRING, TokenKind.RAW):
            raise self._mistake(token, f"expected the name of a template in quotes after {keyword}, found {token}")
        return str(self._literal(token))

    def _close(self, keyword: str) -> None:
        """The end of an action that holds only a keyword."""
        self._after_space()
        token = self._take()
        if token.kind is not TokenKind.RIGHT:
            raise self._mistake(token, f"expected '}}}}' after {keyword}, found {token}")

    def _known(self, token: Token) -> None:
        if token.text not in self._variables:
            raise self._mistake(token, f"no variable is called {token.text}{did_you_mean(token.text, self._variables)}")

    def _enter(self, token: Token) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise self._mistake(token, f"blocks and brackets stand in one another more than {DEPTH_MAX} deep")

    def _mistake(self, token: Token, what: str) -> ParseError:
        return mistake(self._text, token.position, what)
