r"""
Matchers as people write them, in both of Alertmanager's notations.

    {severity="page", service=~"shop|cart"}        foo = bar        "label with spaces" != "\u00e9"

The older notation takes Prometheus' label names and values without quotes, whatever stands in them; the newer one takes any UTF-8 in names
and values, and quotes as Go does. What both can read means what it means in the older one, as in Alertmanager's fallback mode.
Regular expressions are RE2's and must match a whole value.

Source: Alertmanager documentation, 'Label matchers'.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from tocsin.errors import InvalidInput, ParseError
from tocsin.model.pattern import check_pattern
from tocsin.model.series import Matcher, MatchOperator

TEXT_LENGTH_MAX = 64 << 10  # characters of one list of matchers; silences come from outside

_CLASSIC = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|=|!=|!~)\s*(.*?)\s*", re.DOTALL)
_OPERATOR = re.compile(r"=~|!~|!=|=")
_RESERVED = "{}!=~,\\\"'`"
_PLAIN = re.compile(r"[^\s{}!=~,\\\"'`]+")
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"')
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([abfnrtv\\\"])|(.?))", re.DOTALL)
_LETTERS = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"\\": b"\\", b'"': b'"'}
_CLASSIC_ESCAPE = re.compile(r"\\([\\n\"])")


@lru_cache(maxsize=1024)
def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """
    Matchers with commas between them, in braces or not.

    Args:
        text: In either notation; empty or `{}` for none.

    Raises:
        ParseError: It is in neither; says why, and where.
        LimitExceeded: It is longer than TEXT_LENGTH_MAX.
        InvalidInput: A regular expression does not compile.
    """
    if len(text) > TEXT_LENGTH_MAX:
        raise ParseError(f"expected matchers of at most {TEXT_LENGTH_MAX} characters, found {len(text)}")
    try:
        found = _parse_classic(text)
    except ParseError:
        found = _Utf8(text).matchers()
    for matcher in found:
        if matcher.operator in {MatchOperator.REGEX, MatchOperator.NOT_REGEX}:
            _check_regex(matcher)
    return found


def parse_matcher(text: str) -> Matcher:
    """
    Exactly one matcher, `severity="page"`.

    Raises:
        ParseError, InvalidInput: As `parse_matchers`, or there is none, or more than one.
    """
    found = parse_matchers(text)
    if len(found) != 1:
        raise ParseError(f'expected one matcher such as severity="page", found {len(found)} in {_shown(text)}')
    return found[0]


def is_classic(text: str) -> bool:
    """Whether only the older notation can read it, which Alertmanager means to give up."""
    try:
        _Utf8(text).matchers()
    except ParseError:
        return True
    return False


def format_matcher(matcher: Matcher) -> str:
    """A matcher as Alertmanager writes it: `severity="page"`; a name with reserved characters in quotes."""
    if any(character in _RESERVED or character.isspace() for character in matcher.name):
        return f"{go_quoted(matcher.name)}{matcher.operator.value}{go_quoted(matcher.value)}"
    return f"{matcher.name}{matcher.operator.value}{_quoted(matcher.value)}"


def format_matchers(matchers: Iterable[Matcher]) -> str:
    """Matchers as Alertmanager writes them, sorted: `{severity="page",team=~"a|b"}`."""
    ordered = sorted(matchers, key=lambda matcher: (matcher.name, matcher.value, _ORDER[matcher.operator]))
    return "{" + ",".join(format_matcher(matcher) for matcher in ordered) + "}"


_ORDER = {MatchOperator.EQUAL: 0, MatchOperator.NOT_EQUAL: 1, MatchOperator.REGEX: 2, MatchOperator.NOT_REGEX: 3}


def _check_regex(matcher: Matcher) -> None:
    try:
        check_pattern(matcher.value)
    except InvalidInput as error:
        raise InvalidInput(f"the matcher {format_matcher(matcher)[:200]} has no regular expression that RE2 takes: {error}") from error


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:80] + "...")


def _parse_classic(text: str) -> tuple[Matcher, ...]:
    """The older notation. Splits at commas outside of quotes; a backslash keeps a quote from counting."""
    stripped = text.strip()
    stripped = stripped.removeprefix("{").removesuffix("}")
    parts: list[str] = [""]
    inside = escaped = False
    for character in stripped:
        if character == "," and not inside:
            parts.append("")
            escaped = False
            continue
        if character == '"' and not escaped:
            inside = not inside
        escaped = character == "\\" and not escaped
        parts[-1] += character
    if inside:
        raise ParseError(f"expected a closing quote in the matchers {_shown(text)}, found none", position=len(text))
    if not parts[-1].strip():
        parts.pop()  # nothing at all, or a comma at the end, which is allowed
    return tuple(_classic_matcher(part) for part in parts)


def _classic_matcher(text: str) -> Matcher:
    match = _CLASSIC.fullmatch(text)
    if match is None:
        raise ParseError(f'expected a matcher such as severity="page", found {_shown(text)}')
    name, operator, value = match.groups()
    if value.startswith('"'):
        if len(value) < 2 or not value.endswith('"') or _escaped_at(value, len(value) - 1):
            raise ParseError(f"expected a closing quote in the matcher {_shown(text)}, found none")
        value = value[1:-1]
    position = value.find('"')
    while position >= 0:
        if not _escaped_at(value, position):
            raise ParseError(f"a quote inside of a value needs a backslash before it; found none in the matcher {_shown(text)}")
        position = value.find('"', position + 1)
    plain = _CLASSIC_ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], value)
    return Matcher(name, MatchOperator(operator), plain)


def _escaped_at(text: str, position: int) -> bool:
    before = text[:position]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


class _Utf8:
    """The newer notation, read from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0

    def matchers(self) -> tuple[Matcher, ...]:
        """All of them."""
        self._space()
        braces = self._take("{")
        found: list[Matcher] = []
        self._space()
        while self._position < len(self._text) and not self._text.startswith("}", self._position):
            found.append(self._matcher())
            self._space()
            if not self._take(","):
                break
            self._space()
        if braces and not self._take("}"):
            raise self._wrong("',' or '}'")
        self._space()
        if self._position < len(self._text):
            raise self._wrong("the end" if braces else "',' or the end")
        return tuple(found)

    def _matcher(self) -> Matcher:
        name = self._literal("the name of a label")
        self._space()
        operator = _OPERATOR.match(self._text, self._position)
        if operator is None:
            raise self._wrong("=, !=, =~ or !~")
        self._position = operator.end()
        self._space()
        return Matcher(name, MatchOperator(operator[0]), self._literal("a value"))

    def _literal(self, what: str) -> str:
        match = _PLAIN.match(self._text, self._position)
        if match is not None:
            self._position = match.end()
            return match[0]
        match = _QUOTED.match(self._text, self._position)
        if match is None:
            raise self._wrong(what)
        text = _go_unquoted(match[0][1:-1], self._position)
        self._position = match.end()
        return text

    def _take(self, character: str) -> bool:
        if not self._text.startswith(character, self._position):
            return False
        self._position += 1
        return True

    def _space(self) -> None:
        while self._position < len(self._text) and self._text[self._position].isspace():
            self._position += 1

    def _wrong(self, expected: str) -> ParseError:
        rest = self._text[self._position :]
        found = _shown(rest) if rest else "the end"
        return ParseError(f"expected {expected} at character {self._position + 1} of the matchers, found {found}", position=self._position)


