"""
The forms that a clause may take, for any field: equality, comparison, range, wildcard, regular expression, existence.

A value in quotes is exactly itself; an unquoted one may hold `*` and `?`. A bound that is a number compares by value, any other as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from tocsin.errors import ParseError
from tocsin.query.lucene import Clause
from tocsin.query.scan import RANGE, Kind, Token, unescape
from tocsin.store.plan import Between, Compare, Equals, Everything, Exists, Field, Gap, Operator, Phrase, Predicate, Regex, Wildcard, Word

REGEX_CHARACTERS_MAX = 500


def bare_condition(value: Token) -> Predicate:
    """What a value without a field asks for: a word, a phrase, a wildcard or an expression in the record's text."""
    if value.kind is Kind.REGEX:
        return Regex(None, expression(value))
    if value.kind is Kind.PHRASE:
        return Phrase(value.text)
    if value.kind is Kind.RANGE:
        message = f"the range at position {value.position} has no key: write key:{value.text}, or quote it"
        raise ParseError(message, position=value.position)
    pieces = pieces_of(value.text)
    if pieces == (Gap.MANY,):
        return Everything()
    return Wildcard(None, pieces) if any(isinstance(piece, Gap) for piece in pieces) else Word(unescape(value.text))


def content(value: Token) -> str:
    """A term without its escapes, or a phrase."""
    return value.text if value.kind is Kind.PHRASE else unescape(value.text)


def pieces_of(text: str) -> tuple[str | Gap, ...]:
    r"""`a*b\*c` as ('a', Gap.MANY, 'b*c')."""
    pieces: list[str | Gap] = []
    for part in re.findall(r"\\.|[*?]|[^\\*?]+", text, re.DOTALL):
        gap = Gap(part) if part in {"*", "?"} else None
        if gap is None and pieces and isinstance(pieces[-1], str):
            pieces[-1] += unescape(part)
        elif not (gap is Gap.MANY and pieces and pieces[-1] is Gap.MANY):
            pieces.append(gap or unescape(part))
    return tuple(pieces)


def expression(value: Token) -> str:
    """A regular expression of bounded length; the engine matches it in time linear in the text."""
    if len(value.text) > REGEX_CHARACTERS_MAX:
        raise ParseError(f"the regular expression has more than {REGEX_CHARACTERS_MAX} characters; shorten it", position=value.position)
    return value.text


Convert: TypeAlias = "Callable[[str, Token], str | float]"


def condition_on(field: Field, clause: Clause, convert: Convert) -> Predicate:
    """Equality, comparison, range, wildcard, expression or existence, whichever the clause's form states."""
    value = clause.value
    if clause.comparison:
        return comparison_on(field, clause, convert)
    if value.kind is Kind.REGEX:
        return Regex(field, expression(value))
    if value.kind is Kind.RANGE:
        return _range(field, value, convert)
    pieces = pieces_of(value.text) if value.kind is Kind.TERM else (value.text,)
    if pieces == (Gap.MANY,):
        return Exists(field)
    if any(isinstance(piece, Gap) for piece in pieces):
        return Wildcard(field, pieces)
    return Equals(field, content(value))


def comparison_on(field: Field, clause: Clause, convert: Convert) -> Predicate:
    """`key:>5` and its kin; the bound is what `convert` makes of the value."""
    if clause.value.kind not in {Kind.TERM, Kind.PHRASE}:
        name = clause.field.text if clause.field else ""
        message = f"{clause.comparison} needs one value after it, as in {name}:{clause.comparison}5 (position {clause.value.position})"
        raise ParseError(message, position=clause.value.position)
    operator: Operator = clause.comparison  # type: ignore[assignment]  # the scanner makes no others
    return Compare(field, operator, convert(content(clause.value), clause.value))


def _range(field: Field, value: Token, convert: Convert) -> Predicate:
    match = RANGE.fullmatch(value.text)
    assert match is not None, "the scanner lets no other range through"
    low, high = (None if text == "*" else _bound(text, value, convert) for text in (match["low"], match["high"]))
    low_included, high_included = match["open"] == "[", match["close"] == "]"
    if low is None and high is None:
        return Exists(field)
    if low is None or high is None:
        return Compare(field, "<=" if high_included else "<", high) if high is not None else _from(field, low, included=low_included)
    if isinstance(low, str) != isinstance(high, str):
        low, high = match["low"].strip('"'), match["high"].strip('"')
    return Between(field, low, high, low_included, high_included)


def _from(field: Field, low: str | float | None, *, included: bool) -> Predicate:
    assert low is not None, "a range with two open ends is asked for by Exists"
    return Compare(field, ">=" if included else ">", low)


def _bound(text: str, value: Token, convert: Convert) -> str | float:
    quoted = len(text) > 1 and text.startswith('"') and text.endswith('"')
    return convert(unescape(text[1:-1] if quoted else text), value)


def number_of(text: str) -> float | None:
    """The number that a text writes in decimal (`5`, `-1.5`, `1e3`), None when it writes none."""
    return float(text) if re.fullmatch(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", text) else None


def number_or_text(text: str, _token: Token) -> str | float:
    """A bound of an attribute: a number where it reads as one."""
    number = number_of(text)
    return text if number is None else number


def as_text(text: str, _token: Token) -> str:
    """A bound of a field whose values are texts."""
    return text
