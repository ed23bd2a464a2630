"""The words of a query, taken one after the other, with the errors that name what stands there instead."""

from __future__ import annotations

from collections.abc import Collection

from tocsin.errors import ParseError
from tocsin.query.promql.checks import TypeTable
from tocsin.query.promql.lexer import Lexer, Token, TokenKind, parse_error, without_surrogates
from tocsin.query.promql.signatures import AGGREGATIONS

# Words that never name a metric; the others of the language do where nothing else fits.
RESERVED = frozenset({"on", "ignoring", "group_left", "group_right", "bool", "atan2"})
_KEYWORDS = RESERVED | {"by", "without", "offset", "and", "or", "unless"}
_OPERATORS = frozenset(
    {"+", "-", "*", "/", "%", "^", "==", "!=", "<", "<=", ">", ">=", "</", ">/", "=~", "!~", "atan2", "and", "or", "unless"}
)

# What stands in parentheses, brackets and unary signs nests at most so deep: each level costs the parser a handful of frames.
NESTING_MAX = 100


class TokenStream:
    """
    Where the parser stands in the text.

    Args:
        text: The query.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._lexer = Lexer(text)
        self._token = self._lexer.next()
        self._after: Token | None = None
        self._last_end = 0
        self._nesting = 0
        self.types = TypeTable()
        self._broken: dict[int, str] = {}

    @property
    def token(self) -> Token:
        """The next word."""
        if self._token.kind is TokenKind.WRONG:
            raise ParseError(self._token.text, position=self._token.start)
        return self._token

    @property
    def at_end(self) -> bool:
        """Whether no word is left."""
        return self.token.kind is TokenKind.END

    @property
    def last_end(self) -> int:
        """Where the last word that was taken ended."""
        return self._last_end

    def follows(self, text: str) -> bool:
        """Whether the word after the next one is this symbol."""
        after = self._ahead()
        return after.kind is TokenKind.SYMBOL and after.text == text

    def follows_name(self, names: Collection[str]) -> bool:
        """Whether the word after the next one is one of these names, in any case."""
        after = self._ahead()
        return after.kind is TokenKind.IDENTIFIER and after.text.lower() in names

    def take(self) -> Token:
        """The next word, and go on."""
        token = self.token
        self._last_end = token.end
        self._token, self._after = self._ahead(), None
        return token

    def _ahead(self) -> Token:
        if self._after is None:
            self._after = self._lexer.next()
        return self._after

    def take_text(self) -> str:
        """The next word as text that can be stored: U+FFFD in place of bytes that are no UTF-8."""
        token = self.take()
        clean = without_surrogates(token.text)
        if clean != token.text:
            self._broken[token.start] = token.text
        return clean

    def broken_text(self, position: int) -> str:
        """What a string at a position says, if it is no UTF-8; empty otherwise."""
        return self._broken.get(position, "")

    def is_symbol(self, *texts: str) -> bool:
        """Whether the next word is one of these symbols."""
        token = self.token
        return token.kind is TokenKind.SYMBOL and token.text in texts

    def is_name(self, *names: str) -> bool:
        """Whether the next word is one of these names, in any case."""
        token = self.token
        return token.kind is TokenKind.IDENTIFIER and token.text.lower() in names

    def accept(self, symbol: str) -> bool:
        """Take the next word if it is this symbol."""
        found = self.is_symbol(symbol)
        if found:
            self.take()
        return found

    def expect(self, symbol: str, context: str) -> Token:
        """Take this symbol; an error if something else stands there."""
        if not self.is_symbol(symbol):
            raise self.unexpected(context, f'"{symbol}"')
        return self.take()

    def enter(self) -> None:
        """Go one level deeper; an error beyond 100 levels."""
        self._nesting += 1
        if self._nesting > NESTING_MAX:
            raise self.error(self.token.start, f"expressions may be nested {NESTING_MAX} levels deep, this one is deeper")

    def leave(self) -> None:
        """Come up again."""
        self._nesting -= 1

    def error(self, position: int, message: str) -> ParseError:
        """An error at a position."""
        return parse_error(self.text, position, message)

    def unexpected(self, context: str = "", expected: str = "") -> ParseError:
        """The error that the next word should not stand here."""
        place = f" in {context}" if context else ""
        wanted = f", expected {expected}" if expected else ""
        return self.error(self.token.start, f"unexpected {describe(self.token)}{place}{wanted}")


def describe(token: Token) -> str:
    """A word, as messages name it."""
    word = token.text.lower()
    match token.kind:
        case TokenKind.END:
            return "end of input"
        case TokenKind.SYMBOL if token.text not in _OPERATORS:
            return f'"{token.text}"'
        case TokenKind.SYMBOL:
            return f"<op:{token.text}>"
        case TokenKind.IDENTIFIER if word in AGGREGATIONS:
            return f"<aggr:{word}>"
        case TokenKind.IDENTIFIER if word in _KEYWORDS:
            return f"<op:{word}>" if word in _OPERATORS else f"<{word}>"
        case TokenKind.STRING:
            return f'string "{token.text[:100]}"'
        case _:
            return f'{token.kind.value} "{token.text[:100]}"'
