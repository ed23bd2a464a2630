"""
The words of a PromQL query.

`rate(x[5m])` is identifier `rate`, `(`, identifier `x`, `[`, duration `5m`, `]`, `)` and an end. What a colon or a digit means depends
on where it stands: inside braces there are only labels, inside brackets a colon parts a range from a step.
Source: Prometheus documentation, 'Querying basics'.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from tocsin.errors import InvalidInput, LimitExceeded, ParseError
from tocsin.query.promql.numerals import parse_duration_ms, parse_number

# Longer than any query a person or a dashboard writes, short enough to be read in a fraction of a second.
QUERY_CHARACTERS_MAX = 500_000


class TokenKind(Enum):
    """What a word is; the value is its name in messages."""

    IDENTIFIER = "identifier"
    METRIC = "metric identifier"
    NUMBER = "number"
    DURATION = "duration"
    STRING = "string"
    SYMBOL = "symbol"
    END = "end of input"
    WRONG = "wrong character"


@dataclass(frozen=True, slots=True)
class Token:
    r"""
    One word.

    Args:
        kind: What it is.
        text: As it is written; of a string what it says, without quotes and escapes; of a wrong character the message. Bytes of a string
            that are no UTF-8 (`"\xff"`) are lone surrogates; `without_surrogates` makes text of it.
        start: Where it begins, character offset.
        end: Where it ends, exclusive.
        value: Of a number the number, of a duration its seconds.
    """

    kind: TokenKind
    text: str
    start: int
    end: int
    value: float = 0.0


_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)+")
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_NUMERAL = re.compile(r"(?:[0-9]|\.[0-9])(?:0?[xX][0-9a-zA-Z_.]*|(?:[eE][+-](?=[0-9])|[0-9a-zA-Z_.])*)")
_SYMBOL = re.compile(r"==|!=|=~|!~|<=|</|>=|>/|[-+*/%^()\[\]{},:@=<>]")
_BRACE_SYMBOL = re.compile(r"!=|=~|!~|[={},]")
_QUOTED = {'"': re.compile(r'"(?:[^"\\\n]|\\[^\n])*"'), "'": re.compile(r"'(?:[^'\\\n]|\\[^\n])*'"), "`": re.compile(r"`[^`]*`")}
_ESCAPE = re.compile(r"\\(?:([abfnrtv\\'\"])|([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.?))", re.DOTALL)
_LETTERS = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, "'": 39, '"': 34}


def parse_error(text: str, position: int, message: str) -> ParseError:
    """An error in upstream's form, `1:5: parse error: ...`: line and column count from 1."""
    position = min(position, len(text))
    line = text.count("\n", 0, position) + 1
    column = position - (text.rfind("\n", 0, position) + 1) + 1
    return ParseError(f"{line}:{column}: parse error: {message}", position=position)


