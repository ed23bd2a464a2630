r"""
Constants as Go writes them.

    "tab\t"    'a'    1_000    0x1F    1e3

Source: The Go Programming Language Specification, 'Integer literals' to 'String literals'.
"""

from __future__ import annotations

import re

INTEGER_MAX = 2**64 - 1
NUMBER_CHARS_MAX = 64

_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))", re.DOTALL)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", "'": "'", '"': '"'}


def quoted(text: str) -> str:
    """
    A text in double quotes, without them.

    Raises:
        ValueError: It holds an escape that Go does not know.
    """
    inside = text[1:-1]
    if "\\" not in inside:
        return inside
    found = bytearray()  # \xff is a byte, not a character
    position = 0
    for escape in _ESCAPE.finditer(inside):
        found += inside[position : escape.start()].encode("utf-8", "replace")
        found += _escaped(escape)
        position = escape.end()
    return (found + inside[position:].encode("utf-8", "replace")).decode("utf-8", "replace")


def _escaped(escape: re.Match[str]) -> bytes:
    byte, short, long, octal, simple = escape.groups()
    if byte or octal:
        value = int(byte, 16) if byte else int(octal, 8)
        if value > 0xFF:
            raise ValueError(f"{escape[0]} is no byte: an octal escape ends at \\377")
        return bytes([value])
    if short or long:
        value = int(short or long, 16)
        if value > 0x10FFFF or 0xD800 <= value <= 0xDFFF:
            raise ValueError(f"{escape[0]} is no character")
        return chr(value).encode()
    if simple not in _SIMPLE:
        raise ValueError(f"{escape[0]!r} is no escape that Go knows; write \\\\ for a backslash, or the text in back quotes")
    return _SIMPLE[simple].encode()


def character(text: str) -> int:
    """
    A character in single quotes, as its number.

    Raises:
        ValueError: It is not exactly one.
    """
    value = quoted(text)
    if len(value) != 1:
        raise ValueError(f"{text[:20]} is not one character; a text stands in double quotes")
    return ord(value)


def number(text: str) -> int | float:
    """
    A number: whole where Go takes it for an int, else a float.

    Raises:
        ValueError: It does not read, or 64 bits can't hold it.
    """
    if len(text) > NUMBER_CHARS_MAX:
        raise ValueError(f"a number has at most {NUMBER_CHARS_MAX} characters")
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-")
    try:
        if digits[:2].lower() in ("0x", "0b", "0o"):
            value: int | float = sign * int(digits, 0)
        elif re.fullmatch(r"[0-9_]+", digits):
            octal = digits.startswith("0") and len(digits) > 1
            value = sign * int(digits, 8 if octal else 10)
        else:
            value = sign * float(digits)
    except ValueError:
        raise ValueError(f"{text!r} is no number") from None
    if (isinstance(value, int) and abs(value) > INTEGER_MAX) or value in (float("inf"), float("-inf")):
        raise ValueError(f"{text!r} is larger than 64 bits can hold")
    return value
