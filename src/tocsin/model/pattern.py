r"""
Regular expressions as Prometheus means them: RE2's syntax, in time linear in the text, whole values, a dot that matches line feeds too.

Google's own library reads and runs them, so that no pattern can be built to hang, and a pattern means what it means in the engine. What
it takes and Go refuses is refused here, too: Prometheus would not start with it.

    compile_pattern("([^:]+):(?P<port>.*)").fullmatch("db:9100")     expand("${1}-$port", match) == "db-9100"

Source: RE2's syntax page; Go's packages regexp and regexp/syntax.
"""

from __future__ import annotations

import re
from functools import lru_cache

import re2

from tocsin.errors import InvalidInput, LimitExceeded

# What one compiled pattern may take; the engine, which runs those of selectors, gives each as much.
_PATTERN_BYTES_MAX = 8 * 2**20
_PATTERNS_KEPT = 128
_REPLACE_BYTES_MAX = 20_000_000  # that one replacement may look at in the worst case: a fifth of a second

# The parts of a pattern that is valid: quoted text, escapes, classes in brackets, openings of groups with a name.
_PARTS = re.compile(
    r"\\Q.*?(?:\\E|\Z)|\\(?P<byte>C)|\\.|\[\^?\]?(?:\[:\^?\w{1,10}:\]|\\.|[^\]\\])*+\]|\(\?P?<(?P<name>[^>]*)>",
    re.DOTALL,
)
_REFERENCE = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)\})")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
_SURROGATES = re.compile("[\ud800-\udfff]")


class Match:
    """
    What matched.

    Args:
        found: The library's own, on bytes of UTF-8: it would count characters at every match otherwise.
        names: Numbers of the groups that have names.
    """

    __slots__ = ("_found", "_names")

    def __init__(self, found: re2._Match, names: dict[str, int]) -> None:
        self._found = found
        self._names = names

    def group(self, key: int | str, /) -> str | None:
        """A group's text by number or name, None if it took no part; 0 is everything. IndexError for a group that is not there."""
        text: bytes | None = self._found[self._names.get(key, -1) if isinstance(key, str) else key]
        return None if text is None else text.decode("utf-8")


class Pattern:
    """
    A pattern, ready to be matched; safe to use from several threads.

    Args:
        compiled: The library's own.
    """

    __slots__ = ("_compiled", "_names")

    def __init__(self, compiled: re2._Regexp) -> None:
        self._compiled = compiled
        self._names: dict[str, int] = compiled.groupindex

    def fullmatch(self, text: str) -> Match | None:
        """What matches the whole text, as selectors and rules want it."""
        return self._match(self._compiled.fullmatch(_utf8(text)))

    def search(self, text: str) -> Match | None:
        """The first place in the text that matches."""
        return self._match(self._compiled.search(_utf8(text)))

    def replace_all(self, template: str, text: str, *, chars_max: int) -> str:
        """
        All places that match replaced, from left to right, `template` as `expand` takes it.

        Args:
            template: With `$1` and `${name}` for groups.
            text: Any.
            chars_max: Longest result.

        Raises:
            LimitExceeded: The result is longer, or finding it takes too long: a pattern can look at all the rest at every match.
        """
        whole, parts, end = _utf8(text), [], 0
        room, looks = chars_max, _REPLACE_BYTES_MAX
        for found in self._compiled.finditer(whole):
            first, last = found.span()
            empty_beside = first == last == end and end > 0
            if empty_beside or (first < len(whole) and whole[first] & 0xC0 == 0x80):
                continue  # as Go: nothing is put in right after a match, nor within a character
            piece = whole[end:first].decode("utf-8") + expand(template, Match(found, self._names))
            room, looks = room - len(piece), looks - (len(whole) - first)
            if room < 0 or looks < 0:
                raise LimitExceeded(f"replacing {str(self._compiled.pattern)[:40]!r} in a text of {len(text):,} characters costs too much")
            parts.append(piece)
            end = last
        return "".join([*parts, whole[end:].decode("utf-8")])

    def _match(self, found: re2._Match | None) -> Match | None:
        return None if found is None else Match(found, self._names)


@lru_cache(maxsize=_PATTERNS_KEPT)
def compile_pattern(pattern: str, *, dot_takes_lines: bool = True) -> Pattern:
    """
    A pattern, ready to be matched.

    Args:
        pattern: In RE2's syntax.
        dot_takes_lines: Whether `.` matches a line feed; it does everywhere in Prometheus 3, and does not in probes.

    Raises:
        InvalidInput: With RE2's reason, `error parsing regexp: missing ): (a`.
    """
    options = re2.Options()
    options.log_errors = False  # whoever asked is told; standard error is no place for it
    options.dot_nl = dot_takes_lines
    options.max_mem = _PATTERN_BYTES_MAX
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0]
        raise _refused(reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)) from error
    except UnicodeEncodeError as error:
        raise _refused("invalid UTF-8") from error
    _check_for_go(pattern)
    return Pattern(compiled)


def check_pattern(pattern: str) -> None:
    """
    Refuse what is no regular expression.

    Raises:
        InvalidInput: With RE2's reason.
    """
    compile_pattern(pattern)


def expand(template: str, match: Match) -> str:
    """
    A replacement with `$1`, `${1}`, `$name`, `${name}` put in; `$$` is a dollar, a group that is not there is empty.

    A name without braces reaches as far as letters, digits and underscores do: `$1x` asks for a group `1x`.
    """
    if "$" not in template:
        return template
    return _REFERENCE.sub(lambda reference: _referred(reference, match), template)


def _referred(reference: re.Match[str], match: Match) -> str:
    if reference[1]:
        return "$"
    name = reference[2] or reference[3]
    try:
        return match.group(int(name) if _NUMBER.fullmatch(name) else name) or ""
    except IndexError:
        return ""


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:  # half a surrogate pair is a character like any other to Go, which reads it as U+FFFD
        return _SURROGATES.sub("\ufffd", text).encode("utf-8")


def _check_for_go(pattern: str) -> None:
    r"""Refuse what RE2 takes and Go does not: `\C`, which may split a character, names used twice, names beyond ASCII."""
    names: set[str] = set()
    for part in _PARTS.finditer(pattern):
        name = part["name"]
        if part["byte"]:
            raise _refused(r"invalid escape sequence: \C")
        if name and not name.isascii():
            raise _refused(f"invalid named capture group: {part[0]}")
        if name and name in names:
            raise _refused(f"duplicate capture group name: {name}")
        names.add(name)


def _refused(reason: str) -> InvalidInput:
    return InvalidInput(f"error parsing regexp: {reason}")