def without_surrogates(text: str) -> str:
    """A text with U+FFFD in place of bytes that are no UTF-8: labels are UTF-8, so that such a byte matches none and may be in none."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class Lexer:
    """
    One reading of a text, from left to right, word by word as they are asked for: what is wrong early costs no reading of the rest.

    Args:
        text: The query.

    Raises:
        LimitExceeded: It has more than 500,000 characters.
    """

    def __init__(self, text: str) -> None:
        if len(text) > QUERY_CHARACTERS_MAX:
            message = f"a PromQL query may have {QUERY_CHARACTERS_MAX:,} characters, this one has {len(text):,}: shorten it"
            raise LimitExceeded(message)
        # What came as half a surrogate pair is no character; one of the same length keeps positions right.
        self._text = text if text.isascii() else text.encode("utf-8", "replace").decode()
        self._position = 0
        self._brace = False
        self._bracket = False
        self._parens = 0

    def next(self) -> Token:
        """The next word; at the end, or where a word is wrong, the same one again and again."""
        try:
            if self._skip_blank():
                return self._word()
            self._closed()
        except ParseError as error:
            return Token(TokenKind.WRONG, str(error), self._position, self._position)
        return Token(TokenKind.END, "", len(self._text), len(self._text))

    def _skip_blank(self) -> bool:
        blank = _BLANK.match(self._text, self._position)
        if blank is not None:
            self._position = blank.end()
        return self._position < len(self._text)

    def _word(self) -> Token:
        character = self._text[self._position]
        if character in _QUOTED:
            return self._string(character)
        if self._brace:
            return self._in_braces(character)
        if character in "0123456789" or (character == "." and self._text[self._position + 1 : self._position + 2].isdecimal()):
            return self._numeral()
        name = (_LABEL if self._bracket else _NAME).match(self._text, self._position)
        return self._symbol(character) if name is None else self._name(name)

    def _taken(self, kind: TokenKind, text: str, end: int, value: float = 0.0) -> Token:
        token = Token(kind, text, self._position, end, value)
        self._position = end
        return token

    def _name(self, found: re.Match[str]) -> Token:
        name = found.group()
        if name.lower() in {"inf", "nan"}:
            return self._taken(TokenKind.NUMBER, name, found.end(), float(name))
        return self._taken(TokenKind.METRIC if ":" in name else TokenKind.IDENTIFIER, name, found.end())

    def _in_braces(self, character: str) -> Token:
        if (label := _LABEL.match(self._text, self._position)) is not None:
            return self._taken(TokenKind.IDENTIFIER, label.group(), label.end())
        found = _BRACE_SYMBOL.match(self._text, self._position)
        if found is None or character == "{":
            raise self._error(f"unexpected character inside braces: '{character}'")
        if character == "}":
            self._brace = False
        return self._taken(TokenKind.SYMBOL, found.group(), found.end())

    def _symbol(self, character: str) -> Token:
        found = _SYMBOL.match(self._text, self._position)
        if found is None or found.group() in {"=~", "!~"}:
            raise self._error(f"unexpected character: '{character}'")
        self._open_or_close(character)
        return self._taken(TokenKind.SYMBOL, found.group(), found.end())

    def _open_or_close(self, character: str) -> None:
        if character == "}" or (character == "]" and not self._bracket) or (character == ")" and not self._parens):
            name = {"}": "brace", "]": "bracket", ")": "parenthesis"}[character]
            raise self._error(f"unexpected right {name} '{character}'")
        if character == "[" and self._bracket:
            raise self._error("unexpected left bracket '['")
        self._brace = character == "{"
        self._bracket = (self._bracket or character == "[") and character != "]"
        self._parens += {"(": 1, ")": -1}.get(character, 0)

    def _numeral(self) -> Token:
        found = _NUMERAL.match(self._text, self._position)
        assert found is not None
        written = found.group()
        if (number := parse_number(written)) is not None:
            return self._taken(TokenKind.NUMBER, written, found.end(), number)
        try:
            return self._taken(TokenKind.DURATION, written, found.end(), parse_duration_ms(written) / 1000)
        except InvalidInput as error:
            raise self._error(f'bad number or duration syntax: "{written[:100]}"') from error

    def _string(self, quote: str) -> Token:
        found = _QUOTED[quote].match(self._text, self._position)
        if found is None:
            raise self._error("unterminated raw string" if quote == "`" else "unterminated quoted string")
        content = found.group()[1:-1]
        return self._taken(
            TokenKind.STRING, content if quote == "`" or "\\" not in content else self._unescaped(content, quote), found.end()
        )

    def _unescaped(self, content: str, quote: str) -> str:
        """Without escapes; bytes that are no UTF-8 become lone surrogates."""
        parts, last = [], 0
        for escape in _ESCAPE.finditer(content):
            parts += [content[last : escape.start()].encode(), self._escaped(escape, quote)]
            last = escape.end()
        return b"".join([*parts, content[last:].encode()]).decode("utf-8", "surrogateescape")

    def _escaped(self, escape: re.Match[str], quote: str) -> bytes:
        letter, octal, byte, short, long, wrong = escape.groups()
        if wrong is not None or (letter in {"'", '"'} and letter != quote):
            raise self._error(f"unknown escape sequence '\\{wrong or letter or ''}'")
        if letter is not None:
            return bytes([_LETTERS[letter]])
        if octal is not None or byte is not None:
            number = int(octal, 8) if octal is not None else int(byte, 16)
            if number > 255:
                raise self._error(f"escape sequence '\\{octal}' is above 255")
            return bytes([number])
        code = int(short or long, 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise self._error("escape sequence is an invalid Unicode code point")
        return chr(code).encode()

    def _closed(self) -> None:
        if self._brace:
            raise self._error("unexpected end of input inside braces")
        if self._bracket:
            raise self._error("unclosed left bracket")
        if self._parens:
            raise self._error("unclosed left parenthesis")

    def _error(self, message: str) -> ParseError:
        return parse_error(self._text, self._position, message)
