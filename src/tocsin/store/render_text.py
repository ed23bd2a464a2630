"""
Texts into patterns: words and phrases into regular expressions (RE2), wildcards into LIKE patterns, numbers into the engine's spelling.

A word is a run of ASCII letters and digits and of whatever is not ASCII, just as the text index splits bodies
(`splitByNonAlpha`): `req-B` is the words `req` and `B`. Letters compare without case, ASCII ones alone, because the index folds no others.
"""

from __future__ import annotations

import math
import re

from tocsin.store.plan import Gap

WORD_CHARACTERS = r"0-9A-Za-z\x{80}-\x{10FFFF}"
START = f"(?:^|[^{WORD_CHARACTERS}])"
END = f"(?:$|[^{WORD_CHARACTERS}])"
ASCII_LOWER = str.maketrans({chr(letter): chr(letter + 32) for letter in range(65, 91)})
EXPONENT_FROM = 21  # the engine writes 1e20 with all its digits, 1e21 not
EXPONENT_BELOW = -6


def words(text: str) -> list[str]:
    """The words of a text in lower case: `Req-B, café` gives `['req', 'b', 'café']`."""
    return re.findall("[0-9a-z\u0080-\U0010ffff]+", text.translate(ASCII_LOWER))


def words_pattern(text: str) -> str:
    """An expression that finds the words of `text` one after the other, any case, whatever stands between them."""
    between = f"[^{WORD_CHARACTERS}]+"
    return f"(?i){START}{between.join(words(text))}{END}"


def exact_pattern(text: str) -> str:
    """An expression that finds `text` itself, its case kept, with no letter or digit joined to either end."""
    return f"{START}{_literal(text)}{END}"


def wildcard_pattern(pieces: tuple[str | Gap, ...]) -> str:
    """An expression that finds a stretch without spaces that fits the wildcard from its start to its end, any case."""
    parts = {Gap.MANY: r"\S*", Gap.ONE: r"\S"}
    return f"(?i){START}{''.join(parts[piece] if isinstance(piece, Gap) else _literal(piece) for piece in pieces)}{END}"


def like_pattern(pieces: tuple[str | Gap, ...]) -> str:
    r"""The LIKE pattern of a wildcard: `10%` followed by anything is `10\%%`."""
    parts = {Gap.MANY: "%", Gap.ONE: "_"}
    return "".join(parts[piece] if isinstance(piece, Gap) else re.sub(r"([\\%_])", r"\\\1", piece) for piece in pieces)


def spellings(value: str) -> list[str]:
    """
    The texts under which a value may be stored: as written, and as the engine writes that number or truth.

    `5000.0` gives `['5000.0', '5000']`, because the integer 5000 and the double 5000.0 are both stored as `5000`.
    """
    found = [value]
    if value.lower() in {"true", "false"}:
        found.append(value.lower())
    if re.fullmatch(r"[+-]?\d{1,40}", value):
        found.append(str(int(value)))
    if re.fullmatch(r"[+-]?(?:\d{1,40}\.?\d{0,40}|\.\d{1,40})(?:[eE][+-]?\d{1,3})?", value):
        found.append(float_text(float(value)))
    return list(dict.fromkeys(found))


def float_text(number: float) -> str:
    """A double as the engine writes it: 5000.0 as `5000`, 1e21 as `1e21`, 0.0000001 as `1e-7`."""
    if not math.isfinite(number):
        return repr(number)
    mantissa, _, exponent = f"{number!r}".partition("e")
    sign, digits_text = ("-", mantissa[1:]) if mantissa.startswith("-") else ("", mantissa)
    whole, _, fraction = digits_text.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return sign + "0"
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if not EXPONENT_BELOW < point <= EXPONENT_FROM:
        return sign + digits[0] + ("." + digits[1:] if len(digits) > 1 else "") + f"e{point - 1}"
    if point <= 0:
        return sign + "0." + "0" * -point + digits
    return sign + digits.ljust(point, "0")[:point] + ("." + digits[point:] if len(digits) > point else "")


def _literal(text: str) -> str:
    return re.sub(r"([^0-9A-Za-z\u0080-\U0010ffff])", lambda found: f"\\x{{{ord(found[1]):x}}}", text)
