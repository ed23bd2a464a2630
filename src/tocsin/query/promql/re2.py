r"""
RE2's regular expressions, as Python's `re` runs them.

PromQL's expressions are RE2's: no look-around, no back-references, `\d` and `\w` are ASCII, `$` is the very end, and flags may stand
anywhere. What RE2 refuses is refused here in its words; the rest is written anew so that Python means the same by it.
Source: RE2 wiki, 'Syntax', and the syntax of Go's regexp package.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache

from tocsin.errors import InvalidInput

PATTERN_CHARACTERS_MAX = 100_000
REPEAT_MAX = 1000
# Groups within groups; both RE2 and the recursion of Python's compiler end somewhere.
GROUPS_DEEP_MAX = 50

_CLASSES = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\f\r "}
_POSIX = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": r"\x00-\x7f", "blank": r"\t ", "cntrl": r"\x00-\x1f\x7f", "digit": "0-9",
    "graph": "!-~", "lower": "a-z", "print": " -~", "punct": r"!-/:-@\[-`{-~", "space": r"\t\n\v\f\r ", "upper": "A-Z",
    "word": "0-9A-Za-z_", "xdigit": "0-9A-Fa-f",
}  # fmt: skip
_NEGATED_POSIX = "[:^"
_CONTROLS = {"a": "\x07", "f": "\x0c", "n": "\n", "r": "\r", "t": "\t", "v": "\x0b"}
_REPEAT = re.compile(r"([*+?]|\{(\d{1,9})(?:,(\d{0,9}))?\})(\??)")
_FLAGS = re.compile(r"\(\?([imsU]*)(-[imsU]+)?([:)])")
_NAMED = re.compile(r"\(\?P?<([A-Za-z0-9_]+)>")
_OCTAL = re.compile(r"0[0-7]{0,2}|[1-7][0-7]{1,2}")
_HEX = re.compile(r"x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,8})\})")
_PROPERTY = re.compile(r"([pP])(?:\{(\^?)([A-Za-z_]+)\}|([A-Z]))")


def check_pattern(pattern: str) -> None:
    """
    Refuse what RE2 refuses.

    Raises:
        InvalidInput: With RE2's words, `error parsing regexp: missing closing ]`.
    """
    compile_pattern(pattern)


@lru_cache(maxsize=1000)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    r"""
    A pattern as PromQL means it: the dot matches a line's end, too. Use `fullmatch`: PromQL's patterns match whole values.

    Raises:
        InvalidInput: RE2 does not know it, or it names a script of Unicode (`\p{Greek}`), which only RE2 knows.
    """
    if len(pattern) > PATTERN_CHARACTERS_MAX:
        raise _error(f"expression has more than {PATTERN_CHARACTERS_MAX:,} characters", "")
    try:
        return re.compile(_Translation(pattern).run())
    except (re.error, RecursionError, OverflowError) as error:
        raise _error(str(error), pattern) from error


def _error(message: str, part: str) -> InvalidInput:
    shown = f": `{part[:100]}`" if part else ""
    return InvalidInput(f"error parsing regexp: {message}{shown}")


@dataclass
class _Group:
    """
    A group that is open.

    Args:
        multiline: Flag m.
        ungreedy: Flag U.
        reopened: Flags that were set inside, `(?i:`, to be closed and opened again at each `|`.
    """

    multiline: bool = False
    ungreedy: bool = False
    reopened: list[str] = field(default_factory=list)


class _Translation:
    """One walk over a pattern."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._groups = [_Group(reopened=["(?s:"])]
        self._repeatable = False

    def run(self) -> str:
        """The pattern in Python's syntax."""
        parts = ["(?s:"]
        while self._at < len(self._pattern):
            parts.append(self._next())
        if len(self._groups) > 1:
            raise _error("missing closing )", self._pattern)
        return "".join(parts) + ")" * len(self._groups[0].reopened)

    def _next(self) -> str:
        character = self._pattern[self._at]
        group = self._groups[-1]
        if character in "*+?" or (character == "{" and _REPEAT.match(self._pattern, self._at)):
            return self._repeat()
        self._repeatable = character not in "(|"
        match character:
            case "(":
                return self._open()
            case ")":
                return self._close()
            case "[":
                return self._class()
            case "\\":
                return self._escape()
            case "|":
                self._at += 1
                return ")" * len(group.reopened) + "|" + "".join(group.reopened)
            case "$":
                self._at += 1
                return "$" if group.multiline else r"\Z"
            case "^" | ".":
                self._at += 1
                return character
            case _:
                self._at += 1
                return re.escape(character)

    def _repeat(self) -> str:
        found = _REPEAT.match(self._pattern, self._at)
        assert found is not None
        operator, low, high, lazy = found.groups()
        if not self._repeatable:
            raise _error("missing argument to repetition operator", operator)
        if low is not None and (int(low) > REPEAT_MAX or (high and not int(low) <= int(high) <= REPEAT_MAX)):
            raise _error("invalid repeat count", operator)
        after = _REPEAT.match(self._pattern, found.end())
        if after is not None:
            raise _error("invalid nested repetition operator", found.group() + after.group())
        self._at = found.end()
        self._repeatable = False
        ungreedy = bool(lazy) != self._groups[-1].ungreedy
        return operator + ("?" if ungreedy else "")

    def _open(self) -> str:
        rest = self._pattern[self._at : self._at + 200]
        outer = self._groups[-1]
        if len(self._groups) > GROUPS_DEEP_MAX:
            raise _error("expression nests too deeply", self._pattern)
        if not rest.startswith("(?"):
            self._at += 1
            self._groups.append(_Group(outer.multiline, outer.ungreedy))
            return "("
        named = _NAMED.match(rest)
        if named is not None:
            self._at += named.end()
            self._groups.append(_Group(outer.multiline, outer.ungreedy))
            return f"(?P<{named[1]}>"
        flags = _FLAGS.match(rest)
        if flags is None or rest.startswith("(?)"):
            raise _error("invalid or unsupported Perl syntax", rest[: 4 if rest[2:3] == "<" else 3])
        return self._flagged(flags)

    def _flagged(self, flags: re.Match[str]) -> str:
        """`(?i:...)` opens a group; `(?i)` holds until the group around it ends, which Python must be told with a group of its own."""
        on, off = flags[1], flags[2] or ""
        outer = self._groups[-1]
        multiline = ("m" in on or outer.multiline) and "m" not in off
        ungreedy = ("U" in on or outer.ungreedy) and "U" not in off
        on, off = "".join(sorted(set(on) - {"U"})), "".join(sorted(set(off) - {"U", "-"}))
        opening = f"(?{on}{'-' + off if off else ''}:"
        self._at += flags.end()
        if flags[3] == ":":
            self._groups.append(_Group(multiline, ungreedy))
        else:
            outer.multiline, outer.ungreedy = multiline, ungreedy
            outer.reopened.append(opening)
        return opening

    def _close(self) -> str:
        if len(self._groups) == 1:
            raise _error("unexpected )", self._pattern)
        self._at += 1
        return ")" * (len(self._groups.pop().reopened) + 1)

    def _class(self) -> str:
        start = self._at
        self._at += 1
        negated = self._pattern.startswith("^", self._at)
        self._at += negated
        parts: list[str] = []
        while not parts or not self._pattern.startswith("]", self._at):
            if self._at >= len(self._pattern):
                raise _error("missing closing ]", self._pattern[start:])
            parts.append(self._class_part(start))
        self._at += 1
        return f"[{'^' if negated else ''}{''.join(parts)}]"

    def _class_part(self, start: int) -> str:
        if self._pattern.startswith("[:", self._at) and (end := self._pattern.find(":]", self._at)) >= 0:
            return self._posix(end)
        if self._pattern[self._at] == "\\" and (found := self._shorthand()) is not None:
            return found
        low = self._class_character(start)
        if not self._pattern.startswith("-", self._at) or self._pattern.startswith("-]", self._at):
            return _literal(low)
        self._at += 1
        high = self._class_character(start)
        if high < low:
            raise _error("invalid character class range", f"{low}-{high}")
        return f"{_literal(low)}-{_literal(high)}"

    def _posix(self, end: int) -> str:
        name = self._pattern[self._at + 2 : end]
        if name.removeprefix("^") not in _POSIX:
            raise _error("invalid character class range", self._pattern[self._at : end + 2])
        self._at = end + 2
        return _complement(_POSIX[name[1:]]) if name.startswith("^") else _POSIX[name]

    def _class_character(self, start: int) -> str:
        if self._at >= len(self._pattern):
            raise _error("missing closing ]", self._pattern[start:])
        character = self._pattern[self._at]
        self._at += 1
        return self._character() if character == "\\" else character

    def _escape(self) -> str:
        after = self._pattern[self._at + 1 : self._at + 2]
        if after == "Q":
            end = self._pattern.find("\\E", self._at + 2)
            quoted = self._pattern[self._at + 2 : end if end >= 0 else len(self._pattern)]
            self._at = end + 2 if end >= 0 else len(self._pattern)
            return re.escape(quoted) if len(quoted) <= 1 else f"{re.escape(quoted[:-1])}{re.escape(quoted[-1])}"
        if after in {"A", "z", "b", "B"}:
            self._at += 2
            return {"A": r"\A", "z": r"\Z", "b": r"(?a:\b)", "B": r"(?a:\B)"}[after]
        found = self._shorthand()
        if found is not None:
            return f"[{found}]"
        self._at += 1
        return re.escape(self._character())

    def _shorthand(self) -> str | None:
        """What stands for many characters, at a backslash: the inside of a class; None if it is one character."""
        after = self._pattern[self._at + 1 : self._at + 2]
        if after.lower() in _CLASSES:
            self._at += 2
            return _CLASSES[after] if after.islower() else _complement(_CLASSES[after.lower()])
        if after not in {"p", "P"}:
            return None
        found = _PROPERTY.match(self._pattern, self._at + 1)
        if found is None:
            raise _error("invalid character class range", self._pattern[self._at : self._at + 10])
        self._at = found.end()
        inside = _category(found[3] or found[4])
        return _complement(inside) if (found[1] == "P") != (found[2] == "^") else inside

    def _character(self) -> str:
        """The character that an escape stands for; stands behind the backslash."""
        if self._at >= len(self._pattern):
            raise _error("trailing backslash at end of expression", "")
        after = self._pattern[self._at]
        if (octal := _OCTAL.match(self._pattern, self._at)) is not None:
            self._at = octal.end()
            return chr(int(octal.group(), 8))
        if (code := _HEX.match(self._pattern, self._at)) is not None and int(code[1] or code[2], 16) <= sys.maxunicode:
            self._at = code.end()
            return chr(int(code[1] or code[2], 16))
        self._at += 1
        if after in _CONTROLS:
            return _CONTROLS[after]
        if after.isascii() and not after.isalnum():
            return after
        raise _error("invalid escape sequence", f"\\{after}")


def _literal(character: str) -> str:
    return f"\\U{ord(character):08x}"


def _complement(inside: str) -> str:
    """The inside of a class that holds what another one does not."""
    held = re.compile(f"[{inside}]")
    return (
        _ranges([code for code in range(sys.maxunicode + 1) if not held.match(chr(code))])
        if len(inside) > 40
        else _short_complement(inside)
    )


@lru_cache(maxsize=100)
def _short_complement(inside: str) -> str:
    held = re.compile(f"[{inside}]")
    return _ranges([code for code in range(128) if not held.match(chr(code))]) + f"\\x80-\\U{sys.maxunicode:08x}"


@lru_cache(maxsize=100)
def _category(name: str) -> str:
    """The inside of a class that holds a general category of Unicode, such as L or Lu."""
    codes = [code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)).startswith(name)]
    if not codes or len(name) > 2:
        raise _error("invalid character class range (scripts of Unicode are not supported)", f"\\p{{{name}}}")
    return _ranges(codes)


def _ranges(codes: list[int]) -> str:
    parts: list[str] = []
    start = previous = codes[0] if codes else 0
    for code in [*codes[1:], -1]:
        if code != previous + 1:
            parts.append(f"\\U{start:08x}-\\U{previous:08x}")
            start = code
        previous = code
    return "".join(parts)
