r"""
Classes of characters in RE2's regular expressions, written anew for Python's `re`.

`[[:alpha:]\d-]` becomes `[A-Za-z0-9\-]`; `\pL` the ranges of all letters of Unicode.
Source: RE2 wiki, 'Syntax'.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import lru_cache
from itertools import groupby

from tocsin.errors import InvalidInput

CLASSES = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\f\r "}
_POSIX = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": r"\x00-\x7f", "blank": r"\t ", "cntrl": r"\x00-\x1f\x7f", "digit": "0-9",
    "graph": "!-~", "lower": "a-z", "print": " -~", "punct": r"!-/:-@\[-`{-~", "space": r"\t\n\v\f\r ", "upper": "A-Z",
    "word": "0-9A-Za-z_", "xdigit": "0-9A-Fa-f",
}  # fmt: skip
_CONTROLS = {"a": "\x07", "f": "\x0c", "n": "\n", "r": "\r", "t": "\t", "v": "\x0b"}
_OCTAL = re.compile(r"0[0-7]{0,2}|[1-7][0-7]{1,2}")
_HEX = re.compile(r"x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,8})\})")
_PROPERTY = re.compile(r"([pP])(?:\{(\^?)([A-Za-z_]+)\}|([A-Z]))")


def shorthand(pattern: str, at: int) -> tuple[str, int]:
    r"""
    What `\d`, `\W` or `\pL` stands for, as the inside of a class, and where it ends.

    Args:
        pattern: The pattern.
        at: Where the backslash stands.

    Raises:
        InvalidInput: A class of Unicode that is none, or a script (`\p{Greek}`), which only RE2 knows.
    """
    after = pattern[at + 1]
    if after.lower() in CLASSES:
        return (CLASSES[after] if after in CLASSES else _ascii_complement(CLASSES[after.lower()])), at + 2
    found = _PROPERTY.match(pattern, at + 1)
    if found is None:
        raise _error("invalid character class range", pattern[at : at + 10])
    negated = (found[1] == "P") != (found[2] == "^")
    return _category(found[3] or found[4], negated=negated), found.end()


def escaped_character(pattern: str, at: int) -> tuple[str, int]:
    """The character that an escape stands for, and where it ends; `at` is behind the backslash."""
    if at >= len(pattern):
        raise _error("trailing backslash at end of expression", "")
    octal, code = _OCTAL.match(pattern, at), _HEX.match(pattern, at)
    if octal is not None:
        return chr(int(octal.group(), 8)), octal.end()
    if code is not None and int(code[1] or code[2], 16) <= sys.maxunicode:
        return chr(int(code[1] or code[2], 16)), code.end()
    after = pattern[at]
    if after in _CONTROLS:
        return _CONTROLS[after], at + 1
    if after.isascii() and not after.isalnum():
        return after, at + 1
    raise _error("invalid escape sequence", f"\\{after}")


class ClassReader:
    """
    Reads `[...]`.

    Args:
        pattern: The pattern.
        start: Where the bracket stands.
    """

    def __init__(self, pattern: str, start: int) -> None:
        self._pattern = pattern
        self._start = start
        self._at = start + 1

    def run(self) -> tuple[str, int]:
        """The class as Python writes it, and where it ends."""
        negated = self._pattern.startswith("^", self._at)
        self._at += negated
        parts: list[str] = []
        while not parts or not self._pattern.startswith("]", self._at):
            parts.append(self._part())
        return f"[{'^' if negated else ''}{''.join(parts)}]", self._at + 1

    def _part(self) -> str:
        if self._pattern.startswith("[:", self._at) and (end := self._pattern.find(":]", self._at)) >= 0:
            return self._posix(end)
        after = self._pattern[self._at + 1 : self._at + 2] if self._pattern.startswith("\\", self._at) else ""
        if after and (after.lower() in CLASSES or after in {"p", "P"}):
            inside, self._at = shorthand(self._pattern, self._at)
            return inside
        low = self._character()
        if not self._pattern.startswith("-", self._at) or self._pattern.startswith("-]", self._at):
            return _literal(ord(low))
        self._at += 1
        high = self._character()
        if high < low:
            raise _error("invalid character class range", f"{low}-{high}")
        return f"{_literal(ord(low))}-{_literal(ord(high))}"

    def _posix(self, end: int) -> str:
        name = self._pattern[self._at + 2 : end]
        inside = _POSIX.get(name.removeprefix("^"))
        if inside is None:
            raise _error("invalid character class range", self._pattern[self._at : end + 2])
        self._at = end + 2
        return _ascii_complement(inside) if name.startswith("^") else inside

    def _character(self) -> str:
        if self._at >= len(self._pattern):
            raise _error("missing closing ]", self._pattern[self._start :])
        character = self._pattern[self._at]
        self._at += 1
        if character == "\\":
            character, self._at = escaped_character(self._pattern, self._at)
        return character


def _error(message: str, part: str) -> InvalidInput:
    shown = f": `{part[:100]}`" if part else ""
    return InvalidInput(f"error parsing regexp: {message}{shown}")


def _literal(code: int) -> str:
    return f"\\U{code:08x}"


@lru_cache(maxsize=64)
def _ascii_complement(inside: str) -> str:
    """The inside of a class that holds what another one, of ASCII alone, does not."""
    held = re.compile(f"[{inside}]")
    return "".join(_literal(code) for code in range(128) if not held.match(chr(code))) + f"\\x80-{_literal(sys.maxunicode)}"


@lru_cache(maxsize=1)
def _categories() -> list[tuple[str, int, int]]:
    """General categories of Unicode in order of code points, with the first and the last code of each run; found once, on demand."""
    runs = groupby(range(sys.maxunicode + 1), key=lambda code: unicodedata.category(chr(code)))
    return [(category, codes[0], codes[-1]) for category, found in runs if (codes := list(found))]


@lru_cache(maxsize=128)
def _category(name: str, *, negated: bool) -> str:
    """The inside of a class that holds a general category such as L or Lu, or all but it."""
    known = any(category.startswith(name) for category, _, _ in _categories())
    if not known:
        raise _error("invalid character class range (scripts of Unicode are not supported)", f"\\p{{{name}}}")
    ranges = [(first, last) for category, first, last in _categories() if category.startswith(name) != negated]
    return "".join(f"{_literal(first)}-{_literal(last)}" for first, last in ranges)
