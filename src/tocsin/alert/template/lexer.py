"""
Splits a template into text and the tokens of its actions.

    up {{- $x.y }}     TEXT "up", LEFT, VARIABLE "$x", FIELD ".y", RIGHT

Space between tokens is kept where it parts arguments: `.a .b` are two, `.a.b` is one with a member.
Source: Go documentation, package text/template, 'Text and spaces', 'Actions', 'Arguments'.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from tocsin.errors import ParseError

TEXT_CHARS_MAX = 1_000_000  # larger texts are no templates that somebody wrote
SHOWN_CHARS = 40

_LEFT = re.compile(r"\{\{(?P<trim>-[ \t\r\n]+)?")
_COMMENT = re.compile(r"[ \t\r\n]*/\*.*?\*/(?P<trim>[ \t\r\n]+-)?\}\}", re.DOTALL)
_RIGHT = re.compile(r"[ \t\r\n]+-\}\}|\}\}")
_TOKEN = re.compile(
    r"""
      (?P<SPACE>[ \t\r\n]+)
    | (?P<STRING>"(?:\\.|[^"\\\n])*")
    | (?P<RAW>`[^`]*`)
    | (?P<CHAR>'(?:\\.|[^'\\\n])+')
    | (?P<NUMBER>[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?)(?!\w))
    | (?P<VARIABLE>\$\w*)
    | (?P<FIELD>\.[^\W\d]\w*)
    | (?P<DOT>\.(?![\w.]))
    | (?P<WORD>[^\W\d]\w*)
    | (?P<DECLARE>:=)
    | (?P<ASSIGN>=)
    | (?P<PIPE>\|)
    | (?P<COMMA>,)
    | (?P<OPEN>\()
    | (?P<CLOSE>\))
    """,
    re.VERBOSE,
)
_SPACE = " \t\r\n"


class TokenKind(Enum):
    """What a token is."""

    TEXT = "text"
    LEFT = "'{{'"
    RIGHT = "'}}'"
    SPACE = "space"
    STRING = "a text in quotes"
    RAW = "a text in back quotes"
    CHAR = "a character"
    NUMBER = "a number"
    VARIABLE = "a variable"
    FIELD = "a field"
    DOT = "'.'"
    WORD = "a name"
    DECLARE = "':='"
    ASSIGN = "'='"
    PIPE = "'|'"
    COMMA = "','"
    OPEN = "'('"
    CLOSE = "')'"
    END = "the end of the text"


@dataclass(frozen=True, slots=True)
class Token:
    """A token, its text as written, and its offset."""

    kind: TokenKind
    text: str
    position: int

    def __str__(self) -> str:
        return repr(self.text[:SHOWN_CHARS]) if self.kind not in (TokenKind.END, TokenKind.RIGHT, TokenKind.SPACE) else self.kind.value


def mistake(text: str, position: int, what: str) -> ParseError:
    """What is wrong at an offset, with its line and column, both from 1."""
    line, column = place(text, position)
    return ParseError(f"line {line}, column {column} of the template: {what}", position=position)


def place(text: str, position: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1."""
    before = text[:position]
    return before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1


def tokens_of(text: str) -> list[Token]:
    """
    All tokens of a template; the last is END.

    Raises:
        ParseError: A quote, a comment or an action is not closed, or a character has no meaning in an action.
    """
    if len(text) > TEXT_CHARS_MAX:
        raise mistake(text, 0, f"it has {len(text):,} characters, a template has at most {TEXT_CHARS_MAX:,}")
    tokens: list[Token] = []
    position, trims = 0, False  # trims: the action before wants the space after it gone
    while position < len(text):
        left = text.find("{{", position)
        opening = _LEFT.match(text, left) if left >= 0 else None
        piece = text[position : left if opening else len(text)]
        if trims:
            piece = piece.lstrip(_SPACE)
        if opening and opening["trim"]:
            piece = piece.rstrip(_SPACE)
        if piece:
            tokens.append(Token(TokenKind.TEXT, piece, position))
        if opening is None:
            break
        position, trims = _action(text, opening, tokens)
    tokens.append(Token(TokenKind.END, "", len(text)))
    return tokens


def _action(text: str, opening: re.Match[str], tokens: list[Token]) -> tuple[int, bool]:
    """Tokens of one action; where it ends, and whether it trims what follows."""
    inside = opening.end()
    if text.startswith("/*", inside):
        comment = _COMMENT.match(text, inside)
        if comment is None:
            raise mistake(text, opening.start(), "a comment must end with '*/}}' or '*/ -}}'")
        return comment.end(), bool(comment["trim"])
    tokens.append(Token(TokenKind.LEFT, "{{", opening.start()))
    position = inside
    while True:
        if closing := _RIGHT.match(text, position):
            tokens.append(Token(TokenKind.RIGHT, closing[0], position))
            return closing.end(), len(closing[0]) > len("}}")
        token = _TOKEN.match(text, position)
        if token is None or token.lastgroup is None:
            raise _unread(text, opening.start(), position)
        tokens.append(Token(TokenKind[token.lastgroup], token[0], position))
        position = token.end()


def _unread(text: str, start: int, position: int) -> ParseError:
    """Why nothing can be read at a position."""
    if position >= len(text):
        return mistake(text, start, f"the action {text[start : start + SHOWN_CHARS]!r} is not closed: expected '}}}}'")
    found = text[position]
    if found in "\"`'":
        return mistake(text, position, f"a text that begins with {found} is not closed")
    if text.startswith("{{", position):
        return mistake(text, position, "an action can't stand within an action: expected '}}' before this '{{'")
    if found.isdigit() or (found in "+-." and text[position + 1 : position + 2].isdigit()):
        return mistake(text, position, f"{text[position : position + 12].split(maxsplit=1)[0]!r} is no number")
    return mistake(text, position, f"{found!r} means nothing in an action")
