r"""
Regular expressions as Prometheus understands them (RE2, in Go's dialect), run by Python's `re`.

The two languages look alike and differ in corners: `$` before a last line feed, `\d` beyond ASCII, `\z`, POSIX classes, `(?U)`.
`translate` rewrites what can be said in Python with the same meaning, and refuses by name what can't, so that a rule never matches
something else than it does in Prometheus. Whole values are matched, and `.` matches line feeds, as everywhere in Prometheus 3.

Source: RE2's syntax page; Go's package regexp/syntax.
"""

from __future__ import annotations

import re
from functools import lru_cache

from tocsin.errors import ParseError

_REPEAT_MAX = 1000  # RE2 allows no larger count
_TOP = "\U0010ffff"

# Each class as ranges of characters, and the ranges that it leaves out: a negated class inside brackets has no other spelling.
_PERL = {
    "d": ("0-9", f"\\x00-/:-{_TOP}"),
    "w": ("0-9A-Za-z_", f"\\x00-/:-@\\[-\\^`\\{{-{_TOP}"),
    "s": ("\\t\\n\\x0c\\r ", f"\\x00-\\x08\\x0b\\x0e-\\x1f!-{_TOP}"),
}
_POSIX = {
    "alnum": ("0-9A-Za-z", f"\\x00-/:-@\\[-`\\{{-{_TOP}"),
    "alpha": ("A-Za-z", f"\\x00-@\\[-`\\{{-{_TOP}"),
    "ascii": ("\\x00-\\x7f", f"\\x80-{_TOP}"),
    "blank": ("\\t ", f"\\x00-\\x08\\x0a-\\x1f!-{_TOP}"),
    "cntrl": ("\\x00-\\x1f\\x7f", f" -\\x7e\\x80-{_TOP}"),
    "digit": _PERL["d"],
    "graph": ("!-~", f"\\x00- \\x7f-{_TOP}"),
    "lower": ("a-z", f"\\x00-`\\{{-{_TOP}"),
    "print": (" -~", f"\\x00-\\x1f\\x7f-{_TOP}"),
    "punct": ("!-/:-@\\[-`\\{-~", f"\\x00- 0-9A-Za-z\\x7f-{_TOP}"),
    "space": ("\\t\\n\\x0b\\x0c\\r ", f"\\x00-\\x08\\x0e-\\x1f!-{_TOP}"),
    "upper": ("A-Z", f"\\x00-@\\[-{_TOP}"),
    "word": _PERL["w"],
    "xdigit": ("0-9A-Fa-f", f"\\x00-/:-@G-`g-{_TOP}"),
}
_CONTROL = {"a": "\a", "f": "\f", "t": "\t", "n": "\n", "r": "\r", "v": "\v"}
_EDGES = {"A": r"\A", "z": r"\Z", "b": r"(?a:\b)", "B": r"(?a:\B)"}
_REPEAT = re.compile(r"\{(\d+)(,(\d*))?\}", re.ASCII)
_FLAGS = re.compile(r"\(\?([a-zA-Z]*)(-[a-zA-Z]+)?([:)])", re.ASCII)
_NAMED = re.compile(r"\(\?P?<(\w+)>")


@lru_cache(maxsize=4096)
def compile_whole(text: str) -> re.Pattern[str]:
    """
    The pattern, to be used with `fullmatch`.

    Raises:
        ParseError: It is no regular expression of RE2, or one that `re` can't express; the message says where and what.
    """
    try:
        return re.compile(_Translation(text).run(), re.DOTALL)
    except re.error as error:
        raise ParseError(f"the regular expression {text!r} does not compile: {error.msg}", position=error.pos) from error
    except (OverflowError, RecursionError) as error:
        raise ParseError(f"the regular expression {text!r} is too large", position=0) from error


def translate(text: str) -> str:
    """The same expression in the dialect of Python's `re`, to be compiled with DOTALL."""
    return _Translation(text).run()


def expand(template: str, match: re.Match[str]) -> str:
    """
    A replacement with `$1`, `${1}`, `$name`, `${name}` put in; `$$` is a dollar, a group that is not there is empty.

    A name without braces reaches as far as letters, digits and underscores do: `$1x` asks for a group `1x`.
    """
    if "$" not in template:
        return template
    return _REFERENCE.sub(lambda reference: _referred(reference, match), template)


