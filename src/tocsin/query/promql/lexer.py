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


def tokenize(text: str) -> list[Token]:
    """
    All words of a query; the last one is the end, or wrong: what stands before it is reported first if it is wrong, too.

    Raises:
        LimitExceeded: The query has more than 500,000 characters.
    """
    if len(text) > QUERY_CHARACTERS_MAX:
        message = f"a PromQL query may have {QUERY_CHARACTERS_MAX:,} characters, this one has {len(text):,}: shorten it"
        raise LimitExceeded(message)
    # What came as half a surrogate pair is no character; one of the same length keeps positions right.
    return _Lexer(text if text.isascii() else text.encode("utf-8", "replace").decode()).run()


def without_surrogates(text: str) -> str:
    """A text with U+FFFD in place of bytes that are no UTF-8: labels are UTF-8, so that such a byte matches none and may be in none."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class _Lexer:
    """One reading of a text, from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._brace: int | None = None
        self._bracket: int | None = None
        self._parens: list[int] = []
        self._tokens: list[Token] = []

    def run(self) -> list[Token]:
        """All words."""
        try:
            while self._skip_blank():
                self._word()
            self._closed()
            self._add(TokenKind.END, "", len(self._text))
        except ParseError as error:
            self._add(TokenKind.WRONG, str(error), self._position)
        return self._tokens

    def _skip_blank(self) -> bool:
        blank = _BLANK.match(self._text, self._position)
        if blank is not None:
            self._position = blank.end()
        return self._position < len(self._text)

    def _word(self) -> None:
        character = self._text[self._position]
        if character in _QUOTED:
            self._string(character)
        elif self._brace is not None:
            self._in_braces(character)
        elif character in "0123456789" or (character == "." and self._text[self._position + 1 : self._position + 2].isdecimal()):
            self._numeral()
        elif (name := (_LABEL if self._bracket is not None else _NAME).match(self._text, self._position)) is not None:
            self._name(name)
        else:
            self._symbol(character)

    def _add(self, kind: TokenKind, text: str, end: int, value: float = 0.0) -> None:
        self._tokens.append(Token(kind, text, self._position, end, value))
        self._position = end

    def _name(self, found: re.Match[str]) -> None:
        name = found.group()
        if name.lower() in {"inf", "nan"}:
            self._add(TokenKind.NUMBER, name, found.end(), float(name))
        else:
            self._add(TokenKind.METRIC if ":" in name else TokenKind.IDENTIFIER, name, found.end())

    def _in_braces(self, character: str) -> None:
        if (label := _LABEL.match(self._text, self._position)) is not None:
            self._add(TokenKind.IDENTIFIER, label.group(), label.end())
            return
        found = _BRACE_SYMBOL.match(self._text, self._position)
        if found is None or character == "{":
            raise self._error(f"unexpected character inside braces: '{character}'")
        if character == "}":
            self._brace = None
        self._add(TokenKind.SYMBOL, found.group(), found.end())

    def _symbol(self, character: str) -> None:
        found = _SYMBOL.match(self._text, self._position)
        if found is None or found.group() in {"=~", "!~"}:
            raise self._error(f"unexpected character: '{character}'")
        if character == "{":
            self._brace = self._position
        elif character == "[":
            if self._bracket is not None:
                raise self._error("unexpected left bracket '['")
            self._bracket = self._position
        elif character == "]":
            if self._bracket is None:
                raise self._error("unexpected right bracket ']'")
            self._bracket = None
        elif character == "}":
            raise self._error("unexpected right brace '}'")
        elif character == "(":
            self._parens.append(self._position)
        elif character == ")" and not self._parens:
            raise self._error("unexpected right parenthesis ')'")
        elif character == ")":
            self._parens.pop()
        self._add(TokenKind.SYMBOL, found.group(), found.end())

    def _numeral(self) -> None:
        found = _NUMERAL.match(self._text, self._position)
        assert found is not None
        written = found.group()
        if (number := parse_number(written)) is not None:
            self._add(TokenKind.NUMBER, written, found.end(), number)
            return
        try:
            self._add(TokenKind.DURATION, written, found.end(), parse_duration_ms(written) / 1000)
        except InvalidInput as error:
            raise self._error(f'bad number or duration syntax: "{written[:100]}"') from error

    def _string(self, quote: str) -> None:
        found = _QUOTED[quote].match(self._text, self._position)
        if found is None:
            raise self._error("unterminated raw string" if quote == "`" else "unterminated quoted string")
        content = found.group()[1:-1]
        self._add(TokenKind.STRING, content if quote == "`" or "\\" not in content else self._unescaped(content, quote), found.end())

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
        if self._brace is not None:
            raise self._error("unexpected end of input inside braces")
        if self._bracket is not None:
            raise self._error("unclosed left bracket")
        if self._parens:
            raise self._error("unclosed left parenthesis")

    def _error(self, message: str) -> ParseError:
        return parse_error(self._text, self._position, message)
