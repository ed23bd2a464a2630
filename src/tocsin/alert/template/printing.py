"""
How Go prints values: `print`, `println`, `printf`, and what `{{ .x }}` leaves in the text.

    1000000.0  1e+06      0.1 + 0.2  0.30000000000000004      ["a", "b"]  [a b]      {"k": "v"}  map[k:v]

Everything is bounded: a template that makes a text out of texts again and again ends with an error.
Source: Go documentation, packages fmt and strconv.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tocsin.alert.template.floats import format_float
from tocsin.alert.template.values import Function, Structure, Value, is_list, type_name
from tocsin.errors import InvalidInput, LimitExceeded

PRINTED_CHARS_MAX = 1_000_000
WIDTH_MAX = 1_000_000  # Go's own limit
NESTED_MAX = 20

_VERB = re.compile(
    r"%(?P<flags>[-+# 0]*)(?:(?:\[(?P<wi>\d{1,3})\])?(?P<width>\d{1,9}|\*))?(?:\.(?:\[(?P<pi>\d{1,3})\])?(?P<precision>\d{1,9}|\*)?)?"
    r"(?:\[(?P<index>\d{1,3})\])?(?P<verb>.)?",
    re.DOTALL,
)
_SHORT_ESCAPES = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\\": "\\\\", '"': '\\"'}


class _Paper:
    """What is being printed, up to a limit."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._room = PRINTED_CHARS_MAX

    def add(self, text: str) -> None:
        self._room -= len(text) + 1
        if self._room < 0:
            raise LimitExceeded(f"one value is printed as more than {PRINTED_CHARS_MAX:,} characters")
        self.parts.append(text)

    def text(self) -> str:
        return "".join(self.parts)


def show(value: Value) -> str:
    """A value as `{{ . }}` prints it."""
    if value is None:
        return "<no value>"
    return value if isinstance(value, str) else _formatted(value, "v", _PLAIN)


def sprint(*values: Value) -> str:
    """`print`: a space between two values of which neither is a text."""
    paper = _Paper()
    for index, value in enumerate(values):
        if index and not isinstance(value, str) and not isinstance(values[index - 1], str):
            paper.add(" ")
        paper.add(_formatted(value, "v", _PLAIN))
    return paper.text()


def sprintln(*values: Value) -> str:
    """`println`: a space between all, and a line's end."""
    paper = _Paper()
    for index, value in enumerate(values):
        paper.add(f"{' ' if index else ''}{_formatted(value, 'v', _PLAIN)}")
    paper.add("\n")
    return paper.text()


class _Form:
    """Flags, width and precision of one verb, and whether fields of structs get their names."""

    __slots__ = ("flags", "named", "precision", "width")

    def __init__(self, flags: str = "", width: int | None = None, precision: int | None = None, *, named: bool = False) -> None:
        self.flags, self.width, self.precision, self.named = flags, width, precision, named

    def pad(self, text: str, *, number: bool = False) -> str:
        if self.width is None or len(text) >= self.width:
            return text
        if "-" in self.flags:
            return text.ljust(self.width)
        if "0" in self.flags:
            return text.zfill(self.width) if number else text.rjust(self.width, "0")
        return text.rjust(self.width)


_PLAIN = _Form()


def sprintf(format_text: str, *values: Value) -> str:
    """
    `printf`: verbs %v %+v %T %% %t %b %c %d %o %q %x %X %U %e %E %f %F %g %G %s, with flags, width, precision and argument indexes.

    What does not fit is said in the text, as Go does: `%!d(string=x)`, `%!d(BADINDEX)`, `%!d(MISSING)`, `%!(EXTRA int=1)`.
    """
    paper = _Paper()
    arguments = _Arguments(values)
    position = 0
    for found in _VERB.finditer(format_text):
        paper.add(format_text[position : found.start()])
        position = found.end()
        paper.add(_verb(found, arguments))
    paper.add(format_text[position:])
    if arguments.next < len(values) and not arguments.reordered:
        rest = ", ".join(f"{type_name(value)}={_formatted(value, 'v', _PLAIN)}" for value in values[arguments.next :])
        paper.add(f"%!(EXTRA {rest})")
    return paper.text()


class _Arguments:
    """The values of a printf, taken one after another or by index."""

    def __init__(self, values: Sequence[Value]) -> None:
        self._values = values
        self.next = 0
        self.reordered = False

    def jump(self, index: str | None) -> bool:
        """Go to an index, from 1, where one is given; False: there is none."""
        if index is None:
            return True
        self.reordered = True
        if not 1 <= int(index) <= len(self._values):
            return False
        self.next = int(index) - 1
        return True

    def take(self) -> tuple[bool, Value]:
        if self.next >= len(self._values):
            return False, None
        self.next += 1
        return True, self._values[self.next - 1]


def _verb(found: re.Match[str], arguments: _Arguments) -> str:
    verb = found["verb"]
    if verb is None:
        return "%!(NOVERB)"
    flags = found["flags"]
    width = _extent(found["width"], found["wi"], arguments)
    precision = _extent(found["precision"], found["pi"], arguments)
    if "." in found[0] and precision is None:
        precision = 0
    if width is not None and width < 0:
        flags, width = flags + "-", -width
    if verb == "%":
        return "%"
    if not arguments.jump(found["index"]):
        return f"%!{verb}(BADINDEX)"
    there, value = arguments.take()
    if not there:
        return f"%!{verb}(MISSING)"
    return _formatted(value, verb, _Form(flags.replace("+", "") if verb == "v" else flags, width, precision, named="+" in flags))