_REFERENCE = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)\})")


def _referred(reference: re.Match[str], match: re.Match[str]) -> str:
    if reference[1]:
        return "$"
    name = reference[2] or reference[3]
    if name.isascii() and name.isdigit() and (name == "0" or name[0] != "0"):
        index = int(name) if len(name) < 9 else -1
        return (match[index] or "") if 0 <= index <= (match.re.groups or 0) else ""
    return (match[name] or "") if name in match.re.groupindex else ""


class _Translation:
    """One pass over an expression; `_at` is how far it came."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._out: list[str] = []
        self._repeated = False  # the last thing was a repetition
        self._lines: list[bool] = [False]  # per open group: does ^ and $ mean lines (the flag m)?
        self._closes = [0]  # per open group: how many brackets of flags it must close

    def run(self) -> str:
        """The whole expression."""
        while self._at < len(self._text):
            self._step(self._text[self._at])
        if len(self._lines) > 1:
            raise self._wrong("expected ')' at the end")
        return "".join(self._out) + ")" * self._closes[0]

    def _step(self, char: str) -> None:
        if char in "*+?":
            self._quantify(char)
            return
        if char == "{" and (repeat := _REPEAT.match(self._text, self._at)):
            self._count(repeat)
            return
        self._repeated = False
        if char == "\\":
            self._escape()
        elif char == "[":
            self._bracket()
        elif char == "(":
            self._open()
        elif char == ")":
            self._close()
        elif char == "$":
            self._put("$" if self._lines[-1] else r"\Z")
        else:
            self._put(char if char in "^.|" else re.escape(char))

    def _put(self, out: str, width: int = 1) -> None:
        self._out.append(out)
        self._at += width

    def _wrong(self, what: str) -> ParseError:
        return ParseError(f"the regular expression {self._text!r} at character {self._at}: {what}", position=self._at)

    def _quantify(self, out: str, width: int = 1) -> None:
        if self._repeated:
            raise self._wrong(f"expected no second repetition, found {self._text[self._at :][:width]!r}; put the first one into (?: )")
        self._put(out, width)
        if self._text[self._at : self._at + 1] == "?":
            self._put("?")
        self._repeated = True

    def _count(self, repeat: re.Match[str]) -> None:
        for count in (repeat[1], repeat[3]):
            if count and int(count) > _REPEAT_MAX:
                raise self._wrong(f"expected a count of at most {_REPEAT_MAX}, found {count}")
        self._quantify(repeat[0], len(repeat[0]))

    def _escape(self) -> None:
        following = self._text[self._at + 1 : self._at + 2]
        if following == "Q":
            end = self._text.find("\\E", self._at + 2)
            end = len(self._text) if end < 0 else end
            literal = self._text[self._at + 2 : end]
            self._put("".join(re.escape(char) for char in literal), len(literal) + 2 + len(self._text[end : end + 2]))
        elif following in _EDGES and following:
            self._put(_EDGES[following], 2)
        elif following.lower() in _PERL and following:
            inside = _PERL[following.lower()][0]
            self._put(f"[{'^' if following.isupper() else ''}{inside}]", 2)
        else:
            char, width = self._character()
            self._put(re.escape(char), width)

    def _character(self) -> tuple[str, int]:
        """The character that an escape at this place stands for, and the length of the escape."""
        text, at = self._text, self._at
        following = text[at + 1 : at + 2]
        if following in _CONTROL:
            return _CONTROL[following], 2
        if following == "x" and (digits := re.compile(r"([0-9a-fA-F]{2})|\{([0-9a-fA-F]{1,6})\}").match(text, at + 2)):
            number = int(digits[1] or digits[2], 16)
            if number <= 0x10FFFF:
                return chr(number), 2 + len(digits[0])
        if octal := re.compile(r"0[0-7]{0,2}|[1-7][0-7]{1,2}").match(text, at + 1):
            return chr(int(octal[0], 8)), 1 + len(octal[0])
        if following and following.isascii() and not following.isalnum():
            return following, 2
        if following in {"p", "P"}:
            raise self._wrong(f"Unicode classes (\\{following}) are not supported; name the characters in brackets")
        if following.isdigit():
            raise self._wrong("RE2 knows no references to groups within an expression")
        raise self._wrong(f"expected an escape of RE2, found {text[at : at + 2]!r}")

    def _open(self) -> None:
        text, at = self._text, self._at
        if not text.startswith("(?", at):
            self._enter("(", 1, self._lines[-1])
        elif named := _NAMED.match(text, at):
            if not named[1].isascii() or not named[1].isidentifier():
                raise self._wrong(f"expected a group's name of letters, digits and _, no digit first, found {named[1]!r}")
            self._enter(f"(?P<{named[1]}>", len(named[0]), self._lines[-1])
        elif flags := _FLAGS.match(text, at):
            self._set_flags(flags)
        else:
            raise self._wrong(f"RE2 knows no {text[at : at + 4]!r} (no looking around, no conditions, no comments)")

    def _set_flags(self, flags: re.Match[str]) -> None:
        on, off = flags[1], (flags[2] or "-")[1:]
        if unknown := set(on + off) - set("ims"):
            raise self._wrong(f"the flag {min(unknown)!r} is not supported; i, m and s are")
        lines = ("m" in on or self._lines[-1]) and "m" not in off
        on = "".join(sorted(set(on) - set(off)))
        opening = f"(?{on}{'-' if off else ''}{''.join(sorted(set(off)))}:"
        if flags[3] == ":":
            self._enter(opening, len(flags[0]), lines)
            return
        if not self._at_start():
            raise self._wrong(f"flags that hold from the middle of a group ({flags[0]}) are not supported; write {flags[0][:-1]}:...)")
        self._put(opening, len(flags[0]))
        self._lines[-1] = lines
        self._closes[-1] += 1

    def _at_start(self) -> bool:
        """Whether nothing but an opening bracket stands before, so that flags hold for the whole group."""
        return not self._out or (self._out[-1].startswith("(") and not self._out[-1].endswith(")"))

    def _enter(self, out: str, width: int, lines: bool) -> None:
        self._put(out, width)
        self._lines.append(lines)
        self._closes.append(0)

    def _close(self) -> None:
        if len(self._lines) == 1:
            raise self._wrong("found ')' without its '('")
        self._lines.pop()
        self._put(")" * self._closes.pop() + ")")

    def _bracket(self) -> None:
        """A class in brackets; every plain character is escaped, because Python plans meanings for doubled ones."""
        start = self._at
        negated = self._text.startswith("[^", start)
        self._at += 2 if negated else 1
        parts: list[str] = []
        while True:
            if self._at >= len(self._text):
                self._at = start
                raise self._wrong("expected ']' after '['")
            if self._text[self._at] == "]" and parts:
                break
            parts.append(self._member())
        self._at += 1
        self._out.append(f"[{'^' if negated else ''}{''.join(parts)}]")

    def _member(self) -> str:
        text, at = self._text, self._at
        if posix := re.compile(r"\[:(\^?)(\w+):\]").match(text, at):
            if posix[2] not in _POSIX:
                raise self._wrong(f"expected a POSIX class such as [:alpha:], found {posix[0]!r}")
            self._at += len(posix[0])
            return _POSIX[posix[2]][1 if posix[1] else 0]
        following = text[at + 1 : at + 2]
        if text[at] == "\\" and following and following.lower() in _PERL:
            self._at += 2
            return _PERL[following.lower()][1 if following.isupper() else 0]
        low = self._bound()
        if text[self._at : self._at + 1] != "-" or text[self._at + 1 : self._at + 2] in {"]", ""}:
            return _in_class(low)
        self._at += 1
        high = self._bound()
        if high < low:
            raise self._wrong(f"expected a range that ascends, found {low}-{high}")
        return f"{_in_class(low)}-{_in_class(high)}"

    def _bound(self) -> str:
        if self._text[self._at : self._at + 1] == "\\":
            char, width = self._character()
        else:
            char, width = self._text[self._at : self._at + 1], 1
        if not char:
            raise self._wrong("expected ']'")
        self._at += width
        return char


def _in_class(char: str) -> str:
    return char if char.isalnum() else re.escape(char) if char in "\\]^-[&|~ \t\n\r\v\f#" else char