def _go_unquoted(text: str, position: int) -> str:
    r"""What stands between the quotes of a Go string: `\x` and octal escapes are bytes, all of which must make UTF-8."""

    def replaced(match: re.Match[bytes]) -> bytes:
        two, four, eight, octal, letter, other = match.groups()
        if two is not None:
            return bytes([int(two, 16)])
        if octal is not None and int(octal, 8) < 256:
            return bytes([int(octal, 8)])
        if letter is not None:
            return _LETTERS[letter]
        code = int(four or eight or b"110000", 16)
        if code > 0x10FFFF or 0xD800 <= code < 0xE000:
            raise ParseError(f"no escape in a Go string: {match[0].decode('utf-8', 'replace')} {other and ''}".rstrip(), position=position)
        return chr(code).encode()

    try:
        return _ESCAPE.sub(replaced, text.encode()).decode()
    except UnicodeError as error:
        raise ParseError("expected a text of valid UTF-8 in quotes, found one that is not", position=position) from error


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
    return f'"{escaped}"'


def go_quoted(text: str) -> str:
    """A text as Go writes it in quotes: what can be seen as it is, else escaped."""
    parts = []
    for character in text:
        known = _QUOTED_ESCAPES.get(character)
        if known is not None:
            parts.append(known)
        elif character.isprintable():
            parts.append(character)
        elif ord(character) < 0x80:
            parts.append(f"\\x{ord(character):02x}")
        else:
            parts.append(f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}")
    return '"' + "".join(parts) + '"'


_QUOTED_ESCAPES = {
    '"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
}  # fmt: skip