def _extent(written: str | None, index: str | None, arguments: _Arguments) -> int | None:
    """A width or a precision, from the text or from an argument."""
    if written is None:
        return None
    if written != "*":
        extent = int(written)
    else:
        arguments.jump(index)
        there, value = arguments.take()
        if not there or isinstance(value, bool) or not isinstance(value, int):
            return None
        extent = value
    if abs(extent) > WIDTH_MAX:
        raise LimitExceeded(f"a width or precision of {extent:,} is more than {WIDTH_MAX:,}")
    return extent


def _formatted(value: Value, verb: str, form: _Form, depth: int = 0) -> str:
    if depth > NESTED_MAX:
        raise LimitExceeded(f"lists and maps stand in one another more than {NESTED_MAX} deep")
    if verb == "T":
        return form.pad(type_name(value))
    if isinstance(value, bool):
        return form.pad("true" if value else "false") if verb in "tv" else _wrong(value, verb)
    if isinstance(value, int):
        return _integer(value, verb, form)
    if isinstance(value, float):
        return _float(value, verb, form)
    if isinstance(value, str):
        return _text(value, verb, form)
    if value is None:
        return form.pad("<nil>") if verb == "v" else f"%!{verb}(<nil>)"
    if isinstance(value, Structure) and verb in "vsq":
        said = value.methods().get("String")
        if said is not None:
            return _text(str(said.run()), verb, form)
    return _composed(value, verb, form, depth)


def _composed(value: Value, verb: str, form: _Form, depth: int) -> str:
    paper = _Paper()

    def inside(one: Value) -> str:
        return _formatted(one, verb, form, depth + 1)

    if is_list(value):
        opening, closing = "[", "]"
        entries = (inside(one) for one in value)
    elif isinstance(value, Mapping):
        opening, closing = "map[", "]"
        entries = (f"{inside(key)}:{inside(value[key])}" for key in sorted(value))
    elif isinstance(value, Structure):
        opening, closing = "{", "}"
        entries = (f"{name}:{inside(one)}" if form.named else inside(one) for name, one in value.members().items())
    else:
        what = "a function" if isinstance(value, Function) else f"a value of type {type_name(value)}"
        raise InvalidInput(f"{what} can't be printed")
    paper.add(opening)
    for index, entry in enumerate(entries):
        paper.add(f"{' ' if index else ''}{entry}")
    paper.add(closing)
    return paper.text()


def _wrong(value: Value, verb: str) -> str:
    return f"%!{verb}({type_name(value)}={show(value)})"


def _integer(value: int, verb: str, form: _Form) -> str:
    match verb:
        case "v" | "d":
            digits = str(abs(value))
        case "b" | "o" | "x" | "X":
            digits = format(abs(value), verb)
            if "#" in form.flags:
                digits = {"b": "0b", "o": "0", "x": "0x", "X": "0X"}[verb] + digits
        case "c":
            return form.pad(_character(value))
        case "q":
            return form.pad(f"'{_escaped(_character(value), quote=chr(39))}'")
        case "U":
            return form.pad(f"U+{value:04X}")
        case _:
            return _wrong(value, verb)
    if form.precision is not None:
        digits = digits.zfill(form.precision)
    sign = "-" if value < 0 else "+" if "+" in form.flags else " " if " " in form.flags else ""
    return form.pad(sign + digits, number=form.precision is None)


def _float(value: float, verb: str, form: _Form) -> str:
    if verb in ("x", "X") and form.precision is None and value - value == 0:
        return form.pad(_hexadecimal(value) if verb == "x" else _hexadecimal(value).upper())
    if verb not in ("v", "e", "E", "f", "F", "g", "G"):
        return _wrong(value, verb)
    text = format_float(value, "g" if verb == "v" else verb, form.precision)
    if not text.startswith(("-", "+")) and "+" in form.flags:
        text = f"+{text}"
    elif not text.startswith(("-", "+")) and " " in form.flags:
        text = f" {text}"
    return form.pad(text, number=value - value == 0)


def _hexadecimal(value: float) -> str:
    mantissa, exponent = value.hex().split("p")
    whole, _, fraction = mantissa.partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}{'.' if fraction else ''}{fraction}p{exponent[0]}{exponent[1:]:0>2}"


def _text(value: str, verb: str, form: _Form) -> str:
    if form.precision is not None and verb not in ("x", "X"):
        value = value[: form.precision]
    match verb:
        case "v" | "s":
            return form.pad(value)
        case "q":
            if "#" in form.flags and "`" not in value and value.isprintable():
                return form.pad(f"`{value}`")
            return form.pad(f'"{_escaped(value, ascii_only="+" in form.flags)}"')
        case "x" | "X":
            digits = value.encode("utf-8", "replace").hex(" " if " " in form.flags else "\0").replace("\0", "")
            return form.pad(digits.upper() if verb == "X" else digits)
    return _wrong(value, verb)


def _character(value: int) -> str:
    return chr(value) if 0 <= value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF else "\ufffd"


def _escaped(text: str, quote: str = '"', *, ascii_only: bool = False) -> str:
    if len(text) > PRINTED_CHARS_MAX:
        raise LimitExceeded(f"a text of more than {PRINTED_CHARS_MAX:,} characters is not put in quotes")
    return "".join(_escape(one, quote, ascii_only=ascii_only) for one in text)


def _escape(one: str, quote: str, *, ascii_only: bool) -> str:
    if one in "\"'":
        return f"\\{one}" if one == quote else one
    if one in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[one]
    if one.isprintable() and (one.isascii() or not ascii_only):
        return one
    number = ord(one)
    if number < 0x80:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
