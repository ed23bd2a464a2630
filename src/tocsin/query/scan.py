"""
From the text of a query to tokens, each with its place, so that a mistake can be pointed at.

A name is a field when `:`, `=` or a comparison follows it at once (`tool:retrieve`, `tool=retrieve`, `latency_ms>1000`); what follows a
field is its value, and a value runs to the next space or closing parenthesis, so `url:http://shop:80/a` and `at:12:30:00` need no quotes.
A text that starts with a digit, or a URL, is never a field: `12:30:00` and `http://shop/a` are searched as they stand.

Why not a Lucene parser off the shelf: `luqum`, tried first, reads `tool="full scan"` as two broken words, misreads URLs, keeps its state
in the module (no two threads may parse), and knows no position at the end of the text. A test compares the two on what both read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from tocsin.errors import LimitExceeded, ParseError

QUERY_CHARACTERS_MAX = 4_000
TOKENS_MAX = 1_000
NAME = re.compile(r"(?:[A-Za-z_@$](?:[\w.@$/\-]*[\w@$/])?)")
SEPARATOR = re.compile(r":(?:>=|<=|>|<)?|!=|==?|>=|<=|>|<")
REGEX = re.compile(r"/((?:[^/\\]|\\.)+)/(?=[\s)]|$)", re.DOTALL)
PHRASE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
RANGE = re.compile(
    r'(?P<open>[\[{])\s*(?P<low>"(?:[^"\\]|\\.)*"|[^\s\]}"]+)\s+TO\s+(?P<high>"(?:[^"\\]|\\.)*"|[^\s\]}"]+)\s*(?P<close>[\]}])', re.DOTALL
)
BARE = re.compile(r'(?:\\.|[^\s()"\\])+', re.DOTALL)
SPACE = re.compile(r"\s*")
COMPARISONS = frozenset({"<", "<=", ">", ">="})


class Kind(Enum):
    """What a token is; the value is how a message calls it."""

    OPEN = "("
    CLOSE = ")"
    AND = "AND"
    OR = "OR"
    NOT = "NOT"
    PLUS = "+"
    FIELD = "a field"
    COMPARISON = "a comparison"
    TERM = "a word"
    PHRASE = "a quoted text"
    REGEX = "a regular expression"
    RANGE = "a range"
    END = "the end"


@dataclass(frozen=True, slots=True)
class Token:
    """
    A piece of the query.

    Args:
        kind: What it is.
        text: Its content: a term as written (escapes and wildcards included), a phrase without quotes and escapes, a range as written.
        position: Characters before it in the query.
    """

    kind: Kind
    text: str
    position: int


OPERATORS = {"AND": Kind.AND, "&&": Kind.AND, "OR": Kind.OR, "||": Kind.OR, "NOT": Kind.NOT}


def scan(text: str) -> list[Token]:
    """
    The tokens of a query; the last one is END.

    Raises:
        ParseError: A quote or a range is not closed.
        LimitExceeded: The query is too long.
    """
    if len(text) > QUERY_CHARACTERS_MAX:
        raise LimitExceeded(f"the query has {len(text)} characters, at most {QUERY_CHARACTERS_MAX} are read; shorten it or ask in parts")
    tokens: list[Token] = []
    position = _skip(text, 0)
    while position < len(text):
        position = _skip(text, _next(text, position, tokens))
        if len(tokens) > TOKENS_MAX:
            raise LimitExceeded(f"the query has more than {TOKENS_MAX} parts; ask in several queries")
    tokens.append(Token(Kind.END, "", len(text)))
    return tokens


def unescape(text: str) -> str:
    r"""`a\:b` as `a:b`: the character after a backslash stands for itself."""
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _skip(text: str, position: int) -> int:
    match = SPACE.match(text, position)
    return match.end() if match else position


def _next(text: str, position: int, tokens: list[Token]) -> int:
    """Add the token at `position` (not a space) and give the place after it."""
    character = text[position]
    after_field = bool(tokens) and tokens[-1].kind in {Kind.FIELD, Kind.COMPARISON}
    if character in "()":
        tokens.append(Token(Kind.OPEN if character == "(" else Kind.CLOSE, character, position))
        return position + 1
    if not after_field and character in "+-!" and position + 1 < len(text) and not text[position + 1].isspace():
        tokens.append(Token(Kind.PLUS if character == "+" else Kind.NOT, character, position))
        return position + 1
    if character == '"':
        return _phrase(text, position, tokens, may_be_field=not after_field)
    if character in "[{" and (after_field or RANGE.match(text, position)):
        return _range(text, position, tokens)
    if character == "/" and (match := REGEX.match(text, position)):
        tokens.append(Token(Kind.REGEX, match[1].replace("\\/", "/"), position))
        return match.end()
    if not after_field and (end := _field(text, position, tokens)):
        return end
    return _term(text, position, tokens, value=after_field)


def _field(text: str, position: int, tokens: list[Token]) -> int | None:
    """Take `name:` and its kin if that is what stands here; gives the place after it."""
    name = NAME.match(text, position)
    separator = SEPARATOR.match(text, name.end()) if name else None
    if name is None or separator is None or text.startswith("://", separator.start()) or _is_padding(text, separator):
        return None
    return _separated(name[0], separator, position, tokens)


def _is_padding(text: str, separator: re.Match[str]) -> bool:
    """Base64 ends in `=` or `==`: that is no field."""
    return separator[0] in {"=", "=="} and (separator.end() == len(text) or text[separator.end()] in " \t\r\n)")


def _separated(name: str, separator: re.Match[str], position: int, tokens: list[Token]) -> int:
    sign = separator[0]
    if sign == "!=":
        tokens.append(Token(Kind.NOT, sign, position))
    tokens.append(Token(Kind.FIELD, name, position))
    if (comparison := sign.lstrip(":")) in COMPARISONS:
        tokens.append(Token(Kind.COMPARISON, comparison, separator.end() - len(comparison)))
    return separator.end()


def _phrase(text: str, position: int, tokens: list[Token], *, may_be_field: bool) -> int:
    match = PHRASE.match(text, position)
    if match is None:
        raise ParseError(f'the quote opened at position {position} is not closed: write a closing " after the text', position=position)
    content = unescape(match[1])
    separator = SEPARATOR.match(text, match.end())
    if may_be_field and separator and content:
        return _separated(content, separator, position, tokens)
    tokens.append(Token(Kind.PHRASE, content, position))
    return match.end()


def _range(text: str, position: int, tokens: list[Token]) -> int:
    match = RANGE.match(text, position)
    if match is None:
        raise ParseError(f"the range at position {position} does not read: write [1 TO 5], {{1 TO 5}} or [1 TO *]", position=position)
    tokens.append(Token(Kind.RANGE, match[0], position))
    return match.end()


def _term(text: str, position: int, tokens: list[Token], *, value: bool) -> int:
    match = BARE.match(text, position)
    if match is None:
        raise ParseError(f"a backslash ends the query: write \\\\ for a backslash itself (position {position})", position=position)
    word = match[0]
    kind = Kind.TERM if value else OPERATORS.get(word, Kind.TERM)
    if not (tokens and tokens[-1].kind is Kind.COMPARISON) and (comparison := re.match(r">=|<=|>|<", word)):
        tokens.append(Token(Kind.COMPARISON, comparison[0], position))
        return position + comparison.end()
    tokens.append(Token(kind, word, position))
    return match.end()
